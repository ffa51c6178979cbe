package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main() // BenchmarkRun judges programs
	goleak.VerifyTestMain(m)
}

// model is a Generator with set delays: prefill until the first of its pieces, then gap between each
// two, then tail until Generate returns.
type model struct {
	prefill, gap, tail time.Duration
	pieces             []engine.Chunk
	usage              engine.Usage
	info               engine.Info
	fail               func(input string, nth int) error // before the first piece; nth counts asks of that input from 0

	mu     sync.Mutex
	asked  map[string]int
	order  []string
	seeds  map[string]uint64
	reqs   []engine.Request
	closed bool
	during func() // called while an answer is under way
}

func (m *model) Info() engine.Info { return m.info }

func (m *model) Close() error {
	m.closed = true
	return nil
}

func (m *model) Generate(ctx context.Context, req engine.Request, emit func(engine.Chunk)) (engine.Response, error) {
	input := req.Messages[len(req.Messages)-1].Content
	m.mu.Lock()
	if m.asked == nil {
		m.asked, m.seeds = map[string]int{}, map[string]uint64{}
	}
	nth := m.asked[input]
	m.asked[input]++
	m.order = append(m.order, input)
	m.seeds[fmt.Sprint(input, "#", nth)] = req.Sampling.Seed
	m.reqs = append(m.reqs, req)
	m.mu.Unlock()

	if !pause(ctx, m.prefill) {
		return engine.Response{Stop: engine.StopCancel}, ctx.Err()
	}
	if m.during != nil {
		m.during()
	}
	if m.fail != nil {
		if err := m.fail(input, nth); err != nil {
			return engine.Response{Usage: engine.Usage{Input: 3}}, err
		}
	}
	var text strings.Builder
	for i, p := range m.pieces {
		if i > 0 && !pause(ctx, m.gap) {
			return engine.Response{Text: text.String(), Stop: engine.StopCancel, Usage: m.usage}, ctx.Err()
		}
		text.WriteString(p.Text)
		emit(p)
	}
	time.Sleep(m.tail)
	return engine.Response{Text: text.String(), Usage: m.usage, Stop: engine.StopEnd}, nil
}

func (m *model) open() Model {
	return Model{Name: "m", Open: func(context.Context) (engine.Generator, error) { return m, nil }}
}

// counted is a task of n samples, right when the output is "ok".
func counted(name string, n int) tasks.Task {
	return tasks.Task{
		Name: name, MaxTokens: 32,
		Samples: func(_ context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
			return func(yield func(tasks.Sample, error) bool) {
				for i := range n {
					if !yield(tasks.Sample{ID: strconv.Itoa(i), Input: fmt.Sprintf("%s %d?", name, i), Target: "ok", Group: "g" + strconv.Itoa(i/2)}, nil) {
						return
					}
				}
			}
		},
		Scorer: tasks.ScorerFunc(func(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
			if output == s.Target {
				return tasks.Score{Value: 1, Verdict: tasks.Correct}, nil
			}
			return tasks.Score{Verdict: tasks.Incorrect, Answer: output}, nil
		}),
	}
}

func pack(name string, all ...tasks.Task) tasks.Pack {
	return tasks.Pack{Name: name, Version: "1", Tasks: all}
}

func say(pieces ...string) (chunks []engine.Chunk) {
	for _, p := range pieces {
		chunks = append(chunks, engine.Chunk{Text: p, Tokens: 1})
	}
	return chunks
}

// still is a Runner that neither looks at the machine nor measures it: its time is the test's.
func still() *Runner {
	return &Runner{
		Host:      func(context.Context) (hardware.Host, error) { return hardware.Host{OS: "test"}, nil },
		Reach:     func(context.Context) (probe.Reach, error) { return probe.Reach{Verdict: probe.Unknown}, nil },
		Calibrate: func(context.Context) (Clock, error) { return Clock{}, nil },
	}
}

// memory is a Sink that remembers, and can be told to break.
type memory struct {
	manifests []Manifest
	puts      []Outcome
	last      map[Key]Outcome
	finished  bool
	breakAt   int // Put fails from this one on, counted from 0; -1 never
	busy      bool
	t         *testing.T
}

func newMemory(t *testing.T) *memory { return &memory{last: map[Key]Outcome{}, breakAt: -1, t: t} }

var errDisk = errors.New("disk full")

func (s *memory) Begin(_ context.Context, m Manifest) error {
	s.manifests = append(s.manifests, m)
	return nil
}

func (s *memory) Put(ctx context.Context, o Outcome) error {
	if ctx.Err() != nil {
		s.t.Errorf("Put with a context that has ended: %v", ctx.Err())
	}
	if s.busy {
		s.t.Error("two Puts at the same time")
	}
	s.busy = true
	defer func() { s.busy = false }()
	if s.breakAt >= 0 && len(s.puts) >= s.breakAt {
		return errDisk
	}
	s.puts = append(s.puts, o)
	s.last[o.Key] = o
	return nil
}

func (s *memory) Finish(context.Context, string, time.Time) error {
	s.finished = true
	return nil
}

// kept is what a later run would find.
func (s *memory) kept() (all []Outcome) {
	for _, o := range s.last {
		all = append(all, o)
	}
	return all
}
