package local

import (
	"context"
	"fmt"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/kernel"
)

// LogProbs returns the log-probability in nats of each token of text given all before it.
// Prompt and text are tokenised together, as the model would see them; where a token spans
// the place they meet, it counts as text's. A model with a beginning-of-sequence token can
// be asked about a text without a prompt.
func (e *Engine) LogProbs(ctx context.Context, prompt, text string) ([]float64, error) {
	tokens := e.tok.Encode(prompt+text, true, true)
	first := common(tokens, e.tok.Encode(prompt, true, true))
	if first == 0 && len(tokens) > 0 && e.spec.BOS >= 0 && tokens[0] != e.spec.BOS {
		tokens, first = append([]int32{e.spec.BOS}, tokens...), 1
	}
	switch {
	case len(tokens) == first:
		return nil, fmt.Errorf("%w: the text has no tokens", engine.ErrBadRequest)
	case first == 0:
		return nil, fmt.Errorf("%w: nothing stands before the text, and the model has no beginning-of-sequence token", engine.ErrBadRequest)
	case len(tokens) > e.opt.Context:
		return nil, fmt.Errorf("%w: %d tokens of %d", engine.ErrContextExceeded, len(tokens), e.opt.Context)
	}
	var lps []float64
	last := len(tokens) - 1 // nothing is asked about what follows it
	_, err := e.run(ctx, newJob(tokens[:last:last], first-1, func(_ *job, i int, logits []float32) (int32, bool) {
		lp := float64(logits[tokens[i+1]]) - kernel.LogSumExp(logits)
		lps = append(lps, min(lp, 0)) // rounding may put a certain token above
		return -1, i == last-1
	}), func(engine.Chunk) {})
	if err != nil {
		return nil, err // lps may still be in use by the scheduler
	}
	return lps, nil
}
