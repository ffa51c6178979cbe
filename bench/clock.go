package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/tokenassay/assay/bench/load"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// Clock says how wrong the stopwatch is. Every time in a run is too long by about what the
// harness takes for a model that does nothing.
type Clock struct {
	Resolution time.Duration `json:"resolution_ns,omitempty"` // smallest step of the clock seen; 0: none seen
	Cost       time.Duration `json:"cost_ns,omitempty"`       // of reading it once, mean; 0: below a nanosecond
	// What a request to a model without delay takes, through the very same path as any other.
	TTFT Overhead `json:"ttft"`
	E2E  Overhead `json:"e2e"` // due until Generate returned
}

// Overhead is a time the harness adds, over N requests.
type Overhead struct {
	N   int           `json:"n"`
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
}

// Enough for a 99th percentile with fifteen requests beyond it, in about 10 ms.
const calibrationRequests = 1500

// Calibrate measures the clock and the harness: it runs a plan of one task with one-token
// answers against a model that does nothing. Takes some 20 ms; the only errors are ctx's
// and those of a harness that does not work at all.
func Calibrate(ctx context.Context) (Clock, error) {
	var c Clock
	c.Resolution, c.Cost = readings()
	questions, err := askNothing(ctx, calibrationRequests)
	if err != nil {
		return c, err
	}
	c.TTFT = overhead(questions, func(o Outcome) time.Duration { return o.First })
	c.E2E = overhead(questions, func(o Outcome) time.Duration { return o.Done })
	return c, nil
}

// readings reads the clock over and over.
func readings() (resolution, cost time.Duration) {
	const n = 20000
	start := time.Now()
	last := start
	for range n {
		now := time.Now()
		if step := now.Sub(last); step > 0 && (resolution == 0 || step < resolution) {
			resolution = step
		}
		last = now
	}
	return resolution, last.Sub(start) / n
}

// askNothing puts n one-line questions to a null model.
func askNothing(ctx context.Context, n int) ([]question, error) {
	task := tasks.Task{
		Name: "nothing",
		Samples: func(_ context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
			return func(yield func(tasks.Sample, error) bool) {
				for i := range ask.N {
					if !yield(tasks.Sample{ID: strconv.Itoa(i), Input: "?"}, nil) {
						return
					}
				}
			}
		},
		MaxTokens: 1,
	}
	plan := Plan{Run: "calibration", N: n, Load: load.Closed(1)}
	c := &course{runner: &Runner{}, plan: plan, sink: discard{}}
	t := &turn{course: c, asker: &asker{generator: null{}, info: null{}.Info(), plan: plan}, pack: "calibration", task: task}
	questions, _, err := t.questions(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.ask(ctx, questions); err != nil {
		return nil, err
	}
	for _, q := range questions {
		if q.outcome.Err != "" {
			return nil, fmt.Errorf("calibration: %w", errors.New(q.outcome.Err))
		}
	}
	return questions, nil
}

func overhead(questions []question, of func(Outcome) time.Duration) Overhead {
	xs := make([]float64, len(questions))
	for i, q := range questions {
		xs[i] = float64(of(q.outcome))
	}
	at := func(p float64) time.Duration { return time.Duration(stat.Quantile(xs, p, 0.95).Value) }
	return Overhead{N: len(xs), P50: at(0.5), P99: at(0.99)}
}

// null is a model that says one letter without thinking.
type null struct{}

func (null) Info() engine.Info { return engine.Info{Name: "null"} }

func (null) Generate(_ context.Context, _ engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	emit(engine.Chunk{Text: "a", Tokens: 1})
	return engine.Response{Text: "a", Stop: engine.StopEnd, Usage: engine.Usage{Input: 1, Output: 1}}, nil
}

// discard keeps nothing.
type discard struct{}

func (discard) Begin(context.Context, Manifest) error           { return nil }
func (discard) Put(context.Context, Outcome) error              { return nil }
func (discard) Finish(context.Context, string, time.Time) error { return nil }
