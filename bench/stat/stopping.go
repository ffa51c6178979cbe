package stat

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// EarlyStopping is MLPerf's rule for how many queries a claim about a percentile needs
// (mlcommons/inference_policies, inference_rules.adoc, "Early Stopping Criterion"): after
// over queries slower than the bound, it gives the smallest number h of queries within it
// such that, if in truth only a share p were within, one would see so many with
// probability at most 1 - conf: I(p; h, over+1) <= 1 - conf, the regularised incomplete beta.
// The claim holds as soon as h queries were within the bound. MLPerf's conf is 0.99.
func EarlyStopping(p, conf float64, over int) (within int) {
	mustConfidence(conf)
	if !(p > 0 && p < 1) || over < 0 {
		panic(fmt.Sprintf("stat: EarlyStopping(p=%v, over=%d): want 0 < p < 1 and over >= 0", p, over))
	}
	enough := func(h int) bool { return h > 0 && mathext.RegIncBeta(float64(h), float64(over+1), p) <= 1-conf }
	hi := 1
	for !enough(hi) {
		hi *= 2
	}
	return search(hi+1, enough)
}

// LatencyBound is MLPerf's single-stream estimate: an upper bound on the p-quantile of
// latency that holds with confidence conf whatever the distribution. It finds the largest number
// t of slow queries that the n queries allow, EarlyStopping(p, conf, t) + t <= n, drops the t-1
// slowest and takes the slowest that remains. Value and Hi are that bound, Lo is -Inf. With too
// few queries for t = 1 (64 at p = 0.9, conf = 0.99) there is no bound: Value is NaN.
func LatencyBound(xs []float64, p, conf float64) Estimate {
	n := len(xs)
	if n == 0 {
		return unknown(0, conf, ErrEmpty)
	}
	if slices.ContainsFunc(xs, math.IsNaN) {
		return unknown(n, conf, fmt.Errorf("%w: NaN among the latencies", ErrUndefined))
	}
	// EarlyStopping(p, conf, t) + t rises with t, so the largest t is one less than the first
	// that is too many.
	t := search(n, func(t int) bool { return EarlyStopping(p, conf, t)+t > n }) - 1
	if t < 1 {
		return unknown(n, conf, fmt.Errorf("%w: a bound on quantile %v needs %d", ErrFew, p, EarlyStopping(p, conf, 1)+1))
	}
	sorted := slices.Sorted(slices.Values(xs))
	bound := sorted[n-t]
	return Estimate{Value: bound, Lo: math.Inf(-1), Hi: bound, N: n, Confidence: conf}
}
