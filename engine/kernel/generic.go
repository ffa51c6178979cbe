package kernel

import "math"

// generic is the reference: plain loops, the meaning of every entry of the table.
var generic = table{
	name: "generic",

	dot: dotGo, sumSquares: sumSquaresGo, max: maxGo,
	axpy: axpyGo, add: addGo, mul: mulGo, scale: scaleGo,
	exp: expGo, expSum: expSumGo, sumExp: sumExpGo, silu: siluGo, siluMul: siluMulGo,
	mulScale: mulScaleGo, rope: ropeGo, ropeNeox: ropeNeoxGo,

	siluMulBackward: siluMulBackwardGo,
	normSums:        normSumsGo,
	normBackward:    normBackwardGo,
	softmaxBackward: softmaxBackwardGo,
	adamW:           adamWGo,

	quantize: quantizeGo, columns: 4,
	rowsF32: rowsF32Go, rowsF16: rowsF16Go, rowsBF16: rowsBF16Go,
	rowsQ8: rowsQ8Go, rowsQ4: rowsQ4Go,

	gemm: gemmTable{rows: 4, cols: 8, pack: packGo, packT: packTGo, packTiles: packTilesGo, panel: panelGo},
}

func dotGo(a, b []float32) float32 {
	// Four sums keep four additions in flight, and err less than one.
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func sumSquaresGo(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func maxGo(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

func axpyGo(dst, x []float32, a float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += a * x[i]
	}
}

func addGo(dst, a []float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] += a[i]
	}
}

func mulGo(dst, a []float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] *= a[i]
	}
}

func scaleGo(dst []float32, s float32) {
	for i := range dst {
		dst[i] *= s
	}
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

func expGo(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = exp32(x[i])
	}
}

func expSumGo(dst, x []float32, top float32) float32 {
	x = x[:len(dst)]
	s := 0.0
	for i := range dst {
		e := exp32(x[i] - top)
		dst[i] = e
		s += float64(e)
	}
	return float32(s)
}

func sumExpGo(x []float32, top float32) float32 {
	s := 0.0
	for _, v := range x {
		s += float64(exp32(v - top))
	}
	return float32(s)
}

func sigmoid(x float32) float32 { return 1 / (1 + exp32(-x)) }

func siluGo(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * sigmoid(x[i])
	}
}

func siluMulGo(dst, gate, up []float32) {
	gate, up = gate[:len(dst)], up[:len(dst)]
	for i := range dst {
		dst[i] = gate[i] * sigmoid(gate[i]) * up[i]
	}
}

func mulScaleGo(dst, x, w []float32, s float32) {
	x, w = x[:len(dst)], w[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * s * w[i]
	}
}

func ropeGo(x []float32, cos, sin []float32) {
	sin = sin[:len(cos)]
	for i, c := range cos {
		a, b := x[2*i], x[2*i+1]
		x[2*i], x[2*i+1] = a*c-b*sin[i], a*sin[i]+b*c
	}
}

func ropeNeoxGo(x []float32, cos, sin []float32) {
	half := len(cos)
	lo, hi := x[:half], x[half:][:half]
	sin = sin[:half]
	for i, c := range cos {
		a, b := lo[i], hi[i]
		lo[i], hi[i] = a*c-b*sin[i], a*sin[i]+b*c
	}
}

func siluMulBackwardGo(dgate, dup, dy, gate, up []float32) {
	for i, d := range dy[:len(dgate)] {
		g, u := gate[i], up[i]
		s := sigmoid(g)
		dgate[i], dup[i] = d*u*s*(1+g*(1-s)), d*g*s
	}
}

func normSumsGo(x, dy, w []float32) (xx, dyw float32) {
	var a, b float64
	dy, w = dy[:len(x)], w[:len(x)]
	for i, v := range x {
		a += float64(v) * float64(v)
		b += float64(dy[i]*w[i]) * float64(v)
	}
	return float32(a), float32(b)
}

func normBackwardGo(dx, dw, dy, x, w []float32, inv, c float32) {
	for i, d := range dy[:len(dx)] {
		r := d * inv
		dx[i] += r*w[i] - c*x[i]
		dw[i] += r * x[i]
	}
}

func softmaxBackwardGo(dx, dy, y []float32, s float32) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	for i := range dx {
		dx[i] = y[i] * (dy[i] - s)
	}
}

func adamWGo(w, g, m, v []float32, c adamStep) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		m[i] = c.beta1*m[i] + c.rest1*g[i]
		v[i] = c.beta2*v[i] + c.rest2*(g[i]*g[i])
		move := m[i] * c.bias1 / (float32(math.Sqrt(float64(v[i]*c.bias2))) + c.eps)
		w[i] -= c.lr * (move + c.decay*w[i])
	}
}
