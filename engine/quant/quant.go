// Package quant says how the weights of a model lie in bytes: the element and block types of ggml,
// and reference code that turns them into float32 and back.
//
// A row of weights is a sequence of blocks. A block holds BlockSize elements in BlockBytes bytes;
// plain types such as F16 have blocks of one element. Everything is little endian.
//
// The code here is the plain reference that faster code is compared with. All functions are safe
// for concurrent use on distinct buffers.
package quant

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Type is ggml's number for an element or block type, as GGUF files store it.
type Type uint32

// The types of ggml (ggml/include/ggml.h, enum ggml_type). Numbers 4 and 5 (Q4_2, Q4_3) were
// withdrawn before GGUF existed; 31 to 33 and 36 to 38 were withdrawn later, but files that use
// them are about.
const (
	F32      Type = 0
	F16      Type = 1
	Q4_0     Type = 2
	Q4_1     Type = 3
	Q5_0     Type = 6
	Q5_1     Type = 7
	Q8_0     Type = 8
	Q8_1     Type = 9
	Q2_K     Type = 10
	Q3_K     Type = 11
	Q4_K     Type = 12
	Q5_K     Type = 13
	Q6_K     Type = 14
	Q8_K     Type = 15
	IQ2_XXS  Type = 16
	IQ2_XS   Type = 17
	IQ3_XXS  Type = 18
	IQ1_S    Type = 19
	IQ4_NL   Type = 20
	IQ3_S    Type = 21
	IQ2_S    Type = 22
	IQ4_XS   Type = 23
	I8       Type = 24
	I16      Type = 25
	I32      Type = 26
	I64      Type = 27
	F64      Type = 28
	IQ1_M    Type = 29
	BF16     Type = 30
	Q4_0_4_4 Type = 31
	Q4_0_4_8 Type = 32
	Q4_0_8_8 Type = 33
	TQ1_0    Type = 34
	TQ2_0    Type = 35
	IQ4_NL44 Type = 36
	IQ4_NL48 Type = 37
	IQ4_NL88 Type = 38
	MXFP4    Type = 39
	NVFP4    Type = 40
	Q1_0     Type = 41
	Q2_0     Type = 42
)

// Errors of this package, wrapped with the type's name.
var (
	// ErrUnsupported is returned for a known type that has no conversion here.
	ErrUnsupported = errors.New("no conversion for this type")
	// ErrUnknown is returned for a number or name that is no type of ggml.
	ErrUnknown = errors.New("unknown type")
	// ErrLength is returned for a row or buffer that does not hold whole blocks, or the wrong number of them.
	ErrLength = errors.New("wrong length")
	// ErrRange is returned for a value that the wanted type cannot hold.
	ErrRange = errors.New("value out of range")
)

// layout is the name of a type and the shape of its block.
type layout struct {
	name  string
	size  int // elements in a block
	bytes int // bytes of a block
}

// layouts is indexed by Type. A zero size marks a number that is no type.
// Sizes follow the block structs of ggml/src/ggml-common.h: QK is 32 for the older types and
// QK_K is 256 for the K, IQ and TQ types.
var layouts = [...]layout{
	F32:      {"F32", 1, 4},
	F16:      {"F16", 1, 2},
	Q4_0:     {"Q4_0", 32, 2 + 16},
	Q4_1:     {"Q4_1", 32, 2 + 2 + 16},
	Q5_0:     {"Q5_0", 32, 2 + 4 + 16},
	Q5_1:     {"Q5_1", 32, 2 + 2 + 4 + 16},
	Q8_0:     {"Q8_0", 32, 2 + 32},
	Q8_1:     {"Q8_1", 32, 2 + 2 + 32},
	Q2_K:     {"Q2_K", 256, 16 + 64 + 2 + 2},
	Q3_K:     {"Q3_K", 256, 32 + 64 + 12 + 2},
	Q4_K:     {"Q4_K", 256, 2 + 2 + 12 + 128},
	Q5_K:     {"Q5_K", 256, 2 + 2 + 12 + 32 + 128},
	Q6_K:     {"Q6_K", 256, 128 + 64 + 16 + 2},
	Q8_K:     {"Q8_K", 256, 4 + 256 + 32},
	IQ2_XXS:  {"IQ2_XXS", 256, 2 + 64},
	IQ2_XS:   {"IQ2_XS", 256, 2 + 64 + 8},
	IQ3_XXS:  {"IQ3_XXS", 256, 2 + 96},
	IQ1_S:    {"IQ1_S", 256, 2 + 32 + 16},
	IQ4_NL:   {"IQ4_NL", 32, 2 + 16},
	IQ3_S:    {"IQ3_S", 256, 2 + 64 + 8 + 32 + 4},
	IQ2_S:    {"IQ2_S", 256, 2 + 64 + 8 + 8},
	IQ4_XS:   {"IQ4_XS", 256, 2 + 2 + 4 + 128},
	I8:       {"I8", 1, 1},
	I16:      {"I16", 1, 2},
	I32:      {"I32", 1, 4},
	I64:      {"I64", 1, 8},
	F64:      {"F64", 1, 8},
	IQ1_M:    {"IQ1_M", 256, 32 + 16 + 8},
	BF16:     {"BF16", 1, 2},
	Q4_0_4_4: {"Q4_0_4_4", 32, 2 + 16},
	Q4_0_4_8: {"Q4_0_4_8", 32, 2 + 16},
	Q4_0_8_8: {"Q4_0_8_8", 32, 2 + 16},
	TQ1_0:    {"TQ1_0", 256, 48 + 4 + 2},
	TQ2_0:    {"TQ2_0", 256, 64 + 2},
	IQ4_NL44: {"IQ4_NL_4_4", 32, 2 + 16},
	IQ4_NL48: {"IQ4_NL_4_8", 32, 2 + 16},
	IQ4_NL88: {"IQ4_NL_8_8", 32, 2 + 16},
	MXFP4:    {"MXFP4", 32, 1 + 16},
	NVFP4:    {"NVFP4", 64, 4 + 32},
	Q1_0:     {"Q1_0", 128, 2 + 16},
	Q2_0:     {"Q2_0", 64, 2 + 16},
}

// layout returns the zero layout for a number that is no type.
func (t Type) layout() layout {
	if uint64(t) < uint64(len(layouts)) {
		return layouts[t]
	}
	return layout{}
}

// Known reports whether t is a type of ggml, so that its size is known.
func (t Type) Known() bool { return t.layout().size != 0 }

// String returns the name as files and people write it, "Q4_K", or "type 57" for an unknown number.
func (t Type) String() string {
	if l := t.layout(); l.size != 0 {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// BlockSize is the number of elements in a block; 0 for an unknown type.
func (t Type) BlockSize() int { return t.layout().size }

// BlockBytes is the number of bytes of a block; 0 for an unknown type.
func (t Type) BlockBytes() int { return t.layout().bytes }

// Parse finds a type by its name, in upper or lower case. The error wraps ErrUnknown.
func Parse(name string) (Type, error) {
	for t, l := range layouts {
		if l.size != 0 && strings.EqualFold(name, l.name) {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("%q: %w", name, ErrUnknown)
}

// RowBytes is the number of bytes that cols elements take. cols must be a multiple of the
// block size, else the error wraps ErrLength; ErrUnknown for an unknown type.
func (t Type) RowBytes(cols int) (int, error) {
	l := t.layout()
	switch {
	case l.size == 0:
		return 0, fmt.Errorf("%v: %w", t, ErrUnknown)
	case cols < 0:
		return 0, fmt.Errorf("%v: row of %d elements: %w", t, cols, ErrLength)
	case cols%l.size != 0:
		return 0, fmt.Errorf("%v: row of %d elements is not a multiple of the block of %d: %w", t, cols, l.size, ErrLength)
	}
	blocks := cols / l.size
	if blocks > math.MaxInt/l.bytes {
		return 0, fmt.Errorf("%v: row of %d elements: %w", t, cols, ErrLength)
	}
	return blocks * l.bytes, nil
}

// Dequantize turns src, whole blocks of type t, into dst. src must hold exactly len(dst)
// elements, else the error wraps ErrLength; ErrUnsupported for types other than
// F32, F16, BF16, Q8_0 and Q4_0.
func Dequantize(t Type, dst []float32, src []byte) error {
	if err := checkLengths(t, len(dst), len(src)); err != nil {
		return err
	}
	switch t {
	case F32:
		dequantizeF32(dst, src)
	case F16:
		dequantizeF16(dst, src)
	case BF16:
		dequantizeBF16(dst, src)
	case Q8_0:
		dequantizeQ8(dst, src)
	case Q4_0:
		dequantizeQ4(dst, src)
	default:
		return fmt.Errorf("%v: %w", t, ErrUnsupported)
	}
	return nil
}

// Quantize turns src into whole blocks of type t in dst, rounding as ggml's reference code does.
// dst must have exactly the bytes of len(src) elements, else the error wraps ErrLength;
// ErrRange, naming the element, for a value the type cannot hold (a NaN or infinity in a block
// type, a finite value that would become infinite); ErrUnsupported as in Dequantize.
// After an error the content of dst is undefined.
func Quantize(t Type, dst []byte, src []float32) error {
	if err := checkLengths(t, len(src), len(dst)); err != nil {
		return err
	}
	bad := -1 // the element that cannot be held
	switch t {
	case F32:
		quantizeF32(dst, src)
	case F16:
		bad = quantizeF16(dst, src)
	case BF16:
		bad = quantizeBF16(dst, src)
	case Q8_0:
		bad = quantizeQ8(dst, src)
	case Q4_0:
		bad = quantizeQ4(dst, src)
	default:
		return fmt.Errorf("%v: %w", t, ErrUnsupported)
	}
	if bad >= 0 {
		return fmt.Errorf("%v: element %d is %v: %w", t, bad, src[bad], ErrRange)
	}
	return nil
}

// Supported reports whether Dequantize and Quantize know t.
func (t Type) Supported() bool {
	switch t {
	case F32, F16, BF16, Q8_0, Q4_0:
		return true
	}
	return false
}

func checkLengths(t Type, elements, bytes int) error {
	want, err := t.RowBytes(elements)
	if err != nil {
		return err
	}
	if bytes != want {
		return fmt.Errorf("%v: %d elements take %d bytes, the buffer has %d: %w", t, elements, want, bytes, ErrLength)
	}
	return nil
}
