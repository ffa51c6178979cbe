package train

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// params is the weights of a model, or anything of their shape: a gradient, a moment.
// All matrices are row-major (outputs, inputs) views of flat, in the order of the fields, so
// that a sum or an optimizer step is one pass.
type params struct {
	flat   []float32
	embed  []float32 // (vocab, hidden), also the output matrix
	layers []layerParams
	norm   []float32 // (hidden)
}

type layerParams struct {
	attnNorm []float32 // (hidden)
	query    []float32 // (heads*headDim, hidden)
	kv       []float32 // (2*kvHeads*headDim, hidden): all keys, then all values
	out      []float32 // (hidden, heads*headDim)
	ffnNorm  []float32 // (hidden)
	gateUp   []float32 // (2*ffn, hidden): gate, then up
	down     []float32 // (hidden, ffn)
}

// newParams lays out params of shape s over flat, whose length must be s.Parameters().
func newParams(s Shape, flat []float32) *params {
	if len(flat) != s.Parameters() {
		panic(fmt.Sprintf("train: %d weights for a shape of %d", len(flat), s.Parameters()))
	}
	rest := flat
	take := func(n int) []float32 {
		head := rest[:n:n]
		rest = rest[n:]
		return head
	}
	p := &params{flat: flat, layers: make([]layerParams, s.Layers)}
	p.embed = take(s.Vocab * s.Hidden)
	for i := range p.layers {
		l := &p.layers[i]
		l.attnNorm = take(s.Hidden)
		l.query = take(s.queryDim() * s.Hidden)
		l.kv = take(2 * s.kvDim() * s.Hidden)
		l.out = take(s.Hidden * s.queryDim())
		l.ffnNorm = take(s.Hidden)
		l.gateUp = take(2 * s.FFN * s.Hidden)
		l.down = take(s.Hidden * s.FFN)
	}
	p.norm = take(s.Hidden)
	return p
}

// span is a run of weights [lo, hi) in flat that one rule of decay holds for.
type span struct {
	lo, hi int
	decay  bool
}

// adamSpans lists what is no layer's matrix: the embedding, which decays, and the norms, which do not.
func (p *params) adamSpans() []span {
	spans := []span{{0, len(p.embed), true}}
	at := len(p.embed)
	for i := range p.layers {
		l := &p.layers[i]
		spans = append(spans, span{at, at + len(l.attnNorm), false})
		at += len(l.attnNorm) + len(l.query) + len(l.kv) + len(l.out)
		spans = append(spans, span{at, at + len(l.ffnNorm), false})
		at += len(l.ffnNorm) + len(l.gateUp) + len(l.down)
	}
	return append(spans, span{at, at + len(p.norm), false})
}

// initialise draws the starting weights: norms are one, matrices normal with deviation
// 1/sqrt(inputs), and the two that write into the residual stream smaller by sqrt(2*layers),
// so that its variance does not grow with depth (GPT-2's scaling).
func (p *params) initialise(s Shape, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x696e6974)) // "init"
	normal := func(w []float32, deviation float64) {
		for i := range w {
			w[i] = float32(rng.NormFloat64() * deviation)
		}
	}
	ones := func(w []float32) {
		for i := range w {
			w[i] = 1
		}
	}
	in := func(n int) float64 { return 1 / math.Sqrt(float64(n)) }
	residual := 1 / math.Sqrt(float64(2*s.Layers))
	normal(p.embed, in(s.Hidden))
	for i := range p.layers {
		l := &p.layers[i]
		ones(l.attnNorm)
		normal(l.query, in(s.Hidden))
		normal(l.kv, in(s.Hidden))
		normal(l.out, in(s.queryDim())*residual)
		ones(l.ffnNorm)
		normal(l.gateUp, in(s.Hidden))
		normal(l.down, in(s.FFN)*residual)
	}
	ones(p.norm)
}
