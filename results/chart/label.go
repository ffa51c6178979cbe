package chart

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/plot/vg"
)

// label is a text to be placed near a point.
type label struct {
	at   vg.Point // what it names
	size vg.Point // of its box
}

// spot is a place where a label might stand, and what is wrong with it whatever the others do.
type spot struct {
	box  vg.Rectangle
	cost float64
}

// Weights of what is wrong with a spot, per square point of overlap unless said otherwise. Found
// by looking at charts; only their order matters much.
const (
	outsideCost  = 500 // once, for leaving the area
	obstacleCost = 3
	labelCost    = 8
	distanceCost = 6 // for each step away from the point
)

// spots lists the candidates of l: 16 directions at each of five distances.
func (l label) spots(obstacles []vg.Rectangle, area vg.Rectangle) []spot {
	var out []spot
	w, h := l.size.X, l.size.Y
	for step, d := range []vg.Length{8, 14, 22, 34, 50} {
		for dir := range 16 {
			sin, cos := math.Sincos(float64(dir) * math.Pi / 8)
			// The nearest side or corner of the box, not its centre, stands at distance d.
			cx := l.at.X + d*vg.Length(cos) + w/2*vg.Length(max(-1, min(1, cos*1.6)))
			cy := l.at.Y + d*vg.Length(sin) + h/2*vg.Length(sin)
			s := spot{box: vg.Rectangle{Min: vg.Point{X: cx - w/2, Y: cy - h/2}, Max: vg.Point{X: cx + w/2, Y: cy + h/2}}}
			s.cost = distanceCost*float64(step) + 1.5*(1-cos) // to the right rather than to the left
			if s.box.Min.X < area.Min.X || s.box.Max.X > area.Max.X || s.box.Min.Y < area.Min.Y || s.box.Max.Y > area.Max.Y {
				s.cost += outsideCost
			}
			for _, o := range obstacles {
				s.cost += obstacleCost * overlap(s.box, o)
			}
			out = append(out, s)
		}
	}
	return out
}

// place chooses a spot for each label by simulated annealing from a fixed seed: the same labels
// stand in the same places each time.
func place(labels []label, obstacles []vg.Rectangle, area vg.Rectangle) []vg.Rectangle {
	if len(labels) == 0 {
		return nil
	}
	all := make([][]spot, len(labels))
	now := make([]int, len(labels))
	for i, l := range labels {
		all[i] = l.spots(obstacles, area)
		for k, s := range all[i] {
			if s.cost < all[i][now[i]].cost {
				now[i] = k
			}
		}
	}
	cost := func(i int) float64 {
		s := all[i][now[i]]
		c := s.cost
		for j := range all {
			if j != i {
				c += labelCost * overlap(grow(s.box, 0.75), grow(all[j][now[j]].box, 0.75))
			}
		}
		return c
	}
	rng := rand.New(rand.NewPCG(7, 11))
	for heat := 40.0; heat > 0.02; heat *= 0.9995 {
		i := rng.IntN(len(labels))
		before, was := cost(i), now[i]
		now[i] = rng.IntN(len(all[i]))
		if worse := cost(i) - before; worse > 0 && rng.Float64() > math.Exp(-worse/heat) {
			now[i] = was
		}
	}
	// Then downhill only, each label over all its spots, until none moves. It ends, because
	// overlap is symmetric: each move lowers the sum of all costs.
	for moved := true; moved; {
		moved = false
		for i := range labels {
			best, was := cost(i), now[i]
			pick := was
			for k := range all[i] {
				now[i] = k
				if c := cost(i); c < best-1e-9 {
					best, pick = c, k
				}
			}
			now[i] = pick
			moved = moved || pick != was
		}
	}
	out := make([]vg.Rectangle, len(labels))
	for i := range out {
		out[i] = all[i][now[i]].box
	}
	return out
}

// grow returns r with d more on each side.
func grow(r vg.Rectangle, d vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: r.Min.X - d, Y: r.Min.Y - d}, Max: vg.Point{X: r.Max.X + d, Y: r.Max.Y + d}}
}

// overlap returns the area two rectangles share, in square points.
func overlap(a, b vg.Rectangle) float64 {
	w := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	h := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return float64(w * h)
}

// pennant is a label on a pole that stands at x on the base of a strip. Row counts from 0, the
// lowest; -1 is a flag there was no room for.
type pennant struct {
	x, width vg.Length
	row      int
	leftward bool // the text stands to the left of its pole
}

// hoist gives each pennant a row below rows, so that no text covers another text or a pole, all
// texts between start and end. Some texts at the left stand to the left of their poles and all
// others to the right: where to divide them is tried out, and what names the most flags, in the
// fewest rows, with the most texts to the right, is kept.
func hoist(flags []pennant, start, end vg.Length, rows int) {
	best, bestNamed, bestRows := slices.Clone(flags), -1, 0
	for split := range len(flags) + 1 {
		tried := slices.Clone(flags)
		arrange(tried, split, start, end, rows)
		named, top := 0, 0
		for _, f := range tried {
			if f.row >= 0 {
				named++
				top = max(top, f.row)
			}
		}
		if named > bestNamed || named == bestNamed && top < bestRows {
			best, bestNamed, bestRows = tried, named, top
		}
	}
	copy(flags, best)
}

// arrange hoists the first split flags with their texts to the left, from left to right, each above all
// those it spans, and the others with theirs to the right, from right to left likewise. Those that
// would cross the end stand to the left of theirs, above all that are there by then. What finds no
// row is tried once more in any free place.
func arrange(flags []pennant, split int, start, end vg.Length, rows int) {
	var m mast
	toLeft := func(i int) bool { return i < split || flags[i].span(false).to > end }
	order := make([]int, 0, len(flags))
	for i := len(flags) - 1; i >= 0; i-- {
		flags[i].row = -1
		if !toLeft(i) {
			order = append(order, i)
		}
	}
	for i := range flags {
		if toLeft(i) {
			order = append(order, i)
		}
	}
	for _, again := range []bool{false, true} {
		for _, i := range order {
			f := &flags[i]
			for row := 0; row < rows && f.row < 0; row++ {
				for _, leftward := range []bool{false, true} {
					s := f.span(leftward)
					if s.from < start || s.to > end || !again && leftward != toLeft(i) || !m.clear(row, s, f.x) {
						continue
					}
					f.row, f.leftward = row, leftward
					m.add(row, s, f.x)
					break
				}
			}
		}
	}
}

// extent is a stretch of a row.
type extent struct{ from, to vg.Length }

func (f pennant) span(leftward bool) extent {
	const pole = 3 // between pole and text
	if leftward {
		return extent{f.x - pole - f.width, f.x - pole}
	}
	return extent{f.x + pole, f.x + pole + f.width}
}

// mast is what hangs already: texts, and poles from the base up to their own row.
type mast struct {
	texts []struct {
		row int
		extent
	}
	poles []struct {
		row int
		x   vg.Length
	}
}

func (m *mast) add(row int, s extent, x vg.Length) {
	m.texts = append(m.texts, struct {
		row int
		extent
	}{row, s})
	m.poles = append(m.poles, struct {
		row int
		x   vg.Length
	}{row, x})
}

// clear says whether a text may stand at s in row on a pole at x.
func (m *mast) clear(row int, s extent, x vg.Length) bool {
	const gap, by = 4, 1.5
	for _, t := range m.texts {
		if t.row == row && s.from < t.to+gap && t.from < s.to+gap {
			return false
		}
		if t.row < row && t.from-by < x && x < t.to+by {
			return false
		}
	}
	for _, p := range m.poles {
		if p.row >= row && s.from-by < p.x && p.x < s.to+by {
			return false
		}
	}
	return true
}
