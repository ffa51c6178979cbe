package chart

import (
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// dots draws the measured models and their names.
func (c *costQuality) dots(p *page, area vg.Rectangle, tx, ty func(float64) vg.Length) {
	const size = 8.5
	clampX := func(v float64) vg.Length { return max(area.Min.X, min(area.Max.X, tx(max(v, 1e-300)))) }
	var obstacles []vg.Rectangle
	var last *vg.Point
	for i, pt := range c.points { // the frontier's treads and risers
		if !c.frontier[i] {
			continue
		}
		at := vg.Point{X: tx(pt.Cost.Value), Y: ty(pt.Accuracy.Value)}
		if last != nil {
			obstacles = append(obstacles,
				grow(vg.Rectangle{Min: *last, Max: vg.Point{X: at.X, Y: last.Y}}, 0.8),
				grow(vg.Rectangle{Min: vg.Point{X: at.X, Y: last.Y}, Max: at}, 0.8))
		}
		last = &at
	}
	if last != nil {
		obstacles = append(obstacles, grow(vg.Rectangle{Min: *last, Max: vg.Point{X: area.Max.X, Y: last.Y}}, 0.8))
	}
	for _, pt := range c.points {
		x, y := tx(pt.Cost.Value), ty(pt.Accuracy.Value)
		soft := faded(c.hue(p, pt), 140)
		lo, hi := pt.Accuracy.ends()
		p.rule(soft, 1.3, x, ty(lo), x, ty(hi))
		obstacles = append(obstacles, vg.Rectangle{Min: vg.Point{X: x - 1, Y: ty(lo)}, Max: vg.Point{X: x + 1, Y: ty(hi)}})
		if lo, hi := pt.Cost.ends(); lo < hi {
			p.rule(soft, 1.3, clampX(lo), y, clampX(hi), y)
			obstacles = append(obstacles, vg.Rectangle{Min: vg.Point{X: clampX(lo), Y: y - 1}, Max: vg.Point{X: clampX(hi), Y: y + 1}})
		}
	}
	var labels []label
	var names []string
	for i, pt := range c.points {
		at := vg.Point{X: tx(pt.Cost.Value), Y: ty(pt.Accuracy.Value)}
		obstacles = append(obstacles, grow(vg.Rectangle{Min: at, Max: at}, 6))
		face := c.face(i)
		name := p.texts.fit(pt.Name, face, 165)
		names = append(names, name)
		labels = append(labels, label{at: at, size: vg.Point{X: p.width(name, face.Typeface, size), Y: size * 1.05}})
	}
	for i := len(c.points) - 1; i >= 0; i-- { // the frontier's dots above the others
		if !c.frontier[i] {
			p.dot(labels[i].at, c.hue(p, c.points[i]), 3.4, false)
		}
	}
	for i := range c.points {
		if c.frontier[i] {
			p.dot(labels[i].at, c.hue(p, c.points[i]), 3.9, true)
		}
	}
	room := vg.Rectangle{Min: area.Min, Max: vg.Point{X: area.Max.X, Y: area.Max.Y + 4}}
	for i, box := range place(labels, obstacles, room) {
		at := labels[i].at
		near := vg.Point{X: min(max(at.X, box.Min.X), box.Max.X), Y: min(max(at.Y, box.Min.Y), box.Max.Y)}
		if d := math.Hypot(float64(near.X-at.X), float64(near.Y-at.Y)); d > 13 {
			u := vg.Length(6.5 / d)
			p.rule(p.theme.mute, 0.5, at.X+(near.X-at.X)*u, at.Y+(near.Y-at.Y)*u, near.X, near.Y)
		}
		ink := p.theme.mute
		if c.frontier[i] {
			ink = p.theme.ink
		}
		p.put(box.Min.X, box.Min.Y+2.1, names[i], c.face(i).Typeface, size, ink, text.XLeft)
	}
}

func (c *costQuality) face(i int) font.Font {
	if c.frontier[i] {
		return font.Font{Typeface: semibold, Size: 8.5}
	}
	return font.Font{Typeface: regular, Size: 8.5}
}
