package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/results/board"
)

// JSONVersion is the version of the document JSON writes. Fields may be added under one
// version; a change of meaning or a removal raises it.
const JSONVersion = 1

// The document. A figure is null where it is unknown; its value is null where it is undefined, and
// an end is null where it is unbounded. Money is in US dollars.
type (
	document struct {
		Schema      string         `json:"schema"` // "assay.board"
		Version     int            `json:"version"`
		Run         string         `json:"run"`
		Confidence  float64        `json:"confidence"`
		Manifest    bench.Manifest `json:"manifest"`
		Rows        []row          `json:"rows"`
		Comparisons []comparison   `json:"comparisons"`
		Assumptions []string       `json:"assumptions"`
		Warnings    []string       `json:"warnings"`
	}
	row struct {
		Model     string                    `json:"model"`
		Pack      string                    `json:"pack,omitempty"` // absent for all packs together
		PriceOnly bool                      `json:"price_only"`
		Price     *price                    `json:"price,omitempty"`
		Asked     int                       `json:"asked"`
		Verdicts  *board.Verdicts           `json:"verdicts,omitempty"` // absent when price_only
		Tokens    engine.Usage              `json:"tokens"`
		BusyS     float64                   `json:"busy_s"`
		SpentUSD  *string                   `json:"spent_usd"` // exact decimal
		Figures   map[string]*stat.Estimate `json:"figures"`   // under the names of the CSV's columns
		Warnings  []string                  `json:"warnings"`
	}
	price struct {
		Ref     string `json:"ref"`
		Checked string `json:"checked"`
		Source  string `json:"source"`
	}
	comparison struct {
		Pack       string        `json:"pack,omitempty"`
		A          string        `json:"a"`
		B          string        `json:"b"`
		Difference stat.Estimate `json:"difference"` // accuracy of a less that of b
		OnlyA      int           `json:"only_a"`
		OnlyB      int           `json:"only_b"`
		P          *float64      `json:"p"`
		Adjusted   *float64      `json:"p_adjusted"`
	}
)

// JSON writes a board as one document.
func JSON(w io.Writer, b board.Board) error {
	d := document{
		Schema: "assay.board", Version: JSONVersion, Run: b.Manifest.Run, Confidence: b.Confidence, Manifest: b.Manifest,
		Rows: []row{}, Comparisons: []comparison{}, Assumptions: orEmpty(b.Assumptions), Warnings: orEmpty(b.Warnings),
	}
	for _, r := range b.Rows {
		x := row{Model: r.Model, Pack: r.Pack, PriceOnly: r.PriceOnly, Asked: r.Asked, Tokens: r.Tokens,
			BusyS: r.Busy.Seconds(), Figures: map[string]*stat.Estimate{}, Warnings: orEmpty(r.Warnings)}
		if !r.PriceOnly {
			x.Verdicts = &r.Verdicts
		}
		if r.Price != nil {
			x.Price = &price{r.Price.Ref(), r.Price.Checked.Format(time.DateOnly), r.Price.Source}
		}
		if r.Spent != nil {
			s := r.Spent.String()
			x.SpentUSD = &s
		}
		for _, f := range figures {
			x.Figures[f.name] = f.of(r)
		}
		d.Rows = append(d.Rows, x)
	}
	for _, c := range b.Comparisons {
		d.Comparisons = append(d.Comparisons, comparison(c))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
