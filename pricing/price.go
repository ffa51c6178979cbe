// Package pricing turns tokens into money, by a ledger of dated and sourced list prices.
//
// Prices are exact decimals per million tokens. A cost is computed when it is reported, from
// stored token counts and a day, so that a corrected price corrects every report without
// asking any model again. A row without a source is refused.
package pricing

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/engine"
)

// Price is what one provider charges for one model during one span of days.
// Rates are in Currency per million tokens.
type Price struct {
	Provider string `json:"provider"` // "deepseek"
	Model    string `json:"model"`    // "deepseek-r1"; unique with Provider on any day
	Title    string `json:"title"`    // "DeepSeek R1", for people
	Rates    Rates  `json:"rates"`
	Tier     *Tier  `json:"tier,omitempty"` // nil: one price at any length
	Currency string `json:"currency"`       // ISO 4217

	From    time.Time `json:"from,omitzero"`  // first day, UTC midnight; zero: unknown
	Until   time.Time `json:"until,omitzero"` // first day on which it no longer holds; zero: still valid when checked
	Checked time.Time `json:"checked"`        // when the source was last read
	Source  string    `json:"source"`
	Note    string    `json:"note,omitempty"`
}

// Rates are prices per million tokens.
type Rates struct {
	Input  decimal.Decimal  `json:"input"`
	Cached *decimal.Decimal `json:"cached_input"` // input read from the provider's cache; nil: no such rate is listed
	Output decimal.Decimal  `json:"output"`
}

// Tier is the price of a whole request whose input is longer than Over tokens: such
// thresholds are all or nothing.
type Tier struct {
	Over  int   `json:"over_tokens"`
	Rates Rates `json:"rates"`
}

// Ref names a price as commands take it: "provider/model".
func (p Price) Ref() string { return p.Provider + "/" + p.Model }

// Valid reports whether p holds on day.
func (p Price) Valid(day time.Time) bool {
	return (p.From.IsZero() || !day.Before(p.From)) && (p.Until.IsZero() || day.Before(p.Until))
}

// Cost is the price of some tokens, by class. Total is exact.
type Cost struct {
	Input, Cached, Output, Total decimal.Decimal
	Currency                     string
}

func (c Cost) String() string {
	return fmt.Sprintf("%s %s (input %s, cached %s, output %s)", c.Total, c.Currency, c.Input, c.Cached, c.Output)
}

// Cost prices the tokens of one request. Cached input tokens cost the cached rate, or the
// full input rate where none is listed. Reasoning tokens are output tokens.
func (p Price) Cost(u engine.Usage) Cost {
	rates := p.Rates
	if p.Tier != nil && u.Input > p.Tier.Over {
		rates = p.Tier.Rates
	}
	cachedRate := rates.Input
	if rates.Cached != nil {
		cachedRate = *rates.Cached
	}
	c := Cost{
		Input:    perMillion(rates.Input, u.Input-u.CachedInput),
		Cached:   perMillion(cachedRate, u.CachedInput),
		Output:   perMillion(rates.Output, u.Output),
		Currency: p.Currency,
	}
	c.Total = c.Input.Add(c.Cached).Add(c.Output)
	return c
}

// Times is the cost of n such requests.
func (c Cost) Times(n int) Cost {
	k := decimal.NewFromInt(int64(n))
	return Cost{c.Input.Mul(k), c.Cached.Mul(k), c.Output.Mul(k), c.Total.Mul(k), c.Currency}
}

// perMillion is rate × n / 10⁶, exactly.
func perMillion(rate decimal.Decimal, n int) decimal.Decimal {
	return rate.Mul(decimal.NewFromInt(int64(n))).Shift(-6)
}

// ParseDay reads a day as the ledger writes it, 2025-01-20, as UTC midnight.
func ParseDay(s string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, fmt.Errorf("day %q: want the form 2025-01-20", s)
	}
	return day, nil
}
