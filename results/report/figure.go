package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/results/board"
)

// What stands for a figure that is not there.
const (
	Undefined = "–"       // the data define no value
	Unknown   = "unknown" // there are no data
)

// Figure writes an estimate times scale, to as many digits as its interval supports; one without a
// width gets three significant digits. An undefined one that is bounded below is written with
// that bound, rounded down: "– (>0.0031)".
func Figure(e *stat.Estimate, scale float64) string {
	if e == nil {
		return Unknown
	}
	v := e.Scale(scale)
	return figure(v, digits(v))
}

// LowerBound writes the lower end of an estimate's interval times scale, rounded down to two
// significant digits; "" where it is unknown or not above zero.
func LowerBound(e *stat.Estimate, scale float64) string {
	if e == nil || !(e.Lo*scale > 0) || math.IsInf(e.Lo, 0) {
		return ""
	}
	x := e.Lo * scale
	d := 1 - exponent(x)
	p := math.Pow10(d)
	return decimals(math.Floor(x*p)/p, d)
}

// Percent writes a share in percent as Figure does, but never rounded to tens.
func Percent(e *stat.Estimate) string {
	if e == nil {
		return Unknown
	}
	v := e.Scale(100)
	return figure(v, max(0, supported(v)))
}

func figure(v stat.Estimate, d int) string {
	if !v.Defined() {
		if bound := LowerBound(&v, 1); bound != "" {
			return Undefined + " (>" + bound + ")"
		}
		return Undefined
	}
	return decimals(v.Value, d)
}

// PercentInterval writes the interval of a share in percent: "[52, 71]".
func PercentInterval(e *stat.Estimate) string {
	if e == nil {
		return Unknown
	}
	v := e.Scale(100)
	if !v.Defined() {
		return Undefined
	}
	d := max(0, supported(v))
	end := func(x float64) string {
		switch {
		case math.IsInf(x, 1):
			return "∞"
		case math.IsInf(x, -1):
			return "−∞"
		}
		return strings.Replace(decimals(x, d), "-", "−", 1)
	}
	return "[" + end(v.Lo) + ", " + end(v.Hi) + "]"
}

// supported is how many decimals an estimate's interval supports; negative: tens or more. The
// half-width keeps two digits up to 35 and one above, as the Particle Data Group rounds errors
// (Review of Particle Physics, introduction, §5.3). Without a width it is three significant
// digits of the value.
func supported(e stat.Estimate) int {
	half := e.Half()
	if math.IsInf(half, 0) || math.IsNaN(half) { // one end may still be known
		half = min(math.Abs(e.Value-e.Lo), math.Abs(e.Hi-e.Value))
	}
	if !(half > 0) || math.IsInf(half, 0) {
		if e.Value == 0 {
			return 0
		}
		return 2 - exponent(e.Value)
	}
	d := -exponent(half)
	if half*math.Pow10(d) <= 3.5 {
		d++
	}
	return d
}

// digits is as supported, but keeps at least two significant digits of the value whatever
// its interval, and at most six.
func digits(e stat.Estimate) int {
	d := supported(e)
	if e.Value != 0 {
		d = min(max(d, 1-exponent(e.Value)), 5-exponent(e.Value))
	}
	return d
}

// exponent is the power of ten x begins at.
func exponent(x float64) int {
	if x == 0 {
		return 0
	}
	return int(math.Floor(math.Log10(math.Abs(x)) + 1e-12))
}

// decimals writes x with d decimals, thousands parted; a negative d rounds to tens and up.
func decimals(x float64, d int) string {
	if d < 0 {
		p := math.Pow10(-d)
		x, d = math.Round(x/p)*p, 0
	}
	s := strconv.FormatFloat(x, 'f', d, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	if whole, frac, _ := strings.Cut(s, "."); len(strings.TrimPrefix(whole, "-")) > 4 {
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			return s
		}
		s = humanize.Comma(n)
		if frac != "" {
			s += "." + frac
		}
	}
	return s
}

// signed writes a difference of shares in points, with its sign.
func signed(e stat.Estimate) string {
	s := strings.Replace(Percent(&e), "-", "−", 1)
	if e.Value > 0 {
		s = "+" + s
	}
	return s
}

// probability writes a p-value with two significant digits: "= 0.016", "< 0.0001".
func probability(p float64) string {
	if p < 0.0001 {
		return "< 0.0001"
	}
	if p > 0.1 {
		return "= " + strconv.FormatFloat(p, 'f', 2, 64)
	}
	return "= " + strconv.FormatFloat(p, 'f', 1-exponent(p), 64)
}

// Unit is a unit for the cost per correct answer.
type Unit struct {
	Scale float64 // correct answers
	Short string  // "$/1k correct"
	Per   string  // "per thousand correct answers"
}

// CorrectUnit returns the unit in which a board's costs per correct answer are readable: the
// least of one, a thousand and a million answers whose median cost is at least a tenth of a cent.
func CorrectUnit(b board.Board) Unit {
	units := []Unit{
		{1, "$/correct", "per correct answer"},
		{1e3, "$/1k correct", "per thousand correct answers"},
		{1e6, "$/1M correct", "per million correct answers"},
	}
	var costs []float64
	for _, r := range b.Rows {
		if e := r.PerCorrect; e != nil && e.Defined() && e.Value > 0 {
			costs = append(costs, e.Value)
		}
	}
	if len(costs) == 0 {
		return units[0]
	}
	slices.Sort(costs)
	for _, u := range units {
		if costs[len(costs)/2]*u.Scale >= 0.001 {
			return u
		}
	}
	return units[len(units)-1]
}
