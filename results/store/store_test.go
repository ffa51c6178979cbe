package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// childEnv makes a re-executed test binary do one thing to a store: "mode path".
const childEnv = "ASSAY_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode, path, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		os.Exit(child(mode, path))
	}
	os.Exit(m.Run())
}

// child is the other process of tests that need one. It prints a line for each thing done.
func child(mode, path string) int {
	fail := func(err error) int { fmt.Println("error:", err); return 1 }
	ctx := context.Background()
	switch mode {
	case "append": // outcomes without end, each acknowledged by its number
		s, err := Open(path)
		if err != nil {
			return fail(err)
		}
		if err := s.Begin(ctx, testManifest("run")); err != nil {
			return fail(err)
		}
		for i := range steps() {
			if err := s.Put(ctx, i.outcome); err != nil {
				return fail(err)
			}
			fmt.Println(i.n)
		}
	case "lock": // an exclusive lock until standard input ends
		db, err := connect(path, "rw", time.Second, 1)
		if err != nil {
			return fail(err)
		}
		if _, err := db.Exec("BEGIN EXCLUSIVE"); err != nil {
			return fail(err)
		}
		fmt.Println("locked")
		bufio.NewReader(os.Stdin).ReadByte()
	case "read-only": // what a user without the right to write meets
		if s, err := Open(path); err == nil {
			err = s.Begin(ctx, testManifest("another"))
			fmt.Println("begin:", errors.Is(err, ErrReadOnly), err)
		} else {
			fmt.Println("open:", errors.Is(err, ErrReadOnly), err)
		}
		s, err := OpenReadOnly(path)
		if err != nil {
			return fail(err)
		}
		runs, err := s.Runs(ctx)
		if err != nil {
			return fail(err)
		}
		fmt.Println("runs:", len(runs))
		_, err = Open(filepath.Join(filepath.Dir(path), "new.db"))
		fmt.Println("create:", errors.Is(err, ErrReadOnly), err)
	}
	return 0
}

type step struct {
	n       int
	outcome bench.Outcome
}

// steps yields the same endless sequence of Puts in every process: each outcome unscored, and
// later, not always at once, scored.
func steps() iter.Seq[step] {
	return func(yield func(step) bool) {
		rng := rand.New(rand.NewPCG(5, 8))
		var waiting []bench.Outcome
		for n, made := 0, 0; ; n++ {
			var o bench.Outcome
			if len(waiting) > 0 && (rng.IntN(2) == 0 || len(waiting) > 8) {
				i := rng.IntN(len(waiting))
				o = waiting[i]
				waiting = append(waiting[:i], waiting[i+1:]...)
				o.Score = &tasks.Score{Value: float64(rng.IntN(5)) / 4, Verdict: tasks.Partial, Answer: fmt.Sprint(rng.IntN(100)), Why: "because"}
			} else {
				o = testOutcome("run", made, rng)
				waiting = append(waiting, o)
				made++
			}
			if !yield(step{n, o}) {
				return
			}
		}
	}
}

func testManifest(run string) bench.Manifest {
	return bench.Manifest{
		Run: run, Started: time.Date(2026, 11, 22, 17, 4, 5, 123456789, time.UTC), Seed: 1<<63 + 7, N: 111,
		Models: []engine.Info{{Name: "tiny", Family: "llama", Local: true, Digest: "abc"}, {Name: "small"}},
		Packs:  []bench.PackRef{{Name: "math", Version: "1"}, {Name: "code", Version: "2"}},
	}
}

func testOutcome(run string, i int, rng *rand.Rand) bench.Outcome {
	o := bench.Outcome{
		Key:      bench.Key{Run: run, Model: "tiny", Pack: "math", Task: "add", Sample: fmt.Sprintf("s%05d", i), Repeat: i % 3},
		Messages: []engine.Message{{Role: engine.User, Content: fmt.Sprintf("%d + %d = ?", rng.IntN(1000), rng.IntN(1000))}},
		Target:   "7", Output: strings.Repeat("words ", rng.IntN(200)), Stop: engine.StopEnd,
	}
	o.Due = time.Date(2026, 11, 22, 17, 5, 0, rng.IntN(1e9), time.UTC).Add(time.Duration(i) * time.Millisecond)
	o.Sent, o.First, o.Last, o.Done = 1, time.Duration(rng.IntN(1e9)), 3e9+7, 3e9+111
	o.Usage = engine.Usage{Input: 11, CachedInput: 3, Output: 21, Reasoning: 2}
	for range rng.IntN(4) {
		o.Gaps = append(o.Gaps, time.Duration(rng.IntN(1e8)))
	}
	return o
}

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustBegin(t *testing.T, s *Store, run string) {
	t.Helper()
	if err := s.Begin(t.Context(), testManifest(run)); err != nil {
		t.Fatal(err)
	}
}

func mustPut(t *testing.T, s *Store, outcomes ...bench.Outcome) {
	t.Helper()
	for _, o := range outcomes {
		if err := s.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// all reads a run's outcomes; the error, if any, is the last thing yielded.
func all(ctx context.Context, s *Store, run string) (out []bench.Outcome, err error) {
	for o, e := range s.Outcomes(ctx, run) {
		if e != nil {
			return out, e
		}
		out = append(out, o)
	}
	return out, nil
}

func mustAll(t *testing.T, s *Store, run string) []bench.Outcome {
	t.Helper()
	out, err := all(t.Context(), s, run)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	joules, zero := 12.75, 0.0
	full := bench.Outcome{
		Key:      bench.Key{Run: "run", Model: "a 模型/Q8_0", Pack: "math", Task: "add", Sample: "s'1\"", Repeat: 2},
		Level:    3,
		Group:    "g",
		Meta:     map[string]string{"depth": "0.5", "": "empty key", "<tag>": "a\x00b"},
		Messages: []engine.Message{{Role: engine.System, Content: "be brief"}, {Role: engine.User, Content: "1 <\u2028 2?\n"}},
		Target:   "42", Output: "the answer\x00 is 42 \U0001F600", Reasoning: "hm", Stop: engine.StopLength,
		Measurement: bench.Measurement{
			Due: time.Date(2026, 11, 22, 1, 2, 3, 111, time.UTC), Sent: 211, First: 121, Last: 112, Done: 1<<62 + 1,
			Gaps: []time.Duration{0, 1, 1 << 60}, Usage: engine.Usage{Input: 111, CachedInput: 211, Output: 121, Reasoning: 112}, Joules: &joules,
		},
		Score: &tasks.Score{Value: 1.0 / 3, Verdict: tasks.Partial, Answer: "42", Why: "close"},
		Err:   "no", Warnings: []string{"steal 3%", ""},
	}
	invalid := full
	invalid.Sample, invalid.Output, invalid.Err = "invalid", "a\xff\xfeb\xc3", "\x80"
	invalid.Messages = []engine.Message{{Role: engine.User, Content: "x\xff\xffy"}}
	replaced := invalid
	replaced.Output, replaced.Err = "a\ufffd\ufffdb\ufffd", "\ufffd"
	replaced.Messages = []engine.Message{{Role: engine.User, Content: "x\ufffd\ufffdy"}}
	plain := bench.Outcome{Key: bench.Key{Run: "run"}}
	empty := bench.Outcome{Key: bench.Key{Run: "run", Sample: "empty"}, Meta: map[string]string{}, Messages: []engine.Message{},
		Warnings: []string{}, Score: &tasks.Score{}}
	empty.Gaps, empty.Joules = []time.Duration{}, &zero
	zoned := full
	zoned.Sample, zoned.Due = "zoned", time.Date(2026, 11, 22, 1, 2, 3, 4, time.FixedZone("", 5*3600+1800))
	utc := zoned
	utc.Due = zoned.Due.UTC()

	s := mustOpen(t, filepath.Join(t.TempDir(), "a b?%41#.db"))
	mustBegin(t, s, "run")
	for _, c := range []struct {
		name     string
		put, got bench.Outcome
	}{
		{"every field", full, full}, {"nothing but a run", plain, plain}, {"empty, not nil", empty, empty},
		{"invalid UTF-8 becomes U+FFFD", invalid, replaced}, {"times come back in UTC", zoned, utc},
	} {
		t.Run(c.name, func(t *testing.T) {
			mustPut(t, s, c.put)
			out := mustAll(t, s, "run")
			if d := cmp.Diff(c.got, out[len(out)-1]); d != "" {
				t.Errorf("outcome came back changed (-put +got):\n%s", d)
			}
		})
	}
	m := testManifest("other")
	m.Started = m.Started.Add(time.Hour)
	if err := s.Begin(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.Finished = time.Date(2026, 11, 22, 19, 0, 0, 1, time.UTC)
	if err := s.Finish(t.Context(), "other", m.Finished); err != nil {
		t.Fatal(err)
	}
	got, err := s.Manifest(t.Context(), "other")
	if d := cmp.Diff(m, got); err != nil || d != "" {
		t.Errorf("manifest: %v, came back changed (-put +got):\n%s", err, d)
	}
}

func TestRefusals(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "x.db"))
	mustBegin(t, s, "run")
	scored := testOutcome("run", 1, rand.New(rand.NewPCG(1, 1)))
	scored.Score = &tasks.Score{Value: 1, Verdict: tasks.Correct}
	mustPut(t, s, scored)
	unscored := scored
	unscored.Score = nil
	change := func(f func(*bench.Outcome)) bench.Outcome { o := scored; f(&o); return o }
	nan := 0.0
	nan /= nan
	for _, c := range []struct {
		name string
		o    bench.Outcome
		want error
		text string
	}{
		{"unscored over scored", unscored, ErrScored, "s00001"},
		{"run not begun", change(func(o *bench.Outcome) { o.Run = "nowhere" }), ErrNoRun, "nowhere"},
		{"score not a number", change(func(o *bench.Outcome) { o.Score = &tasks.Score{Value: nan} }), nil, "not a number"},
		{"energy not a number", change(func(o *bench.Outcome) { o.Joules = &nan }), nil, "not a number"},
		{"key not UTF-8", change(func(o *bench.Outcome) { o.Task = "\xff" }), nil, "UTF-8"},
		{"year out of range", change(func(o *bench.Outcome) { o.Due = time.Unix(1<<50, 0) }), nil, "year"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := s.Put(t.Context(), c.o)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), "x.db") {
				t.Errorf("Put: %v, want %v naming %q and the file", err, c.want, c.text)
			}
		})
	}
	if d := cmp.Diff([]bench.Outcome{scored}, mustAll(t, s, "run")); d != "" {
		t.Errorf("refused outcomes left a trace:\n%s", d)
	}
	for _, c := range []struct {
		name   string
		change func(*bench.Manifest)
	}{
		{"seed", func(m *bench.Manifest) { m.Seed++ }},
		{"samples", func(m *bench.Manifest) { m.N++ }},
		{"pack", func(m *bench.Manifest) { m.Packs = []bench.PackRef{{Name: "math", Version: "9"}} }},
		{"model", func(m *bench.Manifest) { m.Models = []engine.Info{{Name: "tiny", Digest: "xyz"}} }},
	} {
		t.Run("resumed with another "+c.name, func(t *testing.T) {
			m := testManifest("run")
			c.change(&m)
			if err := s.Begin(t.Context(), m); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), c.name) {
				t.Errorf("Begin: %v, want ErrConflict that names the %s", err, c.name)
			}
		})
	}
	if err := s.Finish(t.Context(), "nowhere", time.Now()); !errors.Is(err, ErrNoRun) {
		t.Errorf("Finish of no run: %v, want ErrNoRun", err)
	}
	if _, err := all(t.Context(), s, "nowhere"); !errors.Is(err, ErrNoRun) {
		t.Errorf("Outcomes of no run: %v, want ErrNoRun", err)
	}
}

func TestRuns(t *testing.T) {
	ctx := t.Context()
	s := mustOpen(t, filepath.Join(t.TempDir(), "x.db"))
	if _, err := s.Latest(ctx); !errors.Is(err, ErrNoRun) {
		t.Errorf("Latest of an empty store: %v, want ErrNoRun", err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i, run := range []string{"first", "second", "third"} {
		m := testManifest(run)
		m.Started = m.Started.Add(time.Duration(i) * time.Second)
		if err := s.Begin(ctx, m); err != nil {
			t.Fatal(err)
		}
		for k := range i + 2 {
			o := testOutcome(run, k, rng)
			mustPut(t, s, o)
			if k == 0 {
				o.Score = &tasks.Score{Verdict: tasks.Unscored}
				mustPut(t, s, o)
			} else if k == 1 {
				o.Score = &tasks.Score{Verdict: tasks.Incorrect}
				mustPut(t, s, o)
			}
		}
	}
	end := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	for _, run := range []string{"first", "third"} {
		if err := s.Finish(ctx, run, end); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := s.Runs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, fmt.Sprintf("%s %s %d/%d %s %s", r.ID, r.State, r.Scored, r.Outcomes, r.Models, r.Packs))
	}
	want := []string{"third finished 1/4 [tiny small] [math code]", "second interrupted 1/3 [tiny small] [math code]", "first finished 1/2 [tiny small] [math code]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Runs (-want +got):\n%s", d)
	}
	if r, err := s.Latest(ctx); err != nil || r.ID != "third" || !r.Finished.Equal(end) {
		t.Errorf("Latest: %+v, %v; want third", r, err)
	}
	if r, err := s.Resumable(ctx); err != nil || r.ID != "second" {
		t.Errorf("Resumable: %+v, %v; want second", r, err)
	}
	// A finished run that goes on is unfinished again, and begun when it was.
	again := testManifest("first")
	again.Started = end.Add(time.Hour)
	if err := s.Begin(ctx, again); err != nil {
		t.Fatal(err)
	}
	// A run that came to nothing, its model unreadable, is not what a report is wanted of.
	empty := testManifest("empty")
	empty.Started = end.Add(2 * time.Hour)
	if err := s.Begin(ctx, empty); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Latest(ctx); err != nil || r.ID != "third" {
		t.Errorf("Latest after a run without outcomes: %+v, %v; want third", r, err)
	}
	if m, err := s.Manifest(ctx, "first"); err != nil || !m.Finished.IsZero() || !m.Started.Equal(testManifest("").Started) {
		t.Errorf("Manifest of a resumed run: started %v, finished %v, %v", m.Started, m.Finished, err)
	}
}

// Readers see only whole, consistent states while a writer is at work, also within the loop
// over the outcomes.
func TestReadWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := mustOpen(t, path)
	mustBegin(t, s, "run")
	const total = 150
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			r, err := OpenReadOnly(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			for last := 0; ; {
				out, err := all(context.Background(), r, "run")
				if err != nil || len(out) < last {
					t.Errorf("reader: %d outcomes after %d: %v", len(out), last, err)
					return
				}
				last = len(out)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range total / 2 {
		mustPut(t, s, testOutcome("run", i, rng))
	}
	n := total / 2
	for range s.Outcomes(t.Context(), "run") {
		mustPut(t, s, testOutcome("run", n, rng))
		n++
	}
	close(stop)
	wg.Wait()
	if got := len(mustAll(t, s, "run")); got != total {
		t.Errorf("%d outcomes, want %d", got, total)
	}
}
