package chart

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
)

// A dozen labels anywhere in the area find places where none covers another.
func TestPlaceWithoutOverlap(t *testing.T) {
	area := vg.Rectangle{Max: vg.Point{X: 540, Y: 240}}
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var labels []label
		var dots []vg.Rectangle
		for range 12 {
			at := vg.Point{X: vg.Length(rng.Float64() * 540), Y: vg.Length(rng.Float64() * 240)}
			labels = append(labels, label{at: at, size: vg.Point{X: 40 + vg.Length(rng.Float64()*60), Y: 9}})
			dots = append(dots, grow(vg.Rectangle{Min: at, Max: at}, 5))
		}
		boxes := place(labels, dots, area)
		for i, a := range boxes {
			if a.Min.X < area.Min.X || a.Max.X > area.Max.X || a.Min.Y < area.Min.Y || a.Max.Y > area.Max.Y {
				t.Errorf("seed %d: label %d at %v leaves the area", seed, i, a)
			}
			for j, b := range boxes[:i] {
				if overlap(a, b) > 0 {
					t.Errorf("seed %d: labels %d and %d cover each other: %v, %v", seed, i, j, a, b)
				}
			}
		}
		if d := cmp.Diff(boxes, place(labels, dots, area)); d != "" {
			t.Errorf("seed %d: placed differently the second time:\n%s", seed, d)
		}
	}
	if place(nil, nil, area) != nil {
		t.Error("no labels were placed somewhere")
	}
}

func TestHoist(t *testing.T) {
	const start, end, rows = 0, 500, 6
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var flags []pennant
		x := vg.Length(0)
		for range 1 + rng.IntN(25) {
			x += vg.Length(rng.IntN(5)) * vg.Length(rng.IntN(12))
			flags = append(flags, pennant{x: min(x, end), width: 20 + vg.Length(rng.IntN(60))})
		}
		hoist(flags, start, end, rows)
		for i, f := range flags {
			if f.row < 0 {
				continue
			}
			s := f.span(f.leftward)
			if f.row >= rows || s.from < start || s.to > end {
				t.Fatalf("seed %d: flag %d in row %d at %v", seed, i, f.row, s)
			}
			for j, g := range flags {
				if j == i || g.row < 0 {
					continue
				}
				if o := g.span(g.leftward); g.row == f.row && s.from < o.to && o.from < s.to {
					t.Fatalf("seed %d: flags %d and %d cover each other in row %d", seed, i, j, f.row)
				}
				if g.row >= f.row && s.from < g.x && g.x < s.to {
					t.Fatalf("seed %d: the pole of flag %d cuts the text of flag %d", seed, j, i)
				}
			}
		}
	}
	few := []pennant{{x: 10, width: 50}, {x: 200, width: 50}, {x: 490, width: 50}}
	hoist(few, start, end, rows)
	for i, f := range few {
		if f.row != 0 || f.leftward != (i == 2) {
			t.Errorf("flag %d alone: row %d, leftward %v", i, f.row, f.leftward)
		}
	}
}
