package tco

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func TestPerHour(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine Machine
		want    string
		says    string
	}{
		{"rented", Machine{RentPerHour: d("0.08")}, "0.08", "$0.08 per hour (an assumption"},
		{"rented, half used", Machine{RentPerHour: d("0.08"), Utilisation: d("0.5")}, "0.16", "utilisation: 50%"},
		// 8766 × 3 hours at $1 an hour, 500 W at $0.20 per kWh = $0.10 an hour.
		{"bought", Machine{Purchase: d("26298"), Watts: d("500"), USDPerKWh: d("0.2")}, "1.1", "over 3.0 years"},
		{"bought, one year", Machine{Purchase: d("8766"), Life: HoursPerYear * time.Hour, OtherPerYear: d("4383")}, "1.5", "power: not counted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := c.machine.PerHour()
			if err != nil {
				t.Fatal(err)
			}
			if !h.USD.Equal(d(c.want)) || !strings.Contains(strings.Join(h.Assumptions, "; "), c.says) {
				t.Errorf("PerHour() = %s, %q; want %s, saying %q", h.USD, h.Assumptions, c.want, c.says)
			}
		})
	}
}

func TestPerHourRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine Machine
		want    string
	}{
		{"no price", Machine{}, "no price"},
		{"two prices", Machine{RentPerHour: d("1"), Purchase: d("1")}, "both rented and bought"},
		{"negative", Machine{RentPerHour: d("-1")}, "negative"},
		{"over-used", Machine{RentPerHour: d("1"), Utilisation: d("1.5")}, "utilisation"},
		{"no life", Machine{Purchase: d("1"), Life: time.Second}, "life"},
	} {
		if _, err := c.machine.PerHour(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", c.name, err, c.want)
		}
	}
}

func TestRates(t *testing.T) {
	h := Hourly{USD: d("3.6")}
	if got, err := h.PerMillion(1000); err != nil || !got.Equal(d("1")) {
		t.Errorf("PerMillion(1000) at $3.60 an hour = %s, %v; want 1", got, err)
	}
	for _, rate := range []float64{0, -1, 1e300} {
		if got, err := h.PerMillion(rate); err == nil {
			t.Errorf("PerMillion(%v) = %s; want an error", rate, got)
		}
	}
	if got := h.For(500 * time.Millisecond); !got.Equal(d("0.0005")) {
		t.Errorf("For(0.5 s) = %s; want 0.0005", got)
	}
}

func TestBreakEven(t *testing.T) {
	if n, err := BreakEven(d("100"), d("0.03"), d("0.01"), 1e6); err != nil || !n.Equal(d("5000")) {
		t.Errorf("BreakEven = %s, %v; want 5000", n, err)
	}
	if _, err := BreakEven(d("100"), d("0.01"), d("0.01"), 1e6); err == nil {
		t.Error("no saving: want an error")
	}
	if _, err := BreakEven(d("100"), d("0.03"), d("0.01"), 100); err == nil {
		t.Error("beyond capacity: want an error")
	}
}
