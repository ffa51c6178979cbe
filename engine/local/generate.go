package local

import (
	"context"
	"errors"
	"strings"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/chat"
	"github.com/tokenassay/assay/engine/internal/stoptext"
	"github.com/tokenassay/assay/engine/sample"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// errNumbers is returned when a model's logits are no numbers: broken weights.
var errNumbers = errors.New("the model's logits are not numbers")

// Generate answers req. Every token is a chunk, and the token that ends an answer counts as
// output: it was computed like the others. Where a piece of text was held back because a
// stop text might have begun, a last chunk of 0 tokens may follow. Stop texts end the answer
// only, not the reasoning.
func (e *Engine) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	tokens, thinking, err := e.prompt(req)
	if err != nil {
		return engine.Response{}, err
	}
	room := e.opt.Context - len(tokens) // at least 1
	a := &answer{
		e: e, stream: e.tok.NewStream(), sampler: sample.New(req.Sampling), stops: stoptext.New(req.Stop),
		most: room, full: engine.StopContext,
		// With nothing before it the answer is the whole text, and its first token's space is
		// the one the tokenizer puts before every text.
		bare: e.spec.AddSpacePrefix && req.Prompt == "" && len(req.Messages) == 0,
	}
	if req.MaxTokens > 0 && req.MaxTokens <= room {
		a.most, a.full = req.MaxTokens, engine.StopLength
	}
	if e.thinks {
		a.think, a.thinking = chat.NewSplitter(chat.Tags{}, thinking), thinking
	}
	var text, reasoning strings.Builder
	resp := engine.Response{Usage: engine.Usage{Input: len(tokens)}}
	resp.Usage.CachedInput, err = e.run(ctx, newJob(tokens, len(tokens)-1, a.take), func(c engine.Chunk) {
		resp.Usage.Output += c.Tokens
		if c.Reasoning {
			resp.Usage.Reasoning += c.Tokens
			reasoning.WriteString(c.Text)
		} else {
			text.WriteString(c.Text)
		}
		if emit != nil {
			emit(c)
		}
	})
	resp.Text, resp.Reasoning = text.String(), reasoning.String()
	switch {
	case err != nil:
		resp.Stop = engine.StopCancel // a may still be in use by the scheduler
		return resp, err
	case a.err != nil:
		resp.Stop = engine.StopCancel
		return resp, a.err
	}
	resp.Stop = a.stop
	return resp, nil
}

// answer turns logits into tokens and tokens into chunks.
type answer struct {
	e       *Engine
	stream  *tokenizer.Stream
	sampler *sample.Sampler
	stops   *stoptext.Matcher

	think    *chat.Splitter // nil where the model does not think
	thinking bool           // thoughts came, or the prompt began them, and no text since

	most, output int               // tokens
	full         engine.StopReason // why most is the most
	bare         bool              // drop a space at the very beginning

	// Good once the job is done.
	stop engine.StopReason
	err  error
}

// take is a job's take.
func (a *answer) take(j *job, _ int, logits []float32) (next int32, done bool) {
	id := a.sampler.Sample(logits)
	if id < 0 {
		a.err = errNumbers
		return -1, true
	}
	a.output++
	if a.e.tok.IsEnd(id) {
		a.end(j, engine.StopEnd, 1)
		return -1, true
	}
	piece := a.stream.Push(id)
	switch {
	case piece == "" && a.think != nil && (id == a.e.thinkBegin || id == a.e.thinkEnd):
		piece = a.e.written(id) // a control token is no text, but this one the splitter must see
	case piece != "" && a.bare:
		piece, a.bare = strings.TrimPrefix(piece, " "), false
	}
	if a.say(j, piece, 1) {
		return -1, true
	}
	if a.output == a.most {
		a.end(j, a.full, 0)
		return -1, true
	}
	return id, false
}

// say passes on a piece of output that took the given number of tokens, and reports whether
// a stop text ended the answer.
func (a *answer) say(j *job, piece string, tokens int) (done bool) {
	if a.think != nil {
		var thought string
		piece, thought = a.think.Push(piece)
		a.thinking = (a.thinking || thought != "") && piece == ""
		// A token without text of either kind, such as the closing mark, goes with those before it.
		if thought != "" || a.thinking && tokens > 0 {
			j.say(engine.Chunk{Text: thought, Tokens: tokens, Reasoning: true})
			tokens = 0
		}
	}
	text, found := a.stops.Push(piece)
	if text != "" || tokens > 0 {
		j.say(engine.Chunk{Text: text, Tokens: tokens})
	}
	if found {
		a.stop = engine.StopText
	}
	return found
}

// end passes on what was held back. tokens is 1 where the end was a token of its own.
func (a *answer) end(j *job, why engine.StopReason, tokens int) {
	a.stop = why
	if a.say(j, a.stream.Flush(), tokens) {
		return
	}
	if a.think != nil {
		piece, thought := a.think.Flush()
		if thought != "" {
			j.say(engine.Chunk{Text: thought, Reasoning: true})
		}
		text, found := a.stops.Push(piece)
		if text != "" {
			j.say(engine.Chunk{Text: text})
		}
		if found {
			a.stop = engine.StopText
			return
		}
	}
	if text := a.stops.Flush(); text != "" {
		j.say(engine.Chunk{Text: text})
	}
}
