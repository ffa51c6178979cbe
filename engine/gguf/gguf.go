// Package gguf reads and writes GGUF files: typed metadata and named tensors in one file, knowing
// nothing of models. Versions 2 and 3, little endian, are read; version 3 is written.
//
// The format is described in ggml's docs/gguf.md:
//
//  1. magic "GGUF", version, number of tensors, number of metadata pairs;
//  2. metadata: key, type of value, value;
//  3. for each tensor its name, shape, type and offset into the data section;
//  4. padding to general.alignment (32 unless the metadata say otherwise), then the data section.
//
// A file is checked whole before it is handed out: every count and length is compared with the
// bytes that are left before memory is taken for it, names are unique, shapes do not overflow, and
// every tensor lies inside the file and on no other.
//
// # Caveats
//
// Tensor data of a file from Open lie in mapped memory: read only, and gone after Close.
// Metadata are copies and outlive it.
package gguf

import (
	"fmt"

	"github.com/tokenassay/assay/engine/internal/mapped"
	"github.com/tokenassay/assay/engine/quant"
)

// DefaultAlignment is the alignment of tensor data where general.alignment does not say otherwise.
const DefaultAlignment = 32

// AlignmentKey is the metadata key that sets another alignment.
const AlignmentKey = "general.alignment"

const magic = "GGUF"

// File is a parsed file. Any number of goroutines may read it; Close must come after them.
type File struct {
	Path       string // empty for Parse
	Version    uint32
	Alignment  int
	KV         []KV     // in the order of the file
	Tensors    []Tensor // in the order of the file
	DataOffset int64    // where tensor data begin, in bytes
	Size       int64    // of the whole file, in bytes

	keys    map[string]int // index into KV
	tensors map[string]int // index into Tensors
	source  *mapped.File
}

// KV is one pair of the metadata. Value is one of uint8, int8, uint16, int16, uint32, int32,
// uint64, int64, float32, float64, bool, string; a slice of one of them; or, for arrays of
// arrays, []any holding such slices or further []any.
type KV struct {
	Key   string
	Value any
}

// Tensor is one named array of weights.
type Tensor struct {
	Name  string
	Type  quant.Type
	Shape []int  // fastest first: a matrix is {columns, rows}
	Data  []byte // whole blocks of Type, row after row
}

// Elements is the product of the shape.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Open maps the file at path into memory and parses it. What is wrong with the content is
// returned as a *FormatError.
func Open(path string) (*File, error) {
	m, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(path, m.Data)
	if err != nil {
		m.Close()
		return nil, err
	}
	f.source = m
	return f, nil
}

// Parse parses a file that is in memory. Tensor data alias data.
func Parse(data []byte) (*File, error) { return parse("", data) }

// Close unmaps the file; tensor data must not be touched afterwards. It may be called again.
func (f *File) Close() error { return f.source.Close() }

// Tensor finds a tensor by name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.tensors[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	Path   string // empty for data that were in memory
	Offset int64  // in bytes from the start of the file
	What   string // the part: "header", `key "general.name"`, `tensor "output.weight"`
	Err    error
}

func (e *FormatError) Error() string {
	place := fmt.Sprintf("offset %d: %s: %v", e.Offset, e.What, e.Err)
	if e.Path == "" {
		return "gguf: " + place
	}
	return e.Path + ": " + place
}

func (e *FormatError) Unwrap() error { return e.Err }
