// Package load says when work is sent.
//
// A Pattern is either closed (a fixed number of askers, each sending its next request when its
// last is answered) or open (requests are due at set times, whether or not earlier ones are
// answered). Drive calls a function at those times. Under an open pattern latency counts from
// when a request was due, not from when the sender got round to it: an overloaded system that
// delays its own senders would otherwise look fast.
package load

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Pattern is when requests are due. The zero value is Closed(1).
type Pattern struct {
	kind   kind
	askers int             // closed
	perSec float64         // constant, poisson
	seed   uint64          // poisson
	times  []time.Duration // replay, ascending
}

type kind int

const (
	closed kind = iota
	constant
	poisson
	atOnce
	replay
)

// Closed keeps n requests under way at all times; 0 means 1.
func Closed(n int) Pattern { return Pattern{kind: closed, askers: n} }

// Constant sends a request every 1/perSec seconds, the first at once.
func Constant(perSec float64) Pattern { return Pattern{kind: constant, perSec: perSec} }

// Poisson sends requests at random, perSec on average: gaps are independent and exponential, the
// first included. The same seed gives the same times.
func Poisson(perSec float64, seed uint64) Pattern {
	return Pattern{kind: poisson, perSec: perSec, seed: seed}
}

// AtOnce sends everything at the start: MLPerf's offline scenario.
func AtOnce() Pattern { return Pattern{kind: atOnce} }

// Replay sends requests at recorded times since the start, and none after the last.
func Replay(times []time.Duration) Pattern { return Pattern{kind: replay, times: slices.Clone(times)} }

// ErrPattern is wrapped by what Validate returns.
var ErrPattern = errors.New("no load pattern")

// Rates beyond this are below the clock's own cost per request.
const maxRate = 1e6

// Validate says what is wrong with a pattern.
func (p Pattern) Validate() error {
	switch p.kind {
	case closed:
		if p.askers < 0 {
			return fmt.Errorf("%w: closed by %d askers: want 0 or more", ErrPattern, p.askers)
		}
	case constant, poisson:
		if !(p.perSec > 0 && p.perSec <= maxRate) {
			return fmt.Errorf("%w: %v requests per second: want more than 0, at most %.0f", ErrPattern, p.perSec, float64(maxRate))
		}
	case replay:
		if len(p.times) == 0 {
			return fmt.Errorf("%w: replay of no times", ErrPattern)
		}
		for i, t := range p.times {
			if t < 0 || i > 0 && t < p.times[i-1] {
				return fmt.Errorf("%w: replay time %d is %v: want ascending times from 0", ErrPattern, i, t)
			}
		}
	}
	return nil
}

// Open says whether requests are due at set times.
func (p Pattern) Open() bool { return p.kind != closed }

// Askers is how many requests a closed pattern keeps under way; 0 for an open one.
func (p Pattern) Askers() int {
	if p.kind != closed {
		return 0
	}
	return max(1, p.askers)
}

// Due yields the times, since the start, at which requests of an open pattern are due: without
// end, but for Replay. A closed pattern has no such times and yields none.
func (p Pattern) Due() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		switch p.kind {
		case constant:
			for i := 0; ; i++ {
				// From the index, not by adding up: rounding must not drift.
				if !yield(seconds(float64(i) / p.perSec)) {
					return
				}
			}
		case poisson:
			rng := rand.New(rand.NewPCG(p.seed, 0x706f6973736f6e))
			at := 0.0
			for {
				at += rng.ExpFloat64() / p.perSec
				if !yield(seconds(at)) {
					return
				}
			}
		case atOnce:
			for yield(0) {
			}
		case replay:
			for _, t := range p.times {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// seconds rounds to the nanosecond; times past the year 2262 stay at the end of the range.
func seconds(s float64) time.Duration {
	ns := math.Round(s * 1e9)
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// String names the pattern as Parse reads it: "closed:4", "poisson:2.5:7".
func (p Pattern) String() string {
	switch p.kind {
	case constant:
		return fmt.Sprintf("constant:%v", p.perSec)
	case poisson:
		return fmt.Sprintf("poisson:%v:%d", p.perSec, p.seed)
	case atOnce:
		return "at-once"
	case replay:
		texts := make([]string, len(p.times))
		for i, t := range p.times {
			texts[i] = t.String()
		}
		return "replay:" + strings.Join(texts, ",")
	}
	return fmt.Sprintf("closed:%d", p.Askers())
}
