package train

import (
	"math"

	"github.com/tokenassay/assay/engine/kernel"
)

// headBuffers hold one sequence's view of one key-value head and the query heads of its group,
// gathered so that each product is one contiguous Gemm. n is the sequence's length, m its
// queries times the heads of a group.
type headBuffers struct {
	q, k, v, o     []float32 // (m, headDim), (n, headDim), (n, headDim), (m, headDim)
	dq, dk, dv, do []float32 // their gradients
	dp             []float32 // (m, n)
}

// stretch is the part of a shard that one sequence takes: tokens [lo, hi), of which the
// queries [qlo, qhi) of the layer.
type stretch struct{ lo, hi, qlo, qhi int }

// stretches calls f for each sequence that has queries in the layer.
func stretches(a *activations, sh shard, f func(stretch)) {
	lo, q := 0, 0
	for _, s := range sh.sequences {
		st := stretch{lo: lo, hi: lo + s.inputs(), qlo: q}
		if a.rows == nil {
			st.qlo, st.qhi = st.lo, st.hi
		} else {
			for q < len(a.rows) && int(a.rows[q]) < st.hi {
				q++
			}
			st.qhi = q
		}
		lo = st.hi
		f(st)
	}
}

// position is where in its sequence query number q of the layer stands.
func (st stretch) position(a *activations, q int) int {
	if a.rows == nil {
		return q - st.lo
	}
	return int(a.rows[q]) - st.lo
}

// attend turns a.query and the keys of a.kv by their positions and fills a.probs and a.mixed.
func (ps *pass) attend(a *activations, sh shard) {
	s := ps.shape
	group, hd := s.Heads/s.KVHeads, s.HeadDim
	qd := s.queryDim()
	ps.turn(a, sh, a.query, a.kv, ps.tables.sin)
	need := 0
	stretches(a, sh, func(st stretch) { need += s.Heads * (st.qhi - st.qlo) * (st.hi - st.lo) })
	probs := sized(&a.probs, need)
	mixed := sized(&a.mixed, len(a.query))
	stretches(a, sh, func(st stretch) {
		n, nq := st.hi-st.lo, st.qhi-st.qlo
		m := group * nq
		for head := range s.KVHeads {
			ps.gatherHead(a, st, head)
			p := probs[: m*n : m*n]
			probs = probs[m*n:]
			kernel.Gemm(nil, false, true, m, n, hd, ps.heads.q, ps.heads.k, 0, p)
			for j := range group {
				for i := range nq {
					row := p[(j*nq+i)*n : (j*nq+i+1)*n]
					seen := st.position(a, st.qlo+i) + 1
					kernel.Softmax(row[:seen])
					clear(row[seen:])
				}
			}
			o := sized(&ps.heads.o, m*hd)
			kernel.Gemm(nil, false, false, m, hd, n, p, ps.heads.v, 0, o)
			for j := range group {
				at := (head*group + j) * hd
				for i := range nq {
					copy(mixed[(st.qlo+i)*qd+at:][:hd], o[(j*nq+i)*hd:])
				}
			}
		}
	})
}

// attendBackward takes ps.dquery from the gradient of a.mixed to that of the queries before
// their turn, and fills ps.dkv (T, 2*kvHeads*headDim).
func (ps *pass) attendBackward(a *activations, sh shard) {
	s, b := ps.shape, &ps.heads
	group, hd := s.Heads/s.KVHeads, s.HeadDim
	qd, kvd := s.queryDim(), s.kvDim()
	scale := attentionScale(s)
	probs := a.probs
	dkv := sized(&ps.dkv, len(a.kv))
	stretches(a, sh, func(st stretch) {
		n, nq := st.hi-st.lo, st.qhi-st.qlo
		m := group * nq
		for head := range s.KVHeads {
			ps.gatherHead(a, st, head)
			p := probs[:m*n]
			probs = probs[m*n:]
			do := sized(&b.do, m*hd)
			for j := range group {
				at := (head*group + j) * hd
				for i := range nq {
					copy(do[(j*nq+i)*hd:][:hd], ps.dquery[(st.qlo+i)*qd+at:])
				}
			}
			dp := sized(&b.dp, m*n)
			kernel.Gemm(nil, false, true, m, n, hd, do, b.v, 0, dp)
			for r := range m {
				// Unseen positions have probability 0, and so gradient 0.
				row := dp[r*n : (r+1)*n]
				kernel.SoftmaxBackward(row, row, p[r*n:(r+1)*n])
			}
			dq, dk, dv := sized(&b.dq, m*hd), sized(&b.dk, n*hd), sized(&b.dv, n*hd)
			kernel.Gemm(nil, true, false, n, hd, m, p, do, 0, dv)
			kernel.Gemm(nil, true, false, n, hd, m, dp, b.q, 0, dk)
			kernel.Gemm(nil, false, false, m, hd, n, dp, b.k, 0, dq)
			kernel.Scale(dq, scale)
			for j := range group {
				at := (head*group + j) * hd
				for i := range nq {
					copy(ps.dquery[(st.qlo+i)*qd+at:][:hd], dq[(j*nq+i)*hd:])
				}
			}
			for i := range n {
				row := dkv[(st.lo+i)*2*kvd : (st.lo+i+1)*2*kvd]
				copy(row[head*hd:][:hd], dk[i*hd:])
				copy(row[kvd+head*hd:][:hd], dv[i*hd:])
			}
		}
	})
	ps.turn(a, sh, ps.dquery, dkv, ps.tables.negSin)
}

// attentionScale is what a query's product with a key is multiplied by.
func attentionScale(s Shape) float32 { return float32(1 / math.Sqrt(float64(s.HeadDim))) }

// gatherHead fills the contiguous q (scaled), k and v of one key-value head.
func (ps *pass) gatherHead(a *activations, st stretch, head int) {
	s, b := ps.shape, &ps.heads
	group, hd := s.Heads/s.KVHeads, s.HeadDim
	qd, kvd := s.queryDim(), s.kvDim()
	n, nq := st.hi-st.lo, st.qhi-st.qlo
	q, k, v := sized(&b.q, group*nq*hd), sized(&b.k, n*hd), sized(&b.v, n*hd)
	for j := range group {
		at := (head*group + j) * hd
		for i := range nq {
			copy(q[(j*nq+i)*hd:][:hd], a.query[(st.qlo+i)*qd+at:])
		}
	}
	kernel.Scale(q, attentionScale(s))
	for i := range n {
		row := a.kv[(st.lo+i)*2*kvd : (st.lo+i+1)*2*kvd]
		copy(k[i*hd:][:hd], row[head*hd:])
		copy(v[i*hd:][:hd], row[kvd+head*hd:])
	}
}

// turn applies rope in place to query (P, heads*headDim) and to the keys of kv
// (T, 2*kvHeads*headDim); with the sines negated it is its own inverse, and its backward pass.
func (ps *pass) turn(a *activations, sh shard, query, kv, sin []float32) {
	s := ps.shape
	half, hd := s.HeadDim/2, s.HeadDim
	qd, kvd := s.queryDim(), s.kvDim()
	stretches(a, sh, func(st stretch) {
		for i := range st.hi - st.lo {
			keys := kv[(st.lo+i)*2*kvd:][:kvd]
			kernel.Rope(keys, s.KVHeads, hd, hd, ps.tables.cos[i*half:][:half], sin[i*half:][:half], false)
		}
		for q := st.qlo; q < st.qhi; q++ {
			pos := st.position(a, q)
			kernel.Rope(query[q*qd:][:qd], s.Heads, hd, hd, ps.tables.cos[pos*half:][:half], sin[pos*half:][:half], false)
		}
	})
}
