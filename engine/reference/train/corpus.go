package train

import (
	"errors"
	"fmt"
	"iter"
)

// Example is one text to learn from. Source names its kind in reports.
type Example struct {
	Source   string
	Segments []Segment
}

// Segment is a piece of an Example. The tokens of a segment with Learn, an answer, are learned, and
// after the last segment so is the end token.
type Segment struct {
	Text  string
	Learn bool
}

// Corpus is where examples come from.
type Corpus interface {
	// Batch yields the examples of an optimizer step, counted from 0, without end or until an
	// error. It is a pure function of step: that is what makes a resumed training exact.
	Batch(step int) iter.Seq2[Example, error]
}

// Encoder turns text into tokens. *tokenizer.Tokenizer is one.
type Encoder interface {
	Encode(text string, addSpecial, parseSpecial bool) []int32
}

// sequence is an example as tokens.
type sequence struct {
	source string
	tokens []int32
	// weight[i] is what predicting tokens[i+1] at position i counts for in the loss.
	weight []float32
}

// encode makes the sequence of an example: the begin token, then each segment, encoded by itself
// as a prompt and an answer are when the model is asked, then, where end says so, the end token. The
// last token predicts nothing.
func (o *Options) encode(e Example, end bool) (sequence, error) {
	s := sequence{source: e.Source, tokens: []int32{o.BOS}}
	var w float32
	for _, segment := range e.Segments {
		w = o.PromptWeight
		if segment.Learn {
			w = 1
		}
		for _, t := range o.Encoder.Encode(segment.Text, false, false) {
			if t < 0 || int(t) >= o.Shape.Vocab {
				return sequence{}, fmt.Errorf("example of %q: token %d is outside the vocabulary of %d", e.Source, t, o.Shape.Vocab)
			}
			s.tokens = append(s.tokens, t)
			s.weight = append(s.weight, w)
		}
	}
	if end {
		s.tokens = append(s.tokens, o.EOS)
		s.weight = append(s.weight, w)
	}
	s.weight = append(s.weight, 0)
	return s, nil
}

// shard is the sequences that one worker takes at once, end to end.
type shard struct {
	sequences []sequence
	tokens    int // inputs of all sequences
}

// inputs is how many positions a sequence takes in a shard: its last token is only ever a
// target.
func (s sequence) inputs() int { return len(s.tokens) - 1 }

// maxMisfits is how many examples in a row may be too long before a corpus is refused.
const maxMisfits = 1000

// deal fills the shards of a step: each example goes to the first shard that has room, and the
// first for which none has ends the step. Examples longer than MaxTokens are passed over, and so
// are those in which nothing is learned.
func (o *Options) deal(step int) ([]shard, error) {
	shards := make([]shard, o.Shards)
	misfits := 0
	for e, err := range o.Corpus.Batch(step) {
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", step, err)
		}
		s, err := o.encode(e, true)
		if err != nil {
			return nil, err
		}
		if s.inputs() > o.MaxTokens || !s.learns() {
			if misfits++; misfits == maxMisfits {
				return nil, fmt.Errorf("step %d: %d examples in a row are longer than %d tokens or teach nothing", step, misfits, o.MaxTokens)
			}
			continue
		}
		misfits = 0
		placed := false
		for i := range shards {
			if shards[i].tokens+s.inputs() <= o.ShardTokens {
				shards[i].sequences = append(shards[i].sequences, s)
				shards[i].tokens += s.inputs()
				placed = true
				break
			}
		}
		if !placed {
			return shards, nil
		}
	}
	return nil, errors.New("corpus: a batch ended; it must be endless")
}

func (s sequence) learns() bool {
	for _, w := range s.weight {
		if w != 0 {
			return true
		}
	}
	return false
}
