package board

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/bench/stat"
)

// money sets the figures of cost: by list price where the model has one, else, for a model
// on this machine, by the machine's time.
func money(r *Row, xs []observation, opt Options) {
	if p, ok := opt.Prices[r.Model]; ok {
		r.Price = &p
		r.remote(xs, opt.Confidence)
	} else if r.Info.Local && opt.Machine != nil {
		r.local(xs, opt)
	}
}

// remote prices each request by its list price; failed attempts cost money too, but stand in no
// price per token.
func (r *Row) remote(xs []observation, conf float64) {
	var total, input, output decimal.Decimal
	var costs, rights []float64
	for _, x := range xs {
		c := r.Price.Cost(x.usage)
		all := c.Total.Add(r.Price.Cost(x.wasted).Total)
		total, input, output = total.Add(all), input.Add(c.Input).Add(c.Cached), output.Add(c.Output)
		costs, rights = append(costs, all.InexactFloat64()), append(rights, correct(x))
	}
	r.Spent = &total
	perMillion := func(usd decimal.Decimal, n int) *stat.Estimate {
		if n == 0 {
			return nil
		}
		return exactly(usd.InexactFloat64()*1e6/float64(n), conf)
	}
	r.InputPrice, r.OutputPrice = perMillion(input, r.Tokens.Input), perMillion(output, r.Tokens.Output)
	r.perCorrect(costs, rights, xs, conf)
}

// local charges the machine's time with at least one request under way. Where requests overlap,
// each bears its share, and of that share the time to its first output is the input's cost and
// the rest the output's: no hour is paid for twice.
func (r *Row) local(xs []observation, opt Options) {
	spent := opt.Machine.For(r.Busy)
	r.Spent = &spent
	var sum time.Duration
	for _, x := range xs {
		sum += x.prefill() + x.decode()
	}
	if sum == 0 {
		return
	}
	names, _ := groups(xs)
	perSecond := spent.InexactFloat64() / sum.Seconds()
	var prefill, decode, input, output, costs, rights []float64
	for _, x := range xs {
		prefill, decode = append(prefill, x.prefill().Seconds()), append(decode, x.decode().Seconds())
		input, output = append(input, float64(x.usage.Input)), append(output, float64(x.usage.Output))
		costs = append(costs, perSecond*(x.prefill()+x.decode()).Seconds())
		rights = append(rights, correct(x))
	}
	if r.Tokens.Input > 0 {
		e := stat.Ratio(prefill, input, names, opt.Confidence).Scale(perSecond * 1e6)
		r.InputPrice = &e
	}
	if r.Tokens.Output > 0 {
		e := stat.Ratio(decode, output, names, opt.Confidence).Scale(perSecond * 1e6)
		r.OutputPrice = &e
	}
	r.perCorrect(costs, rights, xs, opt.Confidence)
}

// perCorrect is all money spent, wrong and unscored answers included, over the right answers.
func (r *Row) perCorrect(costs, rights []float64, xs []observation, conf float64) {
	if len(xs) == 0 {
		return
	}
	names, _ := groups(xs)
	e := stat.Ratio(costs, rights, names, conf)
	r.PerCorrect = &e
}

// assume says what the money rests on.
func (b *Board) assume(opt Options) {
	local, unknown := false, []string{}
	for _, r := range b.Rows {
		if r.PriceOnly || r.Pack != Overall {
			continue
		}
		switch {
		case r.Price != nil:
		case r.Info.Local && opt.Machine != nil:
			local = true
		default:
			unknown = append(unknown, r.Model)
		}
	}
	if local {
		b.Assumptions = append(b.Assumptions, opt.Machine.Assumptions...)
		b.Assumptions = append(b.Assumptions, "local cost: the machine's time with a request under way, split by time to first output (input) and after it (output)")
	}
	for _, model := range slices.Sorted(maps.Keys(opt.Prices)) {
		if _, asked := b.Row(model, Overall); !asked {
			continue
		}
		p := opt.Prices[model]
		b.Assumptions = append(b.Assumptions, fmt.Sprintf("price of %s: %s, $%s in, $%s out per million tokens, checked %s (%s)",
			model, p.Ref(), p.Rates.Input, p.Rates.Output, p.Checked.Format(time.DateOnly), p.Source))
	}
	if len(opt.Listed) > 0 {
		oldest, newest := opt.Listed[0].Checked, opt.Listed[0].Checked
		for _, p := range opt.Listed {
			if p.Checked.Before(oldest) {
				oldest = p.Checked
			}
			if p.Checked.After(newest) {
				newest = p.Checked
			}
		}
		days := oldest.Format(time.DateOnly)
		if last := newest.Format(time.DateOnly); last != days {
			days += " to " + last
		}
		b.Assumptions = append(b.Assumptions, "list prices: from the ledger, checked "+days+"; accuracy of these models not measured")
	}
	if len(unknown) > 0 {
		b.Assumptions = append(b.Assumptions, "cost unknown, for want of a price: "+strings.Join(unknown, ", "))
	}
}
