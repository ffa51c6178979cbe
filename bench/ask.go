package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

const stopCancel = engine.StopCancel

// asker puts questions to one model and holds the stopwatch.
type asker struct {
	generator engine.Generator
	info      engine.Info
	plan      Plan
	joules    func() (float64, bool) // nil: unknown
}

// temporary is what errors say that may pass by themselves.
type temporary interface{ Temporary() bool }

// Waits between attempts double from here.
const firstWait = time.Second

// ask fills in o: the answer, or why there is none. A temporary error is tried again, off the
// clock: the outcome's times are those of its last attempt, whose due is when that attempt began.
func (a *asker) ask(ctx context.Context, o *Outcome, task tasks.Task, due time.Time) {
	req := a.request(o, task)
	wait := firstWait
	for attempt := 0; ; attempt++ {
		err := a.attempt(ctx, o, req, due)
		var passing temporary
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			o.Stop, o.Err = stopCancel, fmt.Sprintf("interrupted: %v", ctx.Err())
		case attempt < a.plan.retries() && errors.As(err, &passing) && passing.Temporary() && pause(ctx, wait):
			o.Warnings = append(o.Warnings, fmt.Sprintf("attempt %d: %v", attempt+1, err))
			o.Wasted = o.Wasted.Add(o.Usage)
			wait *= 2
			due = time.Now()
			continue
		default:
			o.Stop, o.Err = "", "asking: "+err.Error()
		}
		o.Score = &tasks.Score{Verdict: tasks.Unscored, Why: "no answer to judge"}
		return
	}
}

func (a *asker) request(o *Outcome, task tasks.Task) engine.Request {
	req := engine.Request{Messages: o.Messages, MaxTokens: a.plan.maxTokens(task), Sampling: a.plan.Sampling}
	req.Sampling.Seed = seed(a.plan.Seed^a.plan.Sampling.Seed, o.Key)
	if !a.info.Chat {
		req.Stop = task.Stop // a model with a chat template ends by itself
	}
	return req
}

// seed gives each answer its own stream: the same for every model and every run, so that
// comparisons are paired.
func seed(of uint64, k Key) uint64 {
	h := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%s\x00%d", of, k.Pack, k.Task, k.Sample, k.Repeat))
	return binary.LittleEndian.Uint64(h[:])
}

// attempt is the stopwatch. Between its first and last stamp it does nothing but call Generate
// and, for each piece, read the clock and append to a slice that is large enough for most answers.
func (a *asker) attempt(ctx context.Context, o *Outcome, req engine.Request, due time.Time) error {
	m := Measurement{Due: due}
	gaps := make([]time.Duration, 0, min(max(req.MaxTokens, 64), 4096))
	before, metered := a.energy()
	var resp engine.Response

	m.Sent = time.Since(due)
	err := contain(func() (err error) {
		resp, err = a.generator.Generate(ctx, req, func(c engine.Chunk) {
			if c.Text == "" {
				return
			}
			// A clock of coarse steps may not have moved yet, and zero means no output.
			now := max(time.Since(due), 1)
			if m.First == 0 {
				m.First = now
			} else {
				gaps = append(gaps, now-m.Last)
			}
			m.Last = now
		})
		return err
	})
	m.Done = time.Since(due)

	if after, ok := a.energy(); ok && metered && after >= before {
		spent := after - before
		m.Joules = &spent
	}
	if len(gaps) > 0 {
		m.Gaps = gaps
	}
	m.Usage = resp.Usage
	if m.First == 0 && (resp.Text != "" || resp.Reasoning != "") {
		m.First, m.Last = max(m.Done, 1), max(m.Done, 1)
		o.Warnings = append(o.Warnings, "the engine does not stream: its first output came with its last")
	}
	o.Measurement = m
	o.Output, o.Reasoning, o.Stop = resp.Text, resp.Reasoning, resp.Stop
	if err == nil && o.Stop == "" {
		o.Stop = engine.StopEnd
		o.Warnings = append(o.Warnings, "the engine did not say why the answer ended")
	}
	if err == nil && o.Stop == stopCancel {
		return errors.New("the engine cancelled an answer that was not to be cancelled")
	}
	return err
}

func (a *asker) energy() (joules float64, ok bool) {
	if a.joules == nil {
		return 0, false
	}
	return a.joules()
}

// pause waits and says whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
