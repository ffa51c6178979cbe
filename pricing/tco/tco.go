// Package tco says what an hour of a machine costs, and what that makes a million tokens cost.
//
// Every figure carries the assumptions it rests on, in words.
package tco

import (
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// HoursPerYear is 365.25 days.
const HoursPerYear = 8766

// Machine says how a machine is paid for: a rent per hour, or else a purchase that is
// written off evenly over its life, with the power it draws.
type Machine struct {
	RentPerHour  decimal.Decimal // USD; zero: bought
	Purchase     decimal.Decimal // USD
	Life         time.Duration   // over which Purchase is written off; default 3 years
	Watts        decimal.Decimal // drawn on average while on; bought machines only
	USDPerKWh    decimal.Decimal
	OtherPerYear decimal.Decimal // USD: space, network, people; bought machines only
	Utilisation  decimal.Decimal // share of paid hours that do wanted work, in (0, 1]; zero: 1
	Source       string          // of the rent or the purchase price; "" is stated as an assumption
}

// Hourly is what one hour of wanted work costs.
type Hourly struct {
	USD         decimal.Decimal
	Assumptions []string // one sentence each
}

// defaultLife is the period over which servers are commonly written off.
const defaultLife = 3 * HoursPerYear * time.Hour

// precision is how many decimals a division keeps: a billionth of a dollar, and three more.
const precision = 12

// PerHour returns the cost of one hour of wanted work. An incomplete or contradictory
// Machine is an error.
func (m Machine) PerHour() (Hourly, error) {
	share := m.Utilisation
	if share.IsZero() {
		share = decimal.NewFromInt(1)
	}
	if share.IsNegative() || share.GreaterThan(decimal.NewFromInt(1)) {
		return Hourly{}, fmt.Errorf("machine utilisation %s: want a share above 0 and at most 1", share)
	}
	for _, f := range []struct {
		name  string
		value decimal.Decimal
	}{{"rent per hour", m.RentPerHour}, {"purchase price", m.Purchase}, {"watts", m.Watts}, {"price of power", m.USDPerKWh}, {"other cost per year", m.OtherPerYear}} {
		if f.value.IsNegative() {
			return Hourly{}, fmt.Errorf("machine %s %s: negative", f.name, f.value)
		}
	}
	rented, bought := m.RentPerHour.IsPositive(), m.Purchase.IsPositive()
	switch {
	case rented && bought:
		return Hourly{}, errors.New("machine is both rented and bought: give one price")
	case !rented && !bought:
		return Hourly{}, errors.New("machine has no price: give a rent per hour or a purchase price")
	}
	var h Hourly
	source := m.Source
	if source == "" {
		source = "an assumption, not a quotation"
	}
	if rented {
		h.USD = m.RentPerHour
		h.Assumptions = append(h.Assumptions, fmt.Sprintf("machine: $%s per hour (%s)", m.RentPerHour, source))
	} else {
		life := m.Life
		if life == 0 {
			life = defaultLife
		}
		if life < time.Hour {
			return Hourly{}, fmt.Errorf("machine life %s: want at least an hour", life)
		}
		hours := decimal.NewFromFloat(life.Hours())
		power := m.Watts.Mul(m.USDPerKWh).Shift(-3)
		other := m.OtherPerYear.DivRound(decimal.NewFromInt(HoursPerYear), precision)
		h.USD = m.Purchase.DivRound(hours, precision).Add(power).Add(other)
		h.Assumptions = append(h.Assumptions, fmt.Sprintf("machine: bought for $%s (%s), written off evenly over %.1f years", m.Purchase, source, life.Hours()/HoursPerYear))
		if power.IsPositive() {
			h.Assumptions = append(h.Assumptions, fmt.Sprintf("power: %s W at $%s per kWh, drawn in every hour", m.Watts, m.USDPerKWh))
		} else {
			h.Assumptions = append(h.Assumptions, "power: not counted, because no watts and price of power were given")
		}
		if other.IsPositive() {
			h.Assumptions = append(h.Assumptions, fmt.Sprintf("other costs: $%s per year", m.OtherPerYear))
		}
	}
	h.USD = h.USD.DivRound(share, precision)
	h.Assumptions = append(h.Assumptions, fmt.Sprintf("utilisation: %s%% of the paid hours do wanted work", share.Shift(2)))
	return h, nil
}

// PerMillion is the cost of a million tokens at a rate of tokens per second:
// cost per hour ÷ (rate × 3600) × 10⁶.
func (h Hourly) PerMillion(tokensPerSecond float64) (decimal.Decimal, error) {
	if !(tokensPerSecond > 0) || tokensPerSecond > 1e15 {
		return decimal.Decimal{}, fmt.Errorf("cost per million tokens at %v tokens/s: undefined", tokensPerSecond)
	}
	return h.USD.Shift(6).DivRound(decimal.NewFromFloat(tokensPerSecond).Mul(decimal.NewFromInt(3600)), precision), nil
}

// For is the cost of d of the machine's time.
func (h Hourly) For(d time.Duration) decimal.Decimal {
	return h.USD.Mul(decimal.NewFromInt(int64(d))).DivRound(decimal.NewFromInt(int64(time.Hour)), precision+6)
}

// BreakEven is how many tasks a month make a fixed monthly cost pay, against an API price
// per task: fixed ÷ (API − own marginal cost). It is an error when own tasks cost no less,
// or when the number is beyond capacity, the tasks a month the machine can do.
func BreakEven(fixedPerMonth, apiPerTask, ownPerTask decimal.Decimal, capacity float64) (decimal.Decimal, error) {
	saved := apiPerTask.Sub(ownPerTask)
	if !saved.IsPositive() {
		return decimal.Decimal{}, fmt.Errorf("no break-even: a task costs $%s here and $%s by API", ownPerTask, apiPerTask)
	}
	n := fixedPerMonth.DivRound(saved, 0)
	if n.InexactFloat64() > capacity {
		return decimal.Decimal{}, fmt.Errorf("no break-even: it would take %s tasks a month, and the machine can do %.0f", n, capacity)
	}
	return n, nil
}
