package chart

import (
	"math"
	"strings"
	"testing"
)

func TestMoney(t *testing.T) {
	for v, want := range map[float64]string{
		0.02: "$0.02", 0.1: "$0.10", 0.5: "$0.50", 0.005: "$0.005", 0.015: "$0.015", 1: "$1", 1.5: "$1.50", 20: "$20", 1000: "$1,000", 3e6: "$3e+6", 1e-7: "$1e-7", 0.00003: "$0.00003",
	} {
		if got := money(v); got != want {
			t.Errorf("money(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestCostTicks(t *testing.T) {
	labels := func(lo, hi float64) string {
		var out []string
		for _, k := range costTicks(lo, hi, 540) {
			if k.Value < lo || k.Value > hi || k.Label == "" {
				t.Errorf("tick %+v outside [%v, %v]", k, lo, hi)
			}
			out = append(out, k.Label)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0.018, 13, "$0.02 $0.05 $0.10 $0.20 $0.50 $1 $2 $5 $10"},
		{1, 10, "$1 $1.50 $2 $3 $4 $5 $7 $10"},
		{0.001, 50, "$0.001 $0.003 $0.01 $0.03 $0.10 $0.30 $1 $3 $10 $30"},
		{1e-6, 1e4, "$0.000001 $0.00001 $0.0001 $0.001 $0.01 $0.10 $1 $10 $100 $1,000 $10,000"},
	} {
		if got := labels(c.lo, c.hi); got != c.want {
			t.Errorf("costTicks(%v, %v) = %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
	for _, c := range [][2]float64{{minCost, maxCost}, {minCost / 2, maxCost * 2}} {
		if n := len(costTicks(c[0], c[1], 540)); n < 2 || n > 13 {
			t.Errorf("costTicks(%v, %v): %d ticks", c[0], c[1], n)
		}
	}
}

func TestShareRange(t *testing.T) {
	for _, c := range []struct{ lo, hi, from, to, step float64 }{
		{0, 0, 0, 20, 5}, {100, 100, 80, 100, 5}, {36, 68, 30, 70, 10}, {3, 97, 0, 100, 20}, {51, 55, 40, 70, 5},
	} {
		from, to, step := shareRange(c.lo, c.hi)
		if from > c.lo || to < c.hi || from < 0 || to > 100 || to-from < 20 || math.Mod(from, step) != 0 {
			t.Errorf("shareRange(%v, %v) = %v, %v, %v", c.lo, c.hi, from, to, step)
		}
	}
}
