package quant

import (
	"encoding/binary"
	"math"
)

// F16ToF32 widens an IEEE 754 binary16. It is exact; a NaN becomes quiet and keeps its payload,
// as the processor's own instruction (VCVTPH2PS) does it.
func F16ToF32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	man := uint32(h) & 0x3ff
	switch exp {
	case 0: // zero and subnormal numbers count in steps of 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(man)*0x1p-24))
	case 0x1f:
		if man != 0 {
			man |= 0x200
		}
		return math.Float32frombits(sign | 0xff<<23 | man<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | man<<13)
}

// F32ToF16 narrows to IEEE 754 binary16, rounding to nearest, ties to even. What rounds to 65520
// or more becomes infinite; a NaN stays a (quiet) NaN.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	abs := b &^ (1 << 31)
	switch {
	case abs > 0xff<<23: // NaN
		return sign | 0x7e00 | uint16(abs>>13)&0x3ff
	case abs >= (127+16)<<23: // at least 2^16, infinity included
		return sign | 0x7c00
	case abs < (127-14)<<23:
		// Below 2^-14 binary16 counts in steps of 2^-24, the spacing of float32 between
		// 0.5 and 1: adding 0.5 rounds, ties to even, and leaves the count in the mantissa.
		sum := math.Float32bits(math.Float32frombits(abs) + 0.5)
		return sign | uint16(sum-math.Float32bits(0.5))
	}
	abs += 0xfff + abs>>13&1 // a carry out of the mantissa raises the exponent, up to infinity
	return sign | uint16((abs-(127-15)<<23)>>13)
}

// BF16ToF32 widens a bfloat16, the upper half of a float32.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 narrows to bfloat16, rounding to nearest, ties to even. A NaN stays a (quiet) NaN.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&^(1<<31) > 0xff<<23 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func dequantizeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func quantizeF32(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(f))
	}
}

func dequantizeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// quantizeF16 returns the first element that is finite and would become infinite, else -1.
func quantizeF16(dst []byte, src []float32) int {
	for i, f := range src {
		h := F32ToF16(f)
		if h&0x7fff == 0x7c00 && !math.IsInf(float64(f), 0) {
			return i
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return -1
}

func dequantizeBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// quantizeBF16 returns the first element that is finite and would become infinite, else -1.
func quantizeBF16(dst []byte, src []float32) int {
	for i, f := range src {
		h := F32ToBF16(f)
		if h&0x7fff == 0x7f80 && !math.IsInf(float64(f), 0) {
			return i
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return -1
}
