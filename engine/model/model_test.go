package model_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/internal/tinymodel"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/kvcache"
	"github.com/tokenassay/assay/engine/model"
	"github.com/tokenassay/assay/engine/quant"
)

func block(i int, name string) string { return fmt.Sprintf("blk.%d.%s", i, name) }

// variant is a model all properties are checked on.
type variant struct {
	name string
	cfg  checkpoint.Config
	typ  quant.Type
}

func variants() []variant {
	var vs []variant
	with := func(name, arch string, t quant.Type, change func(*checkpoint.Config)) {
		cfg := tinymodel.Config(arch)
		if change != nil {
			change(&cfg)
		}
		vs = append(vs, variant{arch + "/" + name, cfg, t})
	}
	for _, arch := range model.Architectures() {
		for _, t := range []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0, quant.Q4_0} {
			with(t.String(), arch, t, nil)
		}
		with("flip tied", arch, quant.F32, func(c *checkpoint.Config) { c.Tied = !c.Tied })
		with("no groups", arch, quant.F32, func(c *checkpoint.Config) { c.KVHeads = c.Heads })
		with("one kv head", arch, quant.F16, func(c *checkpoint.Config) { c.KVHeads = 1 })
		with("one layer", arch, quant.F32, func(c *checkpoint.Config) { c.Layers = 1 })
		with("odd sizes", arch, quant.F32, func(c *checkpoint.Config) {
			c.Hidden, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.RopeDim = 37, 53, 3, 3, 7, 6
		})
		with("part rotated", arch, quant.F32, func(c *checkpoint.Config) { c.RopeDim = 6 })
		with("output bias", arch, quant.F32, func(c *checkpoint.Config) { c.OutputBias = true })
		with("flip qkv bias", arch, quant.F32, func(c *checkpoint.Config) { c.QKVBias = arch != checkpoint.Qwen2 || c.QKVBias })
	}
	with("rope factors", checkpoint.Llama, quant.F32, func(c *checkpoint.Config) {
		c.RopeFactors = []float32{1, 1, 1.5, 2, 3, 4, 8, 8}
	})
	return vs
}

// TestArchitectures checks on every variant that the logits are the formulas', and that no
// way of getting to a position changes a bit of them.
func TestArchitectures(t *testing.T) {
	pool := kernel.NewPool(3)
	defer pool.Close()
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			c, err := tinymodel.New(v.cfg, v.typ, 11)
			if err != nil {
				t.Fatal(err)
			}
			m, err := model.Load(c)
			if err != nil {
				t.Fatal(err)
			}
			check(t, c, m, pool)
		})
	}
}

func check(t *testing.T, c *checkpoint.Checkpoint, m *model.Model, pool *kernel.Pool) {
	const n = 70 // past a page of the cache
	a, b := tokens(c, n, 1), tokens(c, 19, 2)
	want := forward(t, m, pool, m.NewCache(n), a, n)

	t.Run("formulas", func(t *testing.T) { compare(t, c, want, a) })

	t.Run("token by token", func(t *testing.T) {
		cache := m.NewCache(n)
		for i := range a {
			equal(t, i, forward(t, m, nil, cache, a[i:i+1], 1), want[i:i+1])
		}
	})
	t.Run("in pieces", func(t *testing.T) {
		cache := m.NewCache(n)
		for i, size := 0, 1; i < n; i, size = i+size, size*3 {
			size = min(size, n-i)
			wanted := min(size, 2)
			equal(t, i, forward(t, m, pool, cache, a[i:i+size], wanted), want[i+size-wanted:i+size])
		}
	})
	t.Run("one thread", func(t *testing.T) {
		equal(t, 0, forward(t, m, nil, m.NewCache(n), a, n), want)
	})
	t.Run("no logits", func(t *testing.T) {
		cache := m.NewCache(n)
		if out := forward(t, m, pool, cache, a[:40], 0); len(out) != 0 {
			t.Errorf("%d rows of logits, none were wanted", len(out))
		}
		equal(t, 40, forward(t, m, pool, cache, a[40:], 30), want[40:])
	})
	t.Run("batch", func(t *testing.T) {
		wantB := forward(t, m, pool, m.NewCache(n), b, len(b))
		ra := &model.Run{Tokens: a[:33], Cache: m.NewCache(n), Logits: 5}
		rb := &model.Run{Tokens: b[:1], Cache: m.NewCache(n), Logits: 1}
		for k := 0; k < 18; k++ { // a goes on three tokens a step, b one
			if err := m.Forward(pool, ra, rb); err != nil {
				t.Fatal(err)
			}
			end := ra.Cache.Len()
			equal(t, end-ra.Logits, ra.Out, want[end-ra.Logits:end])
			equal(t, k, rb.Out, wantB[k:k+1])
			ra.Tokens, ra.Logits = a[end:min(end+3, n)], 1
			rb.Tokens = b[k+1 : k+2]
			if end == n {
				ra = &model.Run{Tokens: a[:1], Cache: m.NewCache(n), Logits: 1}
			}
		}
	})
	t.Run("truncated", func(t *testing.T) {
		cache := m.NewCache(n)
		forward(t, m, pool, cache, a[:20], 0)
		forward(t, m, pool, cache, b, 1)
		cache.Truncate(20)
		equal(t, 20, forward(t, m, pool, cache, a[20:], 50), want[20:])
	})
	t.Run("forked", func(t *testing.T) {
		cache := m.NewCache(n)
		forward(t, m, pool, cache, a[:40], 0)
		fork := cache.Fork(30)
		forward(t, m, pool, fork, b, 1)
		equal(t, 40, forward(t, m, pool, cache, a[40:], 30), want[40:])
		fork.Truncate(30)
		equal(t, 30, forward(t, m, pool, fork, a[30:], 40), want[30:])
	})
}

// tolerance is for the root of the mean squared difference from the formulas, relative to the
// spread of the logits. F32, F16 and BF16 are multiplied in float32, and 2e-6 is about what
// a few layers of its rounding add up to. With Q8_0 and Q4_0 weights the activations are
// rounded to 8 bits, by the formulas too; where a number lies near the middle of two steps the
// two may round it apart, by 1/127 of the largest of 32.
func tolerance(t quant.Type) float64 {
	if t == quant.Q8_0 || t == quant.Q4_0 {
		return 0.02
	}
	return 2e-6
}

func compare(t *testing.T, c *checkpoint.Checkpoint, got [][]float32, tokens []int32) {
	t.Helper()
	want := oracle{t, c}.logits(tokens)
	squares, errors := 0.0, 0.0
	for i := range want {
		for j := range want[i] {
			d := want[i][j] - float64(got[i][j])
			squares, errors = squares+want[i][j]*want[i][j], errors+d*d
		}
	}
	if off, limit := math.Sqrt(errors/squares), tolerance(c.MainType()); !(off <= limit) {
		t.Errorf("off the formulas by %.3g of the logits' spread, more than %.3g", off, limit)
	} else {
		t.Logf("off the formulas by %.3g of the logits' spread", off)
	}
}

// equal wants the same bits. first is the position of the first row.
func equal(t *testing.T, first int, got, want [][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows of logits, want %d", len(got), len(want))
	}
	for i := range want {
		for j := range want[i] {
			if math.Float32bits(got[i][j]) != math.Float32bits(want[i][j]) {
				t.Fatalf("position %d token %d: logit %v, want %v", first+i, j, got[i][j], want[i][j])
			}
		}
	}
}

func tokens(c *checkpoint.Checkpoint, n int, seed uint64) []int32 {
	rng := rand.New(rand.NewPCG(seed, 99))
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = rng.Int32N(int32(c.Config.Vocab))
	}
	return ids
}

func forward(t testing.TB, m *model.Model, pool *kernel.Pool, cache *kvcache.Cache, ids []int32, logits int) [][]float32 {
	t.Helper()
	r := &model.Run{Tokens: ids, Cache: cache, Logits: logits}
	if err := m.Forward(pool, r); err != nil {
		t.Fatal(err)
	}
	return r.Out
}

func load(t testing.TB, cfg checkpoint.Config, typ quant.Type) (*checkpoint.Checkpoint, *model.Model) {
	t.Helper()
	c, err := tinymodel.New(cfg, typ, 5)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(c)
	if err != nil {
		t.Fatal(err)
	}
	return c, m
}

// TestConcurrentForwards runs several sequences on one Model from several goroutines.
func TestConcurrentForwards(t *testing.T) {
	c, m := load(t, tinymodel.Config("llama"), quant.F32)
	pool := kernel.NewPool(2)
	defer pool.Close()
	var wg sync.WaitGroup
	for g := range 4 {
		ids := tokens(c, 20+g, uint64(g))
		want := forward(t, m, nil, m.NewCache(64), ids, len(ids))
		wg.Go(func() {
			for range 5 {
				r := &model.Run{Tokens: ids, Cache: m.NewCache(64), Logits: len(ids)}
				if err := m.Forward(pool, r); err != nil {
					t.Error(err)
					return
				}
				for i := range want {
					if !slices.Equal(r.Out[i], want[i]) {
						t.Errorf("goroutine %d: position %d differs", g, i)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestRefusedRuns(t *testing.T) {
	_, m := load(t, tinymodel.Config("qwen3"), quant.F32)
	good := m.NewCache(10)
	forward(t, m, nil, good, []int32{1, 2, 3}, 0)
	other := tinymodel.Config("qwen3")
	other.Layers++
	_, deeper := load(t, other, quant.F32)
	for _, c := range []struct {
		name string
		runs []*model.Run
		want string
	}{
		{"no tokens", []*model.Run{{Cache: good}}, "no tokens"},
		{"no cache", []*model.Run{{Tokens: []int32{1}}}, "another shape"},
		{"cache of another model", []*model.Run{{Tokens: []int32{1}, Cache: deeper.NewCache(5)}}, "another shape"},
		{"negative token", []*model.Run{{Tokens: []int32{1, -1}, Cache: good}}, "token 1 is -1"},
		{"token past the vocabulary", []*model.Run{{Tokens: []int32{403}, Cache: good}}, "token 0 is 403, not in [0, 403)"},
		{"too many logits", []*model.Run{{Tokens: []int32{1}, Cache: good, Logits: 2}}, "logits of 2 positions of 1"},
		{"negative logits", []*model.Run{{Tokens: []int32{1}, Cache: good, Logits: -1}}, "logits of -1"},
		{"full", []*model.Run{{Tokens: make([]int32, 8), Cache: good}}, "8 tokens after 3 in a cache of 10"},
		{"one cache twice", []*model.Run{{Tokens: []int32{1}, Cache: good}, {Tokens: []int32{1}, Cache: good}}, "run 1 of 2: a cache of an earlier run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := m.Forward(nil, c.runs...)
			if !errors.Is(err, model.ErrRun) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrRun with %q", err, c.want)
			}
			if good.Len() != 3 {
				t.Errorf("the cache went from 3 tokens to %d", good.Len())
			}
		})
	}
	if err := m.Forward(nil); err != nil {
		t.Errorf("Forward of no runs: %v", err)
	}
	full := m.NewCache(2)
	if err := m.Forward(nil, &model.Run{Tokens: []int32{1, 2, 3}, Cache: full}); !errors.Is(err, kvcache.ErrFull) {
		t.Errorf("a full cache: %v, want kvcache.ErrFull inside", err)
	}
}

// TestLoadRefusals damages what a checkpoint says after it was checked.
func TestLoadRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*checkpoint.Config)
		want   string
	}{
		{"unknown architecture", func(c *checkpoint.Config) { c.Arch = "gpt2" }, "gpt2"},
		{"no layers", func(c *checkpoint.Config) { c.Layers = 0 }, "layers"},
		{"heads", func(c *checkpoint.Config) { c.KVHeads = 4 }, "4 key-value heads"},
		{"wider", func(c *checkpoint.Config) { c.FFN++ }, "blk.0.ffn_gate.weight has shape [160 96], the configuration says [161 96]"},
		{"deeper", func(c *checkpoint.Config) { c.Layers++ }, "blk.2.attn_norm.weight is missing"},
		{"shallower", func(c *checkpoint.Config) { c.Layers-- }, "blk.1.attn_norm.weight has no place in architecture llama"},
		{"needs head norms", func(c *checkpoint.Config) { c.Arch = "qwen3" }, "attn_q_norm.weight is missing"},
		{"needs biases", func(c *checkpoint.Config) { c.Arch = "qwen2" }, "attn_q.bias is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cp, err := tinymodel.New(tinymodel.Config("llama"), quant.F32, 1)
			if err != nil {
				t.Fatal(err)
			}
			c.change(&cp.Config)
			if _, err := model.Load(cp); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestAllocations: after the first call of a size, a step costs no memory.
func TestAllocations(t *testing.T) {
	c, m := load(t, tinymodel.Config("qwen3"), quant.Q8_0)
	pool := kernel.NewPool(2)
	defer pool.Close()
	one := &model.Run{Tokens: tokens(c, 1, 1), Cache: m.NewCache(64), Logits: 1}
	two := &model.Run{Tokens: tokens(c, 9, 2), Cache: m.NewCache(64), Logits: 1}
	runs := []*model.Run{one, two}
	if n := testing.AllocsPerRun(20, func() {
		if err := m.Forward(pool, runs...); err != nil {
			t.Fatal(err)
		}
		one.Cache.Truncate(0)
		two.Cache.Truncate(0)
	}); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// benchConfig has about a million parameters.
func benchConfig() checkpoint.Config {
	c := tinymodel.Config("llama")
	c.Layers, c.Hidden, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.RopeDim, c.Vocab, c.Context = 4, 128, 384, 4, 2, 32, 32, 1024, 2048
	return c
}

func BenchmarkForward(b *testing.B) {
	pool := kernel.NewPool(runtime.GOMAXPROCS(0))
	defer pool.Close()
	for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q8_0, quant.Q4_0} {
		c, m := load(b, benchConfig(), typ)
		b.Run(fmt.Sprintf("phase=prefill/type=%v/n=256", typ), func(b *testing.B) {
			r := &model.Run{Tokens: tokens(c, 256, 1), Cache: m.NewCache(256), Logits: 1}
			for b.Loop() {
				r.Cache.Truncate(0)
				if err := m.Forward(pool, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
		for _, batch := range []int{1, 4} {
			b.Run(fmt.Sprintf("phase=decode/type=%v/batch=%d/depth=256", typ, batch), func(b *testing.B) {
				var runs []*model.Run
				for i := range batch {
					r := &model.Run{Tokens: tokens(c, 256, uint64(i)), Cache: m.NewCache(257), Logits: 1}
					if err := m.Forward(pool, r); err != nil {
						b.Fatal(err)
					}
					r.Tokens = r.Tokens[:1]
					runs = append(runs, r)
				}
				for b.Loop() {
					if err := m.Forward(pool, runs...); err != nil {
						b.Fatal(err)
					}
					for _, r := range runs {
						r.Cache.Truncate(256)
					}
				}
				b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
