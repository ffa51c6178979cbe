package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenassay/assay/bench/load"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// turn is one task put to one model: samples, timed phase, scoring.
type turn struct {
	course *course
	asker  *asker
	pack   string
	task   tasks.Task
}

// question is a sample to be asked, or its answer to be judged.
type question struct {
	sample  tasks.Sample
	outcome Outcome // with Key, Messages and Target filled in; the whole prior one where only judging is left
	stored  bool
}

func (t *turn) run(ctx context.Context) error {
	asked, judged, err := t.questions(ctx)
	if err != nil {
		return err
	}
	if err := t.ask(ctx, asked); err != nil {
		return err
	}
	for i := range asked {
		if q := &asked[i]; q.stored && q.outcome.Answered() {
			judged = append(judged, *q)
		}
	}
	return t.judge(ctx, judged)
}

// questions makes the task's samples, off the clock, and sorts them by what is left to do. Repeats
// go round after round, so that a prompt's twin is not the very next request.
func (t *turn) questions(ctx context.Context) (ask, judge []question, err error) {
	samples, err := t.samples(ctx)
	if err != nil {
		return nil, nil, err
	}
	prompt := t.task.Prompt
	if prompt == nil {
		prompt = func(s tasks.Sample) []engine.Message {
			return []engine.Message{{Role: engine.User, Content: s.Input}}
		}
	}
	c := t.course
	for repeat := range c.plan.repeats(t.task) {
		for _, s := range samples {
			key := Key{Run: c.plan.Run, Model: t.asker.info.Name, Pack: t.pack, Task: t.task.Name, Sample: s.ID, Repeat: repeat}
			prior, has := c.prior[key]
			switch {
			case has && prior.Complete():
				c.summary.Kept++
			case has && prior.Answered():
				judge = append(judge, question{sample: s, outcome: prior})
			default:
				q := question{sample: s, outcome: Outcome{Key: key, Level: t.task.Level, Group: s.Group, Meta: s.Meta, Target: s.Target}}
				if err := contain(func() error { q.outcome.Messages = prompt(s); return nil }); err != nil {
					c.note("not asked: %s/%s sample %q: prompt: %v", t.pack, t.task.Name, s.ID, err)
					continue
				}
				ask = append(ask, q)
			}
		}
	}
	return ask, judge, nil
}

// samples collects what the task yields; samples it cannot make are noted.
func (t *turn) samples(ctx context.Context) ([]tasks.Sample, error) {
	c := t.course
	want := tasks.Ask{Seed: c.plan.Seed, N: c.plan.N, Context: t.asker.info.Context}
	if counter, ok := t.asker.generator.(engine.TokenCounter); ok {
		want.Count = counter.CountTokens
	}
	var all []tasks.Sample
	seen := map[string]bool{}
	err := contain(func() error {
		for s, err := range t.task.Samples(ctx, want) {
			var remark *tasks.Remark
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.As(err, &remark):
				c.note("%s/%s of %s: %v", t.pack, t.task.Name, t.asker.info.Name, remark)
			case err != nil:
				c.note("not asked: %s/%s of %s: %v", t.pack, t.task.Name, t.asker.info.Name, err)
			case s.ID == "":
				c.note("not asked: %s/%s: a sample without an ID, input %q", t.pack, t.task.Name, clip(s.Input))
			case seen[s.ID]:
				c.note("not asked: %s/%s: a second sample with the ID %q", t.pack, t.task.Name, s.ID)
			default:
				seen[s.ID] = true
				all = append(all, s)
				if want.N > 0 && len(all) == want.N {
					return nil
				}
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		c.note("not asked: %s/%s of %s: samples: %v", t.pack, t.task.Name, t.asker.info.Name, err)
	}
	return all, nil
}

// ask is the timed phase.
func (t *turn) ask(ctx context.Context, questions []question) error {
	if len(questions) == 0 {
		return ctx.Err()
	}
	c := t.course
	c.emit(t.event(Asking, 0, len(questions)))
	var done, tokens atomic.Int64
	start := time.Now()
	sent, err := load.Drive(ctx, c.plan.pattern(), len(questions), func(ctx context.Context, i int, due time.Time) bool {
		q := &questions[i]
		t.asker.ask(ctx, &q.outcome, t.task, due)
		e := t.event(Asking, int(done.Add(1)), len(questions))
		if total := tokens.Add(int64(q.outcome.Usage.Output)); total > 0 {
			e.TokensPerSec = float64(total) / max(time.Since(start), 1).Seconds()
		}
		if c.put(ctx, q.outcome, e, &c.summary.Asked) != nil {
			return false
		}
		q.stored = true
		return true
	})
	if c.broken != nil {
		return c.broken
	}
	if err == nil && sent < len(questions) {
		c.note("not asked: %s/%s: %d of %d samples: the load pattern has no more times", t.pack, t.task.Name, len(questions)-sent, len(questions))
	}
	return err
}

// Scoring may run programs; more at once would fight over memory rather than gain time.
const judges = 4

// judge scores answers, off the clock, and stores them again.
func (t *turn) judge(ctx context.Context, questions []question) error {
	if len(questions) == 0 {
		return ctx.Err()
	}
	c := t.course
	c.emit(t.event(Scoring, 0, len(questions)))
	var next, done atomic.Int64
	var all sync.WaitGroup
	for range min(judges, runtime.GOMAXPROCS(0), len(questions)) {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(questions) {
					return
				}
				o, ok := score(ctx, t.task.Scorer, questions[i])
				if !ok {
					return // cut off: the unscored outcome stays as stored
				}
				if c.put(ctx, o, t.event(Scoring, int(done.Add(1)), len(questions)), &c.summary.Judged) != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if c.broken != nil {
		return c.broken
	}
	return ctx.Err()
}

// score judges one answer. What keeps it from being judged becomes Err, never a wrong answer.
// ok is false where ctx ended first.
func score(ctx context.Context, scorer tasks.Scorer, q question) (o Outcome, ok bool) {
	o = q.outcome
	o.Err = "" // a judging that failed before is tried anew
	var s tasks.Score
	err := contain(func() (err error) {
		s, err = scorer.Score(ctx, q.sample, o.Output)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return o, false
	}
	if err == nil {
		err = checkScore(s)
	}
	if err != nil {
		o.Err = "judging: " + err.Error()
		s = tasks.Score{Verdict: tasks.Unscored, Why: "could not be judged"}
	}
	o.Score = &s
	return o, true
}

var errScore = errors.New("the scorer broke its contract")

func checkScore(s tasks.Score) error {
	if !(s.Value >= 0 && s.Value <= 1) {
		return fmt.Errorf("%w: value %v is outside [0, 1]", errScore, s.Value)
	}
	if !slices.Contains([]tasks.Verdict{tasks.Correct, tasks.Partial, tasks.Incorrect, tasks.NoAnswer, tasks.Refused, tasks.Unscored}, s.Verdict) {
		return fmt.Errorf("%w: verdict %q is unknown", errScore, s.Verdict)
	}
	return nil
}

func (t *turn) event(s Stage, done, total int) Event {
	c := t.course
	return Event{
		Stage: s, Model: t.asker.info.Name, Pack: t.pack, Task: t.task.Name, Done: done, Total: total,
		At: c.cell, Of: c.cells(),
	}
}

// cells is how many tasks are put to all models together.
func (c *course) cells() int {
	n := 0
	for _, p := range c.packs {
		n += len(p.Tasks)
	}
	return n * len(c.plan.Models)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
