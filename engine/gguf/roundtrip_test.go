package gguf_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// everything has a value of each type.
func everything() []gguf.KV {
	return []gguf.KV{
		{"a.uint8", uint8(201)}, {"a.int8", int8(-101)}, {"a.uint16", uint16(60001)}, {"a.int16", int16(-30001)},
		{"a.uint32", uint32(4000000001)}, {"a.int32", int32(-2000000001)},
		{"a.uint64", uint64(math.MaxUint64 - 1)}, {"a.int64", int64(math.MinInt64 + 1)},
		{"a.float32", float32(-1.5e-40)}, {"a.float64", 1.1e300}, {"a.true", true}, {"a.false", false},
		{"a.string", "naïve \x00 \xff"}, {"a.empty", ""},
		{"b.uint8", []uint8{1, 2}}, {"b.int8", []int8{-1}}, {"b.uint16", []uint16{3, 60000}}, {"b.int16", []int16{-3}},
		{"b.uint32", []uint32{5}}, {"b.int32", []int32{-5, 6}}, {"b.uint64", []uint64{1 << 63}}, {"b.int64", []int64{-1 << 63}},
		{"b.float32", []float32{1, float32(math.Inf(-1))}}, {"b.float64", []float64{0.1}}, {"b.bool", []bool{true, false, true}},
		{"b.string", []string{"", "▁the", "\xfe"}}, {"b.none", []float32{}}, {"b.no strings", []string{}},
		{"c.nested", []any{[]int32{1, 2}, []string{"x"}, []any{[]bool{true}, []any{}}}},
	}
}

func tensor(name string, t quant.Type, shape ...int) gguf.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	size, err := t.RowBytes(n)
	if err != nil {
		panic(err)
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*7 + len(name))
	}
	return gguf.Tensor{Name: name, Type: t, Shape: shape, Data: data}
}

func write(t testing.TB, kv []gguf.KV, tensors []gguf.Tensor) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := gguf.Write(&buf, kv, tensors); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// small is a file with something of everything.
func small(t testing.TB) []byte {
	return write(t, everything(), []gguf.Tensor{
		tensor("vector", quant.F32, 3), tensor("matrix", quant.Q4_0, 64, 3), tensor("cube", quant.BF16, 2, 3, 5),
		tensor("point", quant.F64), tensor("four", quant.I8, 1, 2, 1, 3),
	})
}

var sameNumbers = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}

func TestRoundTrip(t *testing.T) {
	tensors := []gguf.Tensor{
		tensor("vector", quant.F32, 3), tensor("matrix", quant.Q4_0, 64, 3), tensor("cube", quant.BF16, 2, 3, 5), tensor("point", quant.F64),
	}
	for _, alignment := range []int{0, 1, 8, 32, 4096} {
		t.Run(fmt.Sprint("alignment=", alignment), func(t *testing.T) {
			kv, want := everything(), gguf.DefaultAlignment
			if alignment > 0 {
				kv = append(kv, gguf.KV{Key: gguf.AlignmentKey, Value: uint32(alignment)})
				want = alignment
			}
			data := write(t, kv, tensors)
			f, err := gguf.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if f.Version != 3 || f.Alignment != want || f.Size != int64(len(data)) || f.DataOffset%int64(want) != 0 {
				t.Errorf("version %d, alignment %d, size %d, data at %d", f.Version, f.Alignment, f.Size, f.DataOffset)
			}
			if diff := cmp.Diff(kv, f.KV); diff != "" {
				t.Errorf("KV (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tensors, f.Tensors, sameNumbers); diff != "" {
				t.Errorf("Tensors (-want +got):\n%s", diff)
			}
			if again := write(t, f.KV, f.Tensors); !bytes.Equal(again, data) {
				t.Error("written again, the file differs")
			}
		})
	}
}

// TestRoundTripRandom writes and reads files of random metadata and tensors.
func TestRoundTripRandom(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		all := everything()
		var kv []gguf.KV
		for i := range rng.IntN(30) {
			kv = append(kv, gguf.KV{Key: fmt.Sprint("key ", i), Value: all[rng.IntN(len(all))].Value})
		}
		types := []quant.Type{quant.F32, quant.Q8_0, quant.Q6_K, quant.MXFP4, quant.I64, quant.IQ1_S}
		var tensors []gguf.Tensor
		for i := range rng.IntN(10) {
			typ := types[rng.IntN(len(types))]
			shape := []int{typ.BlockSize() * (1 + rng.IntN(3))}
			for range rng.IntN(4) {
				shape = append(shape, 1+rng.IntN(4))
			}
			tensors = append(tensors, tensor(fmt.Sprint("tensor ", i), typ, shape...))
		}
		f, err := gguf.Parse(write(t, kv, tensors))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		// cmp is too slow to compare all that are equal.
		if !reflect.DeepEqual(kv, f.KV) || !reflect.DeepEqual(tensors, f.Tensors) {
			t.Fatalf("seed %d (-want +got):\n%s%s", seed, cmp.Diff(kv, f.KV), cmp.Diff(tensors, f.Tensors))
		}
	}
}

// TestVersion2 reads the older version, which differs in nothing but its number.
func TestVersion2(t *testing.T) {
	data := small(t)
	data[4] = 2
	f, err := gguf.Parse(data)
	if err != nil || f.Version != 2 {
		t.Fatalf("Parse: version %v, %v", f, err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small.gguf")
	if err := os.WriteFile(path, small(t), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if x, ok := f.Tensor("matrix"); !ok || len(x.Data) != 108 || x.Elements() != 192 {
		t.Errorf("Tensor(matrix) = %v, %v", x, ok)
	}
	if _, ok := f.Tensor("nothing"); ok {
		t.Error("Tensor(nothing) is there")
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if s, err := f.String("a.string"); s != "naïve \x00 \xff" || err != nil {
		t.Errorf("after Close, String = %q, %v", s, err)
	}

	for name, want := range map[string]error{"": gguf.ErrTruncated, "GGU": gguf.ErrTruncated, "PK\x03\x04": gguf.ErrMagic} {
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := gguf.Open(path)
		var place *gguf.FormatError
		if !errors.Is(err, want) || !errors.As(err, &place) || place.Path != path {
			t.Errorf("Open of %q: %v, want %v with the path", name, err, want)
		}
	}
	if _, err := gguf.Open(filepath.Dir(path)); err == nil {
		t.Error("Open of a folder: no error")
	}
}

func TestGetters(t *testing.T) {
	f, err := gguf.Parse(small(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call string
		get  func() (any, error)
		want any
		err  error
	}{
		{"Uint of uint8", func() (any, error) { return f.Uint("a.uint8") }, uint64(201), nil},
		{"Uint of uint64", func() (any, error) { return f.Uint("a.uint64") }, uint64(math.MaxUint64 - 1), nil},
		{"Uint of a negative", func() (any, error) { return f.Uint("a.int8") }, uint64(0), gguf.ErrValueType},
		{"Uint of a text", func() (any, error) { return f.Uint("a.string") }, uint64(0), gguf.ErrValueType},
		{"Uint of nothing", func() (any, error) { return f.Uint("none") }, uint64(0), gguf.ErrNoKey},
		{"Int of int16", func() (any, error) { return f.Int("a.int16") }, int64(-30001), nil},
		{"Int of a large one", func() (any, error) { return f.Int("a.uint64") }, int64(0), gguf.ErrValueType},
		{"Int of nothing", func() (any, error) { return f.Int("none") }, int64(0), gguf.ErrNoKey},
		{"Float of float64", func() (any, error) { return f.Float("a.float64") }, 1.1e300, nil},
		{"Float of a whole number", func() (any, error) { return f.Float("a.int8") }, 0., gguf.ErrValueType},
		{"Float of nothing", func() (any, error) { return f.Float("none") }, 0., gguf.ErrNoKey},
		{"Bool", func() (any, error) { return f.Bool("a.true") }, true, nil},
		{"Bool of a number", func() (any, error) { return f.Bool("a.uint8") }, false, gguf.ErrValueType},
		{"String of an array", func() (any, error) { return f.String("b.string") }, "", gguf.ErrValueType},
		{"Strings", func() (any, error) { return f.Strings("b.string") }, []string{"", "▁the", "\xfe"}, nil},
		{"Bools", func() (any, error) { return f.Bools("b.bool") }, []bool{true, false, true}, nil},
		{"Ints of uint8", func() (any, error) { return f.Ints("b.uint8") }, []int64{1, 2}, nil},
		{"Ints of int32", func() (any, error) { return f.Ints("b.int32") }, []int64{-5, 6}, nil},
		{"Ints of large ones", func() (any, error) { return f.Ints("b.uint64") }, []int64(nil), gguf.ErrValueType},
		{"Ints of numbers with fractions", func() (any, error) { return f.Ints("b.float32") }, []int64(nil), gguf.ErrValueType},
		{"Floats of float64", func() (any, error) { return f.Floats("b.float64") }, []float32{0.1}, nil},
		{"Floats of nothing", func() (any, error) { return f.Floats("none") }, []float32(nil), gguf.ErrNoKey},
	} {
		got, err := c.get()
		if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, %v, want %v, %v", c.call, got, err, c.want, c.err)
		}
	}
}

// TestVocabularies reads files that llama.cpp wrote.
func TestVocabularies(t *testing.T) {
	for name, want := range map[string]struct {
		model, pre string
		tokens     int
	}{
		"llama-spm": {"llama", "default", 32000}, "phi-3": {"llama", "default", 32064},
		"falcon": {"gpt2", "falcon", 65024}, "starcoder": {"gpt2", "starcoder", 49152},
		"deepseek-coder": {"gpt2", "deepseek-coder", 32256}, "deepseek-llm": {"gpt2", "deepseek-llm", 102400},
	} {
		t.Run(name, func(t *testing.T) {
			path := sharedData(t, "vocab/ggml-vocab-"+name+".gguf")
			f, err := gguf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			model, _ := f.String("tokenizer.ggml.model")
			pre, _ := f.String("tokenizer.ggml.pre")
			tokens, err := f.Strings("tokenizer.ggml.tokens")
			if err != nil || model != want.model || pre != want.pre || len(tokens) != want.tokens {
				t.Errorf("model %q, pre %q, %d tokens, %v, want %v", model, pre, len(tokens), err, want)
			}
			types, err := f.Ints("tokenizer.ggml.token_type")
			if err != nil || len(types) != len(tokens) {
				t.Errorf("%d token types, %v", len(types), err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// Only the version and padding after the last key may differ from what we write.
			again := write(t, f.KV, f.Tensors)
			if n := len(again); n > len(data) || !bytes.Equal(again[8:], data[8:n]) || len(bytes.Trim(data[n:], "\x00")) > 0 {
				t.Errorf("written again, the file differs: %d bytes, was %d", len(again), len(data))
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	path := sharedData(b, "vocab/ggml-vocab-deepseek-llm.gguf")
	for b.Loop() {
		f, err := gguf.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(f.Size)
		f.Close()
	}
}
