package chart

import (
	"fmt"
	"image/color"
	"io"
	"slices"
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// LeaderboardInput is what a leaderboard chart shows: a row for each model, a panel for each
// pack, and columns of ready-made text at the right.
type LeaderboardInput struct {
	Title    string // "Leaderboard" where empty
	Subtitle string
	Source   string
	Panels   []Panel
	Columns  []Column
	Rows     []Row // in order, the best first
	Notes    []string
	Dark     bool
}

// Panel is a pack, or all of them together.
type Panel struct {
	Title string
	Under string // a second, muted line: "n = 100"
}

// Column is a column of text.
type Column struct{ Title, Under string }

// Row is a model.
type Row struct {
	Name   string
	Family string // gives the colour
	Cells  []Cell // one for each Panel
}

// Cell is a model's result in a pack.
type Cell struct {
	Score Value    // percent
	Texts []string // one for each Column
}

// maxRows is how many rows can still be read.
const maxRows = 24

// fewModels is up to how many models are shown pack by pack, each with its texts. More are shown
// one to a row, with the packs side by side and the texts of the first panel only.
const fewModels = 3

// Leaderboard draws a leaderboard. A row whose Cells or Texts do not match Panels and Columns
// is an error.
func Leaderboard(w io.Writer, f Format, in LeaderboardInput) error {
	if len(in.Rows) == 0 || len(in.Panels) == 0 {
		return fmt.Errorf("leaderboard chart: %w", ErrEmpty)
	}
	var names []string
	for _, r := range in.Rows {
		if len(r.Cells) != len(in.Panels) {
			return fmt.Errorf("leaderboard chart: row %q has %d cells for %d panels", r.Name, len(r.Cells), len(in.Panels))
		}
		for i, c := range r.Cells {
			if len(c.Texts) != len(in.Columns) {
				return fmt.Errorf("leaderboard chart: row %q, panel %q has %d texts for %d columns", r.Name, in.Panels[i].Title, len(c.Texts), len(in.Columns))
			}
		}
		names = append(names, r.Family)
	}
	b := &leaderboard{LeaderboardInput: in, families: families(names)}
	if b.Title == "" {
		b.Title = "Leaderboard"
	}
	if cut := len(b.Rows) - maxRows; cut > 0 {
		b.Rows = b.Rows[:maxRows]
		b.Notes = append(slices.Clone(b.Notes), fmt.Sprintf("%d more models are left out.", cut))
	}
	if len(b.Rows) <= fewModels && len(b.Rows)*len(b.Panels) <= maxRows {
		return render(w, f, in.Dark, b.groups)
	}
	return render(w, f, in.Dark, b.panels)
}

type leaderboard struct {
	LeaderboardInput
	families []string
}

// Measures of a leaderboard, in points.
const (
	nameRoom  = 128
	panelGap  = 20
	columnGap = 12
	panelHead = 26 // titles above the rows
	panelMin  = 24
	axisRoom  = 16  // below the rows
	wideScale = 130 // from which an axis has room for dots and five marks
	rowMax    = 42
)

// hue returns a row's colour: the first for all where no families are told apart.
func (b *leaderboard) hue(p *page, r Row) color.NRGBA {
	return p.theme.hue(max(0, slices.Index(b.families, r.Family)))
}

func (b *leaderboard) key(p *page) []keyEntry {
	if len(b.families) < 2 {
		return nil
	}
	return familyKey(p, b.families)
}

// widths returns how wide each column of text is.
func (b *leaderboard) widths(p *page, size vg.Length) []vg.Length {
	var out []vg.Length
	for i, c := range b.Columns {
		w := max(p.width(c.Title, semibold, 8), p.width(c.Under, regular, 7))
		for _, r := range b.Rows {
			for _, cell := range r.Cells {
				w = max(w, p.width(cell.Texts[i], regular, size))
			}
		}
		out = append(out, w)
	}
	return out
}

// heads writes the titles of the columns of text, the first of which begins at x, above rows.
func (b *leaderboard) heads(p *page, x, rows vg.Length, widths []vg.Length) {
	for k, c := range b.Columns {
		x += columnGap + widths[k]
		p.put(x, rows+15, c.Title, semibold, 8, p.theme.ink, text.XRight)
		p.put(x, rows+5, c.Under, regular, 7, p.theme.mute, text.XRight)
	}
}

// texts writes a row's texts.
func (b *leaderboard) texts(p *page, texts []string, x, y, size vg.Length, widths []vg.Length) {
	for k, s := range texts {
		x += columnGap + widths[k]
		p.put(x, y-size*0.36, s, regular, size, p.theme.ink, text.XRight)
	}
}

// scale draws the lines and marks of an axis from 0 to 100 percent between rows and base.
func (b *leaderboard) scale(p *page, x, wide, rows, base vg.Length) {
	marks := []int{0, 50, 100}
	if wide >= wideScale {
		marks = []int{0, 25, 50, 75, 100}
	}
	for _, v := range marks {
		at := x + wide*vg.Length(v)/100
		p.rule(p.theme.grid, 0.6, at, rows, at, base-2)
		p.put(at, base-10, strconv.Itoa(v), regular, 6.5, p.theme.mute, text.XCenter)
	}
}

// score draws a dot with its interval and its number in a panel that begins at at and is wide
// points wide.
func (b *leaderboard) score(p *page, v Value, hue color.NRGBA, at vg.Point, wide, size vg.Length, strong bool) {
	if !finite(v.Value) {
		p.put(at.X+2, at.Y-size*0.36, "–", regular, size, p.theme.mute, text.XLeft)
		return
	}
	scale := func(x float64) vg.Length { return at.X + wide*vg.Length(min(100, max(0, x))/100) }
	lo, hi := v.ends()
	face, ink, radius := regular, p.theme.mute, vg.Length(2.2)
	if strong {
		face, ink, radius = semibold, p.theme.ink, 2.9
	}
	if wide < wideScale { // a dot would cover its interval: a band and a tick
		p.rule(faded(hue, 80), size*0.6, scale(lo), at.Y, scale(hi), at.Y)
		x := scale(v.Value)
		p.rule(hue, radius*0.7, x, at.Y-size*0.42, x, at.Y+size*0.42)
	} else {
		p.rule(faded(hue, 90), 3.4, scale(lo), at.Y, scale(hi), at.Y)
		p.dot(vg.Point{X: scale(v.Value), Y: at.Y}, hue, radius, true)
	}
	number := percent(v)
	small := size * 0.88
	if end := max(scale(hi), scale(v.Value)+radius) + 3; end+p.width(number, face, small) <= at.X+wide+panelGap-3 {
		p.put(end, at.Y-small*0.36, number, face, small, ink, text.XLeft)
	} else {
		p.put(min(scale(lo), scale(v.Value)-radius)-3, at.Y-small*0.36, number, face, small, ink, text.XRight)
	}
}

// percent writes a share with a decimal only where its interval is narrow enough to mean it.
func percent(v Value) string {
	if lo, hi := v.ends(); hi-lo > 0 && hi-lo < 2 {
		return strconv.FormatFloat(v.Value, 'f', 1, 64)
	}
	return strconv.FormatFloat(v.Value, 'f', 0, 64)
}
