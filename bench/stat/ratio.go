package stat

import (
	"fmt"
	"math"
)

// Ratio estimates Σnum/Σden over pairs that come in groups, as for ClusterMean: dollars per
// correct answer, tokens per second over requests of unequal length. The interval is
// Fieller's (1954): all r for which the mean of num - r·den is compatible with 0, with
// cluster-robust variances and Student's t. It is what a delta-method interval is not: honest
// where the denominator is nearly 0, when its upper end is infinite.
//
// num and den are not negative. With Σden = 0 the value is undefined, and the interval is
// [lo, +Inf): den is then taken to be a score in [0, 1], of which even after nothing but zeros
// one cannot exclude the upper end of the Wilson interval for none of g groups.
func Ratio(num, den []float64, groups []string, conf float64) Estimate {
	mustConfidence(conf)
	mustPair("Ratio", len(num), len(den))
	n := len(num)
	if n == 0 {
		e := unknown(0, conf, ErrEmpty)
		e.Lo = 0
		return e
	}
	for i := range num {
		if !(num[i] >= 0) || !(den[i] >= 0) {
			panic(fmt.Sprintf("stat: Ratio: pair %d is (%v, %v): want neither negative nor NaN", i, num[i], den[i]))
		}
	}
	a, b := average(num), average(den)
	sa, sb := clusterSums(num, groups, a), clusterSums(den, groups, b)
	g := float64(len(sa))
	if b == 0 {
		e := unknown(n, conf, ErrUndefined)
		_, most := wilson(0, g, normalQuantile(conf))
		e.Lo = max(0, ClusterMean(num, groups, conf).Lo) / most
		return e
	}
	e := Estimate{Value: a / b, Lo: 0, Hi: math.Inf(1), N: n, Confidence: conf}
	if g < 2 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: ratio over %d pairs in one group", ErrFew, n))
		return e
	}
	t := studentQuantile(conf, g-1)
	vaa, vab, vbb := meanVariance(sa, float64(n)), meanCovariance(sa, sb, float64(n)), meanVariance(sb, float64(n))
	// (b² - t²vbb) r² - 2 (ab - t²vab) r + (a² - t²vaa) <= 0
	p, q, s := b*b-t*t*vbb, a*b-t*t*vab, a*a-t*t*vaa
	root := math.Sqrt(max(0, q*q-p*s))
	switch {
	case p > 0:
		e.Lo, e.Hi = max(0, (q-root)/p), (q+root)/p
	case p < 0 && q*q-p*s > 0 && (q+root)/p <= 0:
		// The denominator may be 0: the set is what lies outside the two roots, the smaller of
		// which, (q+root)/p, leaves nothing for a ratio that cannot be negative.
		if low := (q - root) / p; low <= e.Value {
			e.Lo = max(0, low)
		}
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: the denominator may be zero", ErrFew))
	default:
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: the denominator may be zero", ErrFew))
	}
	if vaa == 0 && vbb == 0 {
		e.Warnings = append(e.Warnings, ErrDegenerate)
	}
	return e
}
