package kernel

import (
	"fmt"
	"testing"

	"github.com/tokenassay/assay/engine/quant"
)

// benchImplementations runs f for each implementation this CPU has.
func benchImplementations(b *testing.B, f func(b *testing.B)) {
	for _, name := range Implementations() {
		b.Run("impl="+name, func(b *testing.B) {
			restore, err := Use(name)
			if err != nil {
				b.Fatal(err)
			}
			defer restore()
			f(b)
		})
	}
}

func rate(b *testing.B, work float64, unit string) {
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
}

// BenchmarkGemm takes the products of training: forward, gradient of the input, of the weights, and
// the small ones of attention.
func BenchmarkGemm(b *testing.B) {
	cases := []struct {
		op      string
		ta, tb  bool
		m, n, k int
	}{
		{"forward", false, true, 4096, 384, 128},
		{"forward", false, true, 4096, 1024, 256},
		{"forward", false, true, 4096, 256, 1024},
		{"input", false, false, 4096, 256, 1024},
		{"input", false, false, 4096, 128, 384},
		{"weight", true, false, 1024, 256, 4096},
		{"weight", true, false, 128, 384, 4096},
		{"scores", false, true, 128, 128, 32},
		{"values", false, false, 128, 32, 128},
		{"small", true, false, 128, 32, 128},
	}
	benchImplementations(b, func(b *testing.B) {
		for _, c := range cases {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("op=%s/m=%d/n=%d/k=%d/workers=%d", c.op, c.m, c.n, c.k, workers), func(b *testing.B) {
					p := NewPool(workers)
					defer p.Close()
					x, y, z := make([]float32, c.m*c.k), make([]float32, c.k*c.n), make([]float32, c.m*c.n)
					fill(x, 1)
					fill(y, 2)
					for b.Loop() {
						Gemm(p, c.ta, c.tb, c.m, c.n, c.k, x, y, 0, z)
					}
					rate(b, 2*float64(c.m)*float64(c.n)*float64(c.k), "GFLOPS")
				})
			}
		}
	})
}

// BenchmarkTile is the inner product alone, its operands in the first-level cache: what Gemm could reach.
func BenchmarkTile(b *testing.B) {
	benchImplementations(b, func(b *testing.B) {
		t := active.Load().gemm
		c, a, bb := make([]float32, t.rows*t.cols), make([]float32, t.rows*gemmK), make([]float32, t.cols*gemmK)
		fill(a, 1)
		fill(bb, 2)
		beside := make([]float32, t.rows*t.cols)
		for b.Loop() {
			t.panel(c, t.cols, a, 0, true, bb, gemmK, t.rows, t.cols, false, beside)
		}
		rate(b, 2*float64(t.rows*t.cols*gemmK), "GFLOPS")
	})
}

func BenchmarkMatMul(b *testing.B) {
	benchImplementations(b, func(b *testing.B) {
		for _, typ := range []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0, quant.Q4_0} {
			for _, n := range []int{1, 4, 64} {
				for _, size := range [][2]int{{256, 256}, {4096, 2048}} {
					rows, cols := size[0], size[1]
					b.Run(fmt.Sprintf("type=%v/rows=%d/cols=%d/n=%d", typ, rows, cols, n), func(b *testing.B) {
						w := randomWeight(b, typ, rows, cols, 3)
						x, dst := make([]float32, n*cols), make([]float32, n*rows)
						fill(x, 4)
						var s Scratch
						p := NewPool(1)
						defer p.Close()
						b.SetBytes(int64(w.Bytes()))
						for b.Loop() {
							MatMul(p, dst, w, x, n, &s)
						}
						rate(b, 2*float64(rows)*float64(cols)*float64(n), "GFLOPS")
					})
				}
			}
		}
	})
}

// BenchmarkElementwise reports bytes of the first operand.
func BenchmarkElementwise(b *testing.B) {
	const n = 4096
	x, y, z, w, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i, s := range [][]float32{x, y, z, w, v} {
		fill(s, uint64(i))
	}
	q, d := make([]int8, n), make([]block, n/32)
	functions := []struct {
		name string
		f    func()
	}{
		{"Exp", func() { Exp(x, y) }},
		{"SiLUMul", func() { SiLUMul(x, y, z) }},
		{"SiLUMulBackward", func() { SiLUMulBackward(x, w, y, z, v) }},
		{"RMSNorm", func() { RMSNorm(x, y, z, 1e-5) }},
		{"RMSNormBackward", func() { RMSNormBackward(x, w, y, z, v, 1e-5) }},
		{"Softmax", func() { copy(x, y); Softmax(x) }},
		{"CrossEntropy", func() { copy(x, y); CrossEntropy(x, 1, 1) }},
		{"LogSumExp", func() { LogSumExp(y) }},
		{"ArgMax", func() { ArgMax(y) }},
		{"Dot", func() { Dot(x, y) }},
		{"Axpy", func() { Axpy(x, y, 1e-9) }},
		{"SumSquares", func() { SumSquares(y) }},
		{"AdamW", func() { AdamW(x, y, z, w, 1e-3, 0.9, 0.99, 1e-8, 0.1, 7) }},
		{"Rope", func() { Rope(x, 32, 128, 128, y[:64], z[:64], false) }},
		{"RopeNeox", func() { Rope(x, 32, 128, 128, y[:64], z[:64], true) }},
		{"Quantize", func() { active.Load().quantize(q, d, y) }},
	}
	benchImplementations(b, func(b *testing.B) {
		for _, f := range functions {
			b.Run(fmt.Sprintf("op=%s/n=%d", f.name, n), func(b *testing.B) {
				clear(w)
				b.SetBytes(4 * n)
				for b.Loop() {
					f.f()
				}
			})
		}
	})
}

// BenchmarkFor is the cost of a parallel loop with nothing to do.
func BenchmarkFor(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	for b.Loop() {
		p.For(8, 1, func(_, _, _ int) {})
	}
}
