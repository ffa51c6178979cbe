package chart

import (
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// groups draws a group of rows for each pack, one row for each model, on one wide axis.
func (b *leaderboard) groups(p *page) error {
	const packRoom, gap = 92, 7
	rowTall := vg.Length(26)
	if len(b.Rows) == 1 {
		rowTall = rowMax
	}
	upper := p.header(b.Title, b.Subtitle, b.key(p))
	lower := p.footer(b.Notes, b.Source)
	rows := upper - panelHead
	lines := vg.Length(len(b.Rows) * len(b.Panels))
	space := rows - lower - axisRoom
	each := min(rowTall, (space-gap*vg.Length(len(b.Panels)))/lines)
	size := max(6, min(9, each*0.68))
	base := rows - each*lines - gap*vg.Length(len(b.Panels))

	packs, names := vg.Length(0), vg.Length(0)
	for _, panel := range b.Panels {
		packs = max(packs, p.width(panel.Title, semibold, 9), p.width(panel.Under, regular, 7))
	}
	packs = min(packs, packRoom)
	for _, r := range b.Rows {
		names = max(names, p.width(r.Name, medium, size))
	}
	names = min(names, nameRoom)
	widths := b.widths(p, size)
	texts := p.Max.X - right
	for _, w := range widths {
		texts -= w + columnGap
	}
	first := left + packs + 14 + names + 16
	wide := texts - first - panelGap

	b.heads(p, texts, rows, widths)
	p.put(first, rows+5, "Accuracy, %", regular, 7, p.theme.mute, text.XLeft)
	b.scale(p, first, wide, rows, base)
	y := rows
	for k, panel := range b.Panels {
		p.rule(p.theme.grid, 0.6, left, y, p.Max.X-right, y)
		y -= gap / 2.0
		middle := y - each/2 // of the group's first row
		if len(b.Rows) == 1 {
			middle += 5 // title and line beneath, centred together
		}
		title := p.texts.fit(panel.Title, font.Font{Typeface: semibold, Size: 9}, packRoom)
		p.put(left, middle-9*0.36, title, semibold, 9, p.theme.ink, text.XLeft)
		if len(b.Rows) > 1 || each >= 24 {
			p.put(left, middle-9*0.36-9.5, p.texts.fit(panel.Under, font.Font{Typeface: regular, Size: 7}, packRoom), regular, 7, p.theme.mute, text.XLeft)
		}
		for _, r := range b.Rows {
			c := r.Cells[k]
			name := p.texts.fit(r.Name, font.Font{Typeface: medium, Size: size}, nameRoom)
			p.put(left+packs+14, y-each/2-size*0.36, name, medium, size, p.theme.ink, text.XLeft)
			b.score(p, c.Score, b.hue(p, r), vg.Point{X: first, Y: y - each/2}, wide, size, true)
			b.texts(p, c.Texts, texts, y-each/2, size, widths)
			y -= each
		}
		y -= gap / 2.0
	}
	p.rule(p.theme.grid, 0.6, left, y, p.Max.X-right, y)
	return nil
}
