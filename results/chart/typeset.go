package chart

import (
	"embed"
	"fmt"
	"image/color"
	"strings"
	"unicode"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

//go:embed fonts/*.otf fonts/*.ttf
var fontFiles embed.FS

// The faces. Each weight has a typeface name of its own, since font.Cache knows no others than
// bold and normal.
const (
	regular  font.Typeface = "Inter"
	medium   font.Typeface = "Inter Medium"
	semibold font.Typeface = "Inter SemiBold"
	display  font.Typeface = "Inter Display SemiBold"
	fallback font.Typeface = "Droid Sans Fallback"
)

// typesetter is a text.Handler that takes the glyphs Inter lacks (Chinese, Japanese, Korean)
// from another face. gonum's own handlers know one face for each text.
type typesetter struct {
	cache   *font.Cache
	outline bool // draw fallback runs as paths: an SVG would else carry a font of 4 MB
}

var _ text.Handler = (*typesetter)(nil)

func newTypesetter(outline bool) (*typesetter, error) {
	var faces font.Collection
	for _, f := range []struct {
		file string
		face font.Typeface
	}{
		{"Inter-Regular.otf", regular},
		{"Inter-Medium.otf", medium},
		{"Inter-SemiBold.otf", semibold},
		{"InterDisplay-SemiBold.otf", display},
		{"DroidSansFallbackFull.ttf", fallback},
	} {
		data, err := fontFiles.ReadFile("fonts/" + f.file)
		if err != nil {
			return nil, err
		}
		parsed, err := opentype.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("font %s: %w", f.file, err)
		}
		faces = append(faces, font.Face{Font: font.Font{Typeface: f.face}, Face: parsed})
	}
	return &typesetter{cache: font.NewCache(faces), outline: outline}, nil
}

// style returns a text style set by t, hanging from its top left corner.
func (t *typesetter) style(face font.Typeface, size vg.Length, c color.Color) text.Style {
	return text.Style{Color: c, Font: font.Font{Typeface: face, Size: size}, Handler: t, XAlign: text.XLeft, YAlign: text.YBottom}
}

// run is a stretch of text in one face.
type run struct {
	face font.Face
	text string
}

// runs splits s by the face that has each rune's glyph; control characters become spaces.
func (t *typesetter) runs(s string, f font.Font) []run {
	var out []run
	var buf sfnt.Buffer
	main := t.cache.Lookup(f, f.Size)
	f.Typeface = fallback
	other := t.cache.Lookup(f, f.Size)
	for _, r := range s {
		if unicode.IsControl(r) {
			r = ' '
		}
		face := main
		if i, err := main.Face.GlyphIndex(&buf, r); err != nil || i == 0 {
			if i, err := other.Face.GlyphIndex(&buf, r); err == nil && i != 0 {
				face = other
			}
		}
		if n := len(out); n > 0 && out[n-1].face.Face == face.Face {
			out[n-1].text += string(r)
		} else {
			out = append(out, run{face, string(r)})
		}
	}
	return out
}

// Cache is part of text.Handler.
func (t *typesetter) Cache() *font.Cache { return t.cache }

// Extents is part of text.Handler.
func (t *typesetter) Extents(f font.Font) font.Extents {
	face := t.cache.Lookup(f, f.Size)
	return face.Extents()
}

// Lines is part of text.Handler.
func (t *typesetter) Lines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

// Box is part of text.Handler.
func (t *typesetter) Box(s string, f font.Font) (w, h, depth vg.Length) {
	for _, r := range t.runs(s, f) {
		w += r.face.Width(r.text)
	}
	e := t.Extents(f)
	return w, e.Ascent, e.Descent
}

// Draw is part of text.Handler. Text is never rotated in these charts.
func (t *typesetter) Draw(c vg.Canvas, s string, sty text.Style, at vg.Point) {
	if sty.Rotation != 0 {
		panic("chart: rotated text")
	}
	c.SetColor(sty.Color)
	lines := t.Lines(s)
	at.Y += sty.Height(s)*vg.Length(sty.YAlign) - t.Extents(sty.Font).Ascent
	for i, line := range lines {
		w, _, _ := t.Box(line, sty.Font)
		x := at.X + vg.Length(sty.XAlign)*w
		y := at.Y + vg.Length(len(lines)-i)*sty.Font.Size
		t.line(c, line, sty.Font, vg.Point{X: x, Y: y})
	}
}

// line draws s in the canvas's colour with its baseline's left end at at.
func (t *typesetter) line(c vg.Canvas, s string, f font.Font, at vg.Point) {
	for _, r := range t.runs(s, f) {
		if t.outline && r.face.Font.Typeface == fallback {
			outline(c, r, at)
		} else {
			c.FillString(r.face, at, r.text)
		}
		at.X += r.face.Width(r.text)
	}
}

// outline fills the glyphs of r as paths, from the baseline at at.
func outline(c vg.Canvas, r run, at vg.Point) {
	var buf sfnt.Buffer
	em := fixed.Int26_6(r.face.Face.UnitsPerEm()) << 6
	scale := r.face.Font.Size / vg.Length(em)
	var path vg.Path
	for _, ch := range r.text {
		i, err := r.face.Face.GlyphIndex(&buf, ch)
		if err != nil {
			continue
		}
		segments, err := r.face.Face.LoadGlyph(&buf, i, em, nil)
		if err != nil {
			continue // a glyph without outline
		}
		pt := func(p fixed.Point26_6) vg.Point { // fonts' y grows downwards here
			return vg.Point{X: at.X + vg.Length(p.X)*scale, Y: at.Y - vg.Length(p.Y)*scale}
		}
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				path.Move(pt(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(pt(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(pt(s.Args[0]), pt(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(pt(s.Args[0]), pt(s.Args[1]), pt(s.Args[2]))
			}
		}
		path.Close()
		at.X += r.face.Width(string(ch))
	}
	c.Fill(path)
}

// longest is more runes than any line or paragraph of a chart can show.
const longest = 1000

// brief returns the first runes of s, as many as could be shown.
func brief(s string) string {
	n := 0
	for i := range s {
		if n++; n > longest {
			return s[:i] + "…"
		}
	}
	return s
}

// fit shortens s in its middle, with an ellipsis, until it is no wider than room.
func (t *typesetter) fit(s string, f font.Font, room vg.Length) string {
	if w, _, _ := t.Box(brief(s), f); w <= room {
		return brief(s)
	}
	runes := []rune(s)
	if n := len(runes); n > longest { // no line is that long; measuring it all would take for ever
		runes = append(runes[:longest/2:longest/2], runes[n-longest/2:]...)
	}
	for keep := len(runes) - 1; keep > 1; keep-- {
		head := (keep + 1) / 2 // the tail often holds the quantisation: keep as much of it
		short := strings.TrimSpace(string(runes[:head])) + "…" + strings.TrimSpace(string(runes[len(runes)-(keep-head):]))
		if w, _, _ := t.Box(short, f); w <= room {
			return short
		}
	}
	return "…"
}

// wrap breaks s into at most lines lines no wider than room; the last is shortened if need be.
func (t *typesetter) wrap(s string, f font.Font, room vg.Length, lines int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(brief(s)) {
		try := word
		if line != "" {
			try = line + " " + word
		}
		if w, _, _ := t.Box(try, f); w <= room || line == "" || len(out) == lines-1 {
			line = try
			continue
		}
		out = append(out, line)
		line = word
	}
	if line != "" {
		out = append(out, line)
	}
	for i := range out {
		out[i] = t.clip(out[i], f, room)
	}
	return out
}

// clip shortens s at its end, with an ellipsis, until it is no wider than room.
func (t *typesetter) clip(s string, f font.Font, room vg.Length) string {
	s = brief(s)
	if w, _, _ := t.Box(s, f); w <= room {
		return s
	}
	runes := []rune(s)
	for n := len(runes) - 1; n > 0; n-- {
		short := strings.TrimSpace(string(runes[:n])) + "…"
		if w, _, _ := t.Box(short, f); w <= room {
			return short
		}
	}
	return "…"
}
