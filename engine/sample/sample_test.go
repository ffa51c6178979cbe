package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func TestChoice(t *testing.T) {
	hot := engine.Sampling{Temperature: 1, Seed: 1}
	with := func(change func(*engine.Sampling)) engine.Sampling {
		s := hot
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name   string
		set    engine.Sampling
		logits []float32
		want   int32
	}{
		{"greedy", engine.Sampling{}, []float32{1, 3, 2}, 1},
		{"greedy takes the lowest of equals", engine.Sampling{}, []float32{1, 3, 3, 3}, 1},
		{"greedy passes over NaN", engine.Sampling{}, []float32{nan, 1, nan, 2, nan}, 3},
		{"greedy with -Inf only", engine.Sampling{}, []float32{nan, -inf, -inf}, 1},
		{"greedy with NaN only", engine.Sampling{}, []float32{nan, nan}, -1},
		{"greedy with nothing", engine.Sampling{}, nil, -1},
		{"negative zero equals zero", engine.Sampling{}, []float32{float32(math.Copysign(0, -1)), 0}, 0},
		{"temperature below zero is greedy", engine.Sampling{Temperature: -1}, []float32{1, 3, 2}, 1},
		{"temperature that is no number is greedy", engine.Sampling{Temperature: math.NaN()}, []float32{1, 3, 2}, 1},
		{"top-k of 1", with(func(s *engine.Sampling) { s.TopK = 1 }), []float32{1, 1, 1.001, 1.001}, 2},
		{"tiny top-p", with(func(s *engine.Sampling) { s.TopP = 1e-300 }), []float32{1, 1, 1.001, 1.001}, 2},
		{"min-p of 1", with(func(s *engine.Sampling) { s.MinP = 1 }), []float32{1, 1, 1.001, 0}, 2},
		{"tiny temperature", with(func(s *engine.Sampling) { s.Temperature = 1e-300 }), []float32{1, 1.5, 1.4}, 1},
		{"-Inf only", hot, []float32{nan, -inf, -inf}, 1},
		{"NaN only", hot, []float32{nan, nan}, -1},
		{"nothing", hot, nil, -1},
		{"one +Inf is certain", hot, []float32{5, inf, inf}, 1},
		{"one possible", hot, []float32{-inf, nan, -3, -inf}, 2},
		{"greatest and least numbers", hot, []float32{-math.MaxFloat32, math.MaxFloat32}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(tt.set)
			for range 20 {
				if got := s.Sample(tt.logits); got != tt.want {
					t.Fatalf("Sample(%v) = %d, want %d", tt.logits, got, tt.want)
				}
			}
		})
	}
}

// reference gives each token's probability by the definitions, with a full sort.
func reference(set engine.Sampling, logits []float32) []float64 {
	var c []candidate
	for i, x := range logits {
		if x == x && !math.IsInf(float64(x), -1) {
			c = append(c, candidate{x, int32(i)})
		}
	}
	slices.SortFunc(c, func(a, b candidate) int {
		if better(a, b) {
			return -1
		}
		return 1
	})
	if set.TopK > 0 && set.TopK < len(c) {
		c = c[:set.TopK]
	}
	softmax := func(t float64) []float64 {
		p, sum := make([]float64, len(c)), 0.0
		for i, x := range c {
			p[i] = math.Exp((float64(x.logit) - float64(c[0].logit)) / t)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	if set.TopP > 0 && set.TopP < 1 {
		sum := 0.0
		for i, p := range softmax(1) {
			if sum += p; sum >= set.TopP {
				c = c[:i+1]
				break
			}
		}
	}
	if set.MinP > 0 {
		p := softmax(1)
		n := 0
		for n < len(p) && p[n] >= set.MinP*p[0] {
			n++
		}
		c = c[:n]
	}
	all := make([]float64, len(logits))
	for i, p := range softmax(set.Temperature) {
		all[c[i].id] = p
	}
	return all
}

var settings = []engine.Sampling{
	{Temperature: 1},
	{Temperature: 0.7},
	{Temperature: 2},
	{Temperature: 1, TopK: 5},
	{Temperature: 1.3, TopP: 0.8},
	{Temperature: 0.9, MinP: 0.1},
	{Temperature: 1.5, TopK: 12, TopP: 0.9, MinP: 0.05},
}

// TestDistribution compares how often each token comes with its probability: Pearson's
// chi-square against the 99.99% point of its distribution, by Wilson and Hilferty's formula.
func TestDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	logits := make([]float32, 30)
	for i := range logits {
		logits[i] = float32(2 * rng.NormFloat64())
	}
	logits[3], logits[17] = nan, -inf
	logits[20] = logits[21]
	for _, set := range settings {
		t.Run(fmt.Sprintf("%+v", set), func(t *testing.T) {
			set.Seed = 12345
			const n = 200_000
			s := New(set)
			count := make([]float64, len(logits))
			for range n {
				count[s.Sample(logits)]++
			}
			chi, free := 0.0, -1.0
			restCount, restWant := 0.0, 0.0 // rare tokens together
			for i, p := range reference(set, logits) {
				switch want := p * n; {
				case p == 0:
					if count[i] != 0 {
						t.Errorf("token %d of probability 0 came %g times", i, count[i])
					}
				case want < 10:
					restCount, restWant = restCount+count[i], restWant+want
				default:
					chi += (count[i] - want) * (count[i] - want) / want
					free++
				}
			}
			if restWant >= 5 {
				chi += (restCount - restWant) * (restCount - restWant) / restWant
				free++
			}
			if free < 1 {
				t.Fatalf("only %g tokens are possible", free+1)
			}
			h := 2 / (9 * free)
			limit := free * math.Pow(1-h+3.719*math.Sqrt(h), 3)
			if chi > limit {
				t.Errorf("chi-square is %.1f, the limit for %g degrees of freedom %.1f", chi, free, limit)
			}
		})
	}
}

func TestDeterministic(t *testing.T) {
	logits := make([]float32, 1000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range logits {
		logits[i] = float32(rng.NormFloat64())
	}
	draw := func(set engine.Sampling) []int32 {
		s := New(set)
		var ids []int32
		for range 100 {
			ids = append(ids, s.Sample(logits))
		}
		return ids
	}
	set := engine.Sampling{Temperature: 1, TopK: 200, TopP: 0.95, Seed: 5}
	first := draw(set)
	if again := draw(set); !slices.Equal(first, again) {
		t.Errorf("the same seed gave %v and %v", first, again)
	}
	set.Seed = 6
	if other := draw(set); slices.Equal(first, other) {
		t.Errorf("seeds 5 and 6 both gave %v", first)
	}
}

// TestSelect compares every selection with a sort, for sizes around the edges and many equals.
func TestSelect(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 5, 63, 64, 65, 66, 100, 1000, 3000} {
		for _, values := range []int{1, 2, 10, 1 << 30} {
			all := make([]candidate, n)
			for i := range all {
				all[i] = candidate{float32(rng.IntN(values)), int32(i)}
			}
			sorted := slices.Clone(all)
			slices.SortFunc(sorted, func(a, b candidate) int {
				if better(a, b) {
					return -1
				}
				return 1
			})
			for _, k := range []int{1, 2, n / 2, n - 1, n} {
				if k < 1 || k > n {
					continue
				}
				if got := selectNth(slices.Clone(all), k-1); got != sorted[k-1] {
					t.Errorf("selectNth of %d with %d values, %d: %v, want %v", n, values, k-1, got, sorted[k-1])
				}
				if got := kBest(nil, all, k)[0]; got != sorted[k-1] {
					t.Errorf("kBest of %d with %d values, %d: %v, want %v", n, values, k, got, sorted[k-1])
				}
				one := func(candidate) float64 { return 1 }
				if got := selectMass(slices.Clone(all), float64(k), one); got != sorted[k-1] {
					t.Errorf("selectMass of %d with %d values, %d: %v, want %v", n, values, k, got, sorted[k-1])
				}
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	logits := manyLogits(5000)
	for _, set := range settings {
		s := New(set)
		s.Sample(logits)
		if n := testing.AllocsPerRun(20, func() { s.Sample(logits) }); n != 0 {
			t.Errorf("%+v: %g allocations a token, want 0", set, n)
		}
	}
}

// FuzzSample draws from any logits: what comes must be possible, and the best when greedy.
func FuzzSample(f *testing.F) {
	f.Add(uint64(1), 0.8, 3, 0.9, 0.1, []byte{1, 2, 3, 250, 4, 4, 0})
	f.Add(uint64(2), 1e-9, 0, 0.0, 1.0, []byte{255, 254, 253})
	f.Fuzz(func(t *testing.T, seed uint64, temperature float64, k int, p, minP float64, raw []byte) {
		logits := make([]float32, len(raw))
		for i, b := range raw {
			switch b {
			case 255:
				logits[i] = nan
			case 254:
				logits[i] = -inf
			case 253:
				logits[i] = inf
			default:
				logits[i] = float32(b) / 8
			}
		}
		s := New(engine.Sampling{Temperature: temperature, TopK: k, TopP: p, MinP: minP, Seed: seed})
		best := greedy(logits)
		for range 4 {
			id := s.Sample(logits)
			switch {
			case best < 0 && id != -1, best >= 0 && (id < 0 || int(id) >= len(logits)):
				t.Fatalf("Sample = %d, the best is %d", id, best)
			case best >= 0 && id != best && !(logits[id] > -inf):
				t.Fatalf("Sample = %d, whose logit is %v", id, logits[id])
			}
		}
	})
}

// manyLogits looks like a model's: a few likely tokens, a long tail.
func manyLogits(n int) []float32 {
	rng := rand.New(rand.NewPCG(9, 9))
	logits := make([]float32, n)
	for i := range logits {
		logits[i] = float32(3 * rng.NormFloat64())
	}
	for i := range 20 {
		logits[i*n/20] += 15
	}
	return logits
}

func BenchmarkSample(b *testing.B) {
	logits := manyLogits(151_936)
	for _, set := range append([]engine.Sampling{{}, {Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05}, {Temperature: 1, TopK: 5000}, {Temperature: 1, TopP: 0.95}}, settings[0]) {
		b.Run(fmt.Sprintf("temp=%g/k=%d/p=%g/minp=%g", set.Temperature, set.TopK, set.TopP, set.MinP), func(b *testing.B) {
			s := New(set)
			for b.Loop() {
				s.Sample(logits)
			}
		})
	}
}
