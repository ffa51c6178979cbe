package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Jackknife evaluations beyond this are not worth their time: the acceleration of n
// observations is of order 1/√n, and the interval is then bias-corrected only.
const jackknifeLimit = 5000

// Bootstrap estimates any statistic of n independent observations (or groups) by resampling
// them reps times with replacement. statistic gets the indices of a resample, in [0, n), with
// repeats; it must not keep the slice. The interval is bias-corrected and accelerated (BCa,
// Efron 1987), the value is that of the data themselves, and the same seed gives the
// same estimate. Infinite replicates are kept and make an end of the interval infinite;
// NaN ones are left out, with a warning that counts them.
//
// Small samples are its limit: below about 20 observations a BCa interval is too narrow.
func Bootstrap(n int, statistic func(idx []int) float64, conf float64, reps int, seed uint64) Estimate {
	mustConfidence(conf)
	if n == 0 {
		return unknown(0, conf, ErrEmpty)
	}
	if n < 0 || reps < 1 {
		panic(fmt.Sprintf("stat: Bootstrap(n=%d, reps=%d): want n >= 0 and reps >= 1", n, reps))
	}
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	value := statistic(idx)
	if math.IsNaN(value) {
		return unknown(n, conf, ErrUndefined)
	}
	e := Estimate{Value: value, Lo: math.Inf(-1), Hi: math.Inf(1), N: n, Confidence: conf}
	if n == 1 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: one observation cannot be resampled", ErrFew))
		return e
	}

	// Taken before the resamples, which overwrite idx.
	accel := acceleration(n, statistic)

	rng := rand.New(rand.NewPCG(seed, 0x626f6f7473747261)) // a stream of its own for equal seeds elsewhere
	replicates := make([]float64, 0, reps)
	for range reps {
		for i := range idx {
			idx[i] = rng.IntN(n)
		}
		if r := statistic(idx); !math.IsNaN(r) {
			replicates = append(replicates, r)
		}
	}
	if lost := reps - len(replicates); lost > 0 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%w: %d of %d", ErrReplicates, lost, reps))
		if len(replicates) == 0 {
			return e
		}
	}
	slices.Sort(replicates)
	if replicates[0] == replicates[len(replicates)-1] {
		e.Lo, e.Hi = replicates[0], replicates[0]
		e.Warnings = append(e.Warnings, ErrDegenerate)
		return e
	}
	e.Lo, e.Hi = bca(replicates, value, accel, conf)
	return e
}

// bca reads the interval off the sorted replicates.
func bca(sorted []float64, value, accel, conf float64) (lo, hi float64) {
	b := float64(len(sorted))
	// Ties count half: a statistic of few distinct values would otherwise look biased.
	less, _ := slices.BinarySearch(sorted, value)
	upto := search(len(sorted), func(i int) bool { return sorted[i] > value })
	share := (float64(less) + float64(upto-less)/2) / b
	// A value outside all its replicates would give an infinite correction.
	share = min(max(share, 0.5/b), 1-0.5/b)
	bias := distuv.UnitNormal.Quantile(share)

	end := func(alpha float64) float64 {
		z := bias + distuv.UnitNormal.Quantile(alpha)
		p := distuv.UnitNormal.CDF(bias + z/(1-accel*z))
		return typeSeven(sorted, min(max(p, 0), 1))
	}
	return end((1 - conf) / 2), end(1 - (1-conf)/2)
}

// acceleration is Σd³ / 6(Σd²)^1.5 over the jackknife's deviations d; 0 where they are
// too many to compute or do not vary.
func acceleration(n int, statistic func(idx []int) float64) float64 {
	if n > jackknifeLimit {
		return 0
	}
	left := make([]float64, n)
	idx := make([]int, n-1)
	for out := range n {
		for i := range idx {
			idx[i] = i
			if i >= out {
				idx[i]++
			}
		}
		left[out] = statistic(idx)
	}
	mean := average(left)
	var two, three float64
	for _, l := range left {
		d := mean - l
		two += d * d
		three += d * d * d
	}
	a := three / (6 * math.Pow(two, 1.5))
	if math.IsNaN(a) || math.IsInf(a, 0) {
		return 0
	}
	return a
}
