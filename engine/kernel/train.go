package kernel

import (
	"fmt"
	"math"
)

// RMSNormBackward is the backward pass of RMSNorm over one row: given dy, the gradient of its result,
// it adds the gradients of x and w to dx and dw. With r = 1/√(mean(x²)+eps) and g = dy*w:
// dx += r*g - x*r³*mean(g*x), dw += dy*x*r. dx must not be dy.
func RMSNormBackward(dx, dw, dy, x, w []float32, eps float32) {
	sameLength("RMSNormBackward", len(dx), len(dw), len(dy), len(x), len(w))
	if len(x) == 0 {
		return
	}
	t := active.Load()
	var xx, gx float64
	for i := 0; i < len(x); i += piece {
		hi := min(i+piece, len(x))
		a, b := t.normSums(x[i:hi], dy[i:hi], w[i:hi])
		xx, gx = xx+float64(a), gx+float64(b)
	}
	inv := inverseNorm(xx, len(x), eps)
	c := float32(float64(inv) * float64(inv) * float64(inv) * gx / float64(len(x)))
	for i := 0; i < len(x); i += piece {
		hi := min(i+piece, len(x))
		t.normBackward(dx[i:hi], dw[i:hi], dy[i:hi], x[i:hi], w[i:hi], inv, c)
	}
}

// SiLUMulBackward is the backward pass of SiLUMul: it stores the gradients of gate and up.
// With s = 1/(1+e^-gate): dgate = dy*up*s*(1+gate*(1-s)), dup = dy*gate*s.
// A result may be any of the operands; the two results must differ.
func SiLUMulBackward(dgate, dup, dy, gate, up []float32) {
	sameLength("SiLUMulBackward", len(dgate), len(dup), len(dy), len(gate), len(up))
	t := active.Load()
	for i := 0; i < len(dy); i += piece {
		hi := min(i+piece, len(dy))
		t.siluMulBackward(dgate[i:hi], dup[i:hi], dy[i:hi], gate[i:hi], up[i:hi])
	}
}

// CrossEntropy is the loss -ln softmax(logits)[target], in nats, of one row. logits are replaced by
// its gradient times weight: weight*(softmax - onehot(target)).
func CrossEntropy(logits []float32, target int32, weight float32) (loss float32) {
	if target < 0 || int(target) >= len(logits) {
		panic(fmt.Sprintf("kernel.CrossEntropy: target %d of %d logits", target, len(logits)))
	}
	top := maximum(logits)
	at := float64(logits[target])
	sum := expSum(logits, logits, top)
	Scale(logits, weight/sum)
	logits[target] -= weight
	return float32(math.Log(float64(sum)) + float64(top) - at)
}

// SoftmaxBackward is the backward pass of Softmax, y being its result: dx = y*(dy - Σ dy*y). dx may be dy.
func SoftmaxBackward(dx, dy, y []float32) {
	sameLength("SoftmaxBackward", len(dx), len(dy), len(y))
	s, t := Dot(dy, y), active.Load()
	for len(dx) > 0 {
		n := min(len(dx), piece)
		t.softmaxBackward(dx[:n], dy, y, s)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
}

// AdamW updates the parameters w by their gradients g and the running moments m and v, step counting
// from 1: the optimiser of Loshchilov and Hutter, arXiv 1711.05101, with corrected bias and decoupled decay:
// m = beta1*m + (1-beta1)*g, v = beta2*v + (1-beta2)*g²,
// w -= lr*(m/(1-beta1^step)/(√(v/(1-beta2^step))+eps) + decay*w).
func AdamW(w, g, m, v []float32, lr, beta1, beta2, eps, decay float32, step int) {
	sameLength("AdamW", len(w), len(g), len(m), len(v))
	if step < 1 {
		panic(fmt.Sprintf("kernel.AdamW: step %d", step))
	}
	c := adamStep{
		beta1: beta1, rest1: 1 - beta1, beta2: beta2, rest2: 1 - beta2,
		bias1: float32(1 / (1 - math.Pow(float64(beta1), float64(step)))),
		bias2: float32(1 / (1 - math.Pow(float64(beta2), float64(step)))),
		eps:   eps, lr: lr, decay: decay,
	}
	t := active.Load()
	for i := 0; i < len(w); i += piece {
		hi := min(i+piece, len(w))
		t.adamW(w[i:hi], g[i:hi], m[i:hi], v[i:hi], c)
	}
}
