package quant

import (
	"encoding/binary"
	"math"
)

// A Q8_0 block is a binary16 scale d and 32 int8 q; element k is d*q[k].
// Rounding follows quantize_row_q8_0_ref of ggml/src/ggml-quants.c.
const (
	q8Size  = 32
	q8Bytes = 2 + q8Size
)

func dequantizeQ8(dst []float32, src []byte) {
	for len(dst) > 0 {
		d := F16ToF32(binary.LittleEndian.Uint16(src))
		for k, q := range src[2:q8Bytes] {
			dst[k] = float32(int8(q)) * d
		}
		dst, src = dst[q8Size:], src[q8Bytes:]
	}
}

// quantizeQ8 returns the element that a Q8_0 block cannot hold, or -1.
func quantizeQ8(dst []byte, src []float32) int {
	for base := 0; base < len(src); base += q8Size {
		x := src[base : base+q8Size]
		top, ok := farthest(x)
		d := float32(math.Abs(float64(x[top]))) / 127
		if !ok || F32ToF16(d) >= 0x7c00 {
			return base + top
		}
		block := dst[base/q8Size*q8Bytes:][:q8Bytes]
		binary.LittleEndian.PutUint16(block, F32ToF16(d))
		id := inverse(d)
		for k, v := range x {
			// math.Round, like C's roundf, rounds halves away from zero.
			block[2+k] = byte(int8(math.Round(float64(v * id))))
		}
	}
	return -1
}

// farthest returns the index of the first element of greatest magnitude. Where an element is
// NaN or infinite it returns that element and false.
func farthest(x []float32) (top int, ok bool) {
	var amax float32
	for k, v := range x {
		a := float32(math.Abs(float64(v)))
		if !(a <= math.MaxFloat32) {
			return k, false
		}
		if a > amax {
			amax, top = a, k
		}
	}
	return top, true
}

// inverse is 1/d, or 0 where d is so small that its inverse overflows: such a d is stored as a
// zero in binary16, so the quants have no meaning.
func inverse(d float32) float32 {
	if id := 1 / d; d != 0 && float32(math.Abs(float64(id))) <= math.MaxFloat32 {
		return id
	}
	return 0
}
