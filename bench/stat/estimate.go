// Package stat turns measurements into estimates that say how sure they are.
//
// Every estimate carries a value, an interval, the number of observations behind it and
// the doubts about it. Nothing here knows what was measured: values, groups and counts come
// in as slices and numbers, so the package can be checked by simulation alone.
//
// # Caveats
//
// A value that the data do not define is NaN, and an end of an interval that they do not
// bound is infinite: ask Defined before computing with it. Intervals assume that groups
// (see ClusterMean) are independent of one another. All functions are pure and safe for
// concurrent use; none keeps or changes a slice it is given.
package stat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Estimate is a value with its interval. Units are those of the data.
type Estimate struct {
	Value      float64 // NaN: the data do not define it
	Lo, Hi     float64 // the interval, both ends included; infinite: not bounded by the data
	N          int     // observations
	Confidence float64 // of the interval, in (0, 1)
	Warnings   []error // what to doubt about it
}

// Doubts that Estimate.Warnings wraps.
var (
	ErrEmpty      = errors.New("no observations")
	ErrFew        = errors.New("too few observations for a bounded interval")
	ErrDegenerate = errors.New("all observations are equal: the interval has no width")
	ErrUndefined  = errors.New("undefined: the denominator is zero")
	ErrReplicates = errors.New("some bootstrap replicates were undefined")
)

// Defined says whether the estimate has a value.
func (e Estimate) Defined() bool { return !math.IsNaN(e.Value) }

// Half is half the width of the interval; infinite where an end is not bounded.
func (e Estimate) Half() float64 { return (e.Hi - e.Lo) / 2 }

// Scale returns e with value and interval multiplied by f: a change of unit. A negative f
// swaps the ends.
func (e Estimate) Scale(f float64) Estimate {
	e.Value, e.Lo, e.Hi = e.Value*f, e.Lo*f, e.Hi*f
	if f < 0 {
		e.Lo, e.Hi = e.Hi, e.Lo
	}
	return e
}

// String writes "value [lo, hi] n=…", each number with four significant digits.
func (e Estimate) String() string {
	value := "undefined"
	if e.Defined() {
		value = number(e.Value)
	}
	return fmt.Sprintf("%s [%s, %s] n=%d", value, number(e.Lo), number(e.Hi), e.N)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// MarshalJSON writes null for what is undefined or unbounded, which JSON has no numbers for,
// and warnings as their texts.
func (e Estimate) MarshalJSON() ([]byte, error) {
	finite := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	warnings := make([]string, 0, len(e.Warnings))
	for _, w := range e.Warnings {
		warnings = append(warnings, w.Error())
	}
	return json.Marshal(struct {
		Value      *float64 `json:"value"`
		Lo         *float64 `json:"lo"`
		Hi         *float64 `json:"hi"`
		N          int      `json:"n"`
		Confidence float64  `json:"confidence"`
		Warnings   []string `json:"warnings,omitempty"`
	}{finite(e.Value), finite(e.Lo), finite(e.Hi), e.N, e.Confidence, warnings})
}

// unknown is the estimate of nothing: undefined, bounded by nothing.
func unknown(n int, conf float64, why ...error) Estimate {
	return Estimate{Value: math.NaN(), Lo: math.Inf(-1), Hi: math.Inf(1), N: n, Confidence: conf, Warnings: why}
}

// mustConfidence panics unless conf lies in (0, 1): a bad call, not bad data.
func mustConfidence(conf float64) {
	if !(conf > 0 && conf < 1) {
		panic(fmt.Sprintf("stat: confidence %v is outside (0, 1)", conf))
	}
}

// mustPair panics unless two slices that run side by side have one length.
func mustPair(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("stat: %s: lengths %d and %d differ", what, a, b))
	}
}
