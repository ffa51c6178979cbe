package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lopsided has no two dimensions alike, so that a swapped index shows.
var lopsided = Shape{
	Layers: 2, Hidden: 12, FFN: 20, Heads: 6, KVHeads: 2, HeadDim: 4, Vocab: 17, Context: 16,
	NormEps: 1e-5, RopeTheta: 100,
}

func TestGradientAgainstOracle(t *testing.T) {
	for _, tt := range []struct {
		name         string
		shape        Shape
		promptWeight float32
	}{
		{"answers only", lopsided, 0},
		{"prompts too", lopsided, 0.25},
		{"one layer", func() Shape { s := lopsided; s.Layers = 1; return s }(), 0},
		{"one head to a key", func() Shape { s := lopsided; s.KVHeads = 6; return s }(), 0},
		{"one key for all heads", func() Shape { s := lopsided; s.KVHeads = 1; return s }(), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkGradient(t, tt.shape, tt.promptWeight)
		})
	}
}

func checkGradient(t *testing.T, s Shape, promptWeight float32) {
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, 0))
	var sh shard
	for _, n := range []int{5, 2, 9} {
		seq := sequence{}
		for i := range n + 1 {
			seq.tokens = append(seq.tokens, int32(rng.IntN(s.Vocab)))
			w := promptWeight
			if i%3 == 1 {
				w = 1
			}
			seq.weight = append(seq.weight, w)
		}
		seq.weight[n] = 0
		seq.weight[n-1] = 1
		sh.sequences = append(sh.sequences, seq)
		sh.tokens += n
	}
	w := newParams(s, make([]float32, s.Parameters()))
	w.initialise(s, seed)
	for i := range w.flat { // norms away from one, as training leaves them
		w.flat[i] += float32(rng.NormFloat64() * 0.05)
	}
	g := newParams(s, make([]float32, s.Parameters()))
	ps := newPass(s)
	ps.place(sh, 1)
	ps.forward(w, sh)
	var got float64
	for _, l := range ps.backward(w, g, sh, nil) {
		got += l
	}

	o := oracle{s, make([]float64, len(w.flat))}
	for i, v := range w.flat {
		o.w[i] = float64(v)
	}
	all := func() float64 {
		var sum float64
		for _, seq := range sh.sequences {
			sum += o.loss(seq)
		}
		return sum
	}
	if want := all(); math.Abs(got-want) > 1e-5*want {
		t.Errorf("seed %d: loss %v, want %v", seed, got, want)
	}
	var norm float64
	for _, v := range g.flat {
		norm += float64(v) * float64(v)
	}
	norm = math.Sqrt(norm)
	// Central differences in float64: the error of the difference is about 1e-8.
	const step = 1e-6
	slope := func(direction func(i int) float64) float64 {
		at := o.w
		defer func() { o.w = at }()
		var sides [2]float64
		for k, sign := range []float64{1, -1} {
			o.w = slices.Clone(at)
			for i := range o.w {
				o.w[i] += sign * step * direction(i)
			}
			sides[k] = all()
		}
		return (sides[0] - sides[1]) / (2 * step)
	}
	// Each direction moves all weights, so none can be wrong unseen; single weights say where.
	for range 20 {
		signs := make([]float64, len(o.w))
		var want float64
		for i := range signs {
			signs[i] = float64(2*rng.IntN(2) - 1)
			want += signs[i] * float64(g.flat[i])
		}
		if got := slope(func(i int) float64 { return signs[i] }); math.Abs(got-want) > 1e-4*norm {
			t.Errorf("seed %d: slope along random signs %v, the gradient says %v", seed, got, want)
		}
	}
	for i := rng.IntN(11); i < len(o.w); i += 11 {
		want := slope(func(j int) float64 {
			if i == j {
				return 1
			}
			return 0
		})
		if math.Abs(float64(g.flat[i])-want) > 2e-5*norm {
			t.Errorf("seed %d: gradient of weight %d is %v, want %v (norm %.3g)", seed, i, g.flat[i], want, norm)
		}
	}
}

func TestSequencesDoNotSeeEachOther(t *testing.T) {
	s := lopsided
	w := newParams(s, make([]float32, s.Parameters()))
	w.initialise(s, 3)
	a := sequence{tokens: []int32{1, 2, 3, 4}, weight: []float32{0, 1, 1, 0}}
	b := sequence{tokens: []int32{5, 6, 7}, weight: []float32{1, 1, 0}}
	states := func(seqs ...sequence) []float32 {
		sh := shard{sequences: seqs}
		for _, q := range seqs {
			sh.tokens += q.inputs()
		}
		ps := newPass(s)
		ps.place(sh, 1)
		ps.forward(w, sh)
		return ps.final
	}
	alone := states(b)
	after := states(a, b)[2*s.Hidden:]
	for i := range alone {
		if math.Abs(float64(alone[i]-after[i])) > 1e-6 {
			t.Fatalf("state %d of the second sequence: %v alone, %v behind another", i, alone[i], after[i])
		}
	}
}
