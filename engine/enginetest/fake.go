package enginetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/internal/stoptext"
)

// Fake is an engine.Generator that gives scripted answers after set delays. It sleeps on
// timers only, so that inside testing/synctest its times are exact. The zero value repeats
// the prompt, at once. Set the fields before the first call; after that a Fake is safe for
// concurrent use.
//
// A token is a run of letters and digits with the white space before it, or one other
// character with the white space before it; CountTokens, Usage and the chunks all count by
// this rule, and each token is one chunk.
type Fake struct {
	Name    string // "fake" where empty
	Context int    // tokens, prompt and answer together; 0 is no limit
	Slots   int    // how many requests are answered at once, later ones wait; 0 is no limit

	// Answer is the script. prompt is Request.Prompt, or the contents of the messages
	// joined by newlines. An answer that begins with "<think>" has its section up to
	// "</think>" given as reasoning. An error ends the call before anything is emitted.
	// A nil Answer repeats the prompt.
	Answer func(prompt string) (string, error)

	Prefill time.Duration // before the first token
	PerTok  time.Duration // additionally, for each token of the prompt
	Decode  time.Duration // before every token after the first

	once  sync.Once
	slots chan struct{}

	mu       sync.Mutex
	requests []engine.Request
}

// Info names the Fake.
func (f *Fake) Info() engine.Info {
	name := f.Name
	if name == "" {
		name = "fake"
	}
	return engine.Info{Name: name, Context: f.Context, Chat: true, Local: true}
}

// CountTokens counts text by the Fake's own rule.
func (f *Fake) CountTokens(text string) (int, error) { return len(split(text)), nil }

// Requests returns the requests asked so far, in order of arrival.
func (f *Fake) Requests() []engine.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Generate plays the script.
func (f *Fake) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	if err := check(req); err != nil {
		return engine.Response{}, err
	}
	f.mu.Lock()
	f.requests = append(f.requests, req)
	f.mu.Unlock()
	if f.Slots > 0 {
		f.once.Do(func() { f.slots = make(chan struct{}, f.Slots) })
		select {
		case f.slots <- struct{}{}:
			defer func() { <-f.slots }()
		case <-ctx.Done():
			return engine.Response{Stop: engine.StopCancel}, ctx.Err()
		}
	}
	prompt := promptOf(req)
	p := play{emit: emit, stops: stoptext.New(req.Stop)}
	p.resp.Usage.Input = len(split(prompt))
	room := math.MaxInt
	if f.Context > 0 {
		if room = f.Context - p.resp.Usage.Input; room < 1 {
			return engine.Response{}, fmt.Errorf("%d tokens of %d: %w", p.resp.Usage.Input, f.Context, engine.ErrContextExceeded)
		}
	}
	answer := prompt
	if f.Answer != nil {
		var err error
		if answer, err = f.Answer(prompt); err != nil {
			return engine.Response{}, err
		}
	}
	think := ""
	if rest, ok := strings.CutPrefix(answer, "<think>"); ok {
		think, answer, _ = strings.Cut(rest, "</think>")
	}
	thought, said := split(think), split(answer)
	if err := sleep(ctx, f.Prefill+time.Duration(p.resp.Usage.Input)*f.PerTok); err != nil {
		p.resp.Stop = engine.StopCancel
		return p.resp, err
	}
	for i, piece := range slices.Concat(thought, said) {
		if i > 0 {
			if err := sleep(ctx, f.Decode); err != nil {
				p.resp.Stop = engine.StopCancel
				return p.resp, err
			}
		}
		p.token(piece, i < len(thought))
		switch out := p.resp.Usage.Output; {
		case p.resp.Stop != "":
			return p.resp, nil
		case out == req.MaxTokens: // never true of 0, since out is at least 1
			p.end(engine.StopLength)
			return p.resp, nil
		case out == room:
			p.end(engine.StopContext)
			return p.resp, nil
		}
	}
	p.end(engine.StopEnd)
	return p.resp, nil
}

// play is one answer under way.
type play struct {
	emit  func(engine.Chunk)
	stops *stoptext.Matcher
	resp  engine.Response
}

// token says one more piece.
func (p *play) token(piece string, reasoning bool) {
	p.resp.Usage.Output++
	if reasoning {
		p.resp.Usage.Reasoning++
		p.say(piece, true, 1)
		return
	}
	text, found := p.stops.Push(piece)
	p.say(text, false, 1)
	if found {
		p.resp.Stop = engine.StopText
	}
}

func (p *play) end(why engine.StopReason) {
	if text := p.stops.Flush(); text != "" {
		p.say(text, false, 0)
	}
	p.resp.Stop = why
}

func (p *play) say(text string, reasoning bool, tokens int) {
	if reasoning {
		p.resp.Reasoning += text
	} else {
		p.resp.Text += text
	}
	if p.emit != nil {
		p.emit(engine.Chunk{Text: text, Tokens: tokens, Reasoning: reasoning})
	}
}

// check refuses what no engine may accept.
func check(req engine.Request) error {
	s := req.Sampling
	switch {
	case req.Prompt != "" && len(req.Messages) > 0:
		return fmt.Errorf("both a prompt and messages: %w", engine.ErrBadRequest)
	case req.Prompt == "" && len(req.Messages) == 0:
		return fmt.Errorf("neither a prompt nor messages: %w", engine.ErrBadRequest)
	case req.MaxTokens < 0:
		return fmt.Errorf("%d tokens at most: %w", req.MaxTokens, engine.ErrBadRequest)
	case slices.Contains(req.Stop, ""):
		return fmt.Errorf("an empty stop text: %w", engine.ErrBadRequest)
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 1):
		return fmt.Errorf("temperature %v: %w", s.Temperature, engine.ErrBadRequest)
	case s.TopK < 0 || !(s.TopP >= 0 && s.TopP <= 1) || !(s.MinP >= 0 && s.MinP <= 1):
		return fmt.Errorf("top-k %d, top-p %v, min-p %v: %w", s.TopK, s.TopP, s.MinP, engine.ErrBadRequest)
	}
	for i, m := range req.Messages {
		if m.Role != engine.System && m.Role != engine.User && m.Role != engine.Assistant {
			return fmt.Errorf("message %d of role %q: %w", i, m.Role, engine.ErrBadRequest)
		}
	}
	return nil
}

func promptOf(req engine.Request) string {
	if len(req.Messages) == 0 {
		return req.Prompt
	}
	contents := make([]string, len(req.Messages))
	for i, m := range req.Messages {
		contents[i] = m.Content
	}
	return strings.Join(contents, "\n")
}

// split cuts text into the Fake's tokens. Bytes that are no UTF-8 become U+FFFD.
func split(text string) []string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var tokens []string
	for text != "" {
		n := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
		word := strings.IndexFunc(text[n:], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		switch {
		case word < 0:
			n = len(text)
		case word > 0:
			n += word
		default:
			_, size := utf8.DecodeRuneInString(text[n:])
			n += size
		}
		tokens = append(tokens, text[:n])
		text = text[n:]
	}
	return tokens
}

// sleep waits d, or until ctx is cancelled.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
