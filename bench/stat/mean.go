package stat

import (
	"fmt"
	"math"
)

// Mean estimates the mean of independent observations by Student's t.
func Mean(xs []float64, conf float64) Estimate { return ClusterMean(xs, nil, conf) }

// ClusterMean estimates a mean of observations that come in groups: repeats of one sample,
// questions on one text. Observations with the same non-empty group may depend on one another;
// an empty group is a cluster of its own, and nil groups mean that all are independent.
//
// The standard error is cluster-robust (Miller, arXiv 2411.00640, eq. 4: the residuals are
// summed within each group before squaring), with the usual factor g/(g-1) for a finite number g
// of groups, and the interval is Student's with g-1 degrees of freedom.
func ClusterMean(values []float64, groups []string, conf float64) Estimate {
	mustConfidence(conf)
	n := len(values)
	if n == 0 {
		return unknown(0, conf, ErrEmpty)
	}
	mean := average(values)
	sums := clusterSums(values, groups, mean)
	e := Estimate{Value: mean, Lo: math.Inf(-1), Hi: math.Inf(1), N: n, Confidence: conf}
	g := float64(len(sums))
	if g < 2 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: mean of %d observations in one group", ErrFew, n))
		return e
	}
	half := studentQuantile(conf, g-1) * math.Sqrt(meanVariance(sums, float64(n)))
	e.Lo, e.Hi = mean-half, mean+half
	if equal(values) {
		e.Lo, e.Hi = mean, mean
		e.Warnings = append(e.Warnings, ErrDegenerate)
	}
	return e
}

// PairedDifference estimates the mean of a[i]-b[i]: two models on the same items. Groups are as
// for ClusterMean. What the items have in common cancels, so the interval is narrower than
// that of two separate means wherever the models find the same items hard.
//
// Where no item differs there is no spread to go by. For values in [0, 1] the interval is then the
// exact binomial bound (Clopper and Pearson 1934) on the share of clusters that could differ
// although none of these did.
func PairedDifference(a, b []float64, groups []string, conf float64) Estimate {
	mustPair("PairedDifference", len(a), len(b))
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	e := ClusterMean(d, groups, conf)
	if len(d) > 0 && equal(d) && d[0] == 0 {
		g := float64(len(clusterSums(d, groups, 0)))
		bound := 1 - math.Pow((1-conf)/2, 1/g)
		return Estimate{Value: 0, Lo: -bound, Hi: bound, N: e.N, Confidence: conf}
	}
	return e
}

// Difference estimates the mean of a less the mean of b for two independent sets of
// observations by Welch's t with Satterthwaite's degrees of freedom (Welch 1947).
func Difference(a, b []float64, conf float64) Estimate {
	mustConfidence(conf)
	n := len(a) + len(b)
	if len(a) == 0 || len(b) == 0 {
		return unknown(n, conf, ErrEmpty)
	}
	ma, mb := average(a), average(b)
	e := Estimate{Value: ma - mb, Lo: math.Inf(-1), Hi: math.Inf(1), N: n, Confidence: conf}
	if len(a) < 2 || len(b) < 2 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: %d against %d observations", ErrFew, len(a), len(b)))
		return e
	}
	na, nb := float64(len(a)), float64(len(b))
	va := meanVariance(clusterSums(a, nil, ma), na)
	vb := meanVariance(clusterSums(b, nil, mb), nb)
	if va+vb == 0 {
		e.Lo, e.Hi = e.Value, e.Value
		e.Warnings = append(e.Warnings, ErrDegenerate)
		return e
	}
	df := (va + vb) * (va + vb) / (va*va/(na-1) + vb*vb/(nb-1))
	half := studentQuantile(conf, df) * math.Sqrt(va+vb)
	e.Lo, e.Hi = e.Value-half, e.Value+half
	return e
}

// average is the arithmetic mean, with residuals added back once so that the mean of equal
// values is that value exactly.
func average(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	mean := sum / float64(len(xs))
	var rest float64
	for _, x := range xs {
		rest += x - mean
	}
	if math.IsNaN(rest) || math.IsInf(rest, 0) {
		return mean
	}
	return mean + rest/float64(len(xs))
}

// clusterSums sums the residuals of each group, in the order in which groups first appear: a
// fixed order keeps results equal from run to run to the last bit.
func clusterSums(values []float64, groups []string, mean float64) []float64 {
	if groups != nil {
		mustPair("groups", len(values), len(groups))
	}
	sums := make([]float64, 0, len(values))
	at := make(map[string]int)
	for i, v := range values {
		name := ""
		if groups != nil {
			name = groups[i]
		}
		j, seen := at[name]
		if name == "" || !seen {
			j = len(sums)
			sums = append(sums, 0)
			if name != "" {
				at[name] = j
			}
		}
		sums[j] += v - mean
	}
	return sums
}

// meanVariance is the cluster-robust variance of a mean of n observations: g/(g-1)·Σ sums²/n².
func meanVariance(sums []float64, n float64) float64 { return meanCovariance(sums, sums, n) }

// meanCovariance is the same for the covariance of two means over the same groups.
func meanCovariance(a, b []float64, n float64) float64 {
	g := float64(len(a))
	var total float64
	for i := range a {
		total += a[i] * b[i]
	}
	return g / (g - 1) * total / (n * n)
}

func equal(xs []float64) bool {
	for _, x := range xs {
		if x != xs[0] {
			return false
		}
	}
	return true
}
