package bench

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/bench/load"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

const ms = time.Millisecond

// TestStampsAreExact checks every stamp and every figure made of them, to the nanosecond.
func TestStampsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{
			prefill: 111*ms + 1, gap: 7*ms + 3, tail: 5 * ms,
			// An empty piece is no output, neither at the start nor in the middle.
			pieces: []engine.Chunk{{Tokens: 1}, {Text: "o", Tokens: 1}, {Tokens: 2}, {Text: "k", Tokens: 1}, {Text: "!", Tokens: 1}},
			usage:  engine.Usage{Input: 100, CachedInput: 20, Output: 5},
		}
		sink := newMemory(t)
		if _, err := still().Run(t.Context(), Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 2))}}, sink); err != nil {
			t.Fatal(err)
		}
		first := 111*ms + 1 + 7*ms + 3
		last := first + 3*(7*ms+3)
		for _, o := range sink.last {
			want := Measurement{Due: o.Due, First: first, Last: last, Done: last + 5*ms, Gaps: []time.Duration{14*ms + 6, 7*ms + 3}, Usage: m.usage}
			if diff := cmp.Diff(want, o.Measurement); diff != "" {
				t.Errorf("sample %s (-want +got): %s", o.Sample, diff)
			}
			if ttft, ok := o.TTFT(); !ok || ttft != first {
				t.Errorf("TTFT = %v, %v, want %v", ttft, ok, first)
			}
			if tpot, ok := o.TPOT(); !ok || tpot != (21*ms+9)/4 {
				t.Errorf("TPOT = %v, %v, want %v", tpot, ok, (21*ms+9)/4)
			}
			if rate, ok := o.DecodePerSec(); !ok || rate != 4/(21*ms+9).Seconds() {
				t.Errorf("DecodePerSec = %v, %v", rate, ok)
			}
			if rate, ok := o.PrefillPerSec(); !ok || rate != 80/first.Seconds() {
				t.Errorf("PrefillPerSec = %v, %v", rate, ok)
			}
		}
		// One at a time: the second was due when the first had been stored.
		a, b := sink.puts[0], sink.puts[1]
		if got := b.Due.Sub(a.Due); got != a.Done {
			t.Errorf("second request due %v after the first, want %v", got, a.Done)
		}
	})
}

func TestLatencyCountsFromDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Answers take 10 ms each, one at a time; requests come every 4 ms. The engine queues, and the
		// nth request waits 6n ms longer than it should: the figures must show it.
		slot := make(chan struct{}, 1)
		m := &model{prefill: 10 * ms, pieces: say("ok")}
		queued := &queue{model: m, slot: slot}
		sink := newMemory(t)
		p := Plan{Run: "r", Load: load.Constant(250), Packs: []tasks.Pack{pack("p", counted("t", 5))},
			Models: []Model{{Name: "m", Open: func(context.Context) (engine.Generator, error) { return queued, nil }}}}
		if _, err := still().Run(t.Context(), p, sink); err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for _, o := range sink.puts[:5] {
			ttft, _ := o.TTFT()
			got = append(got, ttft)
			if o.Sent != 0 {
				t.Errorf("sample %s went out %v late", o.Sample, o.Sent)
			}
		}
		if want := []time.Duration{10 * ms, 16 * ms, 22 * ms, 28 * ms, 34 * ms}; !slices.Equal(got, want) {
			t.Errorf("TTFT = %v, want %v", got, want)
		}
		if rate, ok := Throughput(sink.puts[:5]); ok {
			t.Errorf("Throughput of answers without tokens = %v", rate)
		}
	})
}

// queue lets one request through at a time, in order of arrival.
type queue struct {
	*model
	slot chan struct{}
}

func (q *queue) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	q.slot <- struct{}{}
	defer func() { <-q.slot }()
	return q.model.Generate(ctx, req, emit)
}

func TestScoringIsOffTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{prefill: 10 * ms, pieces: say("ok")}
		task := counted("t", 4)
		judge := task.Scorer
		var mu sync.Mutex // answers are judged several at a time
		var judged []time.Time
		task.Scorer = tasks.ScorerFunc(func(ctx context.Context, s tasks.Sample, output string) (tasks.Score, error) {
			mu.Lock()
			judged = append(judged, time.Now())
			mu.Unlock()
			time.Sleep(time.Hour)
			return judge.Score(ctx, s, output)
		})
		sink := newMemory(t)
		start := time.Now()
		if _, err := still().Run(t.Context(), Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", task)}}, sink); err != nil {
			t.Fatal(err)
		}
		for i, o := range sink.puts {
			if unscored := i < 4; unscored != (o.Score == nil) {
				t.Errorf("put %d: score %v, want the four unscored first", i, o.Score)
			}
			if end := o.Due.Add(o.Done); end.Sub(start) > 40*ms {
				t.Errorf("sample %s ended %v after the start: scoring was on the clock", o.Sample, end.Sub(start))
			}
		}
		for _, at := range judged {
			if at.Sub(start) < 40*ms {
				t.Errorf("judging began %v after the start, before the timed phase was over", at.Sub(start))
			}
		}
	})
}

func TestThroughputIsOverWallTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{prefill: 90 * ms, tail: 10 * ms, pieces: say("ok"), usage: engine.Usage{Output: 30}}
		sink := newMemory(t)
		p := Plan{Run: "r", Concurrency: 3, Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 6))}}
		if _, err := still().Run(t.Context(), p, sink); err != nil {
			t.Fatal(err)
		}
		// Three at once, twice: 180 tokens in 200 ms.
		if rate, ok := Throughput(sink.kept()); !ok || rate != 900 {
			t.Errorf("Throughput = %v, %v, want 900 tokens per second", rate, ok)
		}
	})
}

func TestUndefinedFigures(t *testing.T) {
	cases := []struct {
		name                     string
		m                        Measurement
		ttft, tpot, decode, fill bool
	}{
		{"nothing came", Measurement{Done: 5, Usage: engine.Usage{Input: 3, Output: 4}}, false, false, false, false},
		{"one token", Measurement{First: 5, Last: 5, Done: 5, Usage: engine.Usage{Input: 3, Output: 1}}, true, false, false, true},
		{"all at once", Measurement{First: 5, Last: 5, Done: 5, Usage: engine.Usage{Input: 3, Output: 9}}, true, true, false, true},
		{"all cached", Measurement{First: 5, Last: 9, Usage: engine.Usage{Input: 3, CachedInput: 3, Output: 9}}, true, true, true, false},
		{"usage unknown", Measurement{First: 5, Last: 9}, true, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, ttft := c.m.TTFT()
			_, tpot := c.m.TPOT()
			_, decode := c.m.DecodePerSec()
			_, fill := c.m.PrefillPerSec()
			if ttft != c.ttft || tpot != c.tpot || decode != c.decode || fill != c.fill {
				t.Errorf("ok of TTFT, TPOT, decode, prefill = %v %v %v %v, want %v %v %v %v", ttft, tpot, decode, fill, c.ttft, c.tpot, c.decode, c.fill)
			}
		})
	}
}

func TestEngineThatDoesNotStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newMemory(t)
		p := Plan{Run: "r", Packs: []tasks.Pack{pack("p", counted("t", 1))}, Models: []Model{{Name: "m", Open: func(context.Context) (engine.Generator, error) { return mute{}, nil }}}}
		if _, err := still().Run(t.Context(), p, sink); err != nil {
			t.Fatal(err)
		}
		o := sink.puts[0]
		if o.First != 30*ms || o.Last != 30*ms || len(o.Warnings) != 1 {
			t.Errorf("first %v, last %v, warnings %q: want both at 30ms and a warning", o.First, o.Last, o.Warnings)
		}
	})
}

type mute struct{}

func (mute) Info() engine.Info { return engine.Info{} }
func (mute) Generate(context.Context, engine.Request, func(engine.Chunk)) (engine.Response, error) {
	time.Sleep(30 * ms)
	return engine.Response{Text: "ok", Stop: engine.StopEnd}, nil
}

func TestJoulesAreChargedToSingleRequestsOnly(t *testing.T) {
	for _, c := range []struct {
		concurrency int
		want        bool
	}{{1, true}, {2, false}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r := still()
			r.Joules = func() (float64, bool) { return 20 * time.Since(start).Seconds(), true } // 20 W
			m := &model{prefill: 500 * ms, pieces: say("ok"), usage: engine.Usage{Output: 5}}
			sink := newMemory(t)
			p := Plan{Run: "r", Concurrency: c.concurrency, Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 2))}}
			if _, err := r.Run(t.Context(), p, sink); err != nil {
				t.Fatal(err)
			}
			for _, o := range sink.puts[:2] {
				if (o.Joules != nil) != c.want {
					t.Errorf("concurrency %d: joules %v, want known: %v", c.concurrency, o.Joules, c.want)
				}
				if each, ok := o.JoulesPerToken(); ok && (each < 1.999 || each > 2.001) {
					t.Errorf("%v J per token, want 2", each)
				}
			}
		})
	}
}
