package gguf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// raw builds files that Write would refuse to write.
type raw []byte

func (r raw) u32(n uint32) raw    { return binary.LittleEndian.AppendUint32(r, n) }
func (r raw) u64(n uint64) raw    { return binary.LittleEndian.AppendUint64(r, n) }
func (r raw) text(s string) raw   { return append(r.u64(uint64(len(s))), s...) }
func (r raw) bytes(b ...byte) raw { return append(r, b...) }
func (r raw) pad(n int) raw       { return append(r, make([]byte, n)...) }

// head begins a file of version 3.
func head(tensors, pairs uint64) raw { return raw("GGUF").u32(3).u64(tensors).u64(pairs) }

// info is the description of a tensor.
func (r raw) info(name string, t quant.Type, offset uint64, shape ...uint64) raw {
	r = r.text(name).u32(uint32(len(shape)))
	for _, d := range shape {
		r = r.u64(d)
	}
	return r.u32(uint32(t)).u64(offset)
}

func TestRefusals(t *testing.T) {
	const u8, u32, str, arr = 0, 4, 8, 9
	for _, c := range []struct {
		name string
		data raw
		err  error
		says string // the place
	}{
		{"empty", nil, gguf.ErrTruncated, "offset 0: header"},
		{"another format", raw("\x80\x02}q"), gguf.ErrMagic, "offset 0: header"},
		{"version 1", raw("GGUF").u32(1).pad(16), gguf.ErrVersion, "offset 4: header: version 1"},
		{"version 4", raw("GGUF").u32(4).pad(16), gguf.ErrVersion, "version 4"},
		{"version 0", raw("GGUF").u32(0).pad(16), gguf.ErrVersion, "version 0"},
		{"big endian", raw("GGUF").bytes(0, 0, 0, 3).pad(16), gguf.ErrBigEndian, "offset 4"},
		{"no counts", raw("GGUF").u32(3).u32(0), gguf.ErrTruncated, "offset 8: number of tensors"},
		{"2^60 tensors", head(1<<60, 0).pad(100), gguf.ErrTruncated, "offset 8: number of tensors: 1152921504606846976"},
		{"2^60 pairs", head(0, 1<<60).pad(100), gguf.ErrTruncated, "offset 16: number of metadata pairs: 1152921504606846976"},
		{"2^64-1 pairs", head(0, 1<<64-1).pad(100), gguf.ErrTruncated, "offset 16"},
		{"key of 2^60 bytes", head(0, 1).u64(1 << 60).pad(100), gguf.ErrTruncated, "offset 24: key 1 of 1"},
		{"empty key", head(0, 1).text("").u32(u8).pad(9), gguf.ErrValue, "offset 24: key 1 of 1"},
		{"long key", head(0, 1).text(strings.Repeat("k", 1<<16)).u32(u8).pad(9), gguf.ErrValue, "65536 bytes"},
		{"duplicate key", head(0, 2).text("k").u32(u8).bytes(1).text("k").u32(u8).bytes(1).pad(9), gguf.ErrDuplicate, `offset 38: key "k"`},
		{"unknown value type", head(0, 1).text("k").u32(13).pad(9), gguf.ErrUnknownType, `offset 33: key "k": value type 13`},
		{"bool of 2", head(0, 1).text("k").u32(7).bytes(2).pad(9), gguf.ErrValue, `offset 37: key "k": bool of value 2`},
		{"text of 2^60 bytes", head(0, 1).text("k").u32(str).u64(1 << 60).pad(9), gguf.ErrTruncated, `offset 37: key "k"`},
		{"array of 2^60 numbers", head(0, 1).text("k").u32(arr).u32(u32).u64(1 << 60).pad(9), gguf.ErrTruncated, `offset 41: key "k"`},
		{"array of 2^60 texts", head(0, 1).text("k").u32(arr).u32(str).u64(1 << 60).pad(9), gguf.ErrTruncated, `key "k"`},
		{"array of 2^60 arrays", head(0, 1).text("k").u32(arr).u32(arr).u64(1 << 60).pad(9), gguf.ErrTruncated, `key "k"`},
		{"array of a long text", head(0, 1).text("k").u32(arr).u32(str).u64(1).u64(10).pad(9), gguf.ErrTruncated, `key "k"`},
		{"array of unknown type", head(0, 1).text("k").u32(arr).u32(99).u64(1).pad(9), gguf.ErrUnknownType, `key "k": value type 99`},
		{"arrays five deep", head(0, 1).text("k").u32(arr).u32(arr).u64(1).u32(arr).u64(1).u32(arr).u64(1).u32(arr).u64(1).u32(u8).u64(1).pad(9), gguf.ErrNesting, `key "k"`},
		{"alignment of 0", head(0, 1).text(gguf.AlignmentKey).u32(u32).u32(0).pad(9), gguf.ErrValue, `key "general.alignment"`},
		{"alignment of 24", head(0, 1).text(gguf.AlignmentKey).u32(u32).u32(24).pad(9), gguf.ErrValue, "alignment 24"},
		{"alignment in a byte", head(0, 1).text(gguf.AlignmentKey).u32(u8).bytes(32).pad(9), gguf.ErrValue, "uint8"},
		{"alignment beyond the file", head(1, 1).text(gguf.AlignmentKey).u32(u32).u32(1<<30).info("t", quant.F32, 0, 1).pad(99), gguf.ErrTruncated, "tensor data"},

		{"tensor without a name", head(1, 0).info("", quant.F32, 0, 1).pad(64), gguf.ErrValue, "offset 24: tensor 1 of 1"},
		{"duplicate tensor", head(2, 0).info("t", quant.F32, 0, 1).info("t", quant.F32, 32, 1).pad(96), gguf.ErrDuplicate, `offset 57: tensor "t"`},
		{"five dimensions", head(1, 0).info("t", quant.F32, 0, 1, 1, 1, 1, 1).pad(64), gguf.ErrShape, `offset 33: tensor "t": 5 dimensions`},
		{"2^32-1 dimensions", head(1, 0).text("t").u32(1<<32 - 1).pad(64), gguf.ErrShape, "4294967295 dimensions"},
		{"dimension of 0", head(1, 0).info("t", quant.F32, 0, 4, 0).pad(64), gguf.ErrShape, "dimension 2 is 0"},
		{"dimension of 2^63", head(1, 0).info("t", quant.F32, 0, 1<<63).pad(64), gguf.ErrShape, "dimension 1"},
		{"elements overflow", head(1, 0).info("t", quant.F32, 0, 1<<32, 1<<31).pad(64), gguf.ErrShape, "dimension 2"},
		{"bytes overflow", head(1, 0).info("t", quant.F64, 0, 1<<31, 1<<31).pad(64), gguf.ErrShape, `tensor "t"`},
		{"type 4", head(1, 0).info("t", quant.Type(4), 0, 32).pad(64), gguf.ErrUnknownType, `tensor "t": type 4`},
		{"type 2^31", head(1, 0).info("t", quant.Type(1<<31), 0, 32).pad(64), gguf.ErrUnknownType, "type 2147483648"},
		{"part of a block", head(1, 0).info("t", quant.Q8_0, 0, 33).pad(99), gguf.ErrShape, `tensor "t"`},
		{"rows that are no blocks", head(1, 0).info("t", quant.Q8_0, 0, 16, 2).pad(99), gguf.ErrShape, `tensor "t"`},
		{"offset off alignment", head(1, 0).info("t", quant.F32, 4, 1).pad(99), gguf.ErrOffset, `offset 24: tensor "t"`},
		{"offset beyond the file", head(1, 0).info("t", quant.F32, 1<<60, 1).pad(99), gguf.ErrTruncated, `tensor "t"`},
		{"offset that wraps", head(1, 0).info("t", quant.F32, 1<<64-32, 64).pad(999), gguf.ErrTruncated, `tensor "t"`},
		{"data cut short", head(1, 0).info("t", quant.F32, 0, 9).pad(40), gguf.ErrTruncated, "data of 36 bytes at 64+0"},
		{"overlap", head(2, 0).info("t", quant.F32, 0, 9).info("u", quant.F32, 32, 1).pad(99), gguf.ErrOverlap, `offset 57: tensor "u": with "t"`},
		{"same place", head(2, 0).info("t", quant.F32, 32, 1).info("u", quant.F32, 32, 1).pad(99), gguf.ErrOverlap, `with "t"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := gguf.Parse(c.data)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.err) {
				t.Fatalf("Parse = %v, %v, want %v", f, err, c.err)
			}
			var place *gguf.FormatError
			if !errors.As(err, &place) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("took %d bytes of memory for a file of %d", n, len(c.data))
			}
		})
	}
}

func TestWriteRefusals(t *testing.T) {
	vector := tensor("v", quant.F32, 3)
	with := func(change func(*gguf.Tensor)) []gguf.Tensor {
		x := vector
		change(&x)
		return []gguf.Tensor{x}
	}
	for _, c := range []struct {
		name    string
		kv      []gguf.KV
		tensors []gguf.Tensor
		err     error
	}{
		{"empty key", []gguf.KV{{"", uint8(1)}}, nil, gguf.ErrValue},
		{"duplicate key", []gguf.KV{{"k", uint8(1)}, {"k", uint8(1)}}, nil, gguf.ErrDuplicate},
		{"int", []gguf.KV{{"k", 1}}, nil, gguf.ErrUnknownType},
		{"nil", []gguf.KV{{"k", nil}}, nil, gguf.ErrUnknownType},
		{"array of mixed things", []gguf.KV{{"k", []any{[]bool{true}, 1}}}, nil, gguf.ErrUnknownType},
		{"nesting", []gguf.KV{{"k", []any{[]any{[]any{[]any{[]bool{}}}}}}}, nil, gguf.ErrNesting},
		{"alignment", []gguf.KV{{gguf.AlignmentKey, uint32(3)}}, nil, gguf.ErrValue},
		{"alignment's type", []gguf.KV{{gguf.AlignmentKey, uint64(32)}}, nil, gguf.ErrValue},
		{"duplicate tensor", nil, []gguf.Tensor{vector, vector}, gguf.ErrDuplicate},
		{"no name", nil, with(func(x *gguf.Tensor) { x.Name = "" }), gguf.ErrValue},
		{"long name", nil, with(func(x *gguf.Tensor) { x.Name = strings.Repeat("n", 64) }), gguf.ErrValue},
		{"five dimensions", nil, with(func(x *gguf.Tensor) { x.Shape = []int{3, 1, 1, 1, 1} }), gguf.ErrShape},
		{"negative dimension", nil, with(func(x *gguf.Tensor) { x.Shape = []int{-3} }), gguf.ErrShape},
		{"overflow", nil, with(func(x *gguf.Tensor) { x.Shape = []int{1 << 40, 1 << 40} }), gguf.ErrShape},
		{"data of another length", nil, with(func(x *gguf.Tensor) { x.Data = x.Data[1:] }), gguf.ErrShape},
		{"part of a block", nil, with(func(x *gguf.Tensor) { x.Type = quant.Q4_0 }), quant.ErrLength},
		{"unknown type", nil, with(func(x *gguf.Tensor) { x.Type = 5 }), quant.ErrUnknown},
	} {
		if err := gguf.Write(io.Discard, c.kv, c.tensors); !errors.Is(err, c.err) {
			t.Errorf("%s: Write: %v, want %v", c.name, err, c.err)
		}
	}
	w, err := gguf.NewWriter(io.Discard, nil, []gguf.Tensor{vector})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, gguf.ErrIncomplete) {
		t.Errorf("Close before the tensor: %v", err)
	}
	if err := w.WriteTensor(vector.Data); err != nil {
		t.Error(err)
	}
	if err := w.WriteTensor(vector.Data); err == nil {
		t.Error("a second tensor was accepted")
	}
}

// TestTruncated cuts a file at every byte: each is refused, with the place.
func TestTruncated(t *testing.T) {
	data := small(t)
	whole, err := gguf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	last := whole.Tensors[len(whole.Tensors)-1]
	// The padding after the last tensor may be missing.
	end := len(data) - 32 + len(last.Data)%32
	for n := range end {
		_, err := gguf.Parse(data[:n:n])
		var place *gguf.FormatError
		if !errors.As(err, &place) || place.Offset > int64(n) {
			t.Fatalf("cut at %d of %d: %v", n, len(data), err)
		}
	}
	if _, err := gguf.Parse(data[:end]); err != nil {
		t.Errorf("cut at the end of the data: %v", err)
	}
}

// TestFlipped flips bits of every byte of a file: what is still accepted must hold together.
func TestFlipped(t *testing.T) {
	data := small(t)
	f, err := gguf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int(f.DataOffset) {
		for _, mask := range []byte{0x01, 0x08, 0xff} {
			data[i] ^= mask
			checkAccepted(t, data)
			data[i] ^= mask
		}
	}
}

// checkAccepted parses data; a file that is accepted must be written and read again as the same.
func checkAccepted(t *testing.T, data []byte) {
	f, err := gguf.Parse(data)
	if err != nil {
		var place *gguf.FormatError
		if !errors.As(err, &place) || place.Offset < 0 || place.Offset > int64(len(data)) {
			t.Fatalf("error without a place: %v", err)
		}
		return
	}
	for _, x := range f.Tensors {
		if want, err := x.Type.RowBytes(x.Elements()); err != nil || want != len(x.Data) {
			t.Fatalf("tensor %q %v %v has %d bytes (%v)", x.Name, x.Type, x.Shape, len(x.Data), err)
		}
		if len(x.Name) > 63 {
			return // read, but not written
		}
	}
	if f.Alignment > 1<<20 {
		return
	}
	var buf bytes.Buffer
	if err := gguf.Write(&buf, f.KV, f.Tensors); err != nil {
		t.Fatalf("what was read is not written: %v", err)
	}
	g, err := gguf.Parse(buf.Bytes())
	if err != nil {
		t.Fatalf("what was written is not read: %v", err)
	}
	var again bytes.Buffer
	if err := gguf.Write(&again, g.KV, g.Tensors); err != nil || !bytes.Equal(again.Bytes(), buf.Bytes()) {
		t.Fatalf("the second copy differs (%v)", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small(f)))
	f.Add([]byte(head(1, 0).info("t", quant.F32, 0, 9).pad(48)))
	f.Add([]byte(head(0, 1).text("k").u32(9).u32(9).u64(1).u32(8).u64(1).text("x")))
	f.Fuzz(func(t *testing.T, data []byte) { checkAccepted(t, data) })
}
