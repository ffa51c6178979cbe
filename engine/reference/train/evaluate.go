package train

import (
	"fmt"

	"github.com/tokenassay/assay/engine/kernel"
)

// Accuracy counts the examples of a source whose answers greedy decoding would give token for
// token.
type Accuracy struct {
	Right, Asked int
	Loss         Loss // of the answers' tokens
}

// Evaluate measures the model on examples, by source. Each learned segment is an answer; an
// example is right when all of its answers are, whether or not the end token would follow. Nothing is generated: greedy decoding gives an
// answer exactly when, with the answer given, each of its tokens is the likeliest next.
func (t *Trainer) Evaluate(examples []Example) (map[string]Accuracy, error) {
	o := t.opt
	o.PromptWeight = 0
	type asked struct {
		shard shard
		right bool
		loss  Loss
	}
	all := make([]asked, len(examples))
	for i, e := range examples {
		s, err := o.encode(e, false)
		if err != nil {
			return nil, err
		}
		if !s.learns() || s.inputs() > o.Shape.Context {
			return nil, fmt.Errorf("example %d of %q: %d tokens in a context of %d, of which it must ask some", i, e.Source, s.inputs(), o.Shape.Context)
		}
		all[i].shard = shard{sequences: []sequence{s}, tokens: s.inputs()}
	}
	h, v := o.Shape.Hidden, o.Shape.Vocab
	t.pool.For(len(all), 1, func(worker, lo, hi int) {
		ps := t.pass(worker)
		for i := lo; i < hi; i++ {
			a := &all[i]
			ps.place(a.shard, 1)
			ps.forward(t.weights, a.shard)
			a.right = true
			for j, target := range ps.targets {
				logits := sized(&ps.logits, v)
				kernel.Gemm(nil, false, true, 1, v, h, ps.final[j*h:(j+1)*h], t.weights.embed, 0, logits)
				a.right = a.right && kernel.ArgMax(logits) == int(target)
				a.loss.Sum += float64(kernel.CrossEntropy(logits, target, 1))
				a.loss.Weight++
			}
		}
	})
	result := map[string]Accuracy{}
	for i := range all {
		r := result[examples[i].Source]
		r.Asked++
		if all[i].right {
			r.Right++
		}
		r.Loss.Sum += all[i].loss.Sum
		r.Loss.Weight += all[i].loss.Weight
		result[examples[i].Source] = r
	}
	return result, nil
}
