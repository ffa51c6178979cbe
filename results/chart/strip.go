package chart

import (
	"fmt"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Sizes of the strip of listed prices, in points.
const (
	stripTitle = 13 // the line that says what the strip is
	stripRow   = 9.5
	stripTick  = 7
	stripRows  = 6 // at most
	flagSize   = 7
	flagRoom   = 130
)

// flags lays out the names of the listed prices between start and end.
func (c *costQuality) flags(p *page, tx func(float64) vg.Length, start, end vg.Length) (flags []pennant, rows int) {
	for _, l := range c.listed {
		name := p.texts.fit(l.Name, font.Font{Typeface: regular, Size: flagSize}, flagRoom)
		flags = append(flags, pennant{x: tx(l.Cost), width: p.width(name, regular, flagSize)})
	}
	most := stripRows
	if len(c.points) == 0 {
		most *= 2 // the plot is all theirs
	}
	hoist(flags, start, end, most)
	rows = 1
	for _, f := range flags {
		rows = max(rows, f.row+1)
	}
	return flags, rows
}

// strip draws the listed prices: a tick for each and, where there was room, its name on a pole.
func (c *costQuality) strip(p *page, flags []pennant, corner vg.Point, tall vg.Length, tx func(float64) vg.Length) {
	if len(flags) == 0 {
		return
	}
	unnamed := 0
	for i, f := range flags {
		x := tx(c.listed[i].Cost)
		if f.row < 0 {
			unnamed++
			p.rule(p.theme.mute, 0.8, x, corner.Y, x, corner.Y+stripTick-2)
			continue
		}
		base := corner.Y + stripTick + stripRow*vg.Length(f.row)
		p.rule(faded(p.theme.mute, 130), 0.6, x, corner.Y, x, base+5.5)
		p.rule(p.theme.mute, 1.2, x, corner.Y, x, corner.Y+4)
		name := p.texts.fit(c.listed[i].Name, font.Font{Typeface: regular, Size: flagSize}, flagRoom)
		if f.leftward {
			p.put(x-3, base, name, regular, flagSize, p.theme.mute, text.XRight)
		} else {
			p.put(x+3, base, name, regular, flagSize, p.theme.mute, text.XLeft)
		}
	}
	title := "List prices, accuracy not measured"
	if unnamed > 0 {
		title += fmt.Sprintf(" (%d of %d marks unnamed)", unnamed, len(flags))
	}
	p.put(corner.X+2, corner.Y+tall-9, title, medium, 7.5, p.theme.mute, text.XLeft)
}
