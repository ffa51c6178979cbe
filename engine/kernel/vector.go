package kernel

import (
	"fmt"
	"math"
)

// piece is how many elements one call of an elementwise kernel takes: 16 KB per operand, some 2 to 20 µs.
const piece = 4096

func sameLength(name string, n int, others ...int) {
	for _, o := range others {
		if o != n {
			panic(fmt.Sprintf("kernel.%s: lengths %d and %d", name, n, o))
		}
	}
}

// Dot is Σ a[i]*b[i], summed in an order that depends on the length alone.
func Dot(a, b []float32) float32 {
	sameLength("Dot", len(a), len(b))
	t, s := active.Load(), float32(0)
	for len(a) > 4*piece {
		s += t.dot(a[:4*piece], b)
		a, b = a[4*piece:], b[4*piece:]
	}
	return s + t.dot(a, b)
}

// SumSquares is Σ x[i]², in float64.
func SumSquares(x []float32) float64 {
	t, s := active.Load(), 0.0
	for len(x) > 4*piece {
		s += t.sumSquares(x[:4*piece])
		x = x[4*piece:]
	}
	return s + t.sumSquares(x)
}

// Axpy adds a*x to dst, which may be x.
func Axpy(dst, x []float32, a float32) {
	sameLength("Axpy", len(dst), len(x))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.axpy(dst[:n], x, a)
		dst, x = dst[n:], x[n:]
	}
}

// Add adds a to dst.
func Add(dst, a []float32) {
	sameLength("Add", len(dst), len(a))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.add(dst[:n], a)
		dst, a = dst[n:], a[n:]
	}
}

// Mul multiplies dst by a, element by element.
func Mul(dst, a []float32) {
	sameLength("Mul", len(dst), len(a))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.mul(dst[:n], a)
		dst, a = dst[n:], a[n:]
	}
}

// Scale multiplies dst by s.
func Scale(dst []float32, s float32) {
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.scale(dst[:n], s)
		dst = dst[n:]
	}
}

// Exp is dst = e^x within 2 units in the last place, denormal results included. dst may be x.
func Exp(dst, x []float32) {
	sameLength("Exp", len(dst), len(x))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.exp(dst[:n], x)
		dst, x = dst[n:], x[n:]
	}
}

// SiLU is dst = x/(1+e^-x). dst may be x.
func SiLU(dst, x []float32) {
	sameLength("SiLU", len(dst), len(x))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.silu(dst[:n], x)
		dst, x = dst[n:], x[n:]
	}
}

// SiLUMul is dst = silu(gate)*up, the gate of SwiGLU. dst may be gate or up.
func SiLUMul(dst, gate, up []float32) {
	sameLength("SiLUMul", len(dst), len(gate), len(up))
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.siluMul(dst[:n], gate, up)
		dst, gate, up = dst[n:], gate[n:], up[n:]
	}
}

// RMSNorm is dst = w*x/√(mean(x²)+eps) over one row. dst may be x.
func RMSNorm(dst, x, w []float32, eps float32) {
	sameLength("RMSNorm", len(dst), len(x), len(w))
	if len(x) == 0 {
		return
	}
	inv := inverseNorm(SumSquares(x), len(x), eps)
	for t := active.Load(); len(dst) > 0; {
		n := min(len(dst), piece)
		t.mulScale(dst[:n], x, w, inv)
		dst, x, w = dst[n:], x[n:], w[n:]
	}
}

func inverseNorm(sumSquares float64, n int, eps float32) float32 {
	return float32(1 / math.Sqrt(sumSquares/float64(n)+float64(eps)))
}

// Softmax replaces x by e^x/Σe^x. Elements of -Inf become 0; where all are, or one is NaN or
// +Inf, the result is NaN.
func Softmax(x []float32) {
	if len(x) == 0 {
		return
	}
	sum := expSum(x, x, maximum(x))
	Scale(x, 1/sum)
}

// expSum is dst = e^(x-top); it returns the sum of dst.
func expSum(dst, x []float32, top float32) float32 {
	t, s := active.Load(), 0.0
	for len(x) > 0 {
		n := min(len(x), piece)
		s += float64(t.expSum(dst[:n], x[:n], top))
		dst, x = dst[n:], x[n:]
	}
	return float32(s)
}

// maximum passes over NaN; it is -Inf where nothing is left.
func maximum(x []float32) float32 {
	t, top := active.Load(), float32(math.Inf(-1))
	for len(x) > 0 {
		n := min(len(x), 4*piece)
		top = max(top, t.max(x[:n]))
		x = x[n:]
	}
	return top
}

// LogSumExp is ln Σe^x: -Inf for no elements.
func LogSumExp(x []float32) float64 {
	top := maximum(x)
	if math.IsInf(float64(top), 0) {
		return edgeLogSumExp(x, top)
	}
	t, s := active.Load(), 0.0
	for len(x) > 0 {
		n := min(len(x), piece)
		s += float64(t.sumExp(x[:n], top))
		x = x[n:]
	}
	return float64(top) + math.Log(s)
}

// edgeLogSumExp answers where the largest element is infinite, or all are NaN.
func edgeLogSumExp(x []float32, top float32) float64 {
	for _, v := range x {
		if v != v {
			return math.NaN()
		}
	}
	return float64(top)
}

// ArgMax is the lowest index of the largest element; NaN is never chosen. -1 where there is none.
func ArgMax(x []float32) int {
	top := maximum(x)
	for i, v := range x {
		if v == top {
			return i
		}
	}
	return -1
}

// Rope rotates the first rot dimensions of every head of x (heads, headDim) by the angles whose
// cosines and sines are given, rot/2 each (Su et al., arXiv 2104.09864). Pairs are neighbours
// (2i, 2i+1), or with neox (i, i+rot/2). With -sin it is the backward pass.
func Rope(x []float32, heads, headDim, rot int, cos, sin []float32, neox bool) {
	if len(x) != heads*headDim || rot < 0 || rot%2 != 0 || rot > headDim || len(cos) != rot/2 || len(sin) != rot/2 {
		panic(fmt.Sprintf("kernel.Rope: %d elements for %d heads of %d, rot %d, cos %d, sin %d", len(x), heads, headDim, rot, len(cos), len(sin)))
	}
	if rot == 0 {
		return
	}
	t := active.Load()
	f := t.rope
	if neox {
		f = t.ropeNeox
	}
	for h := range heads {
		f(x[h*headDim:][:rot], cos, sin)
	}
}
