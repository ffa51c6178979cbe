package local

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/internal/tinymodel"
	"github.com/tokenassay/assay/engine/quant"
)

// BenchmarkGenerate measures whole answers through scheduler, sampler and decoder, beside
// model's BenchmarkForward, which has none of these.
func BenchmarkGenerate(b *testing.B) {
	cfg := tinymodel.Config("llama") // about a million parameters
	cfg.Layers, cfg.Hidden, cfg.FFN, cfg.Heads, cfg.KVHeads, cfg.HeadDim, cfg.RopeDim, cfg.Vocab, cfg.Context = 4, 128, 384, 4, 2, 32, 32, 1024, 512
	c, err := tinymodel.New(cfg, quant.Q8_0, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, callers := range []int{1, 4} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			e, err := New(c, Options{Slots: callers})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			var mu sync.Mutex
			var total engine.Usage
			for b.Loop() {
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						r, err := e.Generate(b.Context(), engine.Request{Prompt: "one and the other", MaxTokens: 64}, func(engine.Chunk) {})
						if err != nil {
							b.Error(err)
						}
						mu.Lock()
						defer mu.Unlock()
						total = total.Add(r.Usage)
					})
				}
				wg.Wait()
			}
			b.ReportMetric(float64(total.Output)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(float64(total.CachedInput)/float64(total.Input), "cached/input")
		})
	}
}
