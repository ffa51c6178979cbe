package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/tasks"
)

// Runner runs plans. The zero value works; a Runner is not changed by running and may run
// several plans at once, though they would then disturb one another's times.
type Runner struct {
	// Progress, which may be nil, gets each event in order, one at a time but on changing
	// goroutines. It should return at once: requests wait for it between their answers,
	// though never within.
	Progress func(Event)

	// How the machine is described and measured, and the stopwatch calibrated. Nil means
	// hardware.Detect, probe.Measure with its defaults, and Calibrate.
	Host      func(context.Context) (hardware.Host, error)
	Reach     func(context.Context) (probe.Reach, error)
	Calibrate func(context.Context) (Clock, error)

	// Joules reads the machine's energy counter: joules since some fixed moment; ok is false
	// while it cannot be read. Nil means unknown. Requests are charged with it only when sent one at a time.
	Joules func() (joules float64, ok bool)
}

// Run asks what the plan says and stores it in sink. It returns ctx's error when cut off: by then
// everything that was answered is stored, and a Plan with it as Prior goes on from there. A model
// that cannot be opened is noted and the others go on; the error then says which.
func (r *Runner) Run(ctx context.Context, p Plan, sink Sink) (Summary, error) {
	if err := p.Validate(); err != nil {
		return Summary{Run: p.Run}, err
	}
	c := &course{runner: r, plan: p, packs: p.packs(), sink: sink, prior: make(map[Key]Outcome, len(p.Prior)), started: time.Now()}
	for _, o := range p.Prior {
		c.prior[o.Key] = o
	}
	err := c.run(ctx)
	c.summary.Run, c.summary.Took = p.Run, time.Since(c.started)
	c.summary.Notes, c.summary.Manifest = c.manifest.Notes, c.manifest
	return c.summary, err
}

// course is one run under way.
type course struct {
	runner  *Runner
	plan    Plan
	packs   []tasks.Pack
	prior   map[Key]Outcome
	started time.Time
	cell    int // tasks begun, over all models

	mu       sync.Mutex // sink, summary and Progress
	sink     Sink
	broken   error // the sink's first error
	summary  Summary
	manifest Manifest
}

func (c *course) run(ctx context.Context) error {
	if err := c.describe(ctx); err != nil {
		return err
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	var unopened []error
	for i, m := range c.plan.Models {
		err := c.model(ctx, i, m)
		var open *openError
		if errors.As(err, &open) && ctx.Err() == nil {
			unopened = append(unopened, err)
			c.note("not asked: %v", err)
			continue
		}
		if err != nil {
			c.summary.Interrupted = ctx.Err() != nil
			// What was noted so far is worth keeping; err is what stopped the run.
			if c.broken == nil {
				kept, cancel := detach(ctx)
				defer cancel()
				err = errors.Join(err, c.begin(kept))
			}
			return err
		}
	}
	kept, cancel := detach(ctx)
	defer cancel()
	c.manifest.Finished = time.Now()
	if err := c.begin(kept); err != nil {
		return err
	}
	if err := c.sink.Finish(kept, c.plan.Run, c.manifest.Finished); err != nil {
		return fmt.Errorf("end of run %q: %w", c.plan.Run, err)
	}
	return errors.Join(unopened...)
}

// describe fills in the manifest as far as it is known before any model is open.
func (c *course) describe(ctx context.Context) error {
	p := c.plan
	c.manifest = Manifest{
		Version: ManifestVersion, Run: p.Run, Started: c.started,
		Models: make([]engine.Info, len(p.Models)), Packs: packRefs(p),
		Seed: p.Seed, N: p.N, Sampling: p.Sampling, Load: p.pattern().String(), Settings: p.Settings, Build: build(),
	}
	for i, m := range p.Models {
		c.manifest.Models[i].Name = m.Name
	}
	for _, o := range p.Prior {
		if !o.Due.IsZero() && o.Due.Before(c.manifest.Started) {
			c.manifest.Started = o.Due // when what is taken up here began
		}
	}
	if len(p.Models) > 1 {
		c.note("models were asked one after the other, not interleaved: a change in the machine between them looks like one between models")
	}

	r := c.runner
	host, reach, clock := r.Host, r.Reach, r.Calibrate
	if host == nil {
		host = hardware.Detect
	}
	if reach == nil {
		reach = func(ctx context.Context) (probe.Reach, error) { return probe.Measure(ctx, probe.Options{}) }
	}
	if clock == nil {
		clock = Calibrate
	}
	var err error
	if c.manifest.Host, err = host(ctx); err != nil {
		c.note("host not described: %v", err)
	}
	if c.manifest.Reach, err = reach(ctx); err != nil {
		c.note("reach not measured: %v", err)
	}
	if c.manifest.Clock, err = clock(ctx); err != nil {
		c.note("stopwatch not calibrated: %v", err)
	}
	return ctx.Err()
}

// openError says that a model cannot be asked at all.
type openError struct {
	model string
	err   error
}

func (e *openError) Error() string { return fmt.Sprintf("model %q: %v", e.model, e.err) }
func (e *openError) Unwrap() error { return e.err }

// model asks one model everything.
func (c *course) model(ctx context.Context, i int, m Model) error {
	c.emit(Event{Stage: Opening, Model: m.Name})
	var g engine.Generator
	err := contain(func() (err error) {
		g, err = m.Open(ctx)
		if err == nil && g == nil {
			err = errors.New("opened as nil")
		}
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &openError{m.Name, err}
	}
	if closer, ok := g.(io.Closer); ok {
		defer func() {
			if err := contain(closer.Close); err != nil {
				c.note("model %q: close: %v", m.Name, err)
			}
			c.emit(Event{Stage: Closed, Model: m.Name})
		}()
	}
	info := g.Info()
	if info.Name != m.Name && info.Name != "" {
		c.note("model %q calls itself %q", m.Name, info.Name)
	}
	info.Name = m.Name
	c.manifest.Models[i] = info
	if err := c.begin(ctx); err != nil {
		return err
	}

	a := &asker{generator: g, info: info, plan: c.plan, joules: c.runner.Joules}
	if c.plan.pattern().Askers() != 1 {
		a.joules = nil // the counter cannot tell requests apart
	}
	c.warm(ctx, a)
	for _, pack := range c.packs {
		for _, task := range pack.Tasks {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.cell++
			t := &turn{course: c, asker: a, pack: pack.Name, task: task}
			if err := t.run(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// warm sends requests that are not recorded. Their text is in no pack, so that no prompt
// is in the engine's prefix cache because of them.
func (c *course) warm(ctx context.Context, a *asker) {
	for i := range c.plan.Warmup {
		c.emit(Event{Stage: Warming, Model: a.info.Name, Done: i, Total: c.plan.Warmup})
		err := contain(func() error {
			_, err := a.generator.Generate(ctx, engine.Request{
				Messages:  []engine.Message{{Role: engine.User, Content: "Name the months of the year in order."}},
				MaxTokens: 16,
			}, func(engine.Chunk) {})
			return err
		})
		if err != nil && ctx.Err() == nil {
			c.note("model %q: warm-up: %v", a.info.Name, err)
			return
		}
	}
}

// begin tells the sink what is known of the run by now.
func (c *course) begin(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.manifest
	m.Models, m.Notes = slices.Clone(m.Models), slices.Clone(m.Notes) // the course goes on changing its own
	if err := c.sink.Begin(ctx, m); err != nil {
		c.broken = fmt.Errorf("begin of run %q: %w", c.plan.Run, err)
		return c.broken
	}
	return nil
}

// put stores an outcome and tells of it. One Put per outcome, before its asker goes on: an answer
// that cost minutes or dollars is on disk before the next is asked for, and a queue or batch would
// save about 0.1 ms per request that no clock sees. It works after ctx has ended, for the
// outcomes under way then.
func (c *course) put(ctx context.Context, o Outcome, e Event, count *int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	if err := c.sink.Put(ctx, o); err != nil {
		c.broken = fmt.Errorf("outcome %s/%s/%s/%s: %w", o.Model, o.Pack, o.Task, o.Sample, err)
		return c.broken
	}
	*count++
	if o.Score != nil && o.Score.Verdict == tasks.Unscored {
		c.summary.Broken++
	}
	if c.runner.Progress != nil {
		e.Last = &o
		c.runner.Progress(e)
	}
	return nil
}

func (c *course) emit(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runner.Progress != nil {
		c.runner.Progress(e)
	}
}

// One broken task can complain about each of a thousand samples.
const noteLimit = 200

func (c *course) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	switch n := len(c.manifest.Notes); {
	case slices.Contains(c.manifest.Notes, text) || n > noteLimit:
	case n == noteLimit:
		c.manifest.Notes = append(c.manifest.Notes, fmt.Sprintf("more than %d notes: the rest are left out", noteLimit))
	default:
		c.manifest.Notes = append(c.manifest.Notes, text)
	}
}

// How long storing may take once the run is cut off.
const lastWords = 10 * time.Second

// detach is a context that outlives the run's own, if not by much.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastWords)
}
