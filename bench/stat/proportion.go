package stat

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Wilson estimates a proportion from k successes in n independent trials by the score
// interval of Wilson (1927), without continuity correction: it stays inside [0, 1] and keeps
// its width where k is 0 or n.
func Wilson(k, n int, conf float64) Estimate {
	mustConfidence(conf)
	if k < 0 || n < 0 || k > n {
		panic(fmt.Sprintf("stat: Wilson(k=%d, n=%d): want 0 <= k <= n", k, n))
	}
	if n == 0 {
		e := unknown(0, conf, ErrEmpty)
		e.Lo, e.Hi = 0, 1 // a proportion is bounded without any data
		return e
	}
	lo, hi := wilson(float64(k)/float64(n), float64(n), normalQuantile(conf))
	return Estimate{Value: float64(k) / float64(n), Lo: lo, Hi: hi, N: n, Confidence: conf}
}

// wilson is the score interval for a share p of n trials; n may be an effective number, no integer.
func wilson(p, n, z float64) (lo, hi float64) {
	z2 := z * z
	centre := p + z2/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	lo, hi = (centre-half)/(1+z2/n), (centre+half)/(1+z2/n)
	// Rounding may leave ±1e-17 where the formula gives exactly 0 or 1.
	if p == 0 {
		lo = 0
	}
	if p == 1 {
		hi = 1
	}
	return max(lo, 0), min(hi, 1)
}

// ClusterShare estimates a mean of values in [0, 1] (accuracy) whose observations come in
// groups, as ClusterMean does, but by a score interval on the effective number of
// observations n/d, d being the design effect (Kish 1965, §8.2: the clustered variance of the
// mean over the variance p(1-p)/n of independent trials). Unlike ClusterMean's its interval
// stays inside [0, 1] and keeps its width where all values agree; there the design effect
// cannot be seen and every group counts as one observation, the most careful reading.
// Scores between 0 and 1 vary less than p(1-p), and then d may be below 1.
func ClusterShare(values []float64, groups []string, conf float64) Estimate {
	mustConfidence(conf)
	e := ClusterMean(values, groups, conf)
	if len(values) == 0 {
		e.Lo, e.Hi = 0, 1
		return e
	}
	for i, v := range values {
		if !(v >= 0 && v <= 1) {
			panic(fmt.Sprintf("stat: ClusterShare: values[%d] = %v is outside [0, 1]", i, v))
		}
	}
	sums := clusterSums(values, groups, e.Value)
	n, g := float64(len(values)), float64(len(sums))
	trial := e.Value * (1 - e.Value)
	effective := g
	// Value may miss 0 or 1 by rounding where all agree; variance that small is none.
	if g > 1 && trial > 1e-12 {
		if v := meanVariance(sums, n); v > 0 {
			effective = trial / v
		}
	}
	e.Warnings = nil
	crit := normalQuantile(conf)
	if g > 1 {
		crit = studentQuantile(conf, g-1)
	} else if n > 1 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: %d observations in one group", ErrFew, len(values)))
	}
	e.Lo, e.Hi = wilson(min(max(e.Value, 0), 1), effective, crit)
	return e
}

// McNemar is the two-sided p-value of the exact McNemar test: of b+c items that two models
// answered differently, b went to the one and c to the other. It is twice the smaller tail of
// a Binomial(b+c, 1/2), at most 1; with no such item it is 1.
func McNemar(b, c int) float64 {
	if b < 0 || c < 0 {
		panic(fmt.Sprintf("stat: McNemar(%d, %d): counts are not negative", b, c))
	}
	if b+c == 0 {
		return 1
	}
	return min(1, 2*distuv.Binomial{N: float64(b + c), P: 0.5}.CDF(float64(min(b, c))))
}

// normalQuantile is the half-width, in standard deviations, of the central interval.
func normalQuantile(conf float64) float64 { return distuv.UnitNormal.Quantile(1 - (1-conf)/2) }

// studentQuantile is the same for Student's t with df degrees of freedom.
func studentQuantile(conf, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(1 - (1-conf)/2)
}
