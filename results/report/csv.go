package report

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/results/board"
)

// CSV writes a board with full precision, a row for each model and pack. An unknown figure
// is an empty cell, an undefined one NaN, an unbounded end of an interval +Inf or -Inf. A text
// that a spreadsheet would read as a formula gets an apostrophe in front.
func CSV(w io.Writer, b board.Board) error {
	c := csv.NewWriter(w)
	head := []string{"run", "model", "pack", "kind", "asked", "correct", "partial", "incorrect", "no_answer", "refused", "unscored",
		"input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "busy_s", "spent_usd"}
	for _, f := range figures {
		head = append(head, f.name, f.name+"_lo", f.name+"_hi")
	}
	if err := c.Write(append(head, "warnings")); err != nil {
		return err
	}
	for _, r := range b.Rows {
		pack, kind := r.Pack, "measured"
		if pack == board.Overall {
			pack = "overall"
		}
		row := []string{text(b.Manifest.Run), text(r.Model), text(pack)}
		if r.PriceOnly {
			kind, row[2] = "list price", ""
			row = append(row, kind)
			row = append(row, make([]string, 13)...)
		} else {
			row = append(row, kind)
			v := r.Verdicts
			for _, n := range []int{r.Asked, v.Correct, v.Partial, v.Incorrect, v.NoAnswer, v.Refused, v.Unscored,
				r.Tokens.Input, r.Tokens.CachedInput, r.Tokens.Output, r.Tokens.Reasoning} {
				row = append(row, strconv.Itoa(n))
			}
			spent := ""
			if r.Spent != nil {
				spent = r.Spent.String()
			}
			row = append(row, number(r.Busy.Seconds()), spent)
		}
		for _, f := range figures {
			if e := f.of(r); e != nil {
				row = append(row, number(e.Value), number(e.Lo), number(e.Hi))
			} else {
				row = append(row, "", "", "")
			}
		}
		if err := c.Write(append(row, text(strings.Join(r.Warnings, "; ")))); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// figures are a row's estimates under the names exports give them, in base units.
var figures = [...]struct {
	name string
	of   func(board.Row) *stat.Estimate
}{
	{"accuracy", func(r board.Row) *stat.Estimate { return r.Accuracy }},
	{"ttft_p50_s", func(r board.Row) *stat.Estimate { return r.TTFT50 }},
	{"ttft_p95_s", func(r board.Row) *stat.Estimate { return r.TTFT95 }},
	{"prefill_tokens_per_s", func(r board.Row) *stat.Estimate { return r.Prefill }},
	{"decode_tokens_per_s", func(r board.Row) *stat.Estimate { return r.Decode }},
	{"input_usd_per_mtok", func(r board.Row) *stat.Estimate { return r.InputPrice }},
	{"output_usd_per_mtok", func(r board.Row) *stat.Estimate { return r.OutputPrice }},
	{"usd_per_correct", func(r board.Row) *stat.Estimate { return r.PerCorrect }},
}

func number(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// text makes a cell safe from being run as a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
