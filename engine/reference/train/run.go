package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Watch says how a run is followed. The zero value follows nothing.
type Watch struct {
	Progress  io.Writer     // gets a line every Every steps; nil means none
	Every     int           // steps; 50
	State     string        // file the training is saved to, at intervals and at the end; "" means none
	SaveEvery time.Duration // 2 minutes
	Held      []Example     // evaluated every HeldEvery steps and at the end; may be empty
	HeldEvery int           // steps; 500
}

// Run does steps until the schedule's end or until ctx ends; it then saves the training and, if
// stopped early, returns ctx's error.
func (t *Trainer) Run(ctx context.Context, watch Watch) error {
	if watch.Progress == nil {
		watch.Progress = io.Discard
	}
	if watch.Every <= 0 {
		watch.Every = 50
	}
	if watch.SaveEvery <= 0 {
		watch.SaveEvery = 2 * time.Minute
	}
	if watch.HeldEvery <= 0 {
		watch.HeldEvery = 500
	}
	steps := t.opt.Schedule.Steps
	saved := time.Now()
	var span meter
	for t.step < steps && ctx.Err() == nil {
		begin := time.Now()
		r, err := t.Step()
		if err != nil {
			return err
		}
		span.add(r, time.Since(begin))
		last := t.step == steps
		if t.step%watch.Every == 0 || last {
			fmt.Fprintln(watch.Progress, span.line(r, steps))
			span = meter{}
		}
		if len(watch.Held) > 0 && (t.step%watch.HeldEvery == 0 || last) {
			accuracy, err := t.Evaluate(watch.Held)
			if err != nil {
				return err
			}
			fmt.Fprintln(watch.Progress, heldLine(t.step, accuracy))
		}
		if watch.State != "" && time.Since(saved) >= watch.SaveEvery && !last {
			if err := t.Save(watch.State); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	var err error
	if watch.State != "" {
		err = t.Save(watch.State)
	}
	if t.step < steps {
		err = errors.Join(ctx.Err(), err)
	}
	return err
}

// meter sums reports between two lines.
type meter struct {
	took   time.Duration
	tokens int
	steps  int
	total  Loss
	source map[string]Loss
}

func (m *meter) add(r Report, took time.Duration) {
	if m.source == nil {
		m.source = map[string]Loss{}
	}
	m.took += took
	m.tokens += r.Tokens
	m.steps++
	for name, l := range r.BySource {
		s := m.source[name]
		m.source[name] = Loss{s.Sum + l.Sum, s.Weight + l.Weight}
		m.total = Loss{m.total.Sum + l.Sum, m.total.Weight + l.Weight}
	}
}

func (m *meter) line(r Report, steps int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d loss %.4f", r.Step, steps, m.total.Mean())
	for _, name := range slices.Sorted(maps.Keys(m.source)) {
		fmt.Fprintf(&b, " %s=%.3f", name, m.source[name].Mean())
	}
	left := m.took / time.Duration(m.steps) * time.Duration(steps-r.Step)
	fmt.Fprintf(&b, " lr=%.2e grad=%.2f tok/s=%.0f eta=%s", r.Rate, r.Gradient,
		float64(m.tokens)/m.took.Seconds(), left.Round(time.Second))
	return b.String()
}

func heldLine(step int, accuracy map[string]Accuracy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "held at step %d:", step)
	for _, name := range slices.Sorted(maps.Keys(accuracy)) {
		a := accuracy[name]
		fmt.Fprintf(&b, " %s=%d/%d", name, a.Right, a.Asked)
	}
	return b.String()
}
