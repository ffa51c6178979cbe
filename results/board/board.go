// Package board ranks models by what their outcomes say: accuracy, speed and cost, each with its
// interval, and which differences between models are more than chance.
//
// # Caveats
//
// Outcomes the harness could not ask or judge say nothing about a model: they are counted, cost
// money, and stand in no accuracy. The overall row of a model pools all questions, each
// counted once, so a pack with more questions weighs more.
//
// Prefill speed is uncached input tokens over the time to the first piece of output, which
// holds that token's own making and any queueing: it is what a user gets, and a lower bound on
// the engine's. Decode speed is that of one answer while all others of the run went on.
package board

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/pricing"
	"github.com/tokenassay/assay/pricing/tco"
	"github.com/tokenassay/assay/tasks"
)

// Overall is the Pack of a row over all packs.
const Overall = ""

// Options are what a board needs beside outcomes. The zero value gives one without money, at 95%.
type Options struct {
	Confidence float64                  // of all intervals; 0 means 0.95
	Machine    *tco.Hourly              // what an hour of the machine costs; nil: local cost is unknown
	Prices     map[string]pricing.Price // of asked models that run elsewhere, by the model's name
	Listed     []pricing.Price          // shown by their prices alone: models that were not asked
}

// Board is a leaderboard of one run. Figures that are not known are nil; those the data leave
// undefined have a NaN Value.
type Board struct {
	Manifest    bench.Manifest
	Confidence  float64
	Rows        []Row // overall rows by rank, then each pack's, then price-only rows by price
	Comparisons []Comparison
	Assumptions []string // what the money rests on; to be shown with every figure of it
	Warnings    []string // about the run as a whole
}

// Row is a model on a pack, or on all of them.
type Row struct {
	Model     string
	Info      engine.Info
	Pack      string // Overall for all
	PriceOnly bool   // nothing was asked: only InputPrice, OutputPrice and Price are set
	Price     *pricing.Price

	Asked    int
	Verdicts Verdicts
	Accuracy *stat.Estimate // share of right answers among those judged

	TTFT50, TTFT95  *stat.Estimate // seconds from when a request was due to its first output
	Prefill, Decode *stat.Estimate // tokens per second
	Tokens          engine.Usage   // all together
	Busy            time.Duration  // with at least one request under way

	Spent       *decimal.Decimal // USD
	InputPrice  *stat.Estimate   // USD per million tokens of input, as they came, cached ones included
	OutputPrice *stat.Estimate   // USD per million tokens of output
	PerCorrect  *stat.Estimate   // USD per correct answer; undefined at none, with a lower bound

	Warnings []string
}

// Verdicts counts outcomes by verdict.
type Verdicts struct {
	Correct   int `json:"correct"`
	Partial   int `json:"partial"`
	Incorrect int `json:"incorrect"`
	NoAnswer  int `json:"no_answer"`
	Refused   int `json:"refused"`
	Unscored  int `json:"unscored"`
}

// Judged is how many outcomes say something about the model.
func (v Verdicts) Judged() int { return v.Correct + v.Partial + v.Incorrect + v.NoAnswer + v.Refused }

func (v *Verdicts) count(x tasks.Verdict) {
	switch x {
	case tasks.Correct:
		v.Correct++
	case tasks.Partial:
		v.Partial++
	case tasks.Incorrect:
		v.Incorrect++
	case tasks.NoAnswer:
		v.NoAnswer++
	case tasks.Refused:
		v.Refused++
	default:
		v.Unscored++
	}
}

// Models returns the names of the asked models by rank.
func (b Board) Models() []string {
	var out []string
	for _, r := range b.Rows {
		if r.Pack == Overall && !r.PriceOnly {
			out = append(out, r.Model)
		}
	}
	return out
}

// Packs returns the names of the packs with outcomes, in the manifest's order.
func (b Board) Packs() []string {
	var out []string
	for _, r := range b.Rows {
		if r.Pack != Overall && !slices.Contains(out, r.Pack) {
			out = append(out, r.Pack)
		}
	}
	return out
}

// Row returns the row of an asked model on a pack.
func (b Board) Row(model, pack string) (Row, bool) {
	i := slices.IndexFunc(b.Rows, func(r Row) bool { return !r.PriceOnly && r.Model == model && r.Pack == pack })
	if i < 0 {
		return Row{}, false
	}
	return b.Rows[i], true
}

// Build makes a board of a run's outcomes. It reads them once and keeps no text of theirs; an
// error they yield ends it. Prices must be in US dollars.
func Build(m bench.Manifest, outcomes iter.Seq2[bench.Outcome, error], opt Options) (Board, error) {
	if opt.Confidence == 0 {
		opt.Confidence = 0.95
	}
	for name, p := range opt.Prices {
		if p.Currency != "USD" {
			return Board{}, fmt.Errorf("price of model %s is in %s, not USD", name, p.Currency)
		}
	}
	byModel := map[string]map[string][]observation{} // model, pack
	for o, err := range outcomes {
		if err != nil {
			return Board{}, err
		}
		packs := byModel[o.Model]
		if packs == nil {
			packs = map[string][]observation{}
			byModel[o.Model] = packs
		}
		packs[o.Pack] = append(packs[o.Pack], observe(o))
	}
	b := Board{Manifest: m, Confidence: opt.Confidence}
	infos := map[string]engine.Info{}
	for _, info := range m.Models {
		infos[info.Name] = info
	}
	overall := map[string][]observation{}
	var ranked []Row
	for _, model := range slices.Sorted(maps.Keys(byModel)) {
		for _, pack := range slices.Sorted(maps.Keys(byModel[model])) {
			overall[model] = append(overall[model], byModel[model][pack]...)
		}
		ranked = append(ranked, summarise(model, infos[model], Overall, overall[model], m, opt))
	}
	slices.SortStableFunc(ranked, func(a, b Row) int { return cmp.Compare(rank(b), rank(a)) })
	b.Rows = ranked
	for _, pack := range packOrder(m, byModel) {
		for _, r := range ranked {
			if seen := byModel[r.Model][pack]; len(seen) > 0 {
				b.Rows = append(b.Rows, summarise(r.Model, infos[r.Model], pack, seen, m, opt))
			}
		}
	}
	if m.Reach.Verdict == probe.Disturbed {
		doubt := "the machine was not this run's alone when it was measured, so speeds and costs are in doubt"
		b.Warnings = append(b.Warnings, strings.Join(append([]string{doubt}, m.Reach.Warnings...), ": "))
	}
	b.Comparisons = compare(b, byModel, overall, opt.Confidence)
	b.list(opt)
	b.assume(opt)
	return b, nil
}

// rank orders by accuracy, models without any last.
func rank(r Row) float64 {
	if r.Accuracy == nil || !r.Accuracy.Defined() {
		return math.Inf(-1)
	}
	return r.Accuracy.Value
}

// packOrder returns the packs that were asked, in the manifest's order, then any it lacks.
func packOrder(m bench.Manifest, byModel map[string]map[string][]observation) []string {
	asked := map[string]bool{}
	for _, packs := range byModel {
		for p := range packs {
			asked[p] = true
		}
	}
	var out []string
	for _, p := range m.Packs {
		if asked[p.Name] {
			out = append(out, p.Name)
			delete(asked, p.Name)
		}
	}
	return append(out, slices.Sorted(maps.Keys(asked))...)
}

// list adds the rows of models known only by their prices.
func (b *Board) list(opt Options) {
	listed := slices.Clone(opt.Listed)
	slices.SortStableFunc(listed, func(x, y pricing.Price) int {
		return cmp.Or(x.Rates.Output.Cmp(y.Rates.Output), cmp.Compare(x.Ref(), y.Ref()))
	})
	for _, p := range listed {
		if p.Currency != "USD" {
			b.Warnings = append(b.Warnings, fmt.Sprintf("%s is left out: its price is in %s", p.Ref(), p.Currency))
			continue
		}
		name := p.Title
		if name == "" {
			name = p.Ref()
		}
		b.Rows = append(b.Rows, Row{
			Model: name, PriceOnly: true, Price: &p,
			InputPrice:  exactly(p.Rates.Input.InexactFloat64(), opt.Confidence),
			OutputPrice: exactly(p.Rates.Output.InexactFloat64(), opt.Confidence),
		})
	}
}

// exactly is an estimate of a number that is known.
func exactly(x, conf float64) *stat.Estimate {
	return &stat.Estimate{Value: x, Lo: x, Hi: x, Confidence: conf}
}
