package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads what String writes: "closed:4", "constant:2", "poisson:2.5" or "poisson:2.5:7"
// (seed 7; left out, it is seed), "at-once", "replay:0s,1.5s,2s".
func Parse(text string, seed uint64) (Pattern, error) {
	name, rest, has := strings.Cut(text, ":")
	bad := func(why string) error { return fmt.Errorf("%w: %q: %s", ErrPattern, text, why) }
	var p Pattern
	switch name {
	case "closed":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 {
			return Pattern{}, bad("want closed:N, N askers, 1 or more")
		}
		p = Closed(n)
	case "constant":
		rate, err := strconv.ParseFloat(rest, 64)
		if err != nil {
			return Pattern{}, bad("want constant:RATE, requests per second")
		}
		p = Constant(rate)
	case "poisson":
		rateText, seedText, seeded := strings.Cut(rest, ":")
		rate, err := strconv.ParseFloat(rateText, 64)
		if err != nil {
			return Pattern{}, bad("want poisson:RATE or poisson:RATE:SEED, requests per second")
		}
		if seeded {
			if seed, err = strconv.ParseUint(seedText, 10, 64); err != nil {
				return Pattern{}, bad("the seed is no number from 0")
			}
		}
		p = Poisson(rate, seed)
	case "at-once":
		if has {
			return Pattern{}, bad("at-once takes nothing")
		}
		p = AtOnce()
	case "replay":
		var times []time.Duration
		for part := range strings.SplitSeq(rest, ",") {
			t, err := time.ParseDuration(strings.TrimSpace(part))
			if err != nil {
				return Pattern{}, bad(fmt.Sprintf("%q is no duration", part))
			}
			times = append(times, t)
		}
		p = Replay(times)
	default:
		return Pattern{}, bad("want closed, constant, poisson, at-once or replay")
	}
	return p, p.Validate()
}
