package board

import (
	"cmp"
	"slices"

	"github.com/tokenassay/assay/bench/stat"
)

// Comparison is a pair of models on the questions that both were judged on.
type Comparison struct {
	Pack       string // Overall for all
	A, B       string // A ranks higher overall
	Difference stat.Estimate
	OnlyA      int // questions A alone had right
	OnlyB      int
	// P is that of the exact McNemar test; nil where scores are partial or questions come in
	// groups, which it does not allow for. Then the interval of Difference is the test.
	P *float64
	// Adjusted is P after Holm's correction for the number of pairs in the pack.
	Adjusted *float64
}

// compare compares every pair of models, overall and on each pack.
func compare(b Board, byModel map[string]map[string][]observation, overall map[string][]observation, conf float64) []Comparison {
	models := b.Models()
	var out []Comparison
	for _, pack := range append([]string{Overall}, b.Packs()...) {
		var here []Comparison
		for i := range models {
			for j := i + 1; j < len(models); j++ {
				xs, ys := byModel[models[i]][pack], byModel[models[j]][pack]
				if pack == Overall {
					xs, ys = overall[models[i]], overall[models[j]]
				}
				if c, ok := pair(xs, ys, conf); ok {
					c.Pack, c.A, c.B = pack, models[i], models[j]
					here = append(here, c)
				}
			}
		}
		holm(here)
		out = append(out, here...)
	}
	return out
}

// pair compares two models' observations; false where they have no judged question in common.
func pair(xs, ys []observation, conf float64) (Comparison, bool) {
	other := map[string]observation{}
	for _, y := range ys {
		if y.judged() {
			other[y.item] = y
		}
	}
	var c Comparison
	var a, b []float64
	var both []observation
	whole := true
	for _, x := range xs {
		y, ok := other[x.item]
		if !ok || !x.judged() {
			continue
		}
		a, b, both = append(a, x.value), append(b, y.value), append(both, x)
		whole = whole && (x.value == 0 || x.value == 1) && (y.value == 0 || y.value == 1)
		switch {
		case correct(x) > correct(y):
			c.OnlyA++
		case correct(x) < correct(y):
			c.OnlyB++
		}
	}
	if len(both) == 0 {
		return c, false
	}
	names, repeated := groups(both)
	c.Difference = stat.PairedDifference(a, b, names, conf)
	if whole && !repeated {
		p := stat.McNemar(c.OnlyA, c.OnlyB)
		c.P = &p
	}
	return c, true
}

// holm sets Adjusted (Holm 1979): the i-th smallest of m values of P, counted from 0, times m−i,
// never falling, at most 1.
func holm(cs []Comparison) {
	var with []*Comparison
	for i := range cs {
		if cs[i].P != nil {
			with = append(with, &cs[i])
		}
	}
	slices.SortStableFunc(with, func(x, y *Comparison) int { return cmp.Compare(*x.P, *y.P) })
	floor := 0.0
	for i, c := range with {
		floor = max(floor, min(1, *c.P*float64(len(with)-i)))
		p := floor
		c.Adjusted = &p
	}
}
