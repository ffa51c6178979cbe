package safetensors_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/safetensors"
)

// file puts a header before data.
func file(header string, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

const two = `{"__metadata__":{"format":"pt"},
	"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[4,12]},
	"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `

func save(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	whole := []safetensors.Tensor{
		{Name: "a", DType: "F32", Shape: []int{}, Data: []byte("0123")},
		{Name: "b", DType: "BF16", Shape: []int{2, 2}, Data: []byte("456789ab")},
	}
	for _, c := range []struct {
		name string
		make func(dir string) string // returns what to open
	}{
		{"file", func(dir string) string {
			return save(t, dir, "x.safetensors", file(two, "0123456789ab"))
		}},
		{"folder", func(dir string) string {
			save(t, dir, safetensors.FileName, file(two, "0123456789ab"))
			return dir
		}},
		{"shards", func(dir string) string {
			save(t, dir, "m-1.safetensors", file(`{"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}`, "456789ab"))
			save(t, dir, "m-2.safetensors", file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, "0123"))
			save(t, dir, safetensors.IndexName, []byte(`{"metadata":{"total_size":12},"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}}`))
			return dir
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := safetensors.Open(c.make(t.TempDir()))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if diff := cmp.Diff(whole, s.Tensors); diff != "" {
				t.Errorf("Tensors (-want +got):\n%s", diff)
			}
			if s.Metadata["format"] != "pt" {
				t.Errorf("Metadata = %v", s.Metadata)
			}
			x, ok := s.Tensor("b")
			if typ, err := x.Type(); !ok || typ != quant.BF16 || err != nil {
				t.Errorf("Tensor(b) = %v, %v, of type %v, %v", x, ok, typ, err)
			}
			if _, ok := s.Tensor("c"); ok {
				t.Error("Tensor(c) is there")
			}
		})
	}
}

func TestOpenModel(t *testing.T) {
	s, err := safetensors.Open(sharedData(t, "models/tinystories-656k"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for _, x := range s.Tensors {
		n += len(x.Data) / 4
	}
	x, ok := s.Tensor("lm_head.weight")
	if !ok || !cmp.Equal(x.Shape, []int{2048, 128}) || n != 656000 || len(s.Tensors) != 20 {
		t.Errorf("%d tensors of %d elements; embedding %v %v", len(s.Tensors), n, x.DType, x.Shape)
	}
}

func TestRefusals(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return `{"t":{"dtype":` + dtype + `,"shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	huge := make([]byte, 16)
	binary.LittleEndian.PutUint64(huge, 1<<60)
	long := make([]byte, 16)
	binary.LittleEndian.PutUint64(long, 9)
	for _, c := range []struct {
		name string
		data []byte
		err  error
		says string
	}{
		{"empty", nil, safetensors.ErrTruncated, "offset 0: header size"},
		{"seven bytes", make([]byte, 7), safetensors.ErrTruncated, "7 bytes"},
		{"header of 2^60", huge, safetensors.ErrHeader, "1152921504606846976 bytes, at most 100000000"},
		{"header beyond the file", long, safetensors.ErrTruncated, "9 bytes, the file has 8 more"},
		{"no JSON", file("\x00\x01", ""), safetensors.ErrHeader, "offset 8: header"},
		{"array", file("[]", ""), safetensors.ErrHeader, "no JSON object"},
		{"unfinished", file(`{"t":{`, ""), safetensors.ErrHeader, "offset 8: header"},
		{"two objects", file(`{} {}`, ""), safetensors.ErrHeader, "text after the object"},
		{"duplicate", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xx"), safetensors.ErrDuplicate, `"t"`},
		{"duplicate by escape", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0074":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xx"), safetensors.ErrDuplicate, `"t"`},
		{"metadata are no texts", file(`{"__metadata__":{"a":1}}`, ""), safetensors.ErrHeader, "__metadata__"},
		{"no dtype", file(`{"t":{"shape":[1],"data_offsets":[0,1]}}`, "x"), safetensors.ErrHeader, "lacks dtype"},
		{"three offsets", file(one(`"U8"`, "[1]", "[0,1,1]"), "x"), safetensors.ErrHeader, `"t"`},
		{"fraction", file(one(`"U8"`, "[1.5]", "[0,1]"), "x"), safetensors.ErrHeader, `"t"`},
		{"shape beyond 64 bits", file(one(`"U8"`, "[99999999999999999999]", "[0,1]"), "x"), safetensors.ErrHeader, `"t"`},
		{"unknown dtype", file(one(`"Q7"`, "[1]", "[0,1]"), "x"), safetensors.ErrDType, `tensor "t": "Q7"`},
		{"negative dimension", file(one(`"U8"`, "[-1]", "[0,1]"), "x"), safetensors.ErrShape, `tensor "t"`},
		{"overflow", file(one(`"U8"`, "[4294967296,4294967296]", "[0,0]"), ""), safetensors.ErrShape, `tensor "t"`},
		{"offsets of another length", file(one(`"F32"`, "[1]", "[0,3]"), "xxx"), safetensors.ErrOffsets, "takes 4 bytes"},
		{"offsets backwards", file(one(`"U8"`, "[1]", "[0,-1]"), "x"), safetensors.ErrOffsets, `tensor "t"`},
		{"hole in front", file(one(`"U8"`, "[1]", "[1,2]"), "xx"), safetensors.ErrOffsets, "begins at 1"},
		{"overlap", file(`{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"u":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "xxx"), safetensors.ErrOffsets, `tensor "u"`},
		{"cut short", file(one(`"F32"`, "[2]", "[0,8]"), "xxxx"), safetensors.ErrTruncated, "data end at 8, the file has 4"},
		{"bytes of nobody", file(one(`"U8"`, "[1]", "[0,1]"), "xx"), safetensors.ErrOffsets, "1 bytes belong to no tensor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := safetensors.Parse(c.data)
			runtime.ReadMemStats(&after)
			var place *safetensors.FormatError
			if !errors.Is(err, c.err) || !errors.As(err, &place) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Parse: %v, want %v that says %q", err, c.err, c.says)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("took %d bytes of memory for a file of %d", n, len(c.data))
			}
		})
	}
}

func TestFolderRefusals(t *testing.T) {
	a := file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "x")
	for _, c := range []struct {
		name  string
		index string
		err   error
		says  string
	}{
		{"no index", "", os.ErrNotExist, "neither model.safetensors nor"},
		{"index is no JSON", "{", safetensors.ErrIndex, safetensors.IndexName},
		{"empty index", "{}", safetensors.ErrIndex, "no tensors"},
		{"file missing", `{"weight_map":{"a":"gone.safetensors"}}`, os.ErrNotExist, "gone.safetensors"},
		{"file above the folder", `{"weight_map":{"a":"../m.safetensors"}}`, safetensors.ErrIndex, "not a file of this folder"},
		{"absolute file", `{"weight_map":{"a":"/m.safetensors"}}`, safetensors.ErrIndex, "not a file of this folder"},
		{"tensor missing", `{"weight_map":{"a":"m.safetensors","b":"m.safetensors"}}`, safetensors.ErrIndex, `"b" is not in m.safetensors`},
		{"tensor not listed", `{"weight_map":{"b":"m.safetensors"}}`, safetensors.ErrIndex, `"b" is not in`},
		{"tensor in two files", `{"weight_map":{"a":"m.safetensors","b":"n.safetensors"}}`, safetensors.ErrDuplicate, "also in m.safetensors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			save(t, dir, "m.safetensors", a)
			save(t, dir, "n.safetensors", a)
			if c.index != "" {
				save(t, dir, safetensors.IndexName, []byte(c.index))
			}
			_, err := safetensors.Open(dir)
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open: %v, want %v that says %q", err, c.err, c.says)
			}
		})
	}
	if _, err := (safetensors.Tensor{Name: "t", DType: "I64"}).Type(); !errors.Is(err, safetensors.ErrDType) || !strings.Contains(err.Error(), "I64") {
		t.Errorf("Type of I64: %v", err)
	}
}

// checkAccepted parses data; the tensors of a file that is accepted must cover its data exactly.
func checkAccepted(t *testing.T, data []byte) {
	tensors, _, err := safetensors.Parse(data)
	if err != nil {
		var place *safetensors.FormatError
		if !errors.As(err, &place) || place.Offset < 0 {
			t.Fatalf("error without a place: %v", err)
		}
		return
	}
	n := 8 + int(binary.LittleEndian.Uint64(data))
	for _, x := range tensors {
		n += len(x.Data)
		want := len(x.Data)
		for _, d := range x.Shape {
			if d > 0 {
				want /= d
			}
		}
		if len(x.Data) > 0 && (want < 1 || want > 8) {
			t.Fatalf("tensor %q %s %v has %d bytes", x.Name, x.DType, x.Shape, len(x.Data))
		}
	}
	if n != len(data) {
		t.Fatalf("tensors reach to %d of %d", n, len(data))
	}
}

func TestMutated(t *testing.T) {
	data := file(two, "0123456789ab")
	for n := range data {
		if _, _, err := safetensors.Parse(data[:n:n]); err == nil {
			t.Errorf("cut at %d of %d: no error", n, len(data))
		}
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			checkAccepted(t, data)
			data[i] ^= 1 << bit
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(two, "0123456789ab"))
	f.Add(file("{}", ""))
	f.Add(file(`{"t":{"dtype":"F64","shape":[0,9],"data_offsets":[0,0]}}`, ""))
	f.Fuzz(checkAccepted)
}
