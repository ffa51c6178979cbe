package gguf

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/tokenassay/assay/engine/quant"
)

// tensors reads the descriptions of n tensors and takes their data.
func (r *reader) tensors(f *File, n int) error {
	f.tensors = make(map[string]int)
	var places []place
	for i := range n {
		r.what = fmt.Sprintf("tensor %d of %d", i+1, n)
		start := r.at
		t, offset, err := r.tensorInfo()
		if err != nil {
			return err
		}
		if _, dup := f.tensors[t.Name]; dup {
			return r.fail(start, ErrDuplicate)
		}
		f.tensors[t.Name] = i
		f.Tensors = append(f.Tensors, t)
		places = append(places, place{info: start, tensor: i, offset: offset})
	}
	base := r.at
	if n > 0 {
		if base = alignUp(base, f.Alignment); base > len(r.data) {
			r.what = "tensor data"
			return r.fail(r.at, ErrTruncated)
		}
	}
	f.DataOffset = int64(base)
	for i := range places {
		if err := r.locate(f, base, &places[i]); err != nil {
			return err
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < n; i++ {
		a, b := places[i-1], places[i]
		if a.offset+a.size > b.offset {
			r.what = fmt.Sprintf("tensor %.100q", f.Tensors[b.tensor].Name)
			return r.fail(b.info, fmt.Errorf("with %.100q: %w", f.Tensors[a.tensor].Name, ErrOverlap))
		}
	}
	return nil
}

// place is where a tensor's description and data lie.
type place struct {
	info         int    // of the description, from the start of the file
	tensor       int    // index into File.Tensors
	offset, size uint64 // of the data, from the start of the data section
}

// tensorInfo reads one description: name, shape, type, offset.
func (r *reader) tensorInfo() (t Tensor, offset uint64, err error) {
	at := r.at
	if t.Name, err = r.string(); err != nil {
		return t, 0, err
	}
	if t.Name == "" || len(t.Name) > maxKey {
		return t, 0, r.fail(at, fmt.Errorf("name of %d bytes: %w", len(t.Name), ErrValue))
	}
	r.what = fmt.Sprintf("tensor %.100q", t.Name)
	at = r.at
	dims, err := r.uint32()
	if err != nil {
		return t, 0, err
	}
	if dims > maxDims {
		return t, 0, r.fail(at, fmt.Errorf("%d dimensions, at most %d are possible: %w", dims, maxDims, ErrShape))
	}
	t.Shape = make([]int, dims)
	elements := uint64(1)
	for i := range t.Shape {
		d, err := r.uint64()
		if err != nil {
			return t, 0, err
		}
		if d == 0 || d > math.MaxInt/elements {
			return t, 0, r.fail(at, fmt.Errorf("dimension %d is %d: %w", i+1, d, ErrShape))
		}
		elements *= d
		t.Shape[i] = int(d)
	}
	at = r.at
	id, err := r.uint32()
	if err != nil {
		return t, 0, err
	}
	t.Type = quant.Type(id)
	if !t.Type.Known() {
		return t, 0, r.fail(at, fmt.Errorf("%v: %w", t.Type, ErrUnknownType))
	}
	offset, err = r.uint64()
	return t, offset, err
}

// locate checks where one tensor's data lie and takes them.
func (r *reader) locate(f *File, base int, p *place) error {
	t := &f.Tensors[p.tensor]
	r.what = fmt.Sprintf("tensor %.100q", t.Name)
	row := 1
	if len(t.Shape) > 0 {
		row = t.Shape[0]
	}
	if _, err := t.Type.RowBytes(row); err != nil {
		return r.fail(p.info, fmt.Errorf("%w: %w", ErrShape, err))
	}
	size, err := t.Type.RowBytes(t.Elements())
	if err != nil {
		return r.fail(p.info, fmt.Errorf("%w: %w", ErrShape, err))
	}
	room := uint64(len(r.data) - base)
	switch {
	case p.offset%uint64(f.Alignment) != 0:
		return r.fail(p.info, fmt.Errorf("data at %d are not aligned to %d: %w", p.offset, f.Alignment, ErrOffset))
	case p.offset > room || uint64(size) > room-p.offset:
		return r.fail(p.info, fmt.Errorf("data of %d bytes at %d+%d, the file has %d: %w", size, base, p.offset, len(r.data), ErrTruncated))
	}
	p.size = uint64(size)
	lo := base + int(p.offset)
	t.Data = r.data[lo : lo+size : lo+size]
	return nil
}

func alignUp(n, alignment int) int { return (n + alignment - 1) &^ (alignment - 1) }
