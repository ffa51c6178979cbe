package stat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) && got != want {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

func TestWilsonKnown(t *testing.T) {
	cases := []struct {
		k, n   int
		lo, hi float64
	}{
		// Newcombe (1998), Statistics in Medicine 17, table I, method 3.
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0.0000, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{29, 29, 0.8830, 1},
	}
	for _, c := range cases {
		e := Wilson(c.k, c.n, 0.95)
		near(t, "Lo", e.Lo, c.lo, 5e-5)
		near(t, "Hi", e.Hi, c.hi, 5e-5)
		near(t, "Value", e.Value, float64(c.k)/float64(c.n), 0)
	}
	e := Wilson(0, 0, 0.95)
	if e.Defined() || e.Lo != 0 || e.Hi != 1 || !errors.Is(e.Warnings[0], ErrEmpty) {
		t.Errorf("Wilson(0, 0) = %v %v, want undefined within [0, 1]", e, e.Warnings)
	}
}

func TestMcNemarKnown(t *testing.T) {
	cases := []struct {
		b, c int
		want float64
	}{
		{0, 0, 1},
		{5, 5, 1},
		{0, 5, 0.0625},        // 2/2⁵
		{1, 9, 22.0 / 1024},   // 2(1+10)/2¹⁰
		{9, 1, 22.0 / 1024},   // either way round
		{2, 10, 158.0 / 4096}, // 2(1+12+66)/2¹²
	}
	for _, c := range cases {
		near(t, "McNemar", McNemar(c.b, c.c), c.want, 1e-12)
	}
}

func TestPassAtKAgainstEnumeration(t *testing.T) {
	// Every way to draw k of n answers, the first c of which are right.
	for n := 1; n <= 7; n++ {
		for c := 0; c <= n; c++ {
			for k := 1; k <= n; k++ {
				var draws, some, every float64
				for set := range 1 << n {
					if popcount(set) != k {
						continue
					}
					draws++
					if set&(1<<c-1) != 0 {
						some++
					}
					if set>>c == 0 {
						every++
					}
				}
				near(t, "PassAtK", PassAtK(n, c, k), some/draws, 1e-12)
				near(t, "PassAllK", PassAllK(n, c, k), every/draws, 1e-12)
			}
		}
	}
	near(t, "PassAtK(200, 1, 100)", PassAtK(200, 1, 100), 0.5, 1e-12)
}

func popcount(x int) (n int) {
	for ; x > 0; x &= x - 1 {
		n++
	}
	return n
}

func TestQuantileIsTypeSeven(t *testing.T) {
	ten := []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	// numpy.percentile(range(1, 11), 100*p)
	for p, want := range map[float64]float64{0: 1, 0.25: 3.25, 0.5: 5.5, 0.9: 9.1, 0.99: 9.91, 1: 10} {
		near(t, "Quantile", Quantile(ten, p, 0.95).Value, want, 1e-12)
	}
	if !slices.IsSortedFunc(ten, func(a, b float64) int { return int(b - a) }) {
		t.Error("Quantile reordered its argument")
	}
}

func TestQuantileIntervalKnown(t *testing.T) {
	// Ranks for the median (Hahn and Meeker, table A.17, two-sided 95%): n=10 → 2 and 9, n=20 → 6 and 15.
	for n, ranks := range map[int][2]float64{10: {2, 9}, 20: {6, 15}, 6: {1, 6}} {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(i + 1)
		}
		e := Median(xs, 0.95)
		if e.Lo != ranks[0] || e.Hi != ranks[1] || len(e.Warnings) > 0 {
			t.Errorf("n=%d: interval [%v, %v] %v, want ranks %v", n, e.Lo, e.Hi, e.Warnings, ranks)
		}
	}
	e := Median([]float64{1, 2, 3, 4, 5}, 0.95)
	if !math.IsInf(e.Lo, -1) || !math.IsInf(e.Hi, 1) || !errors.Is(e.Warnings[0], ErrFew) {
		t.Errorf("five observations bound no median at 95%%: got %v %v", e, e.Warnings)
	}
	if e := Quantile([]float64{1, math.NaN()}, 0.5, 0.95); e.Defined() {
		t.Errorf("a NaN among the observations gives %v, want undefined", e)
	}
}

func TestClusterMeanKnown(t *testing.T) {
	// By hand: residuals ±1 in two groups. Groups {3,5} and {1,3}: mean 3, sums +2 and -2,
	// variance 2/1·8/16 = 1, t(1, 97.5%) = 12.7062.
	e := ClusterMean([]float64{3, 5, 1, 3}, []string{"a", "a", "b", "b"}, 0.95)
	near(t, "Value", e.Value, 3, 0)
	near(t, "Hi", e.Hi, 3+12.7062047364, 1e-6)
	// Groups that cancel within themselves: no variance between them.
	e = ClusterMean([]float64{2, 4, 2, 4}, []string{"a", "a", "b", "b"}, 0.95)
	near(t, "Half", e.Half(), 0, 1e-12)
	// Empty groups are clusters of their own: the ordinary standard error.
	xs := []float64{1, 2, 4, 8}
	a, b := ClusterMean(xs, make([]string, 4), 0.95), Mean(xs, 0.95)
	if a.Lo != b.Lo || a.Hi != b.Hi {
		t.Errorf("ungrouped %v, nil groups %v: want the same", a, b)
	}
	near(t, "Half", b.Half(), 3.18244630528*math.Sqrt(28.75/3)/2, 1e-6) // t(3)·s/√n
}

func TestMeansOfLittle(t *testing.T) {
	cases := []struct {
		name  string
		got   Estimate
		want  error
		value float64
		wide  bool
	}{
		{"nothing", Mean(nil, 0.95), ErrEmpty, math.NaN(), true},
		{"one", Mean([]float64{4}, 0.95), ErrFew, 4, true},
		{"one group", ClusterMean([]float64{1, 2, 3}, []string{"a", "a", "a"}, 0.95), ErrFew, 2, true},
		{"all equal", Mean([]float64{0.1, 0.1, 0.1}, 0.95), ErrDegenerate, 0.1, false},
		{"one against one", Difference([]float64{3}, []float64{1}, 0.95), ErrFew, 2, true},
		{"nothing against one", Difference(nil, []float64{1}, 0.95), ErrEmpty, math.NaN(), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := c.got
			if e.Value != c.value && !(math.IsNaN(e.Value) && math.IsNaN(c.value)) {
				t.Errorf("Value = %v, want %v", e.Value, c.value)
			}
			if math.IsInf(e.Hi, 1) != c.wide || math.IsInf(e.Lo, -1) != c.wide {
				t.Errorf("interval [%v, %v], want unbounded: %v", e.Lo, e.Hi, c.wide)
			}
			if len(e.Warnings) != 1 || !errors.Is(e.Warnings[0], c.want) {
				t.Errorf("Warnings = %v, want %v", e.Warnings, c.want)
			}
		})
	}
}

func TestClusterShareKeepsWidth(t *testing.T) {
	ones := []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	alone := ClusterShare(ones, nil, 0.95)
	pairs := ClusterShare(ones, []string{"a", "a", "b", "b", "c", "c", "d", "d", "e", "e"}, 0.95)
	if alone.Hi != 1 || alone.Lo > 0.75 || alone.Lo < 0.5 {
		t.Errorf("ten of ten: %v, want a lower end between 0.5 and 0.75", alone)
	}
	if pairs.Lo >= alone.Lo {
		t.Errorf("ten of ten in five groups: %v, want a lower end below %v", pairs, alone.Lo)
	}
}

func TestRatio(t *testing.T) {
	t.Run("proportional", func(t *testing.T) {
		// num = 3·den exactly: the ratio has no error whatever den is.
		e := Ratio([]float64{3, 6, 9, 12}, []float64{1, 2, 3, 4}, nil, 0.95)
		near(t, "Value", e.Value, 3, 1e-12)
		near(t, "Lo", e.Lo, 3, 1e-6)
		near(t, "Hi", e.Hi, 3, 1e-6)
	})
	t.Run("never right", func(t *testing.T) {
		e := Ratio([]float64{2, 2, 2, 2}, []float64{0, 0, 0, 0}, nil, 0.95)
		if e.Defined() || !math.IsInf(e.Hi, 1) || !errors.Is(e.Warnings[0], ErrUndefined) {
			t.Errorf("got %v %v, want undefined and unbounded above", e, e.Warnings)
		}
		near(t, "Lo", e.Lo, 2/Wilson(0, 4, 0.95).Hi, 1e-12)
	})
	t.Run("once right of many", func(t *testing.T) {
		num, den := make([]float64, 50), make([]float64, 50)
		for i := range num {
			num[i] = 1
		}
		den[7] = 1
		e := Ratio(num, den, nil, 0.95)
		near(t, "Value", e.Value, 50, 1e-9)
		if !math.IsInf(e.Hi, 1) || !(e.Lo > 0 && e.Lo < 50) {
			t.Errorf("got %v, want [something, +Inf)", e)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if e := Ratio(nil, nil, nil, 0.95); e.Defined() || !errors.Is(e.Warnings[0], ErrEmpty) {
			t.Errorf("got %v %v", e, e.Warnings)
		}
	})
}

func TestBootstrap(t *testing.T) {
	xs := make([]float64, 50)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	median := func(idx []int) float64 {
		s := make([]float64, len(idx))
		for i, j := range idx {
			s[i] = xs[j]
		}
		slices.Sort(s)
		return typeSeven(s, 0.5)
	}
	a, b := Bootstrap(50, median, 0.95, 400, 7), Bootstrap(50, median, 0.95, 400, 7)
	if a.Lo != b.Lo || a.Hi != b.Hi {
		t.Errorf("one seed, two answers: %v and %v", a, b)
	}
	if c := Bootstrap(50, median, 0.95, 400, 8); c.Lo == a.Lo && c.Hi == a.Hi {
		t.Errorf("two seeds, one answer: %v", c)
	}
	near(t, "Value", a.Value, median(iota50()), 0)

	constant := Bootstrap(5, func([]int) float64 { return 2 }, 0.95, 50, 1)
	if constant.Lo != 2 || constant.Hi != 2 || !errors.Is(constant.Warnings[0], ErrDegenerate) {
		t.Errorf("constant statistic: %v %v", constant, constant.Warnings)
	}
	undefined := Bootstrap(5, func(idx []int) float64 {
		if slices.Contains(idx, 3) {
			return float64(idx[0])
		}
		return math.NaN()
	}, 0.95, 200, 1)
	if !slices.ContainsFunc(undefined.Warnings, func(e error) bool { return errors.Is(e, ErrReplicates) }) {
		t.Errorf("undefined replicates go unmentioned: %v", undefined.Warnings)
	}
	if e := Bootstrap(0, median, 0.95, 10, 1); e.Defined() {
		t.Errorf("nothing resampled gives %v", e)
	}
	if e := Bootstrap(1, func([]int) float64 { return 4 }, 0.95, 10, 1); e.Value != 4 || !math.IsInf(e.Hi, 1) {
		t.Errorf("one observation gives %v, want 4 within nothing", e)
	}
}

// TestBCaKnown reads ends off replicates 0, 0.1, … 100 whose share below x is x percent.
func TestBCaKnown(t *testing.T) {
	var replicates []float64
	for i := range 1001 {
		replicates = append(replicates, float64(i)/10)
	}
	cases := []struct {
		name                 string
		value, accel, lo, hi float64
	}{
		{"neither biased nor accelerated: percentiles", 50, 0, 2.5, 97.5},
		// Φ(±1.96/(1∓0.1·1.96)), Efron and Tibshirani 1993, eq. 14.10 with z0 = 0
		{"accelerated", 50, 0.1, 5.0628, 99.2612},
		// z0 = Φ⁻¹(0.6) = 0.25335: Φ(2·z0 ± 1.96)
		{"biased", 60, 0, 7.3059, 99.3179},
	}
	for _, c := range cases {
		lo, hi := bca(replicates, c.value, c.accel, 0.95)
		near(t, c.name+": lo", lo, c.lo, 0.02)
		near(t, c.name+": hi", hi, c.hi, 0.02)
	}
	// Of the jackknife: d = ±, by hand for values 0, 0, 3: means without one are 1.5, 1.5, 0.
	xs := []float64{0, 0, 3}
	got := acceleration(3, func(idx []int) float64 { return (xs[idx[0]] + xs[idx[1]]) / 2 })
	near(t, "acceleration", got, (-0.5*0.5*0.5*2+1)/(6*math.Pow(1.5, 1.5)), 1e-12)
}

func iota50() []int {
	idx := make([]int, 50)
	for i := range idx {
		idx[i] = i
	}
	return idx
}

// TestEarlyStoppingTable is the table of mlcommons/inference_policies, inference_rules.adoc: totals h+t
// at 99% confidence.
func TestEarlyStoppingTable(t *testing.T) {
	over := []int{0, 1, 2, 10}
	for p, totals := range map[float64][]int{
		0.90: {44, 64, 81, 197},
		0.95: {90, 130, 165, 398},
		0.97: {152, 219, 277, 667},
		0.99: {459, 662, 838, 2010},
	} {
		for i, slow := range over {
			if got := EarlyStopping(p, 0.99, slow) + slow; got != totals[i] {
				t.Errorf("p=%v: EarlyStopping with %d over = %d in all, want %d", p, slow, got, totals[i])
			}
		}
	}
}

func TestLatencyBoundDropsWhatItMay(t *testing.T) {
	xs := make([]float64, 197)
	for i := range xs {
		xs[i] = float64(i + 1)
	}
	cases := []struct {
		n    int
		want float64 // NaN: none
	}{{63, math.NaN()}, {64, 64}, {80, 80}, {81, 80}, {197, 188}}
	for _, c := range cases {
		e := LatencyBound(xs[:c.n], 0.9, 0.99)
		if e.Value != c.want && !(math.IsNaN(e.Value) && math.IsNaN(c.want)) {
			t.Errorf("n=%d: bound %v, want %v", c.n, e.Value, c.want)
		}
	}
}

func TestEstimateJSON(t *testing.T) {
	text, err := json.Marshal(Ratio([]float64{2, 2}, []float64{0, 0}, nil, 0.95))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value":null`, `"hi":null`, `"n":2`, ErrUndefined.Error()} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

func TestScale(t *testing.T) {
	e := Estimate{Value: 1, Lo: -2, Hi: 4}.Scale(-10)
	if e.Value != -10 || e.Lo != -40 || e.Hi != 20 {
		t.Errorf("Scale(-10) = %+v", e)
	}
}

func TestBadCallsPanic(t *testing.T) {
	cases := map[string]func(){
		"confidence 95":   func() { Mean([]float64{1}, 95) },
		"k above n":       func() { Wilson(3, 2, 0.95) },
		"lengths differ":  func() { PairedDifference([]float64{1}, nil, nil, 0.95) },
		"groups differ":   func() { ClusterMean([]float64{1, 2}, []string{"a"}, 0.95) },
		"p above 1":       func() { Quantile([]float64{1}, 90, 0.95) },
		"k above n draws": func() { PassAtK(3, 1, 4) },
		"share above 1":   func() { ClusterShare([]float64{2}, nil, 0.95) },
		"negative cost":   func() { Ratio([]float64{-1}, []float64{1}, nil, 0.95) },
		"negative counts": func() { McNemar(-1, 0) },
	}
	for name, call := range cases {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

// TestNoDifference: two models alike on n items may still differ on others. 1 - 0.025^(1/n) is
// the Clopper-Pearson bound at none of n.
func TestNoDifference(t *testing.T) {
	same := make([]float64, 100)
	for _, c := range []struct {
		name   string
		groups []string
		want   float64
	}{
		{"100 items", nil, 0.0362167},
		{"10 clusters of 10", clustersOf(100, 10), 0.3084971},
	} {
		e := PairedDifference(same, same, c.groups, 0.95)
		if e.Value != 0 || math.Abs(e.Hi-c.want) > 1e-6 || e.Lo != -e.Hi {
			t.Errorf("%s: %v; want 0 ± %v", c.name, e, c.want)
		}
	}
}

// clustersOf names n items' groups of size each.
func clustersOf(n, size int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("g", i/size)
	}
	return names
}
