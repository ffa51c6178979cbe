package local

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/chat"
)

// prompt checks req and turns it into the tokens the model sees. thinking says that they
// end inside a think section.
func (e *Engine) prompt(req engine.Request) (tokens []int32, thinking bool, err error) {
	if err := check(req); err != nil {
		return nil, false, err
	}
	switch {
	case len(req.Messages) == 0:
		tokens = e.tok.Encode(req.Prompt, true, true)
	case e.badChat != nil:
		return nil, false, fmt.Errorf("the model's chat template: %w", e.badChat)
	case e.template != nil:
		text, err := e.template.Render(req.Messages, true)
		if err != nil {
			return nil, false, fmt.Errorf("%w: the model's chat template: %w", engine.ErrBadRequest, err)
		}
		// A template writes the beginning of the sequence itself, where it is wanted.
		tokens = e.tok.Encode(text, false, true)
		thinking = e.thinks && chat.Tags{}.OpenedBy(text)
	default:
		contents := make([]string, len(req.Messages))
		for i, m := range req.Messages {
			contents[i] = m.Content
		}
		tokens = e.tok.Encode(strings.Join(contents, "\n"), true, true)
	}
	switch {
	case len(tokens) == 0 && e.spec.BOS >= 0:
		tokens = []int32{e.spec.BOS}
	case len(tokens) == 0:
		return nil, false, fmt.Errorf("%w: an empty prompt, and the model has no beginning-of-sequence token to start from", engine.ErrBadRequest)
	case len(tokens) >= e.opt.Context:
		return nil, false, fmt.Errorf("%w: %d tokens leave no room for an answer in %d", engine.ErrContextExceeded, len(tokens), e.opt.Context)
	}
	return tokens, thinking, nil
}

// check refuses requests that mean nothing, whatever the model.
func check(req engine.Request) error {
	s := req.Sampling
	switch {
	case req.Prompt != "" && len(req.Messages) > 0:
		return fmt.Errorf("%w: both Prompt and Messages are set", engine.ErrBadRequest)
	case req.MaxTokens < 0:
		return fmt.Errorf("%w: MaxTokens is %d", engine.ErrBadRequest, req.MaxTokens)
	case slices.Contains(req.Stop, ""):
		return fmt.Errorf("%w: Stop has an empty text, which would end every answer", engine.ErrBadRequest)
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 1):
		return fmt.Errorf("%w: Temperature is %v", engine.ErrBadRequest, s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("%w: TopK is %d", engine.ErrBadRequest, s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("%w: TopP is %v, not in [0, 1]", engine.ErrBadRequest, s.TopP)
	case !(s.MinP >= 0 && s.MinP <= 1):
		return fmt.Errorf("%w: MinP is %v, not in [0, 1]", engine.ErrBadRequest, s.MinP)
	}
	for i, m := range req.Messages {
		if m.Role != engine.System && m.Role != engine.User && m.Role != engine.Assistant {
			return fmt.Errorf("%w: message %d has the role %q", engine.ErrBadRequest, i, m.Role)
		}
	}
	return nil
}
