package model

import (
	"math"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/kvcache"
)

// pass is one Forward under way: its activations and what the parts of a layer need. It is
// reused, so that a Forward allocates only when it is larger than all before.
//
// The work of each parallel region is a method value made once (normFn and so on) whose
// operands lie in fields: a closure per call would be an allocation per call.
type pass struct {
	cfg   checkpoint.Config
	freqs []float64 // (ropeDim/2) radians per position
	pool  *kernel.Pool
	rows  []row // (n)

	// Row-major; n is the number of tokens of all runs.
	x        []float32 // (n, hidden) the residual stream
	h        []float32 // (n, hidden) what a norm or a projection gave; room for outRows at least
	q, att   []float32 // (n, heads, headDim)
	k, v     []float32 // (n, kvHeads, headDim)
	gate, up []float32 // (n, ffn)
	cos, sin []float32 // (n, ropeDim/2)
	scores   []float32 // (workers, positions)

	logits  []float32   // (≤ outRows, vocab)
	want    [][]float32 // where the rows of logits go
	scratch kernel.Scratch

	normFn, ropeFn, siluFn, attendFn func(worker, lo, hi int)

	normDst, normSrc, normW []float32
	pairs                   pairing
	attLayer                int
	positions               int // longest sequence of the batch, this batch's tokens included
}

// row is one token's place.
type row struct {
	cache *kvcache.Cache
	pos   int
}

// pairing says which two numbers of a head the rotary embedding turns together.
type pairing bool

const (
	adjacent pairing = false // 2i and 2i+1
	halves   pairing = true  // i and i+ropeDim/2: GPT-NeoX's way
)

// take returns an idle pass or a new one.
func (m *Model) take() *pass {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.idle); n > 0 {
		p := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return p
	}
	p := &pass{cfg: m.cfg, freqs: m.freqs}
	p.normFn, p.ropeFn, p.siluFn, p.attendFn = p.normRows, p.ropeRows, p.siluRows, p.attendItems
	return p
}

func (m *Model) giveBack(p *pass) {
	p.pool = nil
	clear(p.rows) // let go of the caches
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, p)
}

// begin lays out the buffers for the runs and turns positions into angles.
func (p *pass) begin(pool *kernel.Pool, runs []*Run) {
	c := p.cfg
	p.pool, p.rows, p.positions = pool, p.rows[:0], 0
	for _, r := range runs {
		for i := range r.Tokens {
			p.rows = append(p.rows, row{r.Cache, r.Cache.Len() + i})
		}
		p.positions = max(p.positions, r.Cache.Len()+len(r.Tokens))
	}
	n := len(p.rows)
	p.x = grow(p.x, n*c.Hidden)
	p.h = grow(p.h, max(n, outRows)*c.Hidden)[:n*c.Hidden]
	p.q, p.att = grow(p.q, n*c.Heads*c.HeadDim), grow(p.att, n*c.Heads*c.HeadDim)
	p.k, p.v = grow(p.k, n*c.KVHeads*c.HeadDim), grow(p.v, n*c.KVHeads*c.HeadDim)
	p.gate, p.up = grow(p.gate, n*c.FFN), grow(p.up, n*c.FFN)
	half := c.RopeDim / 2
	p.cos, p.sin = grow(p.cos, n*half), grow(p.sin, n*half)
	p.scores = grow(p.scores, pool.Workers()*p.positions)
	for i, r := range p.rows {
		for j, f := range p.freqs {
			// In float64: a float32 angle of position 10⁵ is off by up to 0.004.
			sin, cos := math.Sincos(float64(r.pos) * f)
			p.cos[i*half+j], p.sin[i*half+j] = float32(cos), float32(sin)
		}
	}
}

// grow returns a slice of length n, with s's memory where that suffices. What it holds is
// left over from before; every buffer is written before it is read.
func grow(s []float32, n int) []float32 {
	if n <= cap(s) {
		return s[:n]
	}
	return make([]float32, n)
}

// grain returns how many pieces of the given number of operations are worth handing to
// another thread: a region costs up to half a microsecond, in which a thread does some
// thousand operations.
func grain(operations int) int { return max(1, 1<<14/max(1, operations)) }

// norm sets dst to the RMS norm of src, row by row of len(w). dst may be src.
func (p *pass) norm(dst, src, w []float32) {
	p.normDst, p.normSrc, p.normW = dst, src, w
	p.pool.For(len(src)/len(w), grain(4*len(w)), p.normFn)
}

func (p *pass) normRows(_, lo, hi int) {
	d := len(p.normW)
	for i := lo; i < hi; i++ {
		kernel.RMSNorm(p.normDst[i*d:(i+1)*d], p.normSrc[i*d:(i+1)*d], p.normW, float32(p.cfg.NormEps))
	}
}

// linear sets y = l.w x + l.bias for every row: x (n, cols), y (n, rows).
func (p *pass) linear(y []float32, l linear, x []float32) {
	n := len(p.rows)
	kernel.MatMul(p.pool, y, l.w, x, n, &p.scratch)
	if l.bias != nil {
		for i := range n {
			kernel.Add(y[i*len(l.bias):(i+1)*len(l.bias)], l.bias)
		}
	}
}

// rope turns every head of q and k by its position, and scales q by 1/√headDim, as the
// scores of attention want it (Vaswani et al. 2017, §3.2.1).
func (p *pass) rope(pairs pairing) {
	p.pairs = pairs
	p.pool.For(len(p.rows), grain(4*(p.cfg.Heads+p.cfg.KVHeads)*p.cfg.HeadDim), p.ropeFn)
}

func (p *pass) ropeRows(_, lo, hi int) {
	c := p.cfg
	half, nq, nk := c.RopeDim/2, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	scale := float32(1 / math.Sqrt(float64(c.HeadDim)))
	for i := lo; i < hi; i++ {
		q, k := p.q[i*nq:(i+1)*nq], p.k[i*nk:(i+1)*nk]
		cos, sin := p.cos[i*half:(i+1)*half], p.sin[i*half:(i+1)*half]
		kernel.Rope(q, c.Heads, c.HeadDim, c.RopeDim, cos, sin, bool(p.pairs))
		kernel.Rope(k, c.KVHeads, c.HeadDim, c.RopeDim, cos, sin, bool(p.pairs))
		kernel.Scale(q, scale)
	}
}

// swiglu sets h = down(SiLU(gate h) ⊙ up h) (Shazeer 2020, "GLU Variants Improve Transformer").
func (p *pass) swiglu(gate, up, down linear) {
	p.linear(p.gate, gate, p.h)
	p.linear(p.up, up, p.h)
	p.pool.For(len(p.rows), grain(8*p.cfg.FFN), p.siluFn)
	p.linear(p.h, down, p.gate)
}

func (p *pass) siluRows(_, lo, hi int) {
	d := p.cfg.FFN
	for i := lo; i < hi; i++ { // one row a call: a kernel may treat the end of a slice differently
		gate := p.gate[i*d : (i+1)*d]
		kernel.SiLUMul(gate, gate, p.up[i*d:(i+1)*d])
	}
}

// residual adds h to the residual stream.
func (p *pass) residual() { kernel.Add(p.x, p.h) }
