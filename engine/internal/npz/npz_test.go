package npz_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine/internal/npz"
)

// npy makes an array file of version 1.
func npy(descr, order, shape string, data ...byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(out, header...), data...)
}

// archive puts the arrays, name then content, into a zip file.
func archive(t testing.TB, members ...any) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(members[i+1].([]byte)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func read(data []byte) (map[string]npz.Array, error) {
	return npz.Read(bytes.NewReader(data), int64(len(data)))
}

func TestRead(t *testing.T) {
	f4 := []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}
	got, err := read(archive(t,
		"half.npy", npy("<f2", "False", "(2,)", 0, 0x3c, 0, 0xc0),
		"single.npy", npy("<f4", "False", "(2, 1)", f4...),
		"either order.npy", npy("<f4", "True", "(2,)", f4...),
		"double.npy", npy("<f8", "False", "()", 0, 0, 0, 0, 0, 0, 0xf8, 0x3f),
		"empty.npy", npy("<f4", "False", "(0, 3)"),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]npz.Array{
		"half": {Shape: []int{2}, Data: []float32{1, -2}}, "single": {Shape: []int{2, 1}, Data: []float32{1, -2}},
		"either order": {Shape: []int{2}, Data: []float32{1, -2}}, "double": {Data: []float32{1.5}},
		"empty": {Shape: []int{0, 3}, Data: []float32{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrays (-want +got):\n%s", diff)
	}
}

func TestOpen(t *testing.T) {
	got, err := npz.Open(sharedData(t, "models/adder-qwen3/best_122.npz"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range got {
		n += len(a.Data)
	}
	q := got["model.layers.0.self_attn.q_proj.weight"]
	if len(got) != 13 || n != 122 || !cmp.Equal(q.Shape, []int{4, 3}) {
		t.Errorf("%d arrays of %d numbers, q_proj %v", len(got), n, q.Shape)
	}
}

func TestRefusals(t *testing.T) {
	long := npy("<f4", "False", "(1,)", 0, 0, 0, 0)
	binary.LittleEndian.PutUint16(long[8:], 60000)
	version := npy("<f4", "False", "(1,)", 0, 0, 0, 0)
	version[6] = 4
	for _, c := range []struct {
		name string
		data []byte
		err  error
	}{
		{"empty", nil, npz.ErrFormat},
		{"no magic", []byte("not an array, but long"), npz.ErrFormat},
		{"version", version, npz.ErrUnsupported},
		{"header beyond the file", long, npz.ErrFormat},
		{"header is no dict", npy("<f4", "Maybe", "(1,)", 0, 0, 0, 0), npz.ErrFormat},
		{"whole numbers", npy("<i4", "False", "(1,)", 0, 0, 0, 0), npz.ErrUnsupported},
		{"big endian", npy(">f4", "False", "(1,)", 0, 0, 0, 0), npz.ErrUnsupported},
		{"objects", npy("|O", "False", "(1,)", 0, 0, 0, 0), npz.ErrUnsupported},
		{"Fortran order", npy("<f4", "True", "(1, 1)", 0, 0, 0, 0), npz.ErrUnsupported},
		{"too few bytes", npy("<f4", "False", "(2,)", 0, 0, 0, 0), npz.ErrFormat},
		{"too many bytes", npy("<f4", "False", "(1,)", 0, 0, 0, 0, 0), npz.ErrFormat},
		{"absurd shape", npy("<f4", "False", "(4294967296, 4294967296)", 0, 0, 0, 0), npz.ErrFormat},
		{"shape beyond 64 bits", npy("<f4", "False", "(99999999999999999999,)", 0, 0, 0, 0), npz.ErrFormat},
		{"holes in the shape", npy("<f4", "False", "(1,,1)", 0, 0, 0, 0), npz.ErrFormat},
	} {
		if _, err := read(archive(t, "a.npy", c.data)); !errors.Is(err, c.err) || !strings.Contains(err.Error(), "a.npy") {
			t.Errorf("%s: %v, want %v that names the array", c.name, err, c.err)
		}
	}
	if _, err := read([]byte("PK")); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("no archive: %v", err)
	}
	one := npy("<f4", "False", "()", 0, 0, 0, 0)
	if _, err := read(archive(t, "a.npy", one, "a.npy", one)); !errors.Is(err, npz.ErrFormat) {
		t.Errorf("the same name twice: %v", err)
	}
}

// TestBomb unpacks to more than the limit from an archive of a thousandth.
func TestBomb(t *testing.T) {
	data := archive(t, "a.npy", make([]byte, npz.MaxBytes+1))
	if _, err := read(data); !errors.Is(err, npz.ErrSize) {
		t.Errorf("%d bytes that unpack to %d: %v", len(data), npz.MaxBytes+1, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archive(f, "a.npy", npy("<f4", "False", "(2, 1)", 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0)))
	f.Add(npy("<f2", "True", "(1,)", 0, 0))
	f.Add(npy("<f8", "False", "()", 0, 0, 0, 0, 0, 0, 0xf8, 0x3f))
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(arrays map[string]npz.Array) {
			for name, a := range arrays {
				n := 1
				for _, d := range a.Shape {
					n *= d
				}
				if n != len(a.Data) {
					t.Fatalf("%q: %d numbers for shape %v", name, len(a.Data), a.Shape)
				}
			}
		}
		if arrays, err := read(data); err == nil {
			check(arrays)
		}
		// and the same bytes as the array itself, which a changed checksum would hide
		if arrays, err := read(archive(t, "a.npy", data)); err == nil {
			check(arrays)
		}
	})
}
