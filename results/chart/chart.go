// Package chart draws leaderboards and cost-versus-quality charts, fit to publish as they are.
//
// Inputs are plain numbers and texts; nothing here knows how they were measured. What is not
// defined (NaN) is never drawn: it is named in a note instead. The same input gives the same
// bytes on one architecture.
//
// # Caveats
//
// SVG files carry the Latin fonts whole, about 1.4 MB, so that every viewer shows the same
// letters; runs in other scripts are drawn as outlines and cannot be selected as text.
// All functions may be called concurrently.
package chart

import (
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Format is a file format.
type Format string

// The formats.
const (
	PNG Format = "png" // 1680 × 1050 pixels
	SVG Format = "svg"
)

// The size of every chart; at dpi a PNG of 1680 × 1050 pixels.
const (
	width  = 8.4 * vg.Inch
	height = 5.25 * vg.Inch
	dpi    = 200
)

// ErrEmpty is returned where an input holds nothing that could be drawn.
var ErrEmpty = errors.New("nothing to draw")

// Value is a number with the ends of its interval. A NaN Value is undefined and not drawn;
// NaN or infinite ends are unknown, and then no bar is drawn on that side.
type Value struct{ Value, Lo, Hi float64 }

// Exactly returns x as a Value without interval.
func Exactly(x float64) Value { return Value{x, math.NaN(), math.NaN()} }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// ends returns the interval's ends, with the value itself for an unknown one.
func (v Value) ends() (lo, hi float64) {
	lo, hi = v.Lo, v.Hi
	if !finite(lo) {
		lo = v.Value
	}
	if !finite(hi) {
		hi = v.Value
	}
	return min(lo, v.Value), max(hi, v.Value)
}

// page is a chart being drawn.
type page struct {
	draw.Canvas
	theme theme
	texts *typesetter
}

// render draws onto a canvas of the wanted format and writes it.
func render(w io.Writer, f Format, dark bool, paint func(*page) error) error {
	texts, err := newTypesetter(f == SVG)
	if err != nil {
		return err
	}
	p := &page{theme: light(), texts: texts}
	if dark {
		p.theme = night()
	}
	var out io.WriterTo
	switch f {
	case PNG:
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
		p.Canvas, out = draw.New(c), vgimg.PngCanvas{Canvas: c}
	case SVG:
		c := vgsvg.NewWith(vgsvg.UseWH(width, height), vgsvg.EmbedFonts(true))
		p.Canvas, out = draw.New(c), c
	default:
		return fmt.Errorf("chart format %q is neither %q nor %q", f, PNG, SVG)
	}
	p.SetColor(p.theme.paper)
	p.Fill(p.Rectangle.Path())
	if err := paint(p); err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}
