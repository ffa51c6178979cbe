package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenassay/assay/engine"
)

func TestFake(t *testing.T) {
	count := func(string) (string, error) {
		return "four, five, six, seven, eight, nine, ten. Ünd “Schluß”!", nil
	}
	for name, open := range map[string]func(*testing.T) engine.Generator{
		"echo":    func(*testing.T) engine.Generator { return new(Fake) },
		"script":  func(*testing.T) engine.Generator { return &Fake{Answer: count} },
		"slots":   func(*testing.T) engine.Generator { return &Fake{Answer: count, Slots: 2} },
		"context": func(*testing.T) engine.Generator { return &Fake{Answer: count, Context: 100} },
		"thinks": func(*testing.T) engine.Generator {
			return &Fake{Answer: func(string) (string, error) { return "<think>after three, four</think>four, five, six.", nil }}
		},
		"slow": func(*testing.T) engine.Generator {
			return &Fake{Answer: count, Prefill: time.Millisecond, Decode: 50 * time.Microsecond}
		},
	} {
		t.Run(name, func(t *testing.T) { Run(t, open) })
	}
}

// TestFakeTimes checks every delay to the nanosecond, on synctest's clock.
func TestFakeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Fake{
			Prefill: 100 * time.Millisecond, PerTok: time.Millisecond, Decode: 20 * time.Millisecond, Slots: 1,
			Answer: func(string) (string, error) { return "one two three", nil },
		}
		start := time.Now()
		var at []time.Duration
		resp, err := f.Generate(t.Context(), engine.Request{Prompt: "a b c d e"}, func(engine.Chunk) { at = append(at, time.Since(start)) })
		want := []time.Duration{105 * time.Millisecond, 125 * time.Millisecond, 145 * time.Millisecond}
		if err != nil || !slices.Equal(at, want) || time.Since(start) != want[2] {
			t.Fatalf("%+v, %v: pieces at %v, end at %v, want %v", resp, err, at, time.Since(start), want)
		}

		// With one slot the second of two requests waits for the first.
		start = time.Now()
		done := make(chan time.Duration, 2)
		for range 2 {
			go func() {
				if _, err := f.Generate(t.Context(), engine.Request{Prompt: "a b c d e"}, nil); err != nil {
					t.Error(err)
				}
				done <- time.Since(start)
			}()
		}
		if first, second := <-done, <-done; first != 145*time.Millisecond || second != 290*time.Millisecond {
			t.Errorf("two requests on one slot took %v and %v", first, second)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 130*time.Millisecond)
		defer cancel()
		start = time.Now()
		resp, err = f.Generate(ctx, engine.Request{Prompt: "a b c d e"}, nil)
		if !errors.Is(err, context.DeadlineExceeded) || resp.Text != "one two" || resp.Stop != engine.StopCancel || time.Since(start) != 130*time.Millisecond {
			t.Errorf("at a deadline: %+v, %v after %v", resp, err, time.Since(start))
		}
	})
}

func TestFakeScript(t *testing.T) {
	broken := errors.New("broken")
	f := &Fake{Context: 20, Answer: func(p string) (string, error) {
		switch {
		case strings.HasPrefix(p, "break"):
			return "", broken
		case strings.HasPrefix(p, "empty"):
			return "", nil
		}
		return "<think>let me see</think>it is 42, sir", nil
	}}
	got, err := f.Generate(t.Context(), engine.Request{Messages: []engine.Message{{Role: engine.System, Content: "x"}, {Role: engine.User, Content: "y z"}}}, nil)
	want := engine.Response{Text: "it is 42, sir", Reasoning: "let me see", Stop: engine.StopEnd, Usage: engine.Usage{Input: 3, Output: 8, Reasoning: 3}}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := f.Generate(t.Context(), engine.Request{Prompt: "break it"}, nil); !errors.Is(err, broken) {
		t.Errorf("got error %v, want the script's", err)
	}
	if got, err := f.Generate(t.Context(), engine.Request{Prompt: "empty"}, nil); err != nil || got.Text != "" || got.Stop != engine.StopEnd {
		t.Errorf("an empty answer: %+v, %v", got, err)
	}
	got, err = f.Generate(t.Context(), engine.Request{Prompt: strings.Repeat("a ", 17)}, nil)
	if err != nil || got.Stop != engine.StopContext || got.Usage.Input+got.Usage.Output != 20 {
		t.Errorf("a full context: %+v, %v", got, err)
	}
	if n := len(f.Requests()); n != 4 {
		t.Errorf("%d requests recorded, want 4", n)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"one", []string{"one"}},
		{"one, two", []string{"one", ",", " two"}},
		{" \n", []string{" \n"}},
		{"x=1.5 ", []string{"x", "=", "1", ".", "5", " "}},
		{"größe 漢字!", []string{"größe", " 漢字", "!"}},
		{"a\xffb", []string{"a", "\uFFFD", "b"}},
	} {
		if got := split(c.text); !slices.Equal(got, c.want) {
			t.Errorf("split(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}
