package board

import (
	"fmt"
	"slices"
	"time"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// summarise makes a row of what was observed.
func summarise(model string, info engine.Info, pack string, xs []observation, m bench.Manifest, opt Options) Row {
	if info.Name == "" {
		info.Name = model
	}
	r := Row{Model: model, Info: info, Pack: pack, Asked: len(xs), Busy: busy(xs)}
	for _, x := range xs {
		r.Verdicts.count(x.verdict)
		r.Tokens = r.Tokens.Add(x.usage)
	}
	r.Accuracy = accuracy(xs, opt.Confidence)
	speed(&r, xs, opt.Confidence)
	money(&r, xs, opt)
	warn(&r, xs, m)
	return r
}

// accuracy is the mean score of the judged: by Wilson's interval where every answer is
// right or wrong and every question independent, else by the cluster-robust score interval.
func accuracy(xs []observation, conf float64) *stat.Estimate {
	xs = slices.DeleteFunc(slices.Clone(xs), func(x observation) bool { return !x.judged() })
	names, repeated := groups(xs)
	var values []float64
	whole, right := true, 0
	for _, x := range xs {
		values = append(values, x.value)
		whole = whole && (x.value == 0 || x.value == 1)
		if x.value == 1 {
			right++
		}
	}
	var e stat.Estimate
	if whole && !repeated {
		e = stat.Wilson(right, len(xs), conf)
	} else {
		e = stat.ClusterShare(values, names, conf)
	}
	return &e
}

// speed sets the figures of time. Requests without output have no TTFT and no speed.
func speed(r *Row, xs []observation, conf float64) {
	var ttft, input, prefill, output, decode []float64
	var inGroups, outGroups []string
	for _, x := range xs {
		if x.first <= 0 {
			continue
		}
		ttft = append(ttft, x.first.Seconds())
		if n, d := x.usage.Input-x.usage.CachedInput, x.prefill(); n > 0 && d > 0 {
			input, prefill, inGroups = append(input, float64(n)), append(prefill, d.Seconds()), append(inGroups, x.group)
		}
		// (E2E − TTFT)/(tokens − 1): the first token's time is prefill's.
		if n, d := x.usage.Output-1, x.last-x.first; n > 0 && d > 0 {
			output, decode, outGroups = append(output, float64(n)), append(decode, d.Seconds()), append(outGroups, x.group)
		}
	}
	if len(ttft) > 0 {
		p50, p95 := stat.Quantile(ttft, 0.50, conf), stat.Quantile(ttft, 0.95, conf)
		r.TTFT50, r.TTFT95 = &p50, &p95
	}
	if len(input) > 0 {
		e := stat.Ratio(input, prefill, inGroups, conf)
		r.Prefill = &e
	}
	if len(output) > 0 {
		e := stat.Ratio(output, decode, outGroups, conf)
		r.Decode = &e
	}
}

// busy is how long at least one request was under way.
func busy(xs []observation) time.Duration {
	type span struct{ from, to time.Time }
	var spans []span
	for _, x := range xs {
		if x.done > x.sent {
			spans = append(spans, span{x.due.Add(x.sent), x.due.Add(x.done)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var total time.Duration
	var end time.Time
	for _, s := range spans {
		if s.from.Before(end) {
			s.from = end
		}
		if s.to.After(s.from) {
			total += s.to.Sub(s.from)
			end = s.to
		}
	}
	return total
}

// fewJudged is below how many judged answers a row is marked: a 95% interval is then wider than
// ±18 points in the middle.
const fewJudged = 30

// warn adds what to doubt about a row.
func warn(r *Row, xs []observation, m bench.Manifest) {
	if n := r.Verdicts.Unscored; n > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of %d outcomes unscored: not asked or not judged, and in no accuracy", n, r.Asked))
	}
	if n := r.Verdicts.Judged(); n < fewJudged {
		r.Warnings = append(r.Warnings, fmt.Sprintf("few samples: %d answers judged", n))
	}
	disturbed := map[string]int{}
	most, total := "", 0
	for _, x := range xs {
		if x.warning == "" {
			continue
		}
		total++
		if disturbed[x.warning]++; disturbed[x.warning] > disturbed[most] || disturbed[x.warning] == disturbed[most] && x.warning < most {
			most = x.warning
		}
	}
	if total > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of %d requests carry a warning, most often: %s", total, r.Asked, most))
	}
	if e := r.TTFT50; e != nil {
		if off := clockError(m); off > 0 && off.Seconds() > clockShare*e.Value {
			r.Warnings = append(r.Warnings, fmt.Sprintf("TTFT is small against the error of its clock (%v)", off))
		}
	}
	if e := r.Accuracy; e != nil {
		for _, w := range e.Warnings {
			if r.Verdicts.Judged() > 0 {
				r.Warnings = append(r.Warnings, "accuracy: "+w.Error())
			}
		}
	}
}

// clockShare is the share of a figure from which the clock's error is worth a warning.
const clockShare = 0.05

// correct is 1 for a right answer.
func correct(x observation) float64 {
	if x.verdict == tasks.Correct {
		return 1
	}
	return 0
}
