package quant

import "encoding/binary"

// A Q4_0 block is a binary16 scale d and 16 bytes of nibbles; the low nibbles are elements 0 to 15,
// the high nibbles elements 16 to 31, and an element is d*(nibble-8).
// Rounding follows quantize_row_q4_0_ref of ggml/src/ggml-quants.c.
const (
	q4Size  = 32
	q4Half  = q4Size / 2
	q4Bytes = 2 + q4Half
)

func dequantizeQ4(dst []float32, src []byte) {
	for len(dst) > 0 {
		d := F16ToF32(binary.LittleEndian.Uint16(src))
		for k, q := range src[2:q4Bytes] {
			dst[k] = float32(int(q&15)-8) * d
			dst[k+q4Half] = float32(int(q>>4)-8) * d
		}
		dst, src = dst[q4Size:], src[q4Bytes:]
	}
}

// quantizeQ4 returns the element that a Q4_0 block cannot hold, or -1.
func quantizeQ4(dst []byte, src []float32) int {
	for base := 0; base < len(src); base += q4Size {
		x := src[base : base+q4Size]
		top, ok := farthest(x)
		// The element of greatest magnitude, with its sign, becomes nibble 0, that is -8*d:
		// the side with the larger magnitude gets the longer half of the range.
		d := x[top] / -8
		h := F32ToF16(d)
		if !ok || h&0x7fff >= 0x7c00 {
			return base + top
		}
		block := dst[base/q4Size*q4Bytes:][:q4Bytes]
		binary.LittleEndian.PutUint16(block, h)
		id := inverse(d)
		for k := range q4Half {
			block[2+k] = nibble(x[k], id) | nibble(x[k+q4Half], id)<<4
		}
	}
	return -1
}

// nibble is v/d rounded half up, moved by 8 and limited to 15. The conversion keeps the
// product in float32: fused with the addition it would round differently on arm64.
func nibble(v, id float32) byte {
	return min(15, byte(float32(v*id)+8.5))
}
