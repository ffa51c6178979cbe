package generate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// storySteps[level] is how many things happen; storyTop[level] is the largest number at the start.
var (
	storySteps = [...]int{1: 1, 2: 2, 3: 4, 4: 8, 5: 16}
	storyTop   = [...]int{1: 99, 2: 99, 3: 400, 4: 5000, 5: 90000}
)

// makeStory tells what becomes of somebody's things. One step is a sum or a difference in
// disguise, and shares its canonical text with it.
func makeStory(rng *rand.Rand, level int, _ Params) (Item, error) {
	name, thing := pick(rng, people), pick(rng, things)
	top := storyTop[level]
	have := between(rng, 1, top)
	var b strings.Builder
	fmt.Fprintf(&b, "%s has %d %s.", name, have, thing)
	canonical := strconv.Itoa(have)
	for range storySteps[level] {
		n := between(rng, 1, top)
		kind := rng.IntN(2)
		if level >= 3 {
			kind = rng.IntN(5)
		}
		if kind == 1 && have == 0 || kind == 4 && have < 40 {
			kind = 0
		}
		switch kind {
		default: // more
			verb := pick(rng, []string{"gets", "buys", "finds"})
			fmt.Fprintf(&b, " %s %s %d more.", name, verb, n)
			if level == 1 {
				canonical = sumText(canonical, strconv.Itoa(n))
			} else {
				canonical += fmt.Sprintf(", + %d", n)
			}
			have += n
		case 1: // fewer
			if n > have {
				if level == 1 {
					// The larger number first, so that small differences are as frequent as in subtract.
					have, n = n, have
					b.Reset()
					fmt.Fprintf(&b, "%s has %d %s.", name, have, thing)
					canonical = strconv.Itoa(have)
				} else {
					n = 1 + n%have
				}
			}
			verb := pick(rng, []string{"loses", "sells", "gives away"})
			fmt.Fprintf(&b, " %s %s %d.", name, verb, n)
			if level > 1 {
				canonical += ","
			}
			canonical += fmt.Sprintf(" - %d", n)
			have -= n
		case 2: // times
			k := between(rng, 2, 4)
			if have > 1_000_000_000 {
				k = 1
			}
			fmt.Fprintf(&b, " The number of %s is then multiplied by %d.", thing, k)
			canonical += fmt.Sprintf(", * %d", k)
			have *= k
		case 3: // half
			if have%2 == 1 {
				fmt.Fprintf(&b, " %s finds one more.", name)
				canonical += ", + 1"
				have++
			}
			fmt.Fprintf(&b, " %s keeps half of them.", name)
			canonical += ", / 2"
			have /= 2
		case 4: // share
			k := between(rng, 2, 9)
			each := have / k / 2
			fmt.Fprintf(&b, " %s gives %d %s to each of %d friends.", name, each, thing, k)
			canonical += fmt.Sprintf(", - %d * %d", each, k)
			have -= each * k
		}
	}
	return Item{
		Canonical: canonical,
		Prompt:    question("%s How many %s does %s have now?", b.String(), thing, name),
		Target:    strconv.Itoa(have),
	}, nil
}

var people = []string{"Tom", "Anna", "Ben", "Mia", "Sam", "Eva", "Max", "Ida", "Leo", "Zoe"}

var things = []string{"apples", "books", "cards", "coins", "pens", "stamps", "shells", "balls"}
