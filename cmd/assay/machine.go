package main

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/pricing/tco"
)

// assumedPerCore is what an hour of one core is taken to cost in US dollars when nobody says
// otherwise: the order of what clouds charge for a core with its memory. It is printed as the
// assumption it is with every figure that rests on it.
const assumedPerCore = "0.04"

// machineFlags say how the machine is paid for.
type machineFlags struct {
	rent, purchase, watts, kwh, other, utilisation string
	lifeYears                                      float64
	source                                         string
}

func (m *machineFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.rent, "machine-usd-per-hour", "", "rent of this machine (default: assumed $"+assumedPerCore+" per usable core)")
	f.StringVar(&m.purchase, "machine-purchase-usd", "", "purchase price of this machine, instead of a rent")
	f.Float64Var(&m.lifeYears, "machine-life-years", 3, "years over which the purchase is written off")
	f.StringVar(&m.watts, "machine-watts", "", "power the bought machine draws on average")
	f.StringVar(&m.kwh, "usd-per-kwh", "", "price of that power")
	f.StringVar(&m.other, "machine-other-usd-per-year", "", "other yearly costs of the bought machine")
	f.StringVar(&m.utilisation, "utilisation", "", "share of the paid hours that do wanted work, such as 0.4 (default 1)")
	f.StringVar(&m.source, "machine-price-source", "", "where the machine's price comes from")
}

// hourly is what an hour of the machine costs, with its assumptions.
func (m *machineFlags) hourly(host hardware.Host) (*tco.Hourly, error) {
	machine := tco.Machine{Life: time.Duration(m.lifeYears * tco.HoursPerYear * float64(time.Hour)), Source: m.source}
	for _, f := range []struct {
		flag, text string
		to         *decimal.Decimal
	}{
		{"machine-usd-per-hour", m.rent, &machine.RentPerHour},
		{"machine-purchase-usd", m.purchase, &machine.Purchase},
		{"machine-watts", m.watts, &machine.Watts},
		{"usd-per-kwh", m.kwh, &machine.USDPerKWh},
		{"machine-other-usd-per-year", m.other, &machine.OtherPerYear},
		{"utilisation", m.utilisation, &machine.Utilisation},
	} {
		if f.text == "" {
			continue
		}
		d, err := decimal.NewFromString(f.text)
		if err != nil || len(f.text) > 20 {
			return nil, usagef("--%s %q: want a number", f.flag, f.text)
		}
		*f.to = d
	}
	if m.rent == "" && m.purchase == "" {
		if host.CPU.Usable < 1 {
			return nil, fmt.Errorf("the number of usable cores is unknown: give --machine-usd-per-hour")
		}
		machine.RentPerHour = decimal.RequireFromString(assumedPerCore).Mul(decimal.NewFromInt(int64(host.CPU.Usable)))
		machine.Source = fmt.Sprintf("an assumption, not a quotation: $%s per core for %d cores", assumedPerCore, host.CPU.Usable)
	}
	h, err := machine.PerHour()
	if err != nil {
		return nil, usageError{err}
	}
	return &h, nil
}
