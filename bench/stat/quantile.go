package stat

import (
	"fmt"
	"math"
	"slices"

	"github.com/montanaflynn/stats"
	"gonum.org/v1/gonum/stat/distuv"
)

// Quantile estimates the p-quantile, p in [0, 1], of independent observations. The value is
// Hyndman and Fan's type 7, as numpy computes it by default; the interval runs between two
// order statistics and assumes nothing about the distribution: the number of observations
// below the true quantile is Binomial(n, p), so [x(l), x(u)] holds it with at least the
// confidence asked for (David and Nagaraja, Order Statistics, §7.1). Where n is too small for
// such a pair that end is infinite, with a warning: the 99th percentile of twenty
// requests has no upper bound.
func Quantile(xs []float64, p, conf float64) Estimate {
	mustConfidence(conf)
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stat: Quantile: p = %v is outside [0, 1]", p))
	}
	n := len(xs)
	if n == 0 {
		return unknown(0, conf, ErrEmpty)
	}
	if slices.ContainsFunc(xs, math.IsNaN) {
		return unknown(n, conf, fmt.Errorf("%w: NaN among the observations", ErrUndefined))
	}
	sorted := slices.Sorted(slices.Values(xs))
	lo, hi := quantileInterval(sorted, p, conf)
	e := Estimate{Value: typeSeven(sorted, p), Lo: lo, Hi: hi, N: n, Confidence: conf}
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: quantile %v of %d observations", ErrFew, p, n))
	}
	return e
}

// Median estimates the median.
func Median(xs []float64, conf float64) Estimate { return Quantile(xs, 0.5, conf) }

func typeSeven(sorted []float64, p float64) float64 {
	if p == 0 || len(sorted) == 1 {
		return sorted[0] // stats.Percentile refuses 0
	}
	v, err := stats.Percentile(sorted, p*100)
	if err != nil {
		return math.NaN() // n > 0 and 0 < p <= 1 leave it nothing to refuse
	}
	return v
}

// quantileInterval gives each tail at most (1-conf)/2 of probability.
func quantileInterval(sorted []float64, p, conf float64) (lo, hi float64) {
	n := len(sorted)
	lo, hi = math.Inf(-1), math.Inf(1)
	tail := (1 - conf) / 2
	below := distuv.Binomial{N: float64(n), P: p} // observations below the true quantile
	// x(l) exceeds the quantile when fewer than l observations lie below it: the largest l
	// with P(B <= l-1) <= tail is the lower end. CDF rises, so both are found by bisection.
	if l := search(n, func(k int) bool { return below.CDF(float64(k)) > tail }); l > 0 {
		lo = sorted[l-1]
	}
	// x(u) falls short of it when at least u lie below: the smallest u with P(B >= u) <= tail.
	u := search(n+1, func(k int) bool { return k > 0 && 1-below.CDF(float64(k-1)) <= tail })
	if u >= 1 && u <= n {
		hi = sorted[u-1]
	}
	return lo, hi
}

// search is the smallest k in [0, n) for which the monotone ok holds, or n.
func search(n int, ok func(k int) bool) int {
	lo, hi := 0, n
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); ok(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
