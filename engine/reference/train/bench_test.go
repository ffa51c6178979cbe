package train

import (
	"testing"

	"github.com/tokenassay/assay/engine/kernel"
)

// BenchmarkStep is one optimizer step of a model of a million parameters on short sequences.
func BenchmarkStep(b *testing.B) {
	opt := echoOptions(1 << 30)
	opt.Shape = Shape{
		Layers: 4, Hidden: 128, FFN: 448, Heads: 4, KVHeads: 2, HeadDim: 32,
		Vocab: 1024, Context: 1024, NormEps: 1e-5, RopeTheta: 10000,
	}
	opt.Shards, opt.ShardTokens = 4, 1024
	for _, bench := range []struct {
		name    string
		workers int
	}{{"workers=1", 1}, {"workers=2", 2}} {
		b.Run(bench.name, func(b *testing.B) {
			pool := kernel.NewPool(bench.workers)
			defer pool.Close()
			tr, err := New(opt, pool)
			if err != nil {
				b.Fatal(err)
			}
			tokens := 0
			for b.Loop() {
				r, err := tr.Step()
				if err != nil {
					b.Fatal(err)
				}
				tokens += r.Tokens
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
