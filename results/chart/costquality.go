package chart

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// CostQualityInput is what a cost-versus-quality chart shows.
type CostQualityInput struct {
	Title    string // "What accuracy costs" where empty
	Subtitle string // what was asked; what bars and line mean is added
	XTitle   string // what Cost is: "US dollars per million output tokens"
	Source   string // machine, date, n, assumed prices
	Measured []Point
	Listed   []Listed
	Dark     bool
}

// Point is a model whose accuracy was measured.
type Point struct {
	Name     string
	Family   string // gives the colour
	Cost     Value  // US dollars in XTitle's unit
	Accuracy Value  // percent
	Note     string // why Cost or Accuracy is undefined, where it is
}

// Listed is a model of which only the price is known.
type Listed struct {
	Name string
	Cost float64 // US dollars in XTitle's unit
}

// CostQuality draws accuracy against cost: measured models as dots with their 95% intervals and a
// line through the best accuracy for the money, listed ones as marks along the cost axis.
// What has no place on a logarithmic axis is named in a note.
func CostQuality(w io.Writer, f Format, in CostQualityInput) error {
	c := newCostQuality(in)
	if len(c.points) == 0 && len(c.listed) == 0 {
		return fmt.Errorf("cost-versus-quality chart: %w", ErrEmpty)
	}
	return render(w, f, in.Dark, c.paint)
}

// costQuality is a chart's input, sorted into what can be drawn and what cannot.
type costQuality struct {
	CostQualityInput
	points   []Point  // by cost; of equal cost the better first
	listed   []Listed // by cost
	families []string
	frontier map[int]bool // indices into points
	notes    []string
}

func newCostQuality(in CostQualityInput) *costQuality {
	c := &costQuality{CostQualityInput: in, frontier: map[int]bool{}}
	if c.Title == "" {
		c.Title = "What accuracy costs"
	}
	var names, absent []string
	for _, p := range in.Measured {
		if drawable(p.Cost.Value) && p.Accuracy.Value >= 0 && p.Accuracy.Value <= 100 {
			lo, hi := p.Accuracy.ends()
			p.Accuracy.Lo, p.Accuracy.Hi = max(0, lo), min(100, hi)
			c.points = append(c.points, p)
			names = append(names, p.Family)
			continue
		}
		why := p.Note
		switch {
		case why != "":
		case !finite(p.Accuracy.Value):
			why = "no accuracy measured"
		case p.Accuracy.Value < 0 || p.Accuracy.Value > 100:
			why = "accuracy is no percentage"
		case p.Cost.Value == 0:
			why = "costs nothing"
		case finite(p.Cost.Value):
			why = "cost beyond the axis"
		default:
			why = "cost undefined"
		}
		absent = append(absent, p.Name+" ("+why+")")
	}
	for _, l := range in.Listed {
		switch {
		case drawable(l.Cost):
			c.listed = append(c.listed, l)
		case l.Cost == 0:
			absent = append(absent, l.Name+" (costs nothing)")
		default:
			absent = append(absent, l.Name+" (no price)")
		}
	}
	if len(absent) > 0 {
		c.notes = append(c.notes, "Not drawn: "+strings.Join(absent, ", ")+".")
	}
	c.families = families(names)
	slices.SortStableFunc(c.points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Cost.Value, b.Cost.Value), cmp.Compare(b.Accuracy.Value, a.Accuracy.Value), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(c.listed, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Name, b.Name))
	})
	best := math.Inf(-1)
	for i, p := range c.points {
		if p.Accuracy.Value > best {
			best = p.Accuracy.Value
			c.frontier[i] = true
		}
	}
	return c
}

// hue returns a point's colour: the first for all where no families are told apart.
func (c *costQuality) hue(p *page, pt Point) color.NRGBA {
	return p.theme.hue(max(0, slices.Index(c.families, pt.Family)))
}

func (c *costQuality) paint(p *page) error {
	upper := p.header(c.Title, c.subtitle(), c.key(p))
	lower := p.footer(c.notes, c.Source)

	lo, hi := costRange(c.costs())
	long := float64(p.Max.X - left - right - 26) // of the axis, about
	for _, l := range c.listed {                 // room for names to the right of their marks
		name := p.texts.fit(l.Name, font.Font{Typeface: regular, Size: flagSize}, flagRoom)
		free := long - float64(p.width(name, regular, flagSize)) - 6
		hi = max(hi, lo*math.Exp(math.Log(l.Cost/lo)*long/free))
	}
	// The plot proper: axes, grid, frontier. The strip lies under the accuracy axis, inside the plot.
	from, to, step := shareRange(c.accuracies())
	pl := plot.New()
	pl.TextHandler = p.texts
	pl.BackgroundColor = nil
	pl.X.Scale = plot.LogScale{}
	pl.X.Min, pl.X.Max = lo, hi
	pl.Y.Min, pl.Y.Max = from, to
	pl.X.Padding, pl.Y.Padding = 0, 0
	for _, a := range []*plot.Axis{&pl.X, &pl.Y} {
		a.Tick.Label = p.texts.style(regular, 8.5, p.theme.mute)
		a.Tick.Length = 0
		a.LineStyle.Color, a.LineStyle.Width = p.theme.grid, 0
		a.Label.Text = ""
	}
	pl.X.LineStyle.Width = 0.8
	pl.X.Tick.Label.XAlign, pl.X.Tick.Label.YAlign = text.XCenter, text.YTop
	pl.Y.Tick.Label.XAlign, pl.Y.Tick.Label.YAlign = text.XRight, text.YCenter
	var ticks []plot.Tick
	for v := from; v <= to+1e-9; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	if len(c.points) == 0 {
		ticks = nil
	}
	pl.Y.Tick.Marker = plot.ConstantTicks(ticks)
	pl.X.Tick.Marker = plot.ConstantTicks(costTicks(lo, hi, vg.Length(long)))

	area := p.Canvas
	area.Min = vg.Point{X: left, Y: lower + 15}
	area.Max = vg.Point{X: p.Max.X - right, Y: upper - 15}
	data := pl.DataCanvas(area)
	tx, ty := pl.Transforms(&data)
	flags, rows := c.flags(p, tx, data.Min.X, data.Max.X)
	strip := vg.Length(0)
	if len(flags) > 0 {
		strip = stripTitle + stripRow*vg.Length(rows) + stripTick
	}
	tall := data.Max.Y - data.Min.Y
	pl.Y.Min = from - (to-from)*float64(strip/(tall-strip))
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Horizontal.Width, grid.Vertical.Width = p.theme.grid, 0.6, 0
	pl.Add(grid)
	line, err := c.line(pl, from, p.theme)
	if err != nil {
		return err
	}
	pl.Add(line...)
	pl.Draw(area)

	p.put(data.Max.X, lower+2, c.XTitle+", log scale", regular, 8.5, p.theme.mute, text.XRight)
	if len(c.points) > 0 {
		p.put(left, data.Max.Y+8, "Accuracy, %", regular, 8.5, p.theme.mute, text.XLeft)
	}
	c.strip(p, flags, data.Min, strip, tx)
	main := vg.Rectangle{Min: vg.Point{X: data.Min.X, Y: ty(from)}, Max: data.Max}
	c.dots(p, main, tx, ty)
	return nil
}

func (c *costQuality) subtitle() string {
	s := strings.TrimSpace(c.Subtitle)
	if len(c.points) == 0 {
		return strings.TrimSpace(s + "\nList prices only: nothing was measured.")
	}
	if s != "" && !strings.HasSuffix(s, ".") {
		s += "."
	}
	return strings.TrimSpace(s + "\nBars: 95% intervals. Line: the best accuracy for the money.")
}

func (c *costQuality) key(p *page) []keyEntry {
	if len(c.families) < 2 {
		return nil
	}
	return familyKey(p, c.families)
}

func (c *costQuality) costs() []float64 {
	var out []float64
	for _, p := range c.points {
		lo, hi := p.Cost.ends()
		// An interval reaching far must not squeeze the rest: a decade each way is shown, the
		// bar is cut at the border.
		out = append(out, p.Cost.Value, max(lo, p.Cost.Value/10), min(hi, p.Cost.Value*10))
	}
	for _, l := range c.listed {
		out = append(out, l.Cost)
	}
	return out
}

func (c *costQuality) accuracies() (lo, hi float64) {
	lo, hi = 100, 0
	for _, p := range c.points {
		l, h := p.Accuracy.ends()
		lo, hi = min(lo, l), max(hi, h)
	}
	if lo > hi {
		return 0, 100
	}
	return lo, hi
}

// line returns the frontier as a step line with the area under it: a step, because between two
// models there is none to be had.
func (c *costQuality) line(pl *plot.Plot, from float64, t theme) ([]plot.Plotter, error) {
	var steps plotter.XYs
	for i, p := range c.points {
		if !c.frontier[i] {
			continue
		}
		if n := len(steps); n > 0 {
			steps = append(steps, plotter.XY{X: p.Cost.Value, Y: steps[n-1].Y})
		}
		steps = append(steps, plotter.XY{X: p.Cost.Value, Y: p.Accuracy.Value})
	}
	if len(steps) == 0 {
		return nil, nil
	}
	last := steps[len(steps)-1]
	steps = append(steps, plotter.XY{X: pl.X.Max, Y: last.Y})
	under := append(plotter.XYs{{X: steps[0].X, Y: from}}, steps...)
	under = append(under, plotter.XY{X: pl.X.Max, Y: from})
	polygon, err := plotter.NewPolygon(under)
	if err != nil {
		return nil, err
	}
	polygon.Color, polygon.LineStyle.Width = t.area, 0
	line, err := plotter.NewLine(steps)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width, line.Dashes = t.ink, 1.1, nil
	return []plot.Plotter{polygon, line}, nil
}
