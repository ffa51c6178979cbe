// Package safetensors reads Hugging Face's safetensors files: named tensors behind a JSON header,
// one file or several with an index.
//
// The format (github.com/huggingface/safetensors, README "Format"):
//
//  1. 8 bytes: the size of the header, little endian;
//  2. the header: a JSON object of name to {"dtype", "shape", "data_offsets": [begin, end)},
//     and perhaps "__metadata__", an object of texts;
//  3. the data, without holes; offsets count from their start.
//
// A file is checked whole before it is handed out.
//
// # Caveats
//
// Tensor data lie in mapped memory: read only, without alignment, and gone after Close.
package safetensors

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tokenassay/assay/engine/internal/mapped"
	"github.com/tokenassay/assay/engine/quant"
)

// The file names that Open looks for in a folder.
const (
	FileName  = "model.safetensors"
	IndexName = "model.safetensors.index.json"
)

// What can be wrong, wrapped in a FormatError.
var (
	ErrHeader    = errors.New("invalid header")
	ErrTruncated = errors.New("file ends too early")
	ErrDuplicate = errors.New("name occurs twice")
	ErrShape     = errors.New("invalid shape")
	ErrOffsets   = errors.New("invalid data offsets")
	ErrIndex     = errors.New("invalid index")
	// ErrDType is returned for a type this package does not know, and by Tensor.Type for one
	// that has no counterpart in package quant.
	ErrDType = errors.New("unsupported dtype")
)

// Set is the tensors of one model. Any number of goroutines may read it; Close must come after them.
type Set struct {
	Files    []string          // paths, sorted
	Tensors  []Tensor          // sorted by name
	Metadata map[string]string // of all files; where they differ, of the last

	sources []*mapped.File
}

// Tensor is one named array of weights.
type Tensor struct {
	Name  string
	DType DType
	Shape []int  // row-major; empty for a scalar
	Data  []byte // little endian
}

// DType is the type of an element, by its name in the header: "F32", "BF16".
type DType string

// The types that can be computed with here.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

// size is the bytes of an element; 0 for an unknown type.
func (d DType) size() int {
	switch d {
	case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0":
		return 1
	case "U16", "I16", F16, BF16:
		return 2
	case "U32", "I32", F32:
		return 4
	case "U64", "I64", "F64", "C64":
		return 8
	}
	return 0
}

// Type is the tensor's type as package quant knows it; for types other than F32, F16 and BF16
// the error wraps ErrDType.
func (t Tensor) Type() (quant.Type, error) {
	switch t.DType {
	case F32:
		return quant.F32, nil
	case F16:
		return quant.F16, nil
	case BF16:
		return quant.BF16, nil
	}
	return 0, fmt.Errorf("tensor %q has dtype %s: %w (usable: F32, F16, BF16)", t.Name, t.DType, ErrDType)
}

// Open reads one file, or a folder with model.safetensors or with model.safetensors.index.json
// and the files it names. What is wrong with the content is returned as a *FormatError.
func Open(path string) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openFiles([]string{path})
	}
	single := filepath.Join(path, FileName)
	if _, err := os.Stat(single); err == nil {
		return openFiles([]string{single})
	}
	index := filepath.Join(path, IndexName)
	if _, err := os.Stat(index); err != nil {
		return nil, fmt.Errorf("%s: neither %s nor %s: %w", path, FileName, IndexName, os.ErrNotExist)
	}
	return openIndexed(path, index)
}

// Close unmaps the files; tensor data must not be touched afterwards. It may be called again.
func (s *Set) Close() error {
	var errs []error
	for _, m := range s.sources {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// Tensor finds a tensor by name.
func (s *Set) Tensor(name string) (Tensor, bool) {
	i, ok := slices.BinarySearchFunc(s.Tensors, name, func(t Tensor, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return Tensor{}, false
	}
	return s.Tensors[i], true
}

// openFiles reads the files as one set; no name may occur in two of them.
func openFiles(paths []string) (_ *Set, err error) {
	s := &Set{Files: slices.Sorted(slices.Values(paths)), Metadata: map[string]string{}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	from := map[string]string{} // tensor name to path
	for _, path := range s.Files {
		m, err := mapped.Open(path)
		if err != nil {
			return nil, err
		}
		s.sources = append(s.sources, m)
		tensors, metadata, err := parse(path, m.Data)
		if err != nil {
			return nil, err
		}
		for _, t := range tensors {
			if other, dup := from[t.Name]; dup {
				return nil, &FormatError{path, 8, fmt.Sprintf("tensor %.100q", t.Name), fmt.Errorf("%w: also in %s", ErrDuplicate, filepath.Base(other))}
			}
			from[t.Name] = path
		}
		s.Tensors = append(s.Tensors, tensors...)
		for k, v := range metadata {
			s.Metadata[k] = v
		}
	}
	slices.SortFunc(s.Tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	Path   string // empty for data that were in memory
	Offset int64  // in bytes from the start of the file
	What   string // the part: "header size", `tensor "lm_head.weight"`
	Err    error
}

func (e *FormatError) Error() string {
	place := fmt.Sprintf("offset %d: %s: %v", e.Offset, e.What, e.Err)
	if e.Path == "" {
		return "safetensors: " + place
	}
	return e.Path + ": " + place
}

func (e *FormatError) Unwrap() error { return e.Err }
