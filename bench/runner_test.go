package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

func TestRunStoresEverythingTwice(t *testing.T) {
	m := &model{pieces: say("o", "k"), info: engine.Info{Name: "m", Parameters: 7}}
	sink := newMemory(t)
	task := counted("t", 3)
	task.Level, task.Repeats = 4, 2
	var stages []Stage
	r := still()
	r.Progress = func(e Event) {
		if len(stages) == 0 || stages[len(stages)-1] != e.Stage {
			stages = append(stages, e.Stage)
		}
	}
	s, err := r.Run(t.Context(), Plan{Run: "r", Warmup: 1, Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", task)}, Settings: map[string]string{"a": "b"}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if s.Asked != 6 || s.Judged != 6 || s.Kept != 0 || s.Broken != 0 || s.Interrupted {
		t.Errorf("Summary = %+v", s)
	}
	if want := []Stage{Opening, Warming, Asking, Scoring, Closed}; !slices.Equal(stages, want) {
		t.Errorf("stages %q, want %q", stages, want)
	}
	if len(sink.puts) != 12 || len(sink.last) != 6 {
		t.Fatalf("%d puts of %d outcomes, want 12 of 6", len(sink.puts), len(sink.last))
	}
	for _, o := range sink.last {
		if !o.Complete() || o.Score.Verdict != tasks.Correct || o.Output != "ok" || o.Level != 4 || o.Group == "" || len(o.Messages) != 1 || o.Target != "ok" {
			t.Errorf("outcome %+v", o)
		}
	}
	// Rounds, not twins: 0 1 2 0 1 2, after the warm-up.
	if want := []string{"t 0?", "t 1?", "t 2?", "t 0?", "t 1?", "t 2?"}; !slices.Equal(m.order[1:], want) {
		t.Errorf("asked in the order %q, want %q", m.order[1:], want)
	}
	if !sink.finished || !m.closed {
		t.Errorf("finished %v, model closed %v", sink.finished, m.closed)
	}
	last := sink.manifests[len(sink.manifests)-1]
	if last.Finished.IsZero() || last.Models[0].Parameters != 7 || last.Packs[0].Tasks[0].Repeats != 2 || last.Host.OS != "test" || last.Settings["a"] != "b" || last.Load != "closed:1" || last.Build.Go == "" {
		t.Errorf("manifest %+v", last)
	}
}

func TestSeedsArePairedAcrossModels(t *testing.T) {
	seeds := func(name string, seed uint64) map[string]uint64 {
		m := &model{pieces: say("ok")}
		task := counted("t", 3)
		task.Repeats = 2
		p := Plan{Run: "r", Seed: seed, Models: []Model{{Name: name, Open: m.open().Open}}, Packs: []tasks.Pack{pack("p", task)}}
		if _, err := still().Run(t.Context(), p, newMemory(t)); err != nil {
			t.Fatal(err)
		}
		return m.seeds
	}
	a, b, c := seeds("a", 1), seeds("b", 1), seeds("a", 2)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two models, one plan, different seeds: %s", diff)
	}
	all := map[uint64]bool{}
	for _, s := range a {
		all[s] = true
	}
	for _, s := range c {
		all[s] = true
	}
	if len(all) != 12 {
		t.Errorf("%d distinct seeds of 12", len(all))
	}
}

func TestStopsGoOnlyToModelsWithoutTemplate(t *testing.T) {
	for _, chat := range []bool{false, true} {
		m := &model{pieces: say("ok"), info: engine.Info{Chat: chat}}
		task := counted("t", 1)
		task.Stop = []string{"\n"}
		p := Plan{Run: "r", MaxTokens: 9, Sampling: engine.Sampling{Temperature: 0.5}, Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", task)}}
		if _, err := still().Run(t.Context(), p, newMemory(t)); err != nil {
			t.Fatal(err)
		}
		if req := m.reqs[0]; (len(req.Stop) == 0) != chat || req.MaxTokens != 9 || req.Sampling.Temperature != 0.5 {
			t.Errorf("chat %v: request %+v", chat, req)
		}
	}
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

func TestErrorsAreNeverWrongAnswers(t *testing.T) {
	broken := errors.New("engine on fire")
	cases := []struct {
		name   string
		fail   func(nth int) error
		asks   int
		err    string // of the outcome; "" is a right answer
		wasted int
	}{
		{"context exceeded", func(int) error { return fmt.Errorf("9 of 8 tokens: %w", engine.ErrContextExceeded) }, 1, "context", 0},
		{"not temporary", func(int) error { return broken }, 1, "on fire", 0},
		{"temporary once", func(nth int) error {
			if nth == 0 {
				return fmt.Errorf("wrapped: %w", passing{broken})
			}
			return nil
		}, 2, "", 3},
		{"temporary for ever", func(int) error { return passing{broken} }, 3, "on fire", 6},
		{"panic", func(int) error { panic("shapes differ") }, 1, "panic: shapes differ", 0},
		{"runtime panic", func(int) error { var s []int; _ = s[len(s)]; return nil }, 1, "index out of range", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &model{prefill: ms, pieces: say("ok"), fail: func(_ string, nth int) error { return c.fail(nth) }}
				sink := newMemory(t)
				s, err := still().Run(t.Context(), Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 1))}}, sink)
				if err != nil {
					t.Fatalf("one broken request ended the run: %v", err)
				}
				o := sink.kept()[0]
				if len(m.order) != c.asks || o.Wasted.Input != c.wasted {
					t.Errorf("asked %d times, wasted %d tokens; want %d and %d", len(m.order), o.Wasted.Input, c.asks, c.wasted)
				}
				if c.err == "" {
					if !o.Complete() || o.First != ms || len(o.Warnings) != 1 {
						t.Errorf("after a retry: %+v; want a right answer timed by itself, with a warning", o)
					}
					return
				}
				if o.Score == nil || o.Score.Verdict != tasks.Unscored || !strings.Contains(o.Err, c.err) || o.Answered() || s.Broken != 1 {
					t.Errorf("outcome %+v, %d broken: want unscored, an error that says %q", o, s.Broken, c.err)
				}
			})
		})
	}
}

func TestPanicNamesItsPlace(t *testing.T) {
	err := contain(func() error { panic(errDisk) })
	var p *PanicError
	if !errors.As(err, &p) || !errors.Is(err, errDisk) || !strings.Contains(p.Stack, "runner_test.go") || strings.Contains(p.Stack, "/bench/") {
		t.Errorf("contain: %v; want a PanicError that wraps the value and names this file without its folder", err)
	}
}

func TestJudgingErrorsAreUnscored(t *testing.T) {
	cases := map[string]func() (tasks.Score, error){
		"error":           func() (tasks.Score, error) { return tasks.Score{}, errors.New("no sandbox") },
		"panic":           func() (tasks.Score, error) { panic("scorer fell over") },
		"value above one": func() (tasks.Score, error) { return tasks.Score{Value: 2, Verdict: tasks.Correct}, nil },
		"no verdict":      func() (tasks.Score, error) { return tasks.Score{Value: 1}, nil },
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			m := &model{pieces: say("ok")}
			task := counted("t", 1)
			task.Scorer = tasks.ScorerFunc(func(context.Context, tasks.Sample, string) (tasks.Score, error) { return f() })
			sink := newMemory(t)
			plan := Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", task)}}
			if _, err := still().Run(t.Context(), plan, sink); err != nil {
				t.Fatal(err)
			}
			o := sink.kept()[0]
			if o.Score == nil || o.Score.Verdict != tasks.Unscored || !strings.HasPrefix(o.Err, "judging: ") || !o.Answered() || o.Complete() {
				t.Errorf("outcome %+v: want answered, unscored, with an error", o)
			}
			// A later run judges it again and does not ask again.
			plan.Prior = sink.kept()
			plan.Packs = []tasks.Pack{pack("p", counted("t", 1))}
			s, err := still().Run(t.Context(), plan, sink)
			if o := sink.kept()[0]; err != nil || len(m.order) != 1 || s.Judged != 1 || !o.Complete() || o.Score.Verdict != tasks.Correct {
				t.Errorf("taken up again: %v, asked %d times, %+v", err, len(m.order), o)
			}
		})
	}
}

func TestSamplesThatCannotBeMadeAreNoted(t *testing.T) {
	task := counted("t", 2)
	good := task.Samples
	task.Samples = func(ctx context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
		return func(yield func(tasks.Sample, error) bool) {
			if !yield(tasks.Sample{}, tasks.ErrNoCounter) || !yield(tasks.Sample{Input: "nameless"}, nil) {
				return
			}
			for s, err := range good(ctx, ask) {
				if !yield(s, err) || !yield(s, err) { // each twice
					return
				}
			}
			panic("no more")
		}
	}
	m := &model{pieces: say("ok")}
	sink := newMemory(t)
	s, err := still().Run(t.Context(), Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", task, counted("u", 1))}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(s.Notes, "\n")
	for _, want := range []string{tasks.ErrNoCounter.Error(), "nameless", `second sample with the ID "1"`, "panic: no more"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
	if s.Asked != 3 || len(sink.manifests[len(sink.manifests)-1].Notes) != len(s.Notes) {
		t.Errorf("asked %d, want the two good samples and the next task's; stored notes %q", s.Asked, sink.manifests[len(sink.manifests)-1].Notes)
	}
}

func TestModelThatDoesNotOpenIsNoted(t *testing.T) {
	m := &model{pieces: say("ok")}
	absent := errors.New("no such file")
	sink := newMemory(t)
	p := Plan{Run: "r", Packs: []tasks.Pack{pack("p", counted("t", 1))}, Models: []Model{
		{Name: "absent", Open: func(context.Context) (engine.Generator, error) { return nil, absent }},
		{Name: "nil", Open: func(context.Context) (engine.Generator, error) { return nil, nil }},
		m.open(),
	}}
	s, err := still().Run(t.Context(), p, sink)
	if !errors.Is(err, absent) || !strings.Contains(err.Error(), `"absent"`) || !strings.Contains(err.Error(), `"nil"`) {
		t.Errorf("error %v, want one that names both models", err)
	}
	if s.Asked != 1 || !sink.finished || len(s.Notes) < 2 {
		t.Errorf("asked %d, finished %v, notes %q: want the third model asked", s.Asked, sink.finished, s.Notes)
	}
}

// TestCutOffAndTakenUp breaks the sink, or ends the context, after every possible number of puts, and
// takes the run up again: together they must be one whole run.
func TestCutOffAndTakenUp(t *testing.T) {
	plan := func(m *model) Plan {
		again := counted("a", 3)
		again.Repeats = 2
		return Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", again, counted("b", 2))}}
	}
	const outcomes, puts = 8, 16
	for _, how := range []string{"sink", "context"} {
		for at := range puts + 1 {
			t.Run(fmt.Sprintf("%s/%d", how, at), func(t *testing.T) {
				m := &model{pieces: say("ok")}
				first := newMemory(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := still()
				want := errDisk
				if how == "sink" {
					first.breakAt = at
				} else {
					want = context.Canceled
					n := 0
					r.Progress = func(e Event) {
						if e.Last != nil {
							n++
						}
						if n == at && n < puts { // after the last there is nothing to cut off
							cancel()
						}
					}
				}
				s, err := r.Run(ctx, plan(m), first)
				if cut := at < puts; cut != errors.Is(err, want) || cut == first.finished || (cut && how == "context") != s.Interrupted {
					t.Fatalf("cut off after %d puts: error %v, finished %v, interrupted %v", at, err, first.finished, s.Interrupted)
				}

				p := plan(m)
				p.Prior = first.kept()
				second := newMemory(t)
				if _, err := still().Run(t.Context(), p, second); err != nil {
					t.Fatal(err)
				}
				union := map[Key]Outcome{}
				for _, o := range append(first.kept(), second.kept()...) {
					union[o.Key] = o
				}
				if len(union) != outcomes {
					t.Errorf("%d outcomes together, want %d", len(union), outcomes)
				}
				for k, o := range union {
					if !o.Complete() || o.Score.Verdict != tasks.Correct {
						t.Errorf("%v left as %+v", k, o)
					}
				}
				// What was stored is not asked again. The one answer that a broken sink refused
				// is lost and must be; nothing else is.
				most := outcomes
				if how == "sink" && at < puts {
					most++
				}
				if len(m.order) > most {
					t.Errorf("asked %d times for %d outcomes: %q", len(m.order), outcomes, m.order)
				}
				for _, o := range second.puts {
					if before, ok := first.last[o.Key]; ok && before.Complete() {
						t.Errorf("%v was complete and is stored again", o.Key)
					}
				}
			})
		}
	}
}

func TestInterruptedRequestIsKeptAndAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := &model{prefill: 10 * ms, gap: 10 * ms, pieces: say("o", "k"), usage: engine.Usage{Input: 4, Output: 1}}
		sink := newMemory(t)
		go func() {
			time.Sleep(35 * ms) // within the second answer, after its first piece
			cancel()
		}()
		plan := Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 3))}}
		s, err := still().Run(ctx, plan, sink)
		if !errors.Is(err, context.Canceled) || !s.Interrupted || sink.finished || !m.closed {
			t.Fatalf("Run = %v, interrupted %v, finished %v, closed %v", err, s.Interrupted, sink.finished, m.closed)
		}
		if len(sink.last) != 2 {
			t.Fatalf("%d outcomes stored, want the whole one and the interrupted one", len(sink.last))
		}
		o := sink.puts[1]
		if o.Stop != engine.StopCancel || o.Output != "o" || o.First != 10*ms || o.Done != 15*ms || o.Usage.Input != 4 || o.Answered() || o.Score.Verdict != tasks.Unscored {
			t.Errorf("interrupted outcome %+v", o)
		}
		plan.Prior = sink.kept()
		if _, err := still().Run(t.Context(), plan, sink); err != nil {
			t.Fatal(err)
		}
		if want := []string{"t 0?", "t 1?", "t 1?", "t 2?"}; !slices.Equal(m.order, want) {
			t.Errorf("asked %q, want %q", m.order, want)
		}
		for _, o := range sink.last {
			if !o.Complete() {
				t.Errorf("left as %+v", o)
			}
		}
	})
}

func TestManyAtOnceAreAllStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most int
		m := &model{prefill: 3 * ms, pieces: say("ok")}
		m.during = func() { // under the model's own lock order: one goroutine at a time in a bubble
			m.mu.Lock()
			now++
			most = max(most, now)
			m.mu.Unlock()
			time.Sleep(ms)
			m.mu.Lock()
			now--
			m.mu.Unlock()
		}
		sink := newMemory(t)
		s, err := still().Run(t.Context(), Plan{Run: "r", Concurrency: 7, Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 30))}}, sink)
		if err != nil || s.Asked != 30 || s.Judged != 30 || len(sink.puts) != 60 || most != 7 {
			t.Errorf("%v: asked %d, judged %d, puts %d, at once %d; want 30, 30, 60, 7", err, s.Asked, s.Judged, len(sink.puts), most)
		}
	})
}
