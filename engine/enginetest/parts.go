package enginetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenassay/assay/engine"
)

func testInfo(t *testing.T, g engine.Generator) {
	i := g.Info()
	if i.Name == "" {
		t.Error("Info has no name")
	}
	if i.Parameters < 0 || i.Bytes < 0 || i.Context < 0 || i.Vocab < 0 {
		t.Errorf("Info has negative sizes: %+v", i)
	}
	ask(t, g, request())
	if again := g.Info(); again.Name != i.Name || again.Context != i.Context {
		t.Errorf("Info changed from %+v to %+v by being asked", i, again)
	}
}

func testEmit(t *testing.T, g engine.Generator) { full(t, g) }

func testNilEmit(t *testing.T, g engine.Generator) {
	want := full(t, g)
	got, err := g.Generate(t.Context(), request(), nil)
	if err != nil {
		t.Fatalf("Generate without emit: %v", err)
	}
	if got.Text != want.Text || got.Stop != want.Stop || got.Usage.Output != want.Usage.Output {
		t.Errorf("without emit %+v, with it %+v", got, want.Response)
	}
}

func testMessages(t *testing.T, g engine.Generator) {
	req := engine.Request{MaxTokens: maxTokens, Messages: []engine.Message{
		{Role: engine.System, Content: "You count."},
		{Role: engine.User, Content: "Count to two."},
		{Role: engine.Assistant, Content: "one, two"},
		{Role: engine.User, Content: "Count to ten."},
	}}
	a, b := ask(t, g, req), ask(t, g, req)
	if a.Text != b.Text || a.Reasoning != b.Reasoning {
		t.Errorf("the same conversation was answered with %q and with %q", a.Text, b.Text)
	}
}

func testGreedy(t *testing.T, g engine.Generator) {
	want := full(t, g)
	other := request()
	other.Prompt = prompt[:len(prompt)/2] + " four"
	ask(t, g, other)
	for range 2 {
		if got := ask(t, g, request()); got.Text != want.Text || got.Reasoning != want.Reasoning || got.Stop != want.Stop {
			t.Errorf("greedy text changed from %q (%s) to %q (%s)", want.Text, want.Stop, got.Text, got.Stop)
		}
	}
}

func testSeeded(t *testing.T, g engine.Generator) {
	for _, seed := range []uint64{1, 2} {
		req := request()
		req.Sampling = engine.Sampling{Temperature: 1, TopK: 50, TopP: 0.95, Seed: seed}
		a, b := ask(t, g, req), ask(t, g, req)
		if a.Text != b.Text || a.Reasoning != b.Reasoning {
			t.Errorf("seed %d gave %q and then %q", seed, a.Text, b.Text)
		}
	}
}

func testMaxTokens(t *testing.T, g engine.Generator) {
	want := full(t, g)
	for _, n := range []int{1, 2, minPieces} {
		req := request()
		req.MaxTokens = n
		got := ask(t, g, req)
		if got.Usage.Output == want.Usage.Output {
			continue // the whole answer
		}
		if got.Usage.Output != n || got.Stop != engine.StopLength {
			t.Errorf("at most %d tokens: got %d and stop reason %q", n, got.Usage.Output, got.Stop)
		}
		// A rune cut in the middle ends as U+FFFD.
		if text := strings.TrimRight(got.Text, "\uFFFD"); !strings.HasPrefix(want.Text, text) {
			t.Errorf("at most %d tokens: %q is no beginning of %q", n, got.Text, want.Text)
		}
	}
}

func testStop(t *testing.T, g engine.Generator) {
	want := full(t, g)
	var pieces []string // the answer's, without empty ones
	for _, c := range want.chunks {
		if !c.Reasoning && c.Text != "" {
			pieces = append(pieces, c.Text)
		}
	}
	type stop struct {
		name  string
		texts []string
	}
	cases := []stop{
		{"one piece", []string{pieces[len(pieces)/2]}},
		{"the first piece", []string{pieces[0]}},
		{"one rune", []string{lastRune(pieces[len(pieces)/2])}},
		{"absent", []string{"\x01 never said \x02"}},
		{"beginning only", []string{lastRune(want.Text) + "\x01 never said"}},
		{"the later of two", []string{pieces[len(pieces)-1] + "\x01", pieces[len(pieces)/2]}},
	}
	if len(pieces) > 2 {
		i := len(pieces) / 2
		cases = append(cases,
			stop{"across two pieces", []string{lastRune(pieces[i-1]) + firstRune(pieces[i])}},
			stop{"across three pieces", []string{lastRune(pieces[i-2]) + pieces[i-1] + firstRune(pieces[i])}},
			stop{"one inside another", []string{lastRune(pieces[i-2]) + pieces[i-1] + firstRune(pieces[i]), firstRune(pieces[i-1])}})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// The answer ends where the first stop text to be complete begins.
			text, end := want.Text, len(want.Text)+1
			for _, s := range c.texts {
				if i := strings.Index(want.Text, s); i >= 0 && i+len(s) < end {
					end = i + len(s)
				}
			}
			if end <= len(want.Text) {
				begin := end
				for _, s := range c.texts {
					if i := strings.Index(want.Text[:end], s); i >= 0 {
						begin = min(begin, i)
					}
				}
				text = want.Text[:begin]
			}
			req := request()
			req.Stop = c.texts
			got := ask(t, g, req)
			if end > len(want.Text) {
				if got.Text != want.Text || got.Stop != want.Stop {
					t.Errorf("stop texts %q, none of them said: got %q (%s), want %q (%s)", c.texts, got.Text, got.Stop, want.Text, want.Stop)
				}
				return
			}
			// Where one piece completes two stop texts, a remote engine may choose either.
			if got.Stop != engine.StopText || !strings.HasPrefix(want.Text, got.Text) || len(c.texts) == 1 && got.Text != text {
				t.Errorf("stop texts %q in %q: got %q (%s), want %q (%s)", c.texts, want.Text, got.Text, got.Stop, text, engine.StopText)
			}
		})
	}
}

func testCancelBefore(t *testing.T, g engine.Generator) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	got, err := try(t, ctx, g, request(), nil)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, cause) {
		t.Errorf("Generate under a cancelled context returned error %v", err)
	}
	if len(got.chunks) > 0 {
		t.Errorf("Generate under a cancelled context emitted %+v", got.chunks)
	}
	full(t, g) // and the engine lives on
}

func testCancelDuring(t *testing.T, g engine.Generator) {
	want := full(t, g)
	const after = 2
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := try(t, ctx, g, request(), func(n int) {
		if n == after {
			cancel()
		}
	})
	switch {
	case err == nil && len(want.chunks) > after+1:
		t.Errorf("cancelled after %d of %d chunks, Generate returned no error and %q", after, len(want.chunks), got.Text)
	case err != nil && !errors.Is(err, context.Canceled):
		t.Errorf("cancelled, Generate returned error %v", err)
	case err != nil && got.Stop != engine.StopCancel:
		t.Errorf("cancelled, Generate returned stop reason %q", got.Stop)
	}
	if n := len(got.chunks); err != nil && n > after+1 {
		t.Errorf("%d chunks were emitted after the cancellation", n-after)
	}
	if !strings.HasPrefix(want.Text, got.Text) {
		t.Errorf("cancelled, Generate returned %q, no beginning of %q", got.Text, want.Text)
	}
	if again := full(t, g); again.Text != want.Text {
		t.Errorf("after a cancelled call the text changed from %q to %q", want.Text, again.Text)
	}
}

func testEmitPanics(t *testing.T, g engine.Generator) {
	want := full(t, g)
	for range 10 { // more often than an engine has slots to lose
		func() {
			defer func() {
				if r := recover(); r != "from emit" {
					t.Errorf("recovered %v, want the panic of emit", r)
				}
			}()
			_, err := g.Generate(t.Context(), request(), func(engine.Chunk) { panic("from emit") })
			t.Errorf("Generate survived a panic in emit with error %v", err)
		}()
	}
	if got := full(t, g); got.Text != want.Text {
		t.Errorf("after panics in emit the text changed from %q to %q", want.Text, got.Text)
	}
}

func testConcurrent(t *testing.T, g engine.Generator) {
	const callers, each = 6, 2
	reqs := make([]engine.Request, callers)
	want := make([]answer, callers)
	for i := range reqs {
		reqs[i] = request()
		reqs[i].MaxTokens = maxTokens - i
		switch i % 3 {
		case 1:
			reqs[i].Prompt = strings.Repeat("so ", i) + prompt
		case 2:
			reqs[i].Sampling = engine.Sampling{Temperature: 0.8, Seed: uint64(i)}
		}
		want[i] = ask(t, g, reqs[i])
	}
	var wg sync.WaitGroup
	for i := range reqs {
		wg.Go(func() {
			for range each {
				got, err := try(t, t.Context(), g, reqs[i], nil)
				if err != nil {
					t.Errorf("Generate(%s) beside others: %v", describe(reqs[i]), err)
				} else if got.Text != want[i].Text || got.Stop != want[i].Stop {
					t.Errorf("Generate(%s) beside others: %q (%s), alone %q (%s)", describe(reqs[i]), got.Text, got.Stop, want[i].Text, want[i].Stop)
				}
			}
		})
	}
	wg.Wait()
}

func testBadRequests(t *testing.T, g engine.Generator) {
	user := []engine.Message{{Role: engine.User, Content: "hello"}}
	for _, c := range []struct {
		name string
		req  engine.Request
	}{
		{"prompt and messages", engine.Request{Prompt: "hello", Messages: user}},
		{"unknown role", engine.Request{Messages: []engine.Message{{Role: "nobody", Content: "hello"}}}},
		{"negative MaxTokens", engine.Request{Prompt: "hello", MaxTokens: -1}},
		{"empty stop text", engine.Request{Prompt: "hello", Stop: []string{"."}, MaxTokens: 1}},
		{"negative temperature", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: -1}}},
		{"temperature NaN", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: math.NaN()}}},
		{"infinite temperature", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: math.Inf(1)}}},
		{"negative TopK", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: 1, TopK: -1}}},
		{"TopP above one", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: 1, TopP: 1.5}}},
		{"TopP NaN", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: 1, TopP: math.NaN()}}},
		{"negative MinP", engine.Request{Prompt: "hello", Sampling: engine.Sampling{Temperature: 1, MinP: -0.1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "empty stop text" {
				c.req.Stop = append(c.req.Stop, "")
			}
			got, err := g.Generate(t.Context(), c.req, func(c engine.Chunk) { t.Errorf("emitted %+v", c) })
			if !errors.Is(err, engine.ErrBadRequest) {
				t.Errorf("got %+v and error %v, want ErrBadRequest", got, err)
			}
		})
	}
	// A model with a beginning-of-sequence token can continue nothing; others refuse it.
	t.Run("nothing", func(t *testing.T) {
		if _, err := try(t, t.Context(), g, engine.Request{MaxTokens: 2}, nil); err != nil && !errors.Is(err, engine.ErrBadRequest) {
			t.Errorf("an empty request: error %v, want none or ErrBadRequest", err)
		}
	})
}

func testContextExceeded(t *testing.T, g engine.Generator) {
	n := g.Info().Context
	if n == 0 || n > 1<<17 {
		t.Skipf("the context, %d tokens, is unknown or too large to fill", n)
	}
	req := request()
	req.Prompt = strings.Repeat("a, b! ", n) // no vocabulary has this in one token
	_, err := g.Generate(t.Context(), req, func(c engine.Chunk) { t.Errorf("emitted %+v", c) })
	if !errors.Is(err, engine.ErrContextExceeded) {
		t.Errorf("a prompt of over %d tokens: error %v, want ErrContextExceeded", n, err)
	}
}

func testCountTokens(t *testing.T, g engine.Generator) {
	counter, ok := g.(engine.TokenCounter)
	if !ok {
		t.Skipf("%T does not count tokens", g)
	}
	if n, err := counter.CountTokens(""); n != 0 || err != nil {
		t.Errorf("CountTokens of nothing = %d, %v", n, err)
	}
	short, err := counter.CountTokens("one two")
	if err != nil || short < 1 {
		t.Fatalf("CountTokens(%q) = %d, %v", "one two", short, err)
	}
	if long, err := counter.CountTokens(strings.Repeat("one two. ", 50)); err != nil || long <= short {
		t.Errorf("CountTokens of fifty times as much = %d, %v; of one %d", long, err, short)
	}
}

func testLogProbs(t *testing.T, g engine.Generator) {
	prober, ok := g.(engine.LogProber)
	if !ok {
		t.Skipf("%T gives no log-probabilities", g)
	}
	lps, err := prober.LogProbs(t.Context(), prompt, " four, five")
	if err != nil {
		t.Fatalf("LogProbs: %v", err)
	}
	if len(lps) == 0 {
		t.Error("LogProbs of a text returned none")
	}
	for i, lp := range lps {
		if math.IsNaN(lp) || lp > 0 {
			t.Errorf("token %d has log-probability %v", i, lp)
		}
	}
	again, err := prober.LogProbs(t.Context(), prompt, " four, five")
	if err != nil || !slices.Equal(lps, again) {
		t.Errorf("LogProbs gave %v and then %v, %v", lps, again, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prober.LogProbs(ctx, prompt, " four, five"); !errors.Is(err, context.Canceled) {
		t.Errorf("LogProbs under a cancelled context returned error %v", err)
	}
}
