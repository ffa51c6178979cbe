//go:build !purego

package kernel

import (
	"encoding/binary"
	"math"

	"github.com/tokenassay/assay/engine/quant"
)

const columnsAVX2 = 4

type floatTiles func(dst *float32, dstStride int, w *byte, rowBytes int, tiles int, x *float32, xStride int, steps int)

// floatKernels holds, for 1 to 4 columns, the kernel of most rows and the one of a single row.
type floatKernels [columnsAVX2 + 1]struct {
	rows      int
	many, one floatTiles
}

var (
	f32AVX2 = floatKernels{1: {4, rowsF32x4x1AVX2, rowsF32x1x1AVX2}, 2: {4, rowsF32x4x2AVX2, rowsF32x1x2AVX2},
		3: {3, rowsF32x3x3AVX2, rowsF32x1x3AVX2}, 4: {3, rowsF32x3x4AVX2, rowsF32x1x4AVX2}}
	f16AVX2 = floatKernels{1: {4, rowsF16x4x1AVX2, rowsF16x1x1AVX2}, 2: {4, rowsF16x4x2AVX2, rowsF16x1x2AVX2},
		3: {3, rowsF16x3x3AVX2, rowsF16x1x3AVX2}, 4: {3, rowsF16x3x4AVX2, rowsF16x1x4AVX2}}
	bf16AVX2 = floatKernels{1: {4, rowsBF16x4x1AVX2, rowsBF16x1x1AVX2}, 2: {4, rowsBF16x4x2AVX2, rowsBF16x1x2AVX2},
		3: {3, rowsBF16x3x3AVX2, rowsBF16x1x3AVX2}, 4: {3, rowsBF16x3x4AVX2, rowsBF16x1x4AVX2}}
)

// run multiplies in steps of 8 elements; the elements left over are added one by one.
func (f *floatKernels) run(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols, size int, at func([]byte) float32) {
	steps := k / 8
	f8 := &f[cols]
	if steps > 0 {
		done := 0
		if tiles := rows / f8.rows; tiles > 0 {
			done = tiles * f8.rows
			f8.many(&dst[0], 4*dstStride, &w[0], rowBytes, tiles, &x[0], 4*k, steps)
		}
		if done < rows {
			f8.one(&dst[done], 4*dstStride, &w[done*rowBytes], rowBytes, rows-done, &x[0], 4*k, steps)
		}
	}
	if k%8 == 0 {
		return
	}
	for c := range cols {
		for r := range rows {
			s := float32(0)
			if steps > 0 {
				s = dst[c*dstStride+r]
			}
			for i := 8 * steps; i < k; i++ {
				s += at(w[r*rowBytes+i*size:]) * x[c*k+i]
			}
			dst[c*dstStride+r] = s
		}
	}
}

func rowsF32AVX2(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	f32AVX2.run(dst, dstStride, w, rowBytes, rows, x, k, cols, 4, func(b []byte) float32 {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	})
}

func rowsF16AVX2(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	f16AVX2.run(dst, dstStride, w, rowBytes, rows, x, k, cols, 2, func(b []byte) float32 {
		return quant.F16ToF32(binary.LittleEndian.Uint16(b))
	})
}

func rowsBF16AVX2(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int) {
	bf16AVX2.run(dst, dstStride, w, rowBytes, rows, x, k, cols, 2, func(b []byte) float32 {
		return quant.BF16ToF32(binary.LittleEndian.Uint16(b))
	})
}

type quantTiles func(dst *float32, dstStride int, w *byte, rowBytes int, tiles int, q *int8, qStride int, d *float32, dStride int, blocks int)

// quantKernels is floatKernels for blocks of int8.
type quantKernels [columnsAVX2 + 1]struct {
	rows      int
	many, one quantTiles
}

var (
	q8AVX2 = quantKernels{1: {4, rowsQ8x4x1AVX2, rowsQ8x1x1AVX2}, 2: {2, rowsQ8x2x2AVX2, rowsQ8x1x2AVX2},
		3: {1, rowsQ8x1x3AVX2, rowsQ8x1x3AVX2}, 4: {1, rowsQ8x1x4AVX2, rowsQ8x1x4AVX2}}
	q4AVX2 = quantKernels{1: {4, rowsQ4x4x1AVX2, rowsQ4x1x1AVX2}, 2: {2, rowsQ4x2x2AVX2, rowsQ4x1x2AVX2},
		3: {1, rowsQ4x1x3AVX2, rowsQ4x1x3AVX2}, 4: {1, rowsQ4x1x4AVX2, rowsQ4x1x4AVX2}}
)

func (f *quantKernels) run(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int) {
	blocks := k / q8Block
	f8, done := &f[cols], 0
	if tiles := rows / f8.rows; tiles > 0 {
		done = tiles * f8.rows
		f8.many(&dst[0], 4*dstStride, &w[0], rowBytes, tiles, &q[0], k, &d[0].scale, 8*blocks, blocks)
	}
	if done < rows {
		f8.one(&dst[done], 4*dstStride, &w[done*rowBytes], rowBytes, rows-done, &q[0], k, &d[0].scale, 8*blocks, blocks)
	}
}

func rowsQ8AVX2(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int) {
	q8AVX2.run(dst, dstStride, w, rowBytes, rows, q, d, k, cols)
}

func rowsQ4AVX2(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int) {
	q4AVX2.run(dst, dstStride, w, rowBytes, rows, q, d, k, cols)
}
