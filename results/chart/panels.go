package chart

import (
	"fmt"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// panels draws a row for each model and the packs side by side.
func (b *leaderboard) panels(p *page) error {
	upper := p.header(b.Title, b.Subtitle, b.key(p))
	lower := p.footer(b.Notes, b.Source)
	rows := upper - panelHead
	each := min(rowMax, (rows-lower-axisRoom)/vg.Length(len(b.Rows)))
	base := rows - each*vg.Length(len(b.Rows))
	size := max(6, min(9, each*0.62))

	// Names to the left, columns of text to the right, panels in what remains between.
	names := vg.Length(0)
	for _, r := range b.Rows {
		names = max(names, p.width(r.Name, medium, size))
	}
	names = min(names, nameRoom)
	widths := b.widths(p, size)
	texts := p.Max.X - right
	for _, w := range widths {
		texts -= w + columnGap
	}
	first := left + names + 16
	wide := (texts-first)/vg.Length(len(b.Panels)) - panelGap
	if wide < panelMin {
		return fmt.Errorf("leaderboard chart: %d panels and %d columns do not fit side by side", len(b.Panels), len(b.Columns))
	}

	for i := range len(b.Rows) + 1 {
		y := rows - each*vg.Length(i)
		p.rule(p.theme.grid, 0.6, left, y, p.Max.X-right, y)
	}
	b.heads(p, texts, rows, widths)
	room := wide + panelGap - 4
	for k, panel := range b.Panels {
		x := first + (wide+panelGap)*vg.Length(k)
		p.put(x, rows+15, p.texts.clip(panel.Title, font.Font{Typeface: semibold, Size: 8}, room), semibold, 8, p.theme.ink, text.XLeft)
		p.put(x, rows+5, p.texts.clip(panel.Under, font.Font{Typeface: regular, Size: 7}, room), regular, 7, p.theme.mute, text.XLeft)
		b.scale(p, x, wide, rows, base)
	}
	for i, r := range b.Rows {
		y := rows - each*(vg.Length(i)+0.5)
		name := p.texts.fit(r.Name, font.Font{Typeface: medium, Size: size}, nameRoom)
		p.put(left, y-size*0.36, name, medium, size, p.theme.ink, text.XLeft)
		for k, c := range r.Cells {
			b.score(p, c.Score, b.hue(p, r), vg.Point{X: first + (wide+panelGap)*vg.Length(k), Y: y}, wide, size, k == 0)
		}
		b.texts(p, r.Cells[0].Texts, texts, y, size, widths)
	}
	return nil
}
