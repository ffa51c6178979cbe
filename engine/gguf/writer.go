package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrIncomplete is returned by Writer.Close where tensors have not been written.
var ErrIncomplete = errors.New("tensors are missing")

const (
	writeVersion = 3
	maxName      = 63 // GGML_MAX_NAME less its terminating zero: ggml refuses longer names
)

// Write writes a whole file. The metadata may set general.alignment.
func Write(w io.Writer, kv []KV, tensors []Tensor) error {
	out, err := NewWriter(w, kv, tensors)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if err := out.WriteTensor(t.Data); err != nil {
			return err
		}
	}
	return out.Close()
}

// Writer writes a file tensor by tensor, so that only one need be in memory.
type Writer struct {
	w         *bufio.Writer
	names     []string
	sizes     []int // in bytes
	next      int   // the tensor to come
	alignment int
}

// NewWriter writes everything but the data of the tensors, of which only name, type and shape are
// used. Nothing is written where an argument is invalid; the error says which.
func NewWriter(w io.Writer, kv []KV, tensors []Tensor) (*Writer, error) {
	out := &Writer{w: bufio.NewWriter(w), alignment: DefaultAlignment}
	head := append([]byte(magic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(head[4:], writeVersion)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(tensors)))
	head = binary.LittleEndian.AppendUint64(head, uint64(len(kv)))

	seen := make(map[string]bool, len(kv)+len(tensors))
	for _, pair := range kv {
		what := fmt.Sprintf("key %q", pair.Key)
		if pair.Key == "" || len(pair.Key) > maxKey {
			return nil, fmt.Errorf("gguf: %s: %d bytes: %w", what, len(pair.Key), ErrValue)
		}
		if seen[pair.Key] {
			return nil, fmt.Errorf("gguf: %s: %w", what, ErrDuplicate)
		}
		seen[pair.Key] = true
		if pair.Key == AlignmentKey {
			n, ok := pair.Value.(uint32)
			if !ok || n == 0 || n&(n-1) != 0 || n > 1<<20 {
				return nil, fmt.Errorf("gguf: %s: %v (%T) is not a power of two in a uint32: %w", what, pair.Value, pair.Value, ErrValue)
			}
			out.alignment = int(n)
		}
		head = appendString(head, pair.Key)
		t, value, err := appendValue(nil, pair.Value, 0)
		if err != nil {
			return nil, fmt.Errorf("gguf: %s: %w", what, err)
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(t))
		head = append(head, value...)
	}

	clear(seen)
	offset := 0
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, ErrDuplicate)
		}
		seen[t.Name] = true
		size, err := tensorBytes(t)
		if err != nil {
			return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, err)
		}
		if size > math.MaxInt-offset-out.alignment {
			return nil, fmt.Errorf("gguf: tensor %q: file too large: %w", t.Name, ErrOffset)
		}
		head = appendString(head, t.Name)
		head = binary.LittleEndian.AppendUint32(head, uint32(len(t.Shape)))
		for _, d := range t.Shape {
			head = binary.LittleEndian.AppendUint64(head, uint64(d))
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(t.Type))
		head = binary.LittleEndian.AppendUint64(head, uint64(offset))
		offset = alignUp(offset+size, out.alignment)
		out.names = append(out.names, t.Name)
		out.sizes = append(out.sizes, size)
	}
	if len(tensors) > 0 {
		head = append(head, make([]byte, alignUp(len(head), out.alignment)-len(head))...)
	}
	_, err := out.w.Write(head)
	return out, err
}

// WriteTensor writes the data of the next tensor, in the order given to NewWriter.
func (w *Writer) WriteTensor(data []byte) error {
	if w.next == len(w.sizes) {
		return fmt.Errorf("gguf: all %d tensors are written: %w", w.next, ErrValue)
	}
	size := w.sizes[w.next]
	if len(data) != size {
		return fmt.Errorf("gguf: tensor %q: %d bytes of data, its shape takes %d: %w", w.names[w.next], len(data), size, ErrShape)
	}
	w.next++
	if _, err := w.w.Write(data); err != nil {
		return err
	}
	_, err := w.w.Write(make([]byte, alignUp(size, w.alignment)-size))
	return err
}

// Close writes what is buffered; it does not close the underlying writer. The error wraps
// ErrIncomplete where a tensor is missing.
func (w *Writer) Close() error {
	if w.next != len(w.sizes) {
		return fmt.Errorf("gguf: %d of %d tensors written, %q is next: %w", w.next, len(w.sizes), w.names[w.next], ErrIncomplete)
	}
	return w.w.Flush()
}

// tensorBytes checks name and shape as the reader does and returns the size of the data.
func tensorBytes(t Tensor) (int, error) {
	if t.Name == "" || len(t.Name) > maxName {
		return 0, fmt.Errorf("name of %d bytes, 1 to %d are possible: %w", len(t.Name), maxName, ErrValue)
	}
	if len(t.Shape) > maxDims {
		return 0, fmt.Errorf("%d dimensions, at most %d are possible: %w", len(t.Shape), maxDims, ErrShape)
	}
	row, elements := 1, 1
	for i, d := range t.Shape {
		if d <= 0 || d > math.MaxInt/elements {
			return 0, fmt.Errorf("dimension %d is %d: %w", i+1, d, ErrShape)
		}
		elements *= d
		if i == 0 {
			row = d
		}
	}
	if _, err := t.Type.RowBytes(row); err != nil {
		return 0, err
	}
	return t.Type.RowBytes(elements)
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// appendValue appends v without its type, which it returns; depth is the number of arrays around it.
func appendValue(b []byte, v any, depth int) (valueType, []byte, error) {
	le := binary.LittleEndian
	switch x := v.(type) {
	case uint8:
		return typeUint8, append(b, x), nil
	case int8:
		return typeInt8, append(b, byte(x)), nil
	case uint16:
		return typeUint16, le.AppendUint16(b, x), nil
	case int16:
		return typeInt16, le.AppendUint16(b, uint16(x)), nil
	case uint32:
		return typeUint32, le.AppendUint32(b, x), nil
	case int32:
		return typeInt32, le.AppendUint32(b, uint32(x)), nil
	case float32:
		return typeFloat32, le.AppendUint32(b, math.Float32bits(x)), nil
	case uint64:
		return typeUint64, le.AppendUint64(b, x), nil
	case int64:
		return typeInt64, le.AppendUint64(b, uint64(x)), nil
	case float64:
		return typeFloat64, le.AppendUint64(b, math.Float64bits(x)), nil
	case bool:
		if x {
			return typeBool, append(b, 1), nil
		}
		return typeBool, append(b, 0), nil
	case string:
		return typeString, appendString(b, x), nil
	}
	out, err := appendArray(b, v, depth+1)
	return typeArray, out, err
}

func appendArray(b []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d: %w", maxDepth, ErrNesting)
	}
	switch x := v.(type) {
	case []uint8:
		return append(arrayHead(b, typeUint8, len(x)), x...), nil
	case []int8:
		return appendElements(b, typeInt8, x)
	case []uint16:
		return appendElements(b, typeUint16, x)
	case []int16:
		return appendElements(b, typeInt16, x)
	case []uint32:
		return appendElements(b, typeUint32, x)
	case []int32:
		return appendElements(b, typeInt32, x)
	case []float32:
		return appendElements(b, typeFloat32, x)
	case []uint64:
		return appendElements(b, typeUint64, x)
	case []int64:
		return appendElements(b, typeInt64, x)
	case []float64:
		return appendElements(b, typeFloat64, x)
	case []bool:
		return appendElements(b, typeBool, x)
	case []string:
		return appendElements(b, typeString, x)
	case []any:
		b = arrayHead(b, typeArray, len(x))
		var err error
		for i, e := range x {
			if b, err = appendArray(b, e, depth+1); err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return b, nil
	}
	return nil, fmt.Errorf("%T: %w", v, ErrUnknownType)
}

func appendElements[T any](b []byte, t valueType, x []T) ([]byte, error) {
	b = arrayHead(b, t, len(x))
	var err error
	for _, e := range x {
		if _, b, err = appendValue(b, e, 0); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func arrayHead(b []byte, t valueType, n int) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(b, uint32(t)), uint64(n))
}
