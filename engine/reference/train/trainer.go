package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/tokenassay/assay/engine/kernel"
)

// Options says what is trained and how. Zero values of the numbers below Schedule mean the
// defaults that their comments name.
type Options struct {
	Shape    Shape
	Encoder  Encoder
	BOS, EOS int32 // begins every sequence; ends every answer
	Corpus   Corpus
	Seed     uint64 // of the starting weights
	Schedule Schedule

	Shards       int     // per step; 8
	ShardTokens  int     // 1024
	MaxTokens    int     // inputs of one sequence; the smaller of ShardTokens and the context
	PromptWeight float32 // loss weight of tokens that are not answers; 0
	AdamShare    float64 // AdamW's learning rate as a share of Muon's, which is the schedule's; 0.15
	Beta1, Beta2 float64 // AdamW's; 0.9, 0.95
	Epsilon      float64 // AdamW's; 1e-8
	WeightDecay  float64 // of matrices, times the learning rate; 0.1. Negative means none
	Clip         float64 // largest gradient norm; 1. Negative means none
}

func (o Options) withDefaults() Options {
	o.Shards = cmp.Or(o.Shards, 8)
	o.ShardTokens = cmp.Or(o.ShardTokens, 1024)
	o.MaxTokens = cmp.Or(o.MaxTokens, min(o.ShardTokens, o.Shape.Context))
	o.AdamShare = cmp.Or(o.AdamShare, 0.15)
	o.Beta1, o.Beta2 = cmp.Or(o.Beta1, 0.9), cmp.Or(o.Beta2, 0.95)
	o.Epsilon = cmp.Or(o.Epsilon, 1e-8)
	o.WeightDecay = max(cmp.Or(o.WeightDecay, 0.1), 0)
	o.Clip = cmp.Or(o.Clip, 1)
	return o
}

func (o Options) check() error {
	if err := o.Shape.Check(); err != nil {
		return err
	}
	switch {
	case o.Encoder == nil:
		return errors.New("train: no encoder")
	case o.Corpus == nil:
		return errors.New("train: no corpus")
	case o.Shards < 1 || o.ShardTokens < 1:
		return fmt.Errorf("train: %d shards of %d tokens", o.Shards, o.ShardTokens)
	case o.MaxTokens < 1 || o.MaxTokens > min(o.ShardTokens, o.Shape.Context):
		return fmt.Errorf("train: sequences of %d tokens, want 1 to %d (shard) and %d (context)", o.MaxTokens, o.ShardTokens, o.Shape.Context)
	case o.BOS < 0 || int(o.BOS) >= o.Shape.Vocab || o.EOS < 0 || int(o.EOS) >= o.Shape.Vocab:
		return fmt.Errorf("train: begin %d and end %d are not both in the vocabulary of %d", o.BOS, o.EOS, o.Shape.Vocab)
	}
	return nil
}

// Trainer holds a model in training.
type Trainer struct {
	opt  Options
	pool *kernel.Pool

	weights *params
	mean    []float32 // first moment; of matrices, Muon's momentum
	square  []float32 // second moment, AdamW's; of matrices, zero
	step    int       // steps done
	tokens  int64     // inputs seen

	total     *params   // the step's gradient
	gradients []*params // by shard
	passes    []*pass   // by worker, made when first used
}

// New makes a Trainer at step 0 with weights drawn from opt.Seed. The pool, which may be nil,
// stays the caller's.
func New(opt Options, pool *kernel.Pool) (*Trainer, error) {
	opt = opt.withDefaults()
	if err := opt.check(); err != nil {
		return nil, err
	}
	n := opt.Shape.Parameters()
	t := &Trainer{
		opt: opt, pool: pool,
		weights: newParams(opt.Shape, make([]float32, n)),
		mean:    make([]float32, n),
		square:  make([]float32, n),
		total:   newParams(opt.Shape, make([]float32, n)),
		passes:  make([]*pass, max(pool.Workers(), 1)),
	}
	for range opt.Shards {
		t.gradients = append(t.gradients, newParams(opt.Shape, make([]float32, n)))
	}
	t.weights.initialise(opt.Shape, opt.Seed)
	return t, nil
}

// StepsDone is how many optimizer steps the weights have had.
func (t *Trainer) StepsDone() int { return t.step }

// TokensSeen is how many input tokens the weights have learned from.
func (t *Trainer) TokensSeen() int64 { return t.tokens }

// Report says how a step went.
type Report struct {
	Step      int // steps done, this one included
	Tokens    int // inputs of the step
	Loss      float64
	BySource  map[string]Loss
	Rate      float64
	Gradient  float64 // norm before clipping
	TotalSeen int64   // tokens since the beginning
}

// Loss is a sum of cross-entropies, in nats, over weighted tokens.
type Loss struct{ Sum, Weight float64 }

// Mean is the loss of a token.
func (l Loss) Mean() float64 { return l.Sum / l.Weight }

// Step does one optimizer step.
func (t *Trainer) Step() (Report, error) {
	shards, err := t.opt.deal(t.step)
	if err != nil {
		return Report{}, err
	}
	report := Report{Step: t.step + 1, Rate: t.opt.Schedule.Rate(t.step), BySource: map[string]Loss{}}
	var weight float64
	for _, sh := range shards {
		report.Tokens += sh.tokens
		for _, s := range sh.sequences {
			for _, w := range s.weight {
				weight += float64(w)
			}
		}
	}
	losses := make([][]float64, len(shards))
	t.pool.For(len(shards), 1, func(worker, lo, hi int) {
		ps := t.pass(worker)
		for i := lo; i < hi; i++ {
			g := t.gradients[i]
			clear(g.flat)
			ps.place(shards[i], float32(1/weight))
			ps.forward(t.weights, shards[i])
			losses[i] = ps.backward(t.weights, g, shards[i], nil)
		}
	})
	for i, sh := range shards {
		report.add(sh, losses[i], weight)
	}
	report.Gradient = t.reduce()
	if math.IsNaN(report.Loss) || math.IsNaN(report.Gradient) || math.IsInf(report.Gradient, 0) {
		return report, fmt.Errorf("step %d: loss %v with gradient norm %v: the training diverged", report.Step, report.Loss, report.Gradient)
	}
	t.update(report)
	t.step++
	t.tokens += int64(report.Tokens)
	report.TotalSeen = t.tokens
	return report, nil
}

// pass is the worker's buffers. Each worker only touches its own.
func (t *Trainer) pass(worker int) *pass {
	if t.passes[worker] == nil {
		t.passes[worker] = newPass(t.opt.Shape)
	}
	return t.passes[worker]
}

// add puts a shard's losses, each scaled by its weight over the batch's, into the report.
func (r *Report) add(sh shard, losses []float64, weight float64) {
	at := 0
	for _, s := range sh.sequences {
		l := r.BySource[s.source]
		for _, w := range s.weight {
			if w != 0 {
				r.Loss += losses[at]
				l.Sum += losses[at] * weight
				l.Weight += float64(w)
				at++
			}
		}
		r.BySource[s.source] = l
	}
}

// sumGrain is how many weights one task of a reduction takes. It also fixes where partial sums of
// squares begin, so it must not depend on the number of workers.
const sumGrain = 1 << 14

// reduce adds the shards' gradients in order into t.total and returns its norm.
func (t *Trainer) reduce() float64 {
	total := t.total.flat
	blocks := (len(total) + sumGrain - 1) / sumGrain
	squares := make([]float64, blocks)
	t.pool.For(blocks, 1, func(_, blo, bhi int) {
		for b := blo; b < bhi; b++ {
			lo, hi := b*sumGrain, min((b+1)*sumGrain, len(total))
			copy(total[lo:hi], t.gradients[0].flat[lo:hi])
			for _, g := range t.gradients[1:] {
				kernel.Add(total[lo:hi], g.flat[lo:hi])
			}
			squares[b] = float64(kernel.SumSquares(total[lo:hi]))
		}
	})
	var sum float64
	for _, s := range squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// update clips the gradient and moves the weights: the layers' matrices by Muon, the embedding and the
// norms by AdamW.
func (t *Trainer) update(r Report) {
	o := t.opt
	scale := float32(1)
	if o.Clip > 0 && r.Gradient > o.Clip {
		scale = float32(o.Clip / r.Gradient)
	}
	t.muon(r.Rate, scale)
	rate := float32(r.Rate * o.AdamShare)
	for _, s := range t.weights.adamSpans() {
		decay := float32(0)
		if s.decay {
			decay = float32(o.WeightDecay)
		}
		g := t.total.flat[s.lo:s.hi]
		kernel.Scale(g, scale)
		kernel.AdamW(t.weights.flat[s.lo:s.hi], g, t.mean[s.lo:s.hi], t.square[s.lo:s.hi],
			rate, float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), decay, t.step+1)
	}
}
