package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// maxHeader is the limit of the reference implementation (safetensors/src/tensor.rs, MAX_HEADER_SIZE).
const maxHeader = 100_000_000

const metadataKey = "__metadata__"

// Parse reads a file that is in memory. Tensors, sorted by their place, alias data.
func Parse(data []byte) ([]Tensor, map[string]string, error) { return parse("", data) }

func parse(path string, data []byte) ([]Tensor, map[string]string, error) {
	fail := func(offset int64, what string, err error) ([]Tensor, map[string]string, error) {
		return nil, nil, &FormatError{path, offset, what, err}
	}
	if len(data) < 8 {
		return fail(0, "header size", fmt.Errorf("%w: %d bytes, at least 8 wanted", ErrTruncated, len(data)))
	}
	size := binary.LittleEndian.Uint64(data)
	if size > maxHeader {
		return fail(0, "header size", fmt.Errorf("%w: %d bytes, at most %d are possible", ErrHeader, size, maxHeader))
	}
	if size > uint64(len(data)-8) {
		return fail(0, "header size", fmt.Errorf("%w: %d bytes, the file has %d more", ErrTruncated, size, len(data)-8))
	}
	header, data := data[8:8+size], data[8+size:]
	entries, metadata, err := decode(header)
	if err != nil {
		return fail(8, "header", err)
	}

	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]), cmp.Compare(a.name, b.name))
	})
	tensors := make([]Tensor, 0, len(entries))
	at := int64(0)
	for _, e := range entries {
		what := fmt.Sprintf("tensor %.100q", e.name)
		bytes, err := e.bytes()
		if err != nil {
			return fail(8, what, err)
		}
		lo, hi := e.Offsets[0], e.Offsets[1]
		switch {
		case lo != at:
			return fail(8, what, fmt.Errorf("%w: begins at %d, the tensor before ends at %d", ErrOffsets, lo, at))
		case hi < lo || hi-lo != bytes:
			return fail(8, what, fmt.Errorf("%w: [%d, %d) for %s %v, which takes %d bytes", ErrOffsets, lo, hi, e.DType, e.Shape, bytes))
		case hi > int64(len(data)):
			return fail(8+int64(size)+lo, what, fmt.Errorf("%w: data end at %d, the file has %d", ErrTruncated, hi, len(data)))
		}
		at = hi
		tensors = append(tensors, Tensor{e.name, e.DType, e.Shape, data[lo:hi:hi]})
	}
	if at != int64(len(data)) {
		return fail(8+int64(size)+at, "data", fmt.Errorf("%w: %d bytes belong to no tensor", ErrOffsets, int64(len(data))-at))
	}
	return tensors, metadata, nil
}

// entry is one tensor of the header.
type entry struct {
	name    string
	DType   DType   `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// bytes is the size of the data by type and shape.
func (e *entry) bytes() (int64, error) {
	size := int64(e.DType.size())
	if size == 0 {
		return 0, fmt.Errorf("%.40q: %w", string(e.DType), ErrDType)
	}
	for _, d := range e.Shape {
		if d < 0 {
			return 0, fmt.Errorf("%w: %v", ErrShape, e.Shape)
		}
		if d != 0 && size > math.MaxInt64/int64(d) {
			return 0, fmt.Errorf("%w: %v is too large", ErrShape, e.Shape)
		}
		size *= int64(d)
	}
	return size, nil
}

// decode reads the JSON object token by token: encoding/json alone would let the second of two
// equal names win.
func decode(header []byte) ([]entry, map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	bad := func(err error) ([]entry, map[string]string, error) {
		return nil, nil, fmt.Errorf("%w: at byte %d: %w", ErrHeader, d.InputOffset(), err)
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("%w: no JSON object", ErrHeader)
	}
	var entries []entry
	var metadata map[string]string
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return bad(err)
		}
		name, ok := t.(string)
		if !ok {
			return bad(fmt.Errorf("%v is no name", t))
		}
		if seen[name] {
			return bad(fmt.Errorf("%.100q: %w", name, ErrDuplicate))
		}
		seen[name] = true
		if name == metadataKey {
			if err := d.Decode(&metadata); err != nil {
				return bad(fmt.Errorf("%q: %w", name, err))
			}
			continue
		}
		e := entry{name: name}
		if err := d.Decode(&e); err != nil {
			return bad(fmt.Errorf("tensor %.100q: %w", name, err))
		}
		if e.Shape == nil || len(e.Offsets) != 2 || e.DType == "" {
			return bad(fmt.Errorf("tensor %.100q lacks dtype, shape or two data_offsets", name))
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return bad(err)
	}
	// Writers pad the header with spaces to align the data.
	if _, err := d.Token(); err != io.EOF {
		return bad(fmt.Errorf("text after the object"))
	}
	return entries, metadata, nil
}
