//go:build !purego

package kernel

import "unsafe"

// avx2 needs AVX2, FMA and F16C. Its functions are Go functions around assembly: the check of
// their stack is where the runtime can interrupt a loop of calls.
var avx2 = table{
	name: "avx2",

	dot: func(a, b []float32) float32 {
		return dotAVX2(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	},
	sumSquares: func(x []float32) float64 { return sumSquaresAVX2(unsafe.SliceData(x), len(x)) },
	max:        func(x []float32) float32 { return maxAVX2(unsafe.SliceData(x), len(x)) },
	axpy: func(dst, x []float32, a float32) {
		axpyAVX2(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst), a)
	},
	add:   func(dst, a []float32) { addAVX2(unsafe.SliceData(dst), unsafe.SliceData(a), len(dst)) },
	mul:   func(dst, a []float32) { mulAVX2(unsafe.SliceData(dst), unsafe.SliceData(a), len(dst)) },
	scale: func(dst []float32, s float32) { scaleAVX2(unsafe.SliceData(dst), len(dst), s) },
	exp:   func(dst, x []float32) { expAVX2(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) },
	expSum: func(dst, x []float32, top float32) float32 {
		return expSumAVX2(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst), top)
	},
	sumExp: func(x []float32, top float32) float32 { return sumExpAVX2(unsafe.SliceData(x), len(x), top) },
	silu:   func(dst, x []float32) { siluAVX2(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) },
	siluMul: func(dst, gate, up []float32) {
		siluMulAVX2(unsafe.SliceData(dst), unsafe.SliceData(gate), unsafe.SliceData(up), len(dst))
	},
	mulScale: func(dst, x, w []float32, s float32) {
		mulScaleAVX2(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(w), len(dst), s)
	},
	rope: func(x []float32, cos, sin []float32) {
		n := len(cos) &^ 3
		if n > 0 {
			ropeAVX2(unsafe.SliceData(x), unsafe.SliceData(cos), unsafe.SliceData(sin), n)
		}
		ropeGo(x[2*n:], cos[n:], sin[n:])
	},
	ropeNeox: func(x []float32, cos, sin []float32) {
		lo, hi := x[:len(cos)], x[len(cos):]
		ropeNeoxAVX2(unsafe.SliceData(lo), unsafe.SliceData(hi), unsafe.SliceData(cos), unsafe.SliceData(sin), len(cos))
	},

	siluMulBackward: func(dgate, dup, dy, gate, up []float32) {
		siluMulBackwardAVX2(unsafe.SliceData(dgate), unsafe.SliceData(dup), unsafe.SliceData(dy), unsafe.SliceData(gate), unsafe.SliceData(up), len(dgate))
	},
	normSums: func(x, dy, w []float32) (xx, dyw float32) {
		return normSumsAVX2(unsafe.SliceData(x), unsafe.SliceData(dy), unsafe.SliceData(w), len(x))
	},
	normBackward: func(dx, dw, dy, x, w []float32, inv, c float32) {
		normBackwardAVX2(unsafe.SliceData(dx), unsafe.SliceData(dw), unsafe.SliceData(dy), unsafe.SliceData(x), unsafe.SliceData(w), len(dx), inv, c)
	},
	softmaxBackward: func(dx, dy, y []float32, s float32) {
		softmaxBackwardAVX2(unsafe.SliceData(dx), unsafe.SliceData(dy), unsafe.SliceData(y), len(dx), s)
	},
	adamW: func(w, g, m, v []float32, c adamStep) {
		adamWAVX2(unsafe.SliceData(w), unsafe.SliceData(m), unsafe.SliceData(v), unsafe.SliceData(g), len(w),
			c.beta1, c.rest1, c.beta2, c.rest2, c.bias1, c.bias2, c.eps, c.lr, c.decay)
	},

	quantize: func(q []int8, d []block, x []float32) {
		if len(d) > 0 {
			quantizeAVX2(&q[0], &d[0].scale, &x[0], len(d))
		}
	},
	columns:  columnsAVX2,
	rowsF32:  rowsF32AVX2,
	rowsF16:  rowsF16AVX2,
	rowsBF16: rowsBF16AVX2,
	rowsQ8:   rowsQ8AVX2,
	rowsQ4:   rowsQ4AVX2,

	gemm: gemmTable{rows: 6, cols: 16, pack: packAVX2, packT: packTAVX2, packTiles: packTilesAVX2, panel: panelAVX2},
}
