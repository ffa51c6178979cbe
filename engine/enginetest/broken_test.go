package enginetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenassay/assay/engine"
)

// broken is a Fake with one fault.
type broken struct {
	Fake
	generate func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error)
}

func (b *broken) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	if emit == nil {
		emit = func(engine.Chunk) {}
	}
	return b.generate(&b.Fake, ctx, req, emit)
}

// faults are ways to break the contract, each with the part of the suite that must see it.
var faults = []struct {
	name, part string
	generate   func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error)
}{
	{"says what it did not emit", "Emit", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		r, err := f.Generate(ctx, req, emit)
		r.Text += "!"
		return r, err
	}},
	{"cuts runes", "Emit", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return f.Generate(ctx, req, func(c engine.Chunk) {
			for i := range len(c.Text) {
				emit(engine.Chunk{Text: c.Text[i : i+1]})
			}
		})
	}},
	{"emits elsewhere", "Emit", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return f.Generate(ctx, req, func(c engine.Chunk) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = recover() }() // or EmitPanics ends the process
				emit(c)
			}()
			<-done
		})
	}},
	{"counts no input", "Emit", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		r, err := f.Generate(ctx, req, emit)
		r.Usage.Input = 0
		return r, err
	}},
	{"counts output twice", "Emit", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		r, err := f.Generate(ctx, req, emit)
		r.Usage.Output *= 2
		return r, err
	}},
	{"needs emit", "NilEmit", nil}, // set below: nil reaches it
	{"never the same", "Greedy", func() func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		var n atomic.Int64
		return func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
			g := Fake{Answer: func(string) (string, error) { return strings.Repeat("so many ", 3+int(n.Add(1))), nil }}
			return g.Generate(ctx, req, emit)
		}
	}()},
	{"knows no end", "MaxTokens", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		req.MaxTokens = 0
		return f.Generate(ctx, req, emit)
	}},
	{"does not stop", "Stop", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		bad := check(req)
		req.Stop = nil
		r, err := f.Generate(ctx, req, emit)
		return r, errors.Join(bad, err)
	}},
	{"stops at whole pieces only", "Stop", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		stops := req.Stop
		req.Stop = nil
		var text string
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		r, err := f.Generate(ctx, req, func(c engine.Chunk) {
			for _, s := range stops {
				if c.Text == s {
					cancel(stopped)
				}
			}
			if ctx.Err() == nil {
				text += c.Text
				emit(c)
			}
		})
		if context.Cause(ctx) == stopped {
			r.Text, r.Stop, err = text, engine.StopText, nil
		}
		return r, err
	}},
	{"does not listen before", "CancelBefore", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return f.Generate(context.WithoutCancel(ctx), req, emit)
	}},
	{"does not listen during", "CancelDuring", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return f.Generate(context.WithoutCancel(ctx), req, emit)
	}},
	{"swallows panics", "EmitPanics", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return f.Generate(ctx, req, func(c engine.Chunk) {
			defer func() { _ = recover() }()
			emit(c)
		})
	}},
	{"takes anything", "BadRequests", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		if check(req) != nil {
			return engine.Response{Stop: engine.StopEnd}, nil
		}
		return f.Generate(ctx, req, emit)
	}},
	{"overflows", "ContextExceeded", func(f *Fake, ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
		return new(Fake).Generate(ctx, req, emit)
	}},
}

// needy calls emit without looking.
type needy struct{ Fake }

func (n *needy) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (r engine.Response, err error) {
	defer func() {
		if v := recover(); v != nil && emit == nil {
			err = errors.New("no emit")
		} else if v != nil {
			panic(v)
		}
	}()
	return n.Fake.Generate(ctx, req, func(c engine.Chunk) { emit(c) })
}

const brokenEnv = "ASSAY_ENGINETEST_BROKEN"

// TestBroken runs the suite on every fault. It is the inner process of TestSuiteSees.
func TestBroken(t *testing.T) {
	if os.Getenv(brokenEnv) == "" {
		t.Skip("runs inside TestSuiteSees only")
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			Run(t, func(*testing.T) engine.Generator {
				if fault.generate == nil {
					return &needy{}
				}
				b := &broken{generate: fault.generate}
				b.Context = 1000
				b.Answer = func(string) (string, error) { return "four, five, six, seven, öght, nine, ten", nil }
				return b
			})
		})
	}
}

// TestSuiteSees makes sure that each part of the suite can fail: a check that cannot is none.
func TestSuiteSees(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBroken$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), brokenEnv+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the suite passed broken engines: %v\n%s", err, out)
	}
	for _, fault := range faults {
		name := "--- FAIL: TestBroken/" + strings.ReplaceAll(fault.name, " ", "_") + "/" + fault.part + " "
		if !strings.Contains(string(out), name) {
			t.Errorf("part %s does not see an engine that %s", fault.part, fault.name)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
