package chart

import (
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// Costs beyond these are on no axis: they are mistakes, and logarithms of ranges like theirs overflow.
const (
	minCost = 1e-12
	maxCost = 1e12
)

func drawable(cost float64) bool { return cost >= minCost && cost <= maxCost }

// money writes an amount in dollars for an axis: as many decimals as it needs, at least two
// below a dollar.
func money(v float64) string {
	switch {
	case v >= 1e6 || v < 1e-6:
		return "$" + strings.NewReplacer("e-0", "e-", "e+0", "e+").Replace(strconv.FormatFloat(v, 'g', 3, 64))
	case v >= 1 && v == math.Trunc(v):
		return "$" + humanize.Comma(int64(v))
	case v >= 1:
		return "$" + humanize.FormatFloat("#,###.##", v)
	}
	// The decimals that show two figures, less trailing zeros.
	s := strconv.FormatFloat(v, 'f', int(math.Ceil(-math.Log10(v)))+1, 64)
	s = strings.TrimRight(s, "0")
	for len(s) < len("0.00") {
		s += "0"
	}
	return "$" + s
}

// costTicks returns the ticks of a logarithmic axis over [lo, hi], lo > 0: of the usual series the
// densest whose labels have room on length points of axis, and at least two ticks.
func costTicks(lo, hi float64, length vg.Length) []plot.Tick {
	const room = 42 // points from label to label
	perDecade := float64(length) / math.Log10(hi/lo)
	for _, series := range [][]float64{{1, 1.5, 2, 3, 4, 5, 7}, {1, 2, 3, 5}, {1, 2, 5}, {1, 3}, {1}} {
		gap := math.Inf(1)
		for i, m := range series {
			next := 10 * series[0]
			if i+1 < len(series) {
				next = series[i+1]
			}
			gap = min(gap, perDecade*math.Log10(next/m))
		}
		step := 1 // decades
		if gap < room {
			if len(series) > 1 {
				continue
			}
			step = int(math.Ceil(room / gap))
		}
		var ticks []plot.Tick
		for e := int(math.Floor(math.Log10(lo))); float64(e) <= math.Log10(hi); e++ {
			if e%step != 0 {
				continue
			}
			for _, m := range series {
				// By way of text, since m·10^e is not always the nearest number to itself.
				v, err := strconv.ParseFloat(strconv.FormatFloat(m, 'f', -1, 64)+"e"+strconv.Itoa(e), 64)
				if err == nil && v >= lo && v <= hi {
					ticks = append(ticks, plot.Tick{Value: v, Label: money(v)})
				}
			}
		}
		if len(ticks) >= 2 {
			return ticks
		}
	}
	return []plot.Tick{{Value: lo, Label: money(lo)}, {Value: hi, Label: money(hi)}}
}

// costRange returns a range around positive costs with a margin, at least a factor of ten wide.
func costRange(costs []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range costs {
		lo, hi = min(lo, c), max(hi, c)
	}
	if wide := hi / lo; wide < 10 {
		grow := math.Sqrt(10 / wide)
		lo, hi = lo/grow, hi*grow
	}
	margin := math.Pow(hi/lo, 0.05)
	return lo / margin, hi * margin
}

// shareRange returns a range of percent that holds [lo, hi], within [0, 100] and at least 20
// wide, and the distance of its ticks.
func shareRange(lo, hi float64) (from, to, step float64) {
	from, to = max(0, 10*math.Floor((lo-2)/10)), min(100, 10*math.Ceil((hi+2)/10))
	if to-from < 20 {
		from, to = max(0, from-10), min(100, to+10)
	}
	switch span := to - from; {
	case span > 60:
		step = 20
	case span > 30:
		step = 10
	default:
		step = 5
	}
	return step * math.Floor(from/step), to, step
}
