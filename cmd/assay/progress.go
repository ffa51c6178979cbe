package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tokenassay/assay/bench"
)

// progress shows a run on a terminal: one bar for each model, with the task under way. In a
// pipe it says nothing.
type progress struct {
	all   *mpb.Progress // nil: not a terminal
	bar   *mpb.Bar
	model string
	label atomic.Value // string: what is under way, read by the goroutine that draws
	at    string       // stage and task of the bar's current count
}

func newProgress(w io.Writer) *progress {
	p := &progress{}
	p.label.Store("")
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		p.all = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	}
	return p
}

// event takes bench's events in order.
func (p *progress) event(e bench.Event) {
	if p.all == nil {
		return
	}
	if e.Model != p.model {
		p.finish()
		p.model, p.at = e.Model, ""
		p.bar = p.all.AddBar(0,
			mpb.PrependDecorators(decor.Name(e.Model+" ", decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersNoUnit("%d/%d ", decor.WCSyncSpace),
				decor.Any(func(decor.Statistics) string { return p.label.Load().(string) })))
	}
	if at := string(e.Stage) + e.Pack + e.Task; at != p.at {
		p.at = at
		p.bar.SetTotal(int64(e.Total), false)
	}
	p.bar.SetCurrent(int64(e.Done))
	label := string(e.Stage)
	if e.Task != "" {
		label = fmt.Sprintf("%s/%s %s, task %d of %d", e.Pack, e.Task, e.Stage, e.At, e.Of)
		if e.TokensPerSec > 0 {
			label += fmt.Sprintf(", %.0f tok/s", e.TokensPerSec)
		}
	}
	p.label.Store(label)
	if e.Stage == bench.Closed {
		p.finish()
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bar = nil
	}
}

// wait leaves the terminal as it should be for what is printed next.
func (p *progress) wait() {
	if p.all != nil {
		p.finish()
		p.all.Wait()
	}
}
