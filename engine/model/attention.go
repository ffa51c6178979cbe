package model

import (
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/kvcache"
)

// attend stores this batch's keys and values of layer i and sets att to the attention of
// every query head over its sequence's positions up to its own.
//
// A query's scores, softmax and weighted sum are taken position by position from the first
// to its own, each over a whole row of keys or values. That order is the same for one new
// token as for a thousand, which is why a prompt's logits do not depend on how it was split.
// Memory is one row of scores per worker, not a matrix.
func (p *pass) attend(layer int) {
	c := p.cfg
	p.attLayer = layer
	nk := c.KVHeads * c.HeadDim
	for i, r := range p.rows {
		r.cache.Put(layer, r.pos, p.k[i*nk:(i+1)*nk], p.v[i*nk:(i+1)*nk])
	}
	// Items are (head, row), head-major, so that neighbours read the same keys and values.
	p.pool.For(c.Heads*len(p.rows), grain(4*p.positions*c.HeadDim), p.attendFn)
}

func (p *pass) attendItems(worker, lo, hi int) {
	scores := p.scores[worker*p.positions : (worker+1)*p.positions]
	n, d, group := len(p.rows), p.cfg.HeadDim, p.cfg.Heads/p.cfg.KVHeads
	for item := lo; item < hi; item++ {
		head, i := item/n, item%n
		at := (i*p.cfg.Heads + head) * d
		attendOne(p.att[at:at+d], p.q[at:at+d], p.rows[i].cache, p.attLayer, head/group, scores[:p.rows[i].pos+1])
	}
}

// attendOne sets dst = Σ_t softmax(q·k_t) v_t over the positions t in [0, len(scores)).
func attendOne(dst, q []float32, cache *kvcache.Cache, layer, kvHead int, scores []float32) {
	d := len(q)
	for t := 0; t < len(scores); t += kvcache.PageLen {
		keys := cache.Keys(layer, kvHead, t/kvcache.PageLen)
		for j := range scores[t:min(t+kvcache.PageLen, len(scores))] {
			scores[t+j] = kernel.Dot(q, keys[j*d:(j+1)*d])
		}
	}
	kernel.Softmax(scores)
	clear(dst)
	for t := 0; t < len(scores); t += kvcache.PageLen {
		values := cache.Values(layer, kvHead, t/kvcache.PageLen)
		for j, weight := range scores[t:min(t+kvcache.PageLen, len(scores))] {
			kernel.Axpy(dst, values[j*d:(j+1)*d], weight)
		}
	}
}
