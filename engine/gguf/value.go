package gguf

import (
	"errors"
	"fmt"
	"math"
)

// The errors of the typed getters, wrapped with the key.
var (
	// ErrNoKey is returned where the metadata have no such key.
	ErrNoKey = errors.New("no such key")
	// ErrValueType is returned where the value is of another type, or does not fit the wanted one.
	ErrValueType = errors.New("wrong type of value")
)

// valueType is the number by which the file names the type of a metadata value.
type valueType uint32

// docs/gguf.md, enum gguf_metadata_value_type.
const (
	typeUint8 valueType = iota
	typeInt8
	typeUint16
	typeInt16
	typeUint32
	typeInt32
	typeFloat32
	typeBool
	typeString
	typeArray
	typeUint64
	typeInt64
	typeFloat64
)

// valueTypes gives each type its name and the least number of bytes a value takes in a file:
// 8 for a string's length, 12 for an array's element type and length.
var valueTypes = [...]struct {
	name string
	size int
}{
	typeUint8:   {"uint8", 1},
	typeInt8:    {"int8", 1},
	typeUint16:  {"uint16", 2},
	typeInt16:   {"int16", 2},
	typeUint32:  {"uint32", 4},
	typeInt32:   {"int32", 4},
	typeFloat32: {"float32", 4},
	typeBool:    {"bool", 1},
	typeString:  {"string", 8},
	typeArray:   {"array", 12},
	typeUint64:  {"uint64", 8},
	typeInt64:   {"int64", 8},
	typeFloat64: {"float64", 8},
}

func (t valueType) known() bool { return uint64(t) < uint64(len(valueTypes)) }

func (t valueType) String() string {
	if t.known() {
		return valueTypes[t].name
	}
	return fmt.Sprintf("value type %d", uint32(t))
}

// Lookup returns the value of key as the file has it; see KV for the types.
func (f *File) Lookup(key string) (any, bool) {
	i, ok := f.keys[key]
	if !ok {
		return nil, false
	}
	return f.KV[i].Value, true
}

// String returns a text. Here and below the error wraps ErrNoKey or ErrValueType.
func (f *File) String(key string) (string, error) { return get[string](f, key) }

// Bool returns a truth value.
func (f *File) Bool(key string) (bool, error) { return get[bool](f, key) }

// Strings returns an array of texts; it is the file's own and must not be changed.
func (f *File) Strings(key string) ([]string, error) { return get[[]string](f, key) }

// Bools returns an array of truth values; it is the file's own and must not be changed.
func (f *File) Bools(key string) ([]bool, error) { return get[[]bool](f, key) }

// Uint returns a whole number of any width that is not negative.
func (f *File) Uint(key string) (uint64, error) {
	v, ok := f.Lookup(key)
	if !ok {
		return 0, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	if n, ok := asInt(v); ok && n >= 0 {
		return uint64(n), nil
	}
	if n, ok := v.(uint64); ok {
		return n, nil
	}
	return 0, wrongType(key, v, "a whole number of at least 0")
}

// Int returns a whole number of any width.
func (f *File) Int(key string) (int64, error) {
	v, ok := f.Lookup(key)
	if !ok {
		return 0, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	if n, ok := asInt(v); ok {
		return n, nil
	}
	return 0, wrongType(key, v, "a whole number")
}

// Float returns a float32 or float64.
func (f *File) Float(key string) (float64, error) {
	v, ok := f.Lookup(key)
	if !ok {
		return 0, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	switch x := v.(type) {
	case float32:
		return float64(x), nil
	case float64:
		return x, nil
	}
	return 0, wrongType(key, v, "a floating-point number")
}

// Ints returns an array of whole numbers of any width.
func (f *File) Ints(key string) ([]int64, error) {
	v, ok := f.Lookup(key)
	if !ok {
		return nil, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	var out []int64
	switch x := v.(type) {
	case []uint8:
		out = widen(x)
	case []int8:
		out = widen(x)
	case []uint16:
		out = widen(x)
	case []int16:
		out = widen(x)
	case []uint32:
		out = widen(x)
	case []int32:
		out = widen(x)
	case []int64:
		out = widen(x)
	case []uint64:
		for _, n := range x {
			if n > math.MaxInt64 {
				return nil, fmt.Errorf("%q holds %d: %w", key, n, ErrValueType)
			}
		}
		out = widen(x)
	default:
		return nil, wrongType(key, v, "an array of whole numbers")
	}
	return out, nil
}

// Floats returns an array of float32 or float64 as float32.
func (f *File) Floats(key string) ([]float32, error) {
	v, ok := f.Lookup(key)
	if !ok {
		return nil, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	switch x := v.(type) {
	case []float32:
		return append([]float32{}, x...), nil
	case []float64:
		out := make([]float32, len(x))
		for i, n := range x {
			out[i] = float32(n)
		}
		return out, nil
	}
	return nil, wrongType(key, v, "an array of floating-point numbers")
}

func get[T any](f *File, key string) (T, error) {
	var zero T
	v, ok := f.Lookup(key)
	if !ok {
		return zero, fmt.Errorf("%q: %w", key, ErrNoKey)
	}
	x, ok := v.(T)
	if !ok {
		return zero, wrongType(key, v, fmt.Sprintf("%T", zero))
	}
	return x, nil
}

func wrongType(key string, got any, want string) error {
	return fmt.Errorf("%q is %T, not %s: %w", key, got, want, ErrValueType)
}

func asInt(v any) (int64, bool) {
	switch x := v.(type) {
	case uint8:
		return int64(x), true
	case int8:
		return int64(x), true
	case uint16:
		return int64(x), true
	case int16:
		return int64(x), true
	case uint32:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	case uint64:
		return int64(x), x <= math.MaxInt64
	}
	return 0, false
}

func widen[T uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64](x []T) []int64 {
	out := make([]int64, len(x))
	for i, n := range x {
		out[i] = int64(n)
	}
	return out
}
