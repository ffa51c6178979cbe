package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// covers simulates trials of an estimate against a known truth and checks the share of intervals that hold it.
// least and most are the coverage the method promises; four binomial standard errors are allowed
// on either side. A coverage of 1 would be as wrong as one of 0.9 where most says so.
func covers(t *testing.T, trials int, least, most float64, trial func(rng *rand.Rand) (e Estimate, truth float64)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(20261122, 95))
	held := 0
	for range trials {
		e, truth := trial(rng)
		if e.Lo > e.Value || e.Hi < e.Value {
			t.Fatalf("interval [%v, %v] does not hold its own value %v", e.Lo, e.Hi, e.Value)
		}
		if e.Lo <= truth && truth <= e.Hi {
			held++
		}
	}
	got := float64(held) / float64(trials)
	slack := 4 * math.Sqrt(0.05*0.95/float64(trials))
	if got < least-slack || got > most+slack {
		t.Errorf("coverage %.4f of %d intervals, want within [%.3f, %.3f] ± %.4f", got, trials, least, most, slack)
	}
}

func TestWilsonCovers(t *testing.T) {
	for _, n := range []int{20, 100, 500} {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			// At one p the coverage of any such interval oscillates; over all p it averages near 95%.
			covers(t, 8000, 0.945, 0.96, func(rng *rand.Rand) (Estimate, float64) {
				p := rng.Float64()
				k := 0
				for range n {
					if rng.Float64() < p {
						k++
					}
				}
				return Wilson(k, n, 0.95), p
			})
		})
	}
}

func TestMeanCovers(t *testing.T) {
	for _, n := range []int{2, 5, 40} {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			covers(t, 8000, 0.95, 0.95, func(rng *rand.Rand) (Estimate, float64) {
				xs := make([]float64, n)
				for i := range xs {
					xs[i] = 7 + 3*rng.NormFloat64()
				}
				return Mean(xs, 0.95), 7
			})
		})
	}
}

// clustered makes groups of equal size whose members share an effect.
func clustered(rng *rand.Rand, groups, size int, mean, between, within float64) (xs []float64, names []string) {
	for g := range groups {
		shared := between * rng.NormFloat64()
		for range size {
			xs = append(xs, mean+shared+within*rng.NormFloat64())
			names = append(names, fmt.Sprint("g", g))
		}
	}
	return xs, names
}

func TestClusterMeanCovers(t *testing.T) {
	for _, groups := range []int{5, 30} {
		t.Run(fmt.Sprintf("groups=%d", groups), func(t *testing.T) {
			covers(t, 4000, 0.95, 0.95, func(rng *rand.Rand) (Estimate, float64) {
				xs, names := clustered(rng, groups, 6, 2, 1, 1)
				return ClusterMean(xs, names, 0.95), 2
			})
		})
	}
}

// TestIgnoringClustersDoesNotCover is the control: the same data without their groups.
func TestIgnoringClustersDoesNotCover(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	held := 0
	const trials = 2000
	for range trials {
		xs, _ := clustered(rng, 30, 6, 2, 1, 1)
		if e := Mean(xs, 0.95); e.Lo <= 2 && 2 <= e.Hi {
			held++
		}
	}
	if share := float64(held) / trials; share > 0.85 {
		t.Errorf("intervals that ignore the clusters cover %.3f: the simulation does not tell methods apart", share)
	}
}

func TestClusterShareCovers(t *testing.T) {
	cases := []struct {
		name         string
		groups, size int
		a, b         float64 // of the Beta from which each group's share is drawn
	}{
		{"independent, half", 100, 1, 2, 2},
		{"independent, high", 100, 1, 9, 1},
		{"clusters of five", 40, 5, 2, 2},
		{"clusters of five, high", 40, 5, 4, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			covers(t, 2000, 0.935, 0.965, func(rng *rand.Rand) (Estimate, float64) {
				var xs []float64
				var names []string
				for g := range c.groups {
					p := beta(rng, c.a, c.b)
					for range c.size {
						x := 0.0
						if rng.Float64() < p {
							x = 1
						}
						xs, names = append(xs, x), append(names, fmt.Sprint("g", g))
					}
				}
				return ClusterShare(xs, names, 0.95), c.a / (c.a + c.b)
			})
		})
	}
}

// beta draws from a Beta with whole parameters: the a-th smallest of a+b-1 uniform numbers.
func beta(rng *rand.Rand, a, b float64) float64 {
	var x, y float64
	for range int(a) {
		x += rng.ExpFloat64()
	}
	for range int(b) {
		y += rng.ExpFloat64()
	}
	return x / (x + y)
}

func TestPairedDifferenceCovers(t *testing.T) {
	covers(t, 4000, 0.95, 0.95, func(rng *rand.Rand) (Estimate, float64) {
		a, names := clustered(rng, 20, 4, 1, 2, 0.5)
		b := make([]float64, len(a))
		for i := range a {
			b[i] = a[i] - 0.3 + 0.7*rng.NormFloat64()
		}
		return PairedDifference(a, b, names, 0.95), 0.3
	})
}

func TestDifferenceCovers(t *testing.T) {
	covers(t, 4000, 0.945, 0.955, func(rng *rand.Rand) (Estimate, float64) {
		a, b := make([]float64, 12), make([]float64, 31)
		for i := range a {
			a[i] = 5 + 4*rng.NormFloat64()
		}
		for i := range b {
			b[i] = 3 + rng.NormFloat64()
		}
		return Difference(a, b, 0.95), 2
	})
}

func TestQuantileCovers(t *testing.T) {
	for _, c := range []struct {
		n int
		p float64
	}{{30, 0.5}, {200, 0.5}, {200, 0.9}, {1000, 0.99}} {
		t.Run(fmt.Sprintf("n=%d/p=%v", c.n, c.p), func(t *testing.T) {
			// At least 95%; the binomial's steps leave some above.
			covers(t, 2000, 0.95, 0.985, func(rng *rand.Rand) (Estimate, float64) {
				xs := make([]float64, c.n)
				for i := range xs {
					xs[i] = rng.ExpFloat64()
				}
				return Quantile(xs, c.p, 0.95), -math.Log(1 - c.p)
			})
		})
	}
}

func TestBootstrapCovers(t *testing.T) {
	// The mean of a skewed distribution: where a plain percentile interval falls short most.
	covers(t, 600, 0.925, 0.96, func(rng *rand.Rand) (Estimate, float64) {
		xs := make([]float64, 60)
		for i := range xs {
			xs[i] = rng.ExpFloat64()
		}
		return Bootstrap(len(xs), func(idx []int) float64 {
			var sum float64
			for _, i := range idx {
				sum += xs[i]
			}
			return sum / float64(len(idx))
		}, 0.95, 500, rng.Uint64()), 1
	})
}

func TestRatioCovers(t *testing.T) {
	cases := []struct {
		name string
		n    int
		p    float64 // of a right answer
		most float64
	}{
		{"most right", 100, 0.8, 0.96},
		{"one in five", 100, 0.2, 0.965},
		// So few right that often none or one is: the interval must then be unbounded, not short.
		{"one in fifty", 60, 0.02, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 15))
			const trials = 3000
			held := 0
			for range trials {
				num, den := make([]float64, c.n), make([]float64, c.n)
				for i := range num {
					num[i] = 0.5 + rng.Float64() // dollars: 1 on average
					if rng.Float64() < c.p {
						den[i] = 1
					}
				}
				e := Ratio(num, den, nil, 0.95)
				if truth := 1 / c.p; e.Lo <= truth && truth <= e.Hi {
					held++
				}
			}
			got := float64(held) / trials
			slack := 4 * math.Sqrt(0.05*0.95/trials)
			if got < 0.935-slack || got > c.most+slack {
				t.Errorf("coverage %.4f, want within [0.935, %.3f] ± %.4f", got, c.most, slack)
			}
		})
	}
}

func TestLatencyBoundHolds(t *testing.T) {
	// A bound promised with 99% confidence may be too low in one of a hundred cases.
	rng := rand.New(rand.NewPCG(3, 4))
	const trials = 3000
	low := 0
	for range trials {
		xs := make([]float64, 120)
		for i := range xs {
			xs[i] = rng.ExpFloat64()
		}
		if LatencyBound(xs, 0.9, 0.99).Value < -math.Log(0.1) {
			low++
		}
	}
	if got := float64(low) / trials; got > 0.01+4*math.Sqrt(0.01*0.99/trials) {
		t.Errorf("bound too low in %.4f of cases, want at most 0.01", got)
	}
}
