package train

import (
	"math"

	"github.com/tokenassay/assay/engine/kernel"
)

// matrix is where one of the layers' matrices stands in params.flat. Query, key and value are
// matrices of their own here, and so are gate and up: what is orthogonalised together must
// act together.
type matrix struct{ lo, rows, cols int }

// matrices lists those of all layers, in the order of params.flat.
func (s Shape) matrices() []matrix {
	var all []matrix
	at := s.Vocab * s.Hidden
	add := func(rows, cols int) {
		all = append(all, matrix{at, rows, cols})
		at += rows * cols
	}
	for range s.Layers {
		at += s.Hidden // attention norm
		add(s.queryDim(), s.Hidden)
		add(s.kvDim(), s.Hidden)
		add(s.kvDim(), s.Hidden)
		add(s.Hidden, s.queryDim())
		at += s.Hidden // feed-forward norm
		add(s.FFN, s.Hidden)
		add(s.FFN, s.Hidden)
		add(s.Hidden, s.FFN)
	}
	return all
}

// orthogonaliser is one worker's room for Newton and Schulz's iteration.
type orthogonaliser struct{ x, y, gram, poly []float32 }

// Coefficients of the quintic aX + b(XXᵀ)X + c(XXᵀ)²X and how often it is applied: they take every
// singular value above about 0.01 to between 0.7 and 1.2, faster than they would take it to 1
// (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).
const (
	quinticA, quinticB, quinticC = 3.4445, -4.7750, 2.0315
	quinticSteps                 = 5
)

// run returns g (rows, cols) with its singular values brought near to 1: nearly the nearest
// orthogonal matrix. The result is valid until the next call.
func (o *orthogonaliser) run(g []float32, rows, cols int) []float32 {
	n := min(rows, cols)
	tall := rows > cols
	x, y := sized(&o.x, rows*cols), sized(&o.y, rows*cols)
	gram, poly := sized(&o.gram, n*n), sized(&o.poly, n*n)
	copy(x, g)
	kernel.Scale(x, float32(1/(math.Sqrt(float64(kernel.SumSquares(x)))+1e-12)))
	for range quinticSteps {
		// The smaller of XXᵀ and XᵀX.
		kernel.Gemm(nil, tall, !tall, n, n, max(rows, cols), x, x, 0, gram)
		copy(poly, gram)
		kernel.Gemm(nil, false, false, n, n, n, gram, gram, quinticB/quinticC, poly)
		kernel.Scale(poly, quinticC)
		copy(y, x)
		if tall {
			kernel.Gemm(nil, false, false, rows, cols, n, x, poly, quinticA, y)
		} else {
			kernel.Gemm(nil, false, false, rows, cols, n, poly, x, quinticA, y)
		}
		x, y = y, x
	}
	return x
}

// muonMomentum is the decay of the momentum, Nesterov's (Jordan et al. 2024).
const muonMomentum = 0.95

// muon moves the layers' matrices along their orthogonalised momentum. A matrix with more rows
// than columns moves further, so that each output changes alike. scale clips the gradient.
func (t *Trainer) muon(rate float64, scale float32) {
	all := t.opt.Shape.matrices()
	t.pool.For(len(all), 1, func(worker, lo, hi int) {
		o := &t.pass(worker).orthogonaliser
		for _, m := range all[lo:hi] {
			end := m.lo + m.rows*m.cols
			w, g, momentum := t.weights.flat[m.lo:end], t.total.flat[m.lo:end], t.mean[m.lo:end]
			kernel.Scale(momentum, muonMomentum)
			kernel.Axpy(momentum, g, (1-muonMomentum)*scale)
			kernel.Scale(g, (1-muonMomentum)*scale)
			kernel.Axpy(g, momentum, muonMomentum)
			step := o.run(g, m.rows, m.cols)
			kernel.Scale(w, float32(1-rate*t.opt.WeightDecay))
			kernel.Axpy(w, step, float32(-rate*math.Sqrt(max(1, float64(m.rows)/float64(m.cols)))))
		}
	})
}
