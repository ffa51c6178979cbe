package chart

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Distances from the edges, in points.
const (
	left   = 22
	right  = 24
	top    = 20
	bottom = 13
)

const lineHeight = 1.32 // of the size of small text

// put writes s with its anchor at (x, y): XAlign says which end of s stands at x, y is the
// baseline.
func (p *page) put(x, y vg.Length, s string, face font.Typeface, size vg.Length, c color.Color, align text.XAlignment) {
	p.SetColor(c)
	x += vg.Length(align) * p.width(s, face, size)
	p.texts.line(p, s, font.Font{Typeface: face, Size: size}, vg.Point{X: x, Y: y})
}

// width returns how wide s is.
func (p *page) width(s string, face font.Typeface, size vg.Length) vg.Length {
	w, _, _ := p.texts.Box(s, font.Font{Typeface: face, Size: size})
	return w
}

// keyEntry is a colour and what it stands for.
type keyEntry struct {
	name string
	hue  color.NRGBA
}

// familyKey gives each family its hue; those past the last hue share one entry.
func familyKey(p *page, families []string) []keyEntry {
	var key []keyEntry
	for i, f := range families {
		if i == len(p.theme.hues) {
			return append(key, keyEntry{"others", p.theme.mute})
		}
		key = append(key, keyEntry{p.texts.fit(f, font.Font{Typeface: regular, Size: 9}, 110), p.theme.hue(i)})
	}
	return key
}

// header writes title, key and subtitle (each line of it wrapped to at most two), and returns where the space beneath begins.
func (p *page) header(title, subtitle string, key []keyEntry) vg.Length {
	const titleSize, keySize, subSize = 17, 9, 10
	room := p.Max.X - left - right
	y := p.Max.Y - top - titleSize*0.86

	var keyWidth vg.Length
	for _, k := range key {
		keyWidth += p.width(k.name, regular, keySize) + 23
	}
	beside := keyWidth == 0 || p.width(title, display, titleSize)+keyWidth+14 <= room
	titleRoom := room
	if beside {
		titleRoom -= keyWidth
	}
	title = p.texts.clip(title, font.Font{Typeface: display, Size: titleSize}, titleRoom)
	p.put(left, y, title, display, titleSize, p.theme.ink, text.XLeft)
	if beside {
		p.key(key, p.Max.X-right-keyWidth+14, y+1)
	}
	y -= 4
	for _, part := range strings.Split(subtitle, "\n") {
		for _, line := range p.texts.wrap(part, font.Font{Typeface: regular, Size: subSize}, room, 2) {
			y -= subSize * lineHeight
			p.put(left, y, line, regular, subSize, p.theme.mute, text.XLeft)
		}
	}
	if !beside {
		y -= 17
		p.key(key, left+3.6, y)
	}
	return y - 10
}

// key draws entries in a row with the first dot's centre at x.
func (p *page) key(entries []keyEntry, x, y vg.Length) {
	const size = 9
	for _, k := range entries {
		p.DrawGlyph(draw.GlyphStyle{Color: k.hue, Radius: 3.6, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y + 3.2})
		p.put(x+8, y, k.name, regular, size, p.theme.ink, text.XLeft)
		x += p.width(k.name, regular, size) + 23
	}
}

// footer writes notes and the source line at the bottom and returns where the space above ends.
func (p *page) footer(notes []string, source string) vg.Length {
	const size = 7.5
	face := font.Font{Typeface: regular, Size: size}
	room := p.Max.X - left - right
	var lines []string
	for _, n := range notes {
		lines = append(lines, p.texts.wrap(n, face, room, 3)...)
	}
	lines = append(lines, p.texts.wrap(source, face, room, 4)...)
	y := vg.Length(bottom)
	for i := len(lines) - 1; i >= 0; i-- {
		p.put(left, y, lines[i], regular, size, p.theme.mute, text.XLeft)
		y += size * lineHeight
	}
	return y + 4
}

// rule draws a straight line.
func (p *page) rule(c color.Color, thick, x0, y0, x1, y1 vg.Length) {
	p.StrokeLine2(draw.LineStyle{Color: c, Width: thick}, x0, y0, x1, y1)
}

// dot draws a dot ringed in the paper's colour, solid or hollow.
func (p *page) dot(at vg.Point, c color.NRGBA, radius vg.Length, solid bool) {
	g := draw.GlyphStyle{Color: p.theme.paper, Radius: radius + 0.8, Shape: draw.CircleGlyph{}}
	p.DrawGlyph(g, at)
	g.Color, g.Radius = c, radius
	p.DrawGlyph(g, at)
	if !solid {
		g.Color, g.Radius = p.theme.paper, radius*0.52
		p.DrawGlyph(g, at)
	}
}
