// Package enginetest says what implementing engine.Generator means, as a test, and has a
// Fake with scripted answers and set delays for the tests of everything that asks engines.
package enginetest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenassay/assay/engine"
)

// prompt is what the suite asks. An engine under test must answer it with at least
// minPieces tokens of text, so that there is something to cut short.
const (
	prompt    = "Once upon a time, there was a little girl who counted to ten: one, two, three,"
	maxTokens = 24
	minPieces = 6
)

// Run checks that the Generator open returns keeps the contract of engine.Generator, and of
// engine.LogProber and engine.TokenCounter where it has these abilities. open is called once
// for each part; it registers its own cleanup with t. Greedy answers must be deterministic,
// whatever was asked before or beside; so must sampled answers of one seed.
func Run(t *testing.T, open func(t *testing.T) engine.Generator) {
	for _, part := range []struct {
		name string
		test func(*testing.T, engine.Generator)
	}{
		{"Info", testInfo},
		{"Emit", testEmit},
		{"NilEmit", testNilEmit},
		{"Messages", testMessages},
		{"Greedy", testGreedy},
		{"Seeded", testSeeded},
		{"MaxTokens", testMaxTokens},
		{"Stop", testStop},
		{"CancelBefore", testCancelBefore},
		{"CancelDuring", testCancelDuring},
		{"EmitPanics", testEmitPanics},
		{"Concurrent", testConcurrent},
		{"BadRequests", testBadRequests},
		{"ContextExceeded", testContextExceeded},
		{"CountTokens", testCountTokens},
		{"LogProbs", testLogProbs},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open(t)) })
	}
}

// answer is one finished call with all that was emitted.
type answer struct {
	engine.Response
	chunks []engine.Chunk
}

// ask makes a call that must succeed, and checks what is true of every answer.
func ask(t *testing.T, g engine.Generator, req engine.Request) answer {
	t.Helper()
	a, err := try(t, t.Context(), g, req, nil)
	if err != nil {
		t.Fatalf("Generate(%s): %v", describe(req), err)
	}
	return a
}

// try makes a call and checks what is true of every answer, errors included. each is called
// after every chunk and may be nil.
func try(t *testing.T, ctx context.Context, g engine.Generator, req engine.Request, each func(n int)) (answer, error) {
	t.Helper()
	var a answer
	var err error
	caller := goroutine()
	a.Response, err = g.Generate(ctx, req, func(c engine.Chunk) {
		if on := goroutine(); on != caller {
			t.Errorf("emit was called on %s, Generate on %s", on, caller)
		}
		a.chunks = append(a.chunks, c)
		if each != nil {
			each(len(a.chunks))
		}
	})
	var text, reasoning strings.Builder
	tokens, known := 0, true
	for i, c := range a.chunks {
		if !utf8.ValidString(c.Text) {
			t.Errorf("chunk %d is not valid UTF-8: %q", i, c.Text)
		}
		if c.Tokens < 0 {
			t.Errorf("chunk %d took %d tokens", i, c.Tokens)
		}
		if c.Reasoning {
			reasoning.WriteString(c.Text)
		} else {
			text.WriteString(c.Text)
		}
		tokens += c.Tokens
		known = known && (c.Tokens > 0 || c.Text == "" || i == len(a.chunks)-1)
	}
	if text.String() != a.Text || reasoning.String() != a.Reasoning {
		t.Errorf("Generate(%s): emitted %q and reasoning %q, returned %q and %q",
			describe(req), text.String(), reasoning.String(), a.Text, a.Reasoning)
	}
	u := a.Usage
	if u.Input < 0 || u.CachedInput < 0 || u.CachedInput > u.Input || u.Output < 0 || u.Reasoning < 0 || u.Reasoning > u.Output {
		t.Errorf("Generate(%s): implausible usage %+v", describe(req), u)
	}
	if tokens > u.Output || known && len(a.chunks) > 0 && tokens != u.Output {
		t.Errorf("Generate(%s): chunks took %d tokens, usage says %d", describe(req), tokens, u.Output)
	}
	if err != nil {
		return a, err
	}
	if u.Input < 1 {
		t.Errorf("Generate(%s): usage %+v counts no input", describe(req), u)
	}
	if a.Text+a.Reasoning != "" && u.Output < 1 {
		t.Errorf("Generate(%s): usage %+v counts no output for %q", describe(req), u, a.Text)
	}
	if req.MaxTokens > 0 && u.Output > req.MaxTokens {
		t.Errorf("Generate(%s): %d tokens of output", describe(req), u.Output)
	}
	switch a.Stop {
	case engine.StopEnd, engine.StopText, engine.StopLength, engine.StopContext:
	default:
		t.Errorf("Generate(%s): stop reason %q", describe(req), a.Stop)
	}
	for _, stop := range req.Stop {
		if strings.Contains(a.Text, stop) {
			t.Errorf("Generate(%s): %q contains the stop text %q", describe(req), a.Text, stop)
		}
	}
	return a, nil
}

func request() engine.Request { return engine.Request{Prompt: prompt, MaxTokens: maxTokens} }

// full asks the suite's question and insists on an answer that can be cut short.
func full(t *testing.T, g engine.Generator) answer {
	t.Helper()
	a := ask(t, g, request())
	if a.Usage.Output < minPieces || a.Text == "" {
		t.Fatalf("the suite needs an engine that answers %q with %d tokens or more and some text; got %d: %q",
			prompt, minPieces, a.Usage.Output, a.Text)
	}
	return a
}

func describe(req engine.Request) string {
	return fmt.Sprintf("%d messages, prompt %q, max %d, stop %q, %+v", len(req.Messages), req.Prompt, req.MaxTokens, req.Stop, req.Sampling)
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

func lastRune(s string) string {
	_, n := utf8.DecodeLastRuneInString(s)
	return s[len(s)-n:]
}

// goroutine names the calling goroutine: "goroutine 18".
func goroutine() string {
	buf := make([]byte, 32)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
	return name
}
