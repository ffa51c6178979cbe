package kernel

import (
	"encoding/binary"
	"math"

	"github.com/tokenassay/assay/engine/quant"
)

// quantizeGo turns blocks of 32 floats into int8 and a scale that binary16 can hold. The scale of a block
// with a NaN, an infinity or a scale beyond binary16 is NaN, and its q have no meaning.
func quantizeGo(q []int8, d []block, x []float32) {
	for b := range d {
		v := x[b*q8Block:][:q8Block]
		top := float32(0)
		for _, f := range v {
			// NaN has the greatest bits, so that it is not passed over.
			if a := math.Float32bits(f) &^ (1 << 31); a > math.Float32bits(top) {
				top = math.Float32frombits(a)
			}
		}
		scale := top / 127
		inv := float32(0)
		if top > 0 {
			inv = min(127/top, math.MaxFloat32)
		}
		stored := quant.F16ToF32(quant.F32ToF16(scale))
		d[b] = block{scale: stored + (stored - stored)}
		for i, f := range v {
			r := int8(min(max(math.RoundToEven(float64(f*inv)), -127), 127))
			q[b*q8Block+i] = r
			d[b].sum += int32(r)
		}
	}
}

// rowsGo is floatRows for weights of size bytes each, by way of a function that reads one.
func rowsGo(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols, size int, at func([]byte) float32) {
	for r := range rows {
		row := w[r*rowBytes:][:k*size]
		for c := range cols {
			s := float32(0)
			for i, v := range x[c*k:][:k] {
				s += at(row[i*size:]) * v
			}
			dst[c*dstStride+r] = s
		}
	}
}

func rowsF32Go(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	rowsGo(dst, dstStride, w, rowBytes, rows, x, k, cols, 4, func(b []byte) float32 {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	})
}

func rowsF16Go(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	rowsGo(dst, dstStride, w, rowBytes, rows, x, k, cols, 2, func(b []byte) float32 {
		return quant.F16ToF32(binary.LittleEndian.Uint16(b))
	})
}

func rowsBF16Go(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	rowsGo(dst, dstStride, w, rowBytes, rows, x, k, cols, 2, func(b []byte) float32 {
		return quant.BF16ToF32(binary.LittleEndian.Uint16(b))
	})
}

func rowsQ8Go(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int) {
	blocks := k / q8Block
	for r := range rows {
		for c := range cols {
			s := float32(0)
			for b := range blocks {
				wb := w[r*rowBytes+b*34:][:34]
				qb := q[c*k+b*q8Block:][:q8Block]
				sum := int32(0)
				for i, v := range wb[2:] {
					sum += int32(int8(v)) * int32(qb[i])
				}
				s += float32(sum) * (quant.F16ToF32(binary.LittleEndian.Uint16(wb)) * d[c*blocks+b].scale)
			}
			dst[c*dstStride+r] = s
		}
	}
}

func rowsQ4Go(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int) {
	blocks := k / q8Block
	for r := range rows {
		for c := range cols {
			s := float32(0)
			for b := range blocks {
				wb := w[r*rowBytes+b*18:][:18]
				qb := q[c*k+b*q8Block:][:q8Block]
				sum := int32(0)
				for i, v := range wb[2:] { // low nibbles are elements 0-15, high ones 16-31
					sum += int32(int8(v&15)-8)*int32(qb[i]) + int32(int8(v>>4)-8)*int32(qb[i+16])
				}
				s += float32(sum) * (quant.F16ToF32(binary.LittleEndian.Uint16(wb)) * d[c*blocks+b].scale)
			}
			dst[c*dstStride+r] = s
		}
	}
}

func packGo(dst, b []float32, ldb, k, n int) {
	cols := len(dst) / k
	for i := range k {
		row := dst[i*cols:][:cols]
		clear(row[copy(row, b[i*ldb:][:n]):])
	}
}

func packTGo(dst, b []float32, ldb, k, n int) {
	cols := len(dst) / k
	if n < cols {
		clear(dst)
	}
	for j := range n {
		for i, v := range b[j*ldb:][:k] {
			dst[i*cols+j] = v
		}
	}
}

func packTilesGo(dst, a []float32, lda, k, tiles int) {
	for p := range k {
		row := a[p*lda:][:4*tiles]
		for tile := range tiles {
			copy(dst[(tile*k+p)*4:][:4], row[tile*4:])
		}
	}
}

// panelGo computes one row of C at a time, its 8 sums in registers.
func panelGo(c []float32, ldc int, a []float32, lda int, packed bool, b []float32, k, m, n int, accumulate bool, _ []float32) {
	for i := range m {
		ai, step := i*lda, 1
		if packed {
			tile := i / 4 * 4
			step = min(4, m-tile)
			ai = tile*k + i - tile
		}
		var s0, s1, s2, s3, s4, s5, s6, s7 float32
		for p := range k {
			v := a[ai+p*step]
			r := (*[8]float32)(b[8*p:])
			s0 += v * r[0]
			s1 += v * r[1]
			s2 += v * r[2]
			s3 += v * r[3]
			s4 += v * r[4]
			s5 += v * r[5]
			s6 += v * r[6]
			s7 += v * r[7]
		}
		sums := [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
		row := c[i*ldc:][:n]
		if accumulate {
			addGo(row, sums[:n])
		} else {
			copy(row, sums[:])
		}
	}
}
