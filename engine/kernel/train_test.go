package kernel

import (
	"math"
	"slices"
	"testing"
)

// slope is the central difference of f at x[i], which it changes for a moment.
func slope(x []float32, i int, f func() float64) float64 {
	const h = 1e-2
	old := x[i]
	x[i] = old + h
	up := f()
	x[i] = old - h
	down := f()
	step := float64(old+h) - float64(old-h)
	x[i] = old
	return (up - down) / step
}

// inner is Σ a*b in float64.
func inner(a, b []float32) float64 {
	s := 0.0
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// A backward function must agree with the slope of its forward function: the second derivative
// leaves an error of about h², and float32 one of 1e-6/h.
func near(t *testing.T, name string, i int, got float32, want float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > 2e-3*(1+math.Abs(want)) {
		t.Fatalf("%s[%d] = %v, want %v", name, i, got, want)
	}
}

func TestRMSNormBackward(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{1, 5, 8, 43} {
			x, w, dy, y := random(n, 1), random(n, 2), random(n, 3), make([]float32, n)
			dx, dw := slices.Repeat([]float32{1}, n), slices.Repeat([]float32{2}, n)
			RMSNormBackward(dx, dw, dy, x, w, 1e-5)
			loss := func() float64 { RMSNorm(y, x, w, 1e-5); return inner(y, dy) }
			for i := range n {
				near(t, "dx", i, dx[i]-1, slope(x, i, loss))
				near(t, "dw", i, dw[i]-2, slope(w, i, loss))
			}
		}
	})
}

func TestSiLUMulBackward(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const n = 21
		gate, up, dy, y := random(n, 1), random(n, 2), random(n, 3), make([]float32, n)
		dgate, dup := make([]float32, n), make([]float32, n)
		SiLUMulBackward(dgate, dup, dy, gate, up)
		loss := func() float64 { SiLUMul(y, gate, up); return inner(y, dy) }
		for i := range n {
			near(t, "dgate", i, dgate[i], slope(gate, i, loss))
			near(t, "dup", i, dup[i], slope(up, i, loss))
		}
		SiLUMulBackward(gate, up, dy, gate, up)
		if !bitEqual(gate, dgate) || !bitEqual(up, dup) {
			t.Error("in place differs")
		}
	})
}

func TestSoftmaxBackward(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{1, 4, 19, piece + 2} {
			x, dy := random(n, 1), random(n, 2)
			y := slices.Clone(x)
			Softmax(y)
			dx := make([]float32, n)
			SoftmaxBackward(dx, dy, y)
			loss := func() float64 { z := slices.Clone(x); Softmax(z); return inner(z, dy) }
			for i := 0; i < n; i += 1 + n/20 {
				near(t, "dx", i, dx[i], slope(x, i, loss))
			}
			SoftmaxBackward(dy, dy, y)
			if !bitEqual(dx, dy) {
				t.Errorf("n=%d: in place differs", n)
			}
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{1, 6, 33, piece + 5} {
			logits := random(n, 4)
			target := int32(n / 2)
			grad := slices.Clone(logits)
			loss := CrossEntropy(grad, target, 0.25)
			if want := LogSumExp(logits) - float64(logits[target]); !close64(float64(loss), want, 1e-5*(1+want)) {
				t.Errorf("n=%d: loss %v, want %v", n, loss, want)
			}
			value := func() float64 { return 0.25 * (LogSumExp(logits) - float64(logits[target])) }
			for i := 0; i < n; i += 1 + n/20 {
				near(t, "gradient", i, grad[i], slope(logits, i, value))
			}
			near(t, "gradient", int(target), grad[target], slope(logits, int(target), value))
		}
		extreme := []float32{1e4, -1e4, float32(math.Inf(-1))}
		if loss := CrossEntropy(extreme, 1, 1); loss != 2e4 {
			t.Errorf("loss %v, want 20000", loss)
		}
		if extreme[0] != 1 || extreme[1] != -1 || extreme[2] != 0 {
			t.Errorf("gradient %v, want 1, -1, 0", extreme)
		}
	})
}

// TestAdamW follows the paper's algorithm 2 in float64 for some steps.
func TestAdamW(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const n, lr, beta1, beta2, eps, decay = 37, 1e-2, 0.9, 0.95, 1e-8, 0.1
		w, m, v := random(n, 1), make([]float32, n), make([]float32, n)
		W, M, V := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range w {
			W[i] = float64(w[i])
		}
		for step := 1; step <= 20; step++ {
			g := random(n, uint64(step))
			AdamW(w, g, m, v, lr, beta1, beta2, eps, decay, step)
			for i := range W {
				G := float64(g[i])
				M[i] = beta1*M[i] + (1-beta1)*G
				V[i] = beta2*V[i] + (1-beta2)*G*G
				mh, vh := M[i]/(1-math.Pow(beta1, float64(step))), V[i]/(1-math.Pow(beta2, float64(step)))
				W[i] -= lr * (mh/(math.Sqrt(vh)+eps) + decay*W[i])
				if !close64(float64(w[i]), W[i], 1e-5) {
					t.Fatalf("step %d: w[%d] = %v, want %v", step, i, w[i], W[i])
				}
			}
		}
	})
}

func TestSumSquares(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range lengths() {
			x := random(n, 9)
			if got, want := SumSquares(x), inner(x, x); !close64(got, want, 1e-12*want) {
				t.Errorf("n=%d: %v, want %v", n, got, want)
			}
		}
	})
}
