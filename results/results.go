// Package results joins its parts: from a run in a store to a board, and from a board to the
// charts that show it.
package results

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/results/board"
	"github.com/tokenassay/assay/results/chart"
	"github.com/tokenassay/assay/results/report"
	"github.com/tokenassay/assay/results/store"
)

// Board reads a run from a store and makes a board of it.
func Board(ctx context.Context, s *store.Store, run string, opt board.Options) (board.Board, error) {
	m, err := s.Manifest(ctx, run)
	if err != nil {
		return board.Board{}, err
	}
	return board.Build(m, s.Outcomes(ctx, run), opt)
}

// Axis is what the cost axis of a chart shows.
type Axis string

// The cost axes.
const (
	PerOutput  Axis = "output"  // dollars per million output tokens
	PerCorrect Axis = "correct" // dollars per correct answer
)

// ChartOptions are what a chart needs beside the board. The zero value works.
type ChartOptions struct {
	Title    string
	Subtitle string
	Axis     Axis // of CostQuality; empty: PerOutput
	Dark     bool
}

// CostQuality makes the input of a cost-versus-quality chart. Models known by price alone are shown
// only on the axis their prices are in, that of output tokens.
func CostQuality(b board.Board, o ChartOptions) chart.CostQualityInput {
	in := chart.CostQualityInput{Title: o.Title, Subtitle: o.Subtitle, Source: source(b), Dark: o.Dark,
		XTitle: "US dollars per million output tokens"}
	if in.Subtitle == "" {
		in.Subtitle = asked(b)
	}
	unit := report.CorrectUnit(b)
	if o.Axis == PerCorrect {
		in.XTitle = "US dollars " + unit.Per
	}
	for _, r := range b.Rows {
		switch {
		case r.PriceOnly && o.Axis != PerCorrect:
			in.Listed = append(in.Listed, chart.Listed{Name: r.Model, Cost: r.OutputPrice.Value})
		case r.Pack == board.Overall && !r.PriceOnly:
			p := chart.Point{Name: r.Model, Family: family(r), Accuracy: value(r.Accuracy, 100), Cost: value(r.OutputPrice, 1)}
			if o.Axis == PerCorrect {
				p.Cost = value(r.PerCorrect, unit.Scale)
				if e := r.PerCorrect; e != nil && !e.Defined() {
					p.Note = "no correct answer"
					if bound := report.LowerBound(e, unit.Scale); bound != "" {
						p.Note += ": above $" + bound + " " + unit.Per
					}
				}
			}
			if p.Note == "" && math.IsNaN(p.Cost.Value) {
				p.Note = "cost unknown"
			}
			in.Measured = append(in.Measured, p)
		}
	}
	return in
}

// Leaderboard makes the input of a leaderboard chart: all packs together first, then each.
func Leaderboard(b board.Board, o ChartOptions) chart.LeaderboardInput {
	unit := report.CorrectUnit(b)
	in := chart.LeaderboardInput{Title: o.Title, Subtitle: o.Subtitle, Source: source(b), Dark: o.Dark,
		Columns: []chart.Column{{Title: "Decode", Under: "tokens/s"}, {Title: "TTFT", Under: "p50, ms"}, {Title: "Cost", Under: unit.Short}}}
	if in.Subtitle == "" {
		in.Subtitle = asked(b)
	}
	in.Subtitle = sentence(in.Subtitle) + "\nAccuracy with 95% intervals."
	if b.Confidence != 0.95 {
		in.Subtitle = strings.Replace(in.Subtitle, "95%", fmt.Sprintf("%.4g%%", b.Confidence*100), 1)
	}
	packs := append([]string{board.Overall}, b.Packs()...)
	if len(packs) == 2 {
		packs = packs[1:] // one pack is all there is
	}
	for _, p := range packs {
		in.Panels = append(in.Panels, chart.Panel{Title: packTitle(p), Under: "n = " + judged(b, p)})
	}
	for _, model := range b.Models() {
		var row chart.Row
		for _, p := range packs {
			r, ok := b.Row(model, p)
			cell := chart.Cell{Score: value(nil, 1), Texts: []string{"", "", ""}}
			if ok {
				cell = chart.Cell{Score: value(r.Accuracy, 100), Texts: []string{report.Figure(r.Decode, 1), report.Figure(r.TTFT50, 1e3), report.Figure(r.PerCorrect, unit.Scale)}}
				row.Family = family(r)
			}
			row.Cells = append(row.Cells, cell)
		}
		row.Name = model
		in.Rows = append(in.Rows, row)
	}
	return in
}

// value turns an estimate into a chart's value; nil becomes NaN, which is not drawn.
func value(e *stat.Estimate, scale float64) chart.Value {
	if e == nil {
		return chart.Exactly(math.NaN())
	}
	s := e.Scale(scale)
	return chart.Value{Value: s.Value, Lo: s.Lo, Hi: s.Hi}
}

// family is what gives a model its colour: its architecture, or that it is asked elsewhere.
func family(r board.Row) string {
	if !r.Info.Local && r.Price != nil {
		return "API"
	}
	return r.Info.Family
}

// packTitle is a pack's name with a capital: titles are sentences, too long for a panel.
func packTitle(pack string) string {
	if pack == board.Overall {
		return "Overall"
	}
	return strings.ToUpper(pack[:1]) + pack[1:]
}

// judged is how many answers were judged for each model: one number, or the range of them.
func judged(b board.Board, pack string) string {
	lo, hi := math.MaxInt, 0
	for _, r := range b.Rows {
		if r.Pack == pack && !r.PriceOnly {
			lo, hi = min(lo, r.Verdicts.Judged()), max(hi, r.Verdicts.Judged())
		}
	}
	if lo >= hi {
		return humanize.Comma(int64(hi))
	}
	return humanize.Comma(int64(lo)) + "–" + humanize.Comma(int64(hi))
}

// asked says what was asked.
func asked(b board.Board) string {
	packs := b.Packs()
	if len(packs) == 0 {
		return ""
	}
	names := strings.Join(packs[:len(packs)-1], ", ")
	if names != "" {
		names += " and "
	}
	names += packs[len(packs)-1]
	return strings.ToUpper(names[:1]) + names[1:] + ": " + judged(b, board.Overall) + " answers judged for each model."
}

// source says where, when and on what assumptions a board was made.
func source(b board.Board) string {
	m := b.Manifest
	program := "assay"
	if m.Build.Version != "" {
		program += " " + m.Build.Version
	}
	parts := []string{program}
	if h := host(m); h != "" {
		parts = append(parts, h)
	}
	parts = append(parts, m.Started.UTC().Format("2 January 2006"))
	s := strings.Join(parts, ", ") + ", n = " + judged(b, board.Overall) + "."
	for _, a := range b.Assumptions {
		s += " " + sentence(a)
	}
	return s
}

func host(m bench.Manifest) string {
	cpu := strings.Join(strings.Fields(m.Host.CPU.Model), " ")
	if cpu == "" {
		return ""
	}
	if n := m.Host.CPU.Usable; n > 0 {
		cpu += fmt.Sprintf(" (%d threads)", n)
	}
	return cpu
}

// sentence gives s a capital and a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
