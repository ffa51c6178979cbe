// Package report writes a board as text: a terminal table, Markdown, CSV, JSON, and Go's
// benchmark format, which benchstat reads.
//
// Tables for people round each figure to what its interval supports, and tell "–" (the data
// leave it undefined, as the cost per correct answer at none) from "unknown" (it was not
// measured, or there is no price). CSV and JSON carry full precision and both ends of
// each interval.
package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/tokenassay/assay/results/board"
)

// Table is a board as rounded text, ready to be laid out.
type Table struct {
	Headers []string
	Rows    [][]string // cells in the order of Headers
	Text    int        // the first so many columns are text, set to the left; the rest numbers
	Legend  string
	Notes   []string // warnings and assumptions
}

// Summary makes the table of a board: a row for each model and pack, the overall rows first.
func Summary(b board.Board) Table {
	unit := CorrectUnit(b)
	percent := fmt.Sprintf("%.4g%%", b.Confidence*100)
	t := Table{
		Headers: []string{"model", "pack", "accuracy, %", percent + " interval", "TTFT p50, ms", "TTFT p95, ms",
			"prefill, tok/s", "decode, tok/s", "in, $/Mtok", "out, $/Mtok", unit.Short, "n"},
		Text: 2,
	}
	undefined, unknown := false, false
	for _, r := range b.Rows {
		cells := rowCells(r, unit)
		for _, c := range cells {
			undefined = undefined || strings.HasPrefix(c, Undefined)
			unknown = unknown || c == Unknown
		}
		t.Rows = append(t.Rows, cells)
	}
	t.Legend = "n: answers judged; interval: of accuracy, at " + percent + "; TTFT: from due to first output; tok/s: of one request; $/Mtok: per million tokens"
	if undefined {
		t.Legend += "; –: undefined (> begins a lower bound)"
	}
	if unknown {
		t.Legend += "; unknown: not measured or without a price"
	}
	t.Notes = notes(b)
	return t
}

func rowCells(r board.Row, unit Unit) []string {
	pack := r.Pack
	if pack == board.Overall {
		pack = "overall"
	}
	if r.PriceOnly {
		return []string{r.Model, "list price", "not measured", "", "", "", "", "",
			Figure(r.InputPrice, 1), Figure(r.OutputPrice, 1), "", ""}
	}
	n := humanize.Comma(int64(r.Verdicts.Judged()))
	if r.Verdicts.Unscored > 0 {
		n += " of " + humanize.Comma(int64(r.Asked))
	}
	return []string{r.Model, pack, Percent(r.Accuracy), PercentInterval(r.Accuracy),
		Figure(r.TTFT50, 1e3), Figure(r.TTFT95, 1e3), Figure(r.Prefill, 1), Figure(r.Decode, 1),
		Figure(r.InputPrice, 1), Figure(r.OutputPrice, 1), Figure(r.PerCorrect, unit.Scale), n}
}

// notes are a board's warnings, verdicts, differences, the clock's error and assumptions, one line each.
func notes(b board.Board) []string {
	var out []string
	for _, w := range b.Warnings {
		out = append(out, "warning: "+w)
	}
	for _, r := range b.Rows {
		where := r.Model
		if r.Pack != board.Overall {
			where += " on " + r.Pack
		}
		for _, w := range r.Warnings {
			out = append(out, "warning: "+where+": "+w)
		}
	}
	for _, r := range b.Rows {
		if r.Pack == board.Overall && !r.PriceOnly && r.Asked > 0 {
			out = append(out, "answers: "+r.Model+": "+verdicts(r.Verdicts))
		}
	}
	out = append(out, differences(b)...)
	if c := b.Manifest.Clock; c.TTFT.N > 0 {
		out = append(out, fmt.Sprintf("clock: the harness itself adds %s (p50) to %s (p99) to each TTFT, n = %s; the clock's step is %s",
			c.TTFT.P50, c.TTFT.P99, humanize.Comma(int64(c.TTFT.N)), c.Resolution))
	}
	for _, a := range b.Assumptions {
		out = append(out, "assumption: "+a)
	}
	return out
}

// differences are those over all packs: of every pair of a few models, of each model and the next
// in rank where there are more.
func differences(b board.Board) []string {
	const few = 4
	models := b.Models()
	var out []string
	for _, c := range b.Comparisons {
		next := slices.Index(models, c.B) == slices.Index(models, c.A)+1
		if c.Pack == board.Overall && (next || len(models) <= few) {
			out = append(out, "difference: "+Difference(c))
		}
	}
	return out
}

// verdicts counts a model's answers by verdict, leaving out verdicts that none has.
func verdicts(v board.Verdicts) string {
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{v.Correct, "correct"}, {v.Partial, "partly correct"}, {v.Incorrect, "wrong"}, {v.NoAnswer, "without an answer"}, {v.Refused, "refused"}, {v.Unscored, "unscored"}} {
		if x.n > 0 {
			parts = append(parts, humanize.Comma(int64(x.n))+" "+x.what)
		}
	}
	return strings.Join(parts, ", ")
}

// Difference says how two models compare.
func Difference(c board.Comparison) string {
	s := fmt.Sprintf("%s less %s: %s points %s on %s common questions", c.A, c.B, signed(c.Difference), PercentInterval(&c.Difference), humanize.Comma(int64(c.Difference.N)))
	if c.P != nil {
		s += fmt.Sprintf("; of those that one alone got right %d to %d, McNemar p %s", c.OnlyA, c.OnlyB, probability(*c.P))
		if c.Adjusted != nil && *c.Adjusted != *c.P {
			s += ", corrected for all pairs p " + probability(*c.Adjusted)
		}
	}
	return s
}
