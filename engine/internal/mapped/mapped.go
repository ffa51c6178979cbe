// Package mapped gives the bytes of a file without reading them all: mapped into memory where the
// system can, read where it cannot.
//
// # Caveats
//
// The bytes are the file's: they must not be written to, and touching them after Close, or after
// another program has cut the file short, stops the process with a memory fault.
package mapped

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"
)

// ErrNotRegular is returned for a folder, pipe or device.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is returned for a file beyond the address space.
var ErrTooLarge = errors.New("larger than the address space")

// File is the content of one file. Any number of goroutines may read Data.
type File struct {
	Data []byte

	once   sync.Once
	unmap  func([]byte) error
	result error
}

// Open maps the file at path. An empty file gives an empty Data.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "map", Path: path, Err: ErrNotRegular}
	}
	size := info.Size()
	if size > math.MaxInt {
		return nil, &fs.PathError{Op: "map", Path: path, Err: fmt.Errorf("%d bytes: %w", size, ErrTooLarge)}
	}
	if size == 0 {
		return &File{}, nil // mapping no bytes is an error on most systems
	}
	data, unmap, err := mapFile(f, int(size))
	if err != nil {
		return nil, &fs.PathError{Op: "map", Path: path, Err: err}
	}
	return &File{Data: data, unmap: unmap}, nil
}

// Close gives the memory back. It may be called more than once and on a nil File.
func (f *File) Close() error {
	if f == nil {
		return nil
	}
	f.once.Do(func() {
		data := f.Data
		f.Data = nil
		if f.unmap != nil && data != nil {
			f.result = f.unmap(data)
		}
	})
	return f.result
}
