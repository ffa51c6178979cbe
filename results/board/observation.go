package board

import (
	"strconv"
	"time"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// observation is an outcome without its texts.
type observation struct {
	item    string // the question and its repeat, equal for all models
	group   string // cluster for standard errors
	verdict tasks.Verdict
	value   float64
	due     time.Time
	sent    time.Duration // since due, as the next two
	first   time.Duration // 0: no output came
	last    time.Duration
	done    time.Duration
	usage   engine.Usage
	wasted  engine.Usage // of attempts that failed and were made again
	warning string       // the first of its warnings
}

// observe reduces an outcome. A score no scorer may give counts as unscored, since nothing it
// says can be believed.
func observe(o bench.Outcome) observation {
	x := observation{
		item:    o.Pack + "\x00" + o.Task + "\x00" + o.Sample + "\x00" + strconv.Itoa(o.Repeat),
		verdict: tasks.Unscored,
		due:     o.Due, sent: o.Sent, first: o.First, last: o.Last, done: o.Done,
		usage: o.Usage, wasted: o.Wasted,
	}
	// Repeats of a sample depend on one another as much as samples of a group do.
	x.group = o.Pack + "\x00" + o.Task + "\x00" + o.Sample
	if o.Group != "" {
		x.group = o.Pack + "\x00" + o.Group
	}
	if s := o.Score; s != nil && s.Value >= 0 && s.Value <= 1 {
		x.verdict, x.value = s.Verdict, s.Value
	}
	switch x.verdict {
	case tasks.Correct, tasks.Partial, tasks.Incorrect, tasks.NoAnswer, tasks.Refused:
	default:
		x.verdict, x.value = tasks.Unscored, 0
	}
	if len(o.Warnings) > 0 {
		x.warning = o.Warnings[0]
	}
	return x
}

func (x observation) judged() bool { return x.verdict != tasks.Unscored }

// prefill is the time to the first piece of output; all of it where none came.
func (x observation) prefill() time.Duration {
	if x.first > 0 {
		return max(0, x.first-x.sent)
	}
	return max(0, x.done-x.sent)
}

// decode is the time after the first piece of output.
func (x observation) decode() time.Duration {
	if x.first > 0 {
		return max(0, x.done-x.first)
	}
	return 0
}

// groups returns each observation's cluster, and whether any holds more than one.
func groups(xs []observation) (names []string, repeated bool) {
	seen := map[string]bool{}
	for _, x := range xs {
		names = append(names, x.group)
		repeated = repeated || seen[x.group]
		seen[x.group] = true
	}
	return names, repeated
}
