package train

import (
	"fmt"
	"math"

	"github.com/tokenassay/assay/engine/kernel"
)

// pass is one worker's room for a forward and backward pass over a shard. Buffers grow to the
// largest shard seen and stay.
//
// T is the shard's tokens. The last layer works only on the P positions that predict something
// with a weight; all others have P = T.
type pass struct {
	shape  Shape
	layers []activations
	tables ropeTables

	x       []float32 // (P, hidden): what the last layer leaves
	final   []float32 // (P, hidden): x after the output norm
	logits  []float32 // (logitRows, vocab)
	learned []int32   // (P): positions in the shard, rising
	targets []int32   // (P)
	weights []float32 // (P)

	dx      []float32 // (T, hidden): gradient of the residual stream
	dh      []float32 // (P, hidden): the same, between attention and feed-forward
	dnorm   []float32 // (T, hidden): gradient of a norm's output
	dquery  []float32 // (P, heads*headDim)
	dkv     []float32 // (T, 2*kvHeads*headDim)
	dwide   []float32 // (P, 2*ffn)
	dnarrow []float32 // (P, ffn)
	normed  []float32 // (P, hidden): queries' rows, gathered
	heads   headBuffers

	orthogonaliser orthogonaliser
}

// activations is what one layer's backward pass needs of its forward pass.
type activations struct {
	rows  []int32   // (P): the positions that have queries; nil means all of them
	x     []float32 // (T, hidden): the layer's input
	n1    []float32 // (T, hidden): x after the attention norm
	query []float32 // (P, heads*headDim), turned
	kv    []float32 // (T, 2*kvHeads*headDim): keys, turned, then values
	probs []float32 // per sequence and key-value head: (heads of the group * queries, length)
	mixed []float32 // (P, heads*headDim): values mixed by probs
	h     []float32 // (P, hidden): residual stream after attention
	n2    []float32 // (P, hidden): h after the feed-forward norm
	wide  []float32 // (P, 2*ffn): gate, then up
	prod  []float32 // (P, ffn): SiLU(gate)*up
}

// logitRows is how many positions' logits are held at once: 128 rows of a 1024-token
// vocabulary are half a megabyte, an L2 cache.
const logitRows = 128

func newPass(s Shape) *pass {
	return &pass{shape: s, layers: make([]activations, s.Layers), tables: newRopeTables(s)}
}

// ropeTables are cosines and sines by position: (context, headDim/2).
type ropeTables struct{ cos, sin, negSin []float32 }

func newRopeTables(s Shape) ropeTables {
	half := s.HeadDim / 2
	n := s.Context * half
	t := ropeTables{make([]float32, n), make([]float32, n), make([]float32, n)}
	for pos := range s.Context {
		for i := range half {
			angle := float64(pos) * math.Pow(s.RopeTheta, -2*float64(i)/float64(s.HeadDim))
			sin, cos := math.Sincos(angle)
			t.cos[pos*half+i], t.sin[pos*half+i], t.negSin[pos*half+i] = float32(cos), float32(sin), float32(-sin)
		}
	}
	return t
}

// sized returns a slice of n elements that reuses buf where it is large enough. Its contents
// are arbitrary.
func sized(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n+n/4)
	}
	*buf = (*buf)[:n]
	return *buf
}

// place lists the positions that predict something, with the loss weight of each.
func (ps *pass) place(sh shard, scale float32) {
	ps.learned, ps.targets, ps.weights = ps.learned[:0], ps.targets[:0], ps.weights[:0]
	base := 0
	for _, s := range sh.sequences {
		for i := range s.inputs() {
			if s.weight[i] != 0 {
				ps.learned = append(ps.learned, int32(base+i))
				ps.targets = append(ps.targets, s.tokens[i+1])
				ps.weights = append(ps.weights, s.weight[i]*scale)
			}
		}
		base += s.inputs()
	}
}

// forward runs the shard through the model and leaves ps.final, the normed state of each
// position in ps.learned.
func (ps *pass) forward(w *params, sh shard) {
	s := ps.shape
	h, t := s.Hidden, sh.tokens
	x := sized(&ps.layers[0].x, t*h)
	at := 0
	for _, seq := range sh.sequences {
		for _, token := range seq.tokens[:seq.inputs()] {
			copy(x[at:at+h], w.embed[int(token)*h:])
			at += h
		}
	}
	for i := range ps.layers {
		a := &ps.layers[i]
		a.rows = nil
		next := &ps.x
		if i == len(ps.layers)-1 {
			a.rows = ps.learned
		} else {
			next = &ps.layers[i+1].x
		}
		ps.layerForward(&w.layers[i], a, sh, next)
	}
	p := len(ps.learned)
	norm(sized(&ps.final, p*h), ps.x, w.norm, s)
}

// layerForward computes *next, the (P, hidden) output of a layer, from a.x.
func (ps *pass) layerForward(w *layerParams, a *activations, sh shard, next *[]float32) {
	s := ps.shape
	hid, qd, kvd, ffn := s.Hidden, s.queryDim(), s.kvDim(), s.FFN
	t, p := sh.tokens, sh.tokens
	n1 := sized(&a.n1, t*hid)
	norm(n1, a.x, w.attnNorm, s)
	kv := sized(&a.kv, t*2*kvd)
	kernel.Gemm(nil, false, true, t, 2*kvd, hid, n1, w.kv, 0, kv)

	residual, asks := a.x, n1
	if a.rows != nil {
		p = len(a.rows)
		asks = gather(sized(&ps.normed, p*hid), n1, a.rows, hid)
	}
	query := sized(&a.query, p*qd)
	kernel.Gemm(nil, false, true, p, qd, hid, asks, w.query, 0, query)
	ps.attend(a, sh)

	hs := sized(&a.h, p*hid)
	if a.rows != nil {
		gather(hs, residual, a.rows, hid)
	} else {
		copy(hs, residual)
	}
	kernel.Gemm(nil, false, true, p, hid, qd, a.mixed, w.out, 1, hs)

	n2 := sized(&a.n2, p*hid)
	norm(n2, hs, w.ffnNorm, s)
	wide := sized(&a.wide, p*2*ffn)
	kernel.Gemm(nil, false, true, p, 2*ffn, hid, n2, w.gateUp, 0, wide)
	prod := sized(&a.prod, p*ffn)
	for i := range p {
		row := wide[i*2*ffn : (i+1)*2*ffn]
		kernel.SiLUMul(prod[i*ffn:(i+1)*ffn], row[:ffn], row[ffn:])
	}
	y := sized(next, p*hid)
	copy(y, hs)
	kernel.Gemm(nil, false, true, p, hid, ffn, prod, w.down, 1, y)
}

// backward adds the gradient of the shard's loss to g, which must hold zeros or a gradient so
// far, and returns the loss of each learned position, weights included. forward must have run.
func (ps *pass) backward(w, g *params, sh shard, losses []float64) []float64 {
	s := ps.shape
	h, p := s.Hidden, len(ps.learned)
	dfinal := sized(&ps.dnorm, p*h)
	losses = ps.output(w, g, dfinal, losses)
	dx := sized(&ps.dx, p*h)
	clear(dx)
	normBackward(dx, g.norm, dfinal, ps.x, w.norm, s)
	for i := len(ps.layers) - 1; i >= 0; i-- {
		ps.layerBackward(&w.layers[i], &g.layers[i], &ps.layers[i], sh)
	}
	at := 0
	for _, seq := range sh.sequences {
		for _, token := range seq.tokens[:seq.inputs()] {
			kernel.Add(g.embed[int(token)*h:(int(token)+1)*h], ps.dx[at:at+h])
			at += h
		}
	}
	return losses
}

// output computes the loss and the gradients of the output matrix and of dfinal (P, hidden).
func (ps *pass) output(w, g *params, dfinal []float32, losses []float64) []float64 {
	h, v := ps.shape.Hidden, ps.shape.Vocab
	for lo := 0; lo < len(ps.learned); lo += logitRows {
		hi := min(lo+logitRows, len(ps.learned))
		n := hi - lo
		final := ps.final[lo*h : hi*h]
		logits := sized(&ps.logits, n*v)
		kernel.Gemm(nil, false, true, n, v, h, final, w.embed, 0, logits)
		for i := range n {
			w := ps.weights[lo+i]
			losses = append(losses, float64(w)*float64(kernel.CrossEntropy(logits[i*v:(i+1)*v], ps.targets[lo+i], w)))
		}
		kernel.Gemm(nil, false, false, n, h, v, logits, w.embed, 0, dfinal[lo*h:hi*h])
		kernel.Gemm(nil, true, false, v, h, n, logits, final, 1, g.embed)
	}
	return losses
}

// layerBackward takes ps.dx, the gradient of the layer's output, to that of its input.
func (ps *pass) layerBackward(w, g *layerParams, a *activations, sh shard) {
	s := ps.shape
	hid, qd, kvd, ffn := s.Hidden, s.queryDim(), s.kvDim(), s.FFN
	t, p := sh.tokens, sh.tokens
	if a.rows != nil {
		p = len(a.rows)
	}
	// Feed-forward: y = h + down(prod).
	dy := ps.dx
	dprod := sized(&ps.dnarrow, p*ffn)
	kernel.Gemm(nil, false, false, p, ffn, hid, dy, w.down, 0, dprod)
	kernel.Gemm(nil, true, false, hid, ffn, p, dy, a.prod, 1, g.down)
	dwide := sized(&ps.dwide, p*2*ffn)
	for i := range p {
		lo, mid, hi := i*2*ffn, i*2*ffn+ffn, (i+1)*2*ffn
		kernel.SiLUMulBackward(dwide[lo:mid], dwide[mid:hi], dprod[i*ffn:(i+1)*ffn], a.wide[lo:mid], a.wide[mid:hi])
	}
	dn2 := sized(&ps.dnorm, p*hid)
	kernel.Gemm(nil, false, false, p, hid, 2*ffn, dwide, w.gateUp, 0, dn2)
	kernel.Gemm(nil, true, false, 2*ffn, hid, p, dwide, a.n2, 1, g.gateUp)
	dh := sized(&ps.dh, p*hid)
	copy(dh, dy)
	normBackward(dh, g.ffnNorm, dn2, a.h, w.ffnNorm, s)

	// Attention: h = x + out(mixed).
	dmixed := sized(&ps.dquery, p*qd)
	kernel.Gemm(nil, false, false, p, qd, hid, dh, w.out, 0, dmixed)
	kernel.Gemm(nil, true, false, hid, qd, p, dh, a.mixed, 1, g.out)
	ps.attendBackward(a, sh) // dquery: gradient of mixed in, of the queries out; fills dkv
	dn1 := sized(&ps.dnorm, t*hid)
	kernel.Gemm(nil, false, false, t, hid, 2*kvd, ps.dkv, w.kv, 0, dn1)
	kernel.Gemm(nil, true, false, 2*kvd, hid, t, ps.dkv, a.n1, 1, g.kv)
	dx := sized(&ps.dx, t*hid)
	if a.rows == nil {
		kernel.Gemm(nil, false, false, p, hid, qd, ps.dquery, w.query, 1, dn1)
		kernel.Gemm(nil, true, false, qd, hid, p, ps.dquery, a.n1, 1, g.query)
		copy(dx, dh)
	} else {
		asks := gather(sized(&ps.normed, p*hid), a.n1, a.rows, hid)
		kernel.Gemm(nil, true, false, qd, hid, p, ps.dquery, asks, 1, g.query)
		dasks := asks // its values have served
		kernel.Gemm(nil, false, false, p, hid, qd, ps.dquery, w.query, 0, dasks)
		scatterAdd(dn1, dasks, a.rows, hid)
		clear(dx)
		scatterAdd(dx, dh, a.rows, hid)
	}
	normBackward(dx, g.attnNorm, dn1, a.x, w.attnNorm, s)
}

// norm is RMSNorm over each row of x (n, hidden).
func norm(dst, x, w []float32, s Shape) {
	h := s.Hidden
	if len(dst) != len(x) {
		panic(fmt.Sprintf("train: norm of %d values into %d", len(x), len(dst)))
	}
	for lo := 0; lo < len(x); lo += h {
		kernel.RMSNorm(dst[lo:lo+h], x[lo:lo+h], w, float32(s.NormEps))
	}
}

// normBackward adds to dx (n, hidden) and dw (hidden).
func normBackward(dx, dw, dy, x, w []float32, s Shape) {
	h := s.Hidden
	for lo := 0; lo < len(x); lo += h {
		kernel.RMSNormBackward(dx[lo:lo+h], dw, dy[lo:lo+h], x[lo:lo+h], w, float32(s.NormEps))
	}
}

// gather copies the named rows of x (any, width) to dst (len(rows), width).
func gather(dst, x []float32, rows []int32, width int) []float32 {
	for i, r := range rows {
		copy(dst[i*width:(i+1)*width], x[int(r)*width:])
	}
	return dst
}

// scatterAdd adds the rows of x (len(rows), width) to the named rows of dst.
func scatterAdd(dst, x []float32, rows []int32, width int) {
	for i, r := range rows {
		kernel.Add(dst[int(r)*width:(int(r)+1)*width], x[i*width:(i+1)*width])
	}
}
