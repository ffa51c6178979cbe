package model

import (
	"errors"
	"fmt"

	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/kvcache"
)

// ErrRun is wrapped by Forward's error for a run it cannot make. Nothing has changed then.
var ErrRun = errors.New("unusable run")

// Run is one sequence's part of a Forward call.
type Run struct {
	Tokens []int32        // to append, at least one
	Cache  *kvcache.Cache // of the tokens before, and afterwards of these too
	Logits int            // how many of the last positions want logits, in [0, len(Tokens)]
	// Out is filled by Forward: (Logits, vocab), the last position last. Rows that are there
	// are overwritten; they are the caller's until the Run is used again.
	Out [][]float32
}

// outRows is how many positions go through the output matrix at once. More gain no speed
// and would need room for as many times the vocabulary.
const outRows = 32

// Forward appends each run's tokens to its cache and computes the logits wanted. All runs'
// tokens together make one activation matrix, so that each weight is read once for the
// whole batch. The caches must be different ones. pool may be nil: then one thread works.
func (m *Model) Forward(pool *kernel.Pool, runs ...*Run) error {
	for i, r := range runs {
		if err := m.checkRun(r, runs[:i]); err != nil {
			return fmt.Errorf("run %d of %d: %w", i, len(runs), err)
		}
	}
	for i, r := range runs {
		if err := r.Cache.Reserve(len(r.Tokens)); err != nil {
			return fmt.Errorf("run %d of %d: %w: %w", i, len(runs), ErrRun, err)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	p := m.take()
	defer m.giveBack(p)
	p.begin(pool, runs)
	i := 0
	for _, r := range runs {
		for _, t := range r.Tokens {
			m.embed.Row(p.x[i*m.cfg.Hidden:(i+1)*m.cfg.Hidden], int(t))
			i++
		}
	}
	for i := range m.cfg.Layers {
		m.arch.layer(p, i)
	}
	for _, r := range runs {
		r.Cache.Advance(len(r.Tokens))
	}
	m.logits(p, runs)
	return nil
}

// logits takes the wanted rows of p.x through the last norm and the output matrix.
func (m *Model) logits(p *pass, runs []*Run) {
	hidden := m.cfg.Hidden
	for _, r := range runs {
		for len(r.Out) < r.Logits {
			r.Out = append(r.Out, nil)
		}
		r.Out = r.Out[:r.Logits]
		for i := range r.Out {
			if len(r.Out[i]) != m.cfg.Vocab {
				r.Out[i] = make([]float32, m.cfg.Vocab)
			}
		}
	}
	p.want = p.want[:0]
	last := 0
	flush := func() {
		n := len(p.want)
		p.logits = grow(p.logits, n*m.cfg.Vocab)
		p.norm(p.h[:n*hidden], p.h[:n*hidden], m.norm)
		kernel.MatMul(p.pool, p.logits, m.output, p.h[:n*hidden], n, &p.scratch)
		for i, out := range p.want {
			copy(out, p.logits[i*m.cfg.Vocab:])
		}
		clear(p.want)
		p.want = p.want[:0]
	}
	for _, r := range runs {
		last += len(r.Tokens)
		for i, out := range r.Out {
			row := last - r.Logits + i
			copy(p.h[len(p.want)*hidden:(len(p.want)+1)*hidden], p.x[row*hidden:])
			if p.want = append(p.want, out); len(p.want) == outRows {
				flush()
			}
		}
	}
	if len(p.want) > 0 {
		flush()
	}
}

func (m *Model) checkRun(r *Run, before []*Run) error {
	switch {
	case len(r.Tokens) == 0:
		return fmt.Errorf("no tokens: %w", ErrRun)
	case r.Cache == nil || r.Cache.Shape() != m.Shape():
		return fmt.Errorf("a cache of another shape: %w", ErrRun)
	case r.Logits < 0 || r.Logits > len(r.Tokens):
		return fmt.Errorf("logits of %d positions of %d: %w", r.Logits, len(r.Tokens), ErrRun)
	case len(r.Tokens) > r.Cache.Cap()-r.Cache.Len():
		return fmt.Errorf("%d tokens after %d in a cache of %d: %w: %w", len(r.Tokens), r.Cache.Len(), r.Cache.Cap(), ErrRun, kvcache.ErrFull)
	}
	for i, t := range r.Tokens {
		if t < 0 || int(t) >= m.cfg.Vocab {
			return fmt.Errorf("token %d is %d, not in [0, %d): %w", i, t, m.cfg.Vocab, ErrRun)
		}
	}
	for _, b := range before {
		if b.Cache == r.Cache {
			return fmt.Errorf("a cache of an earlier run: %w", ErrRun)
		}
	}
	return nil
}
