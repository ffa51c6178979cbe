package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What can be wrong with a file, wrapped in a FormatError.
var (
	ErrMagic       = errors.New("not a GGUF file")
	ErrBigEndian   = errors.New("big-endian file: only little endian is supported")
	ErrVersion     = errors.New("unsupported version")
	ErrTruncated   = errors.New("file ends too early")
	ErrDuplicate   = errors.New("name occurs twice")
	ErrNesting     = errors.New("arrays nested too deeply")
	ErrValue       = errors.New("invalid value")
	ErrShape       = errors.New("invalid shape")
	ErrOffset      = errors.New("invalid offset")
	ErrOverlap     = errors.New("tensors overlap")
	ErrUnknownType = errors.New("unknown type")
)

const (
	maxDims  = 4         // GGML_MAX_DIMS
	maxDepth = 4         // of nested arrays; no known file has more than 1
	maxKey   = 1<<16 - 1 // docs/gguf.md: "at most 2^16-1 bytes long"

	minKV     = 8 + 4 + 1         // empty key, type, one byte of value
	minTensor = 8 + 4 + 0 + 4 + 8 // empty name, number of dimensions, none of them, type, offset
)

// reader walks over the bytes of a file and remembers what it is reading.
type reader struct {
	path string
	data []byte
	at   int
	what string
}

func parse(path string, data []byte) (*File, error) {
	r := &reader{path: path, data: data, what: "header"}
	f := &File{Path: path, Alignment: DefaultAlignment, Size: int64(len(data))}
	tensors, pairs, err := r.header(f)
	if err != nil {
		return nil, err
	}
	if err := r.metadata(f, pairs); err != nil {
		return nil, err
	}
	if err := r.tensors(f, tensors); err != nil {
		return nil, err
	}
	return f, nil
}

func (r *reader) header(f *File) (tensors, pairs int, err error) {
	head, err := r.take(4)
	if err != nil {
		return 0, 0, err
	}
	if string(head) != magic {
		return 0, 0, r.fail(0, fmt.Errorf("begins with %q: %w", head, ErrMagic))
	}
	if f.Version, err = r.uint32(); err != nil {
		return 0, 0, err
	}
	if f.Version != 0 && f.Version&0xffff == 0 {
		return 0, 0, r.fail(4, ErrBigEndian) // the version with its bytes the other way round
	}
	if f.Version != 2 && f.Version != 3 {
		return 0, 0, r.fail(4, fmt.Errorf("version %d: %w, only 2 and 3 are known", f.Version, ErrVersion))
	}
	r.what = "number of tensors"
	if tensors, err = r.count(minTensor); err != nil {
		return 0, 0, err
	}
	r.what = "number of metadata pairs"
	pairs, err = r.count(minKV)
	return tensors, pairs, err
}

func (r *reader) metadata(f *File, pairs int) error {
	// Not made for all pairs at once: a hostile count would take several times the file's size.
	f.keys = make(map[string]int)
	for i := range pairs {
		r.what = fmt.Sprintf("key %d of %d", i+1, pairs)
		start := r.at
		key, err := r.string()
		if err != nil {
			return err
		}
		if key == "" || len(key) > maxKey {
			return r.fail(start, fmt.Errorf("key of %d bytes: %w", len(key), ErrValue))
		}
		r.what = fmt.Sprintf("key %.100q", key)
		if _, dup := f.keys[key]; dup {
			return r.fail(start, ErrDuplicate)
		}
		t, err := r.valueType()
		if err != nil {
			return err
		}
		at := r.at
		value, err := r.value(t, 0)
		if err != nil {
			return err
		}
		if key == AlignmentKey {
			n, ok := value.(uint32)
			if !ok || n == 0 || n&(n-1) != 0 || n > math.MaxInt32 {
				return r.fail(at, fmt.Errorf("alignment %v (%T) is not a power of two in a uint32: %w", value, value, ErrValue))
			}
			f.Alignment = int(n)
		}
		f.keys[key] = len(f.KV)
		f.KV = append(f.KV, KV{key, value})
	}
	return nil
}

func (r *reader) valueType() (valueType, error) {
	at := r.at
	n, err := r.uint32()
	if err != nil {
		return 0, err
	}
	if t := valueType(n); t.known() {
		return t, nil
	}
	return 0, r.fail(at, fmt.Errorf("%v: %w", valueType(n), ErrUnknownType))
}

// value reads a value of type t; depth is the number of arrays around it.
func (r *reader) value(t valueType, depth int) (any, error) {
	at := r.at
	switch t {
	case typeString:
		return r.string()
	case typeArray:
		return r.array(depth + 1)
	}
	b, err := r.take(valueTypes[t].size)
	if err != nil {
		return nil, err
	}
	switch t {
	case typeUint8:
		return b[0], nil
	case typeInt8:
		return int8(b[0]), nil
	case typeUint16:
		return binary.LittleEndian.Uint16(b), nil
	case typeInt16:
		return int16(binary.LittleEndian.Uint16(b)), nil
	case typeUint32:
		return binary.LittleEndian.Uint32(b), nil
	case typeInt32:
		return int32(binary.LittleEndian.Uint32(b)), nil
	case typeFloat32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
	case typeUint64:
		return binary.LittleEndian.Uint64(b), nil
	case typeInt64:
		return int64(binary.LittleEndian.Uint64(b)), nil
	case typeFloat64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	case typeBool:
		if b[0] > 1 {
			return nil, r.fail(at, fmt.Errorf("bool of value %d: %w", b[0], ErrValue))
		}
		return b[0] == 1, nil
	}
	return nil, r.fail(at, fmt.Errorf("%v: %w", t, ErrUnknownType))
}

func (r *reader) array(depth int) (any, error) {
	start := r.at
	if depth > maxDepth {
		return nil, r.fail(start, fmt.Errorf("more than %d: %w", maxDepth, ErrNesting))
	}
	t, err := r.valueType()
	if err != nil {
		return nil, err
	}
	n, err := r.count(valueTypes[t].size)
	if err != nil {
		return nil, err
	}
	switch t {
	case typeString:
		return r.strings(n)
	case typeArray:
		return elements[any](r, n, t, depth)
	case typeUint8:
		return elements[uint8](r, n, t, depth)
	case typeInt8:
		return elements[int8](r, n, t, depth)
	case typeUint16:
		return elements[uint16](r, n, t, depth)
	case typeInt16:
		return elements[int16](r, n, t, depth)
	case typeUint32:
		return elements[uint32](r, n, t, depth)
	case typeInt32:
		return elements[int32](r, n, t, depth)
	case typeFloat32:
		return elements[float32](r, n, t, depth)
	case typeUint64:
		return elements[uint64](r, n, t, depth)
	case typeInt64:
		return elements[int64](r, n, t, depth)
	case typeFloat64:
		return elements[float64](r, n, t, depth)
	case typeBool:
		return elements[bool](r, n, t, depth)
	}
	return nil, r.fail(start, fmt.Errorf("%v: %w", t, ErrUnknownType))
}

// elements reads n values of type t, whose Go type is T.
func elements[T any](r *reader, n int, t valueType, depth int) ([]T, error) {
	out := make([]T, n) // n is checked against the file by count
	for i := range out {
		v, err := r.value(t, depth)
		if err != nil {
			return nil, err
		}
		out[i] = v.(T)
	}
	return out, nil
}

// strings reads n texts. They share one copy of the file's bytes: vocabularies have more than
// 100,000 short entries.
func (r *reader) strings(n int) ([]string, error) {
	start := r.at
	for range n {
		length, err := r.count(1)
		if err != nil {
			return nil, err
		}
		r.at += length
	}
	all := string(r.data[start:r.at])
	out := make([]string, n)
	at := 0
	for i := range out {
		length := int(binary.LittleEndian.Uint64(r.data[start+at:]))
		out[i] = all[at+8 : at+8+length]
		at += 8 + length
	}
	return out, nil
}

func (r *reader) take(n int) ([]byte, error) {
	if left := len(r.data) - r.at; n > left {
		return nil, r.fail(r.at, fmt.Errorf("%d bytes wanted, %d left: %w", n, left, ErrTruncated))
	}
	b := r.data[r.at : r.at+n]
	r.at += n
	return b, nil
}

func (r *reader) uint32() (uint32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) uint64() (uint64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a number of things of which each takes at least size bytes of the rest of the file.
func (r *reader) count(size int) (int, error) {
	at := r.at
	n, err := r.uint64()
	if err != nil {
		return 0, err
	}
	if left := len(r.data) - r.at; n > uint64(left/size) {
		return 0, r.fail(at, fmt.Errorf("%d of at least %d bytes each, %d bytes left: %w", n, size, left, ErrTruncated))
	}
	return int(n), nil
}

func (r *reader) string() (string, error) {
	n, err := r.count(1)
	if err != nil {
		return "", err
	}
	b, err := r.take(n)
	return string(b), err
}

func (r *reader) fail(at int, err error) error {
	return &FormatError{Path: r.path, Offset: int64(at), What: r.what, Err: err}
}
