// Package sample chooses the next token from a model's logits.
//
// The filters run in llama.cpp's default order: top-k, top-p, min-p, then temperature. So
// top-p and min-p look at the distribution as the model gave it, and temperature reshapes
// only what they left.
package sample

import (
	"math"
	"math/rand/v2"

	"github.com/tokenassay/assay/engine"
)

// Sampler chooses tokens. The same settings, seed and logits give the same tokens; every
// choice that is not greedy takes exactly one number from the generator. Not safe for concurrent use.
type Sampler struct {
	set     engine.Sampling
	rng     *rand.Rand
	cand    []candidate // those still in the race, by id
	scratch []candidate
	weight  []float64 // (cand)
}

// New makes a Sampler. Settings outside their range are off: a temperature of 0, below, or not a
// number is greedy; TopK below 1, TopP outside (0, 1) and MinP outside (0, 1] do nothing.
func New(set engine.Sampling) *Sampler {
	// The second word of the seed only has to be fixed: it is the fraction of the golden ratio.
	return &Sampler{set: set, rng: rand.New(rand.NewPCG(set.Seed, 0x9E3779B97F4A7C15))}
}

// Sample returns the id of the next token, or -1 if there is no logit that is a number.
// Among equals the lowest id is the better one. NaN is never chosen; -Inf only where there is
// nothing else. After the first call with the same number of logits it allocates nothing.
func (s *Sampler) Sample(logits []float32) int32 {
	best := greedy(logits)
	if best < 0 || !(s.set.Temperature > 0) {
		return best
	}
	u := s.rng.Float64()
	top := logits[best]
	if math.IsInf(float64(top), 0) {
		return best // nothing is possible, or one thing is certain
	}
	s.gather(logits)
	if k := s.set.TopK; k > 0 && k < len(s.cand) {
		s.topK(k)
	}
	if p := s.set.TopP; p > 0 && p < 1 {
		s.topP(p, top)
	}
	if p := s.set.MinP; p > 0 && p <= 1 {
		s.minP(p, top)
	}
	return s.draw(u, top)
}

// greedy returns the lowest index of the greatest number, or -1.
func greedy(logits []float32) int32 {
	best := int32(-1)
	for i, x := range logits {
		if x != x {
			continue
		}
		if best < 0 || x > logits[best] {
			best = int32(i)
		}
	}
	return best
}

// gather makes a candidate of every token that is possible at all.
func (s *Sampler) gather(logits []float32) {
	if cap(s.cand) < len(logits) {
		s.cand = make([]candidate, 0, len(logits))
		s.scratch = make([]candidate, 0, len(logits))
		s.weight = make([]float64, 0, len(logits))
	}
	s.cand = s.cand[:0]
	for i, x := range logits {
		if x >= -math.MaxFloat32 { // neither NaN nor -Inf
			s.cand = append(s.cand, candidate{x, int32(i)})
		}
	}
}

// topK keeps the k best.
func (s *Sampler) topK(k int) {
	s.scratch = s.scratch[:0]
	if k <= heapUpTo {
		s.scratch = kBest(s.scratch, s.cand, k)
		s.keep(s.scratch[0])
		return
	}
	s.scratch = append(s.scratch, s.cand...)
	s.keep(selectNth(s.scratch, k-1))
}

// heapUpTo is the k up to which a heap of the k best is faster than quickselect. For 151,936
// logits the two were measured to meet near 4,000.
const heapUpTo = 2048

// topP keeps the fewest of the best whose probabilities sum to p or more.
func (s *Sampler) topP(p float64, top float32) {
	total := s.softmax(1, top)
	// All tokens lighter than (1-p)/n of the total weigh less than 1-p of it together, so the
	// last one to be kept is not among them; that leaves a few hundred of 150,000.
	light := (1 - p) * total / float64(len(s.cand))
	s.scratch = s.scratch[:0]
	for i, c := range s.cand {
		if s.weight[i] >= light {
			s.scratch = append(s.scratch, c)
		}
	}
	s.keep(selectMass(s.scratch, p*total, func(c candidate) float64 { return weigh(c.logit, top, 1) }))
}

// minP keeps those at least p times as probable as the best.
func (s *Sampler) minP(p float64, top float32) {
	least := float64(top) + math.Log(p)
	kept := s.cand[:0]
	for _, c := range s.cand {
		if float64(c.logit) >= least {
			kept = append(kept, c)
		}
	}
	s.cand = kept
}

// keep drops the candidates after last, in the order of better.
func (s *Sampler) keep(last candidate) {
	kept := s.cand[:0]
	for _, c := range s.cand {
		if !better(last, c) {
			kept = append(kept, c)
		}
	}
	s.cand = kept
}

// draw picks the candidate in whose part of [0, 1) u falls, candidates lying side by side by id.
func (s *Sampler) draw(u float64, top float32) int32 {
	u *= s.softmax(s.set.Temperature, top)
	last := s.cand[0].id
	for i, w := range s.weight {
		if w == 0 {
			continue
		}
		last = s.cand[i].id
		if u -= w; u < 0 {
			break
		}
	}
	return last
}

// softmax sets weight to exp((logit-top)/t) and returns the sum.
func (s *Sampler) softmax(t float64, top float32) float64 {
	s.weight = s.weight[:0]
	sum := 0.0
	for _, c := range s.cand {
		w := weigh(c.logit, top, t)
		s.weight = append(s.weight, w)
		sum += w
	}
	return sum
}

// weigh is exp((logit-top)/t), and 0 below e^-60: a million such tokens together stay far
// below the 2^-53 that a float64 can tell from nothing.
func weigh(logit, top float32, t float64) float64 {
	x := (float64(logit) - float64(top)) / t
	if x < -60 {
		return 0
	}
	return math.Exp(x)
}
