package train

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestOrthogonaliser(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rows, cols int
	}{{"square", 12, 12}, {"wide", 8, 20}, {"tall", 20, 8}} {
		t.Run(tt.name, func(t *testing.T) {
			const seed = 5
			rng := rand.New(rand.NewPCG(seed, 0))
			g := make([]float32, tt.rows*tt.cols)
			for i := range g {
				g[i] = float32(rng.NormFloat64()) * 1e-4 // gradients are small; scale must not matter
			}
			var o orthogonaliser
			x := o.run(g, tt.rows, tt.cols)
			// All singular values lie in [0.6, 1.3]: no direction of the smaller side is longer
			// or shorter, and the step points where the gradient points.
			for range 50 {
				v := make([]float64, min(tt.rows, tt.cols))
				var length float64
				for i := range v {
					v[i] = rng.NormFloat64()
					length += v[i] * v[i]
				}
				var image float64
				for j := range max(tt.rows, tt.cols) {
					var sum float64
					for i := range v {
						if tt.rows > tt.cols {
							sum += float64(x[j*tt.cols+i]) * v[i]
						} else {
							sum += float64(x[i*tt.cols+j]) * v[i]
						}
					}
					image += sum * sum
				}
				if r := math.Sqrt(image / length); r < 0.6 || r > 1.3 {
					t.Fatalf("seed %d: a direction is stretched by %.3f, want near 1", seed, r)
				}
			}
			var dot float64
			for i := range g {
				dot += float64(g[i]) * float64(x[i])
			}
			if dot <= 0 {
				t.Errorf("seed %d: the result points away from the gradient (%g)", seed, dot)
			}
		})
	}
}

func TestMatricesAndNormsAreAllWeights(t *testing.T) {
	s := lopsided
	count := make([]int, s.Parameters())
	for _, m := range s.matrices() {
		for i := range m.rows * m.cols {
			count[m.lo+i]++
		}
	}
	for _, sp := range newParams(s, make([]float32, s.Parameters())).adamSpans() {
		for i := sp.lo; i < sp.hi; i++ {
			count[i]++
		}
	}
	for i, n := range count {
		if n != 1 {
			t.Fatalf("weight %d is updated %d times a step, want once", i, n)
		}
	}
}
