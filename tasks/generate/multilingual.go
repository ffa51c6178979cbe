package generate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// multilingualFamilies lists the tasks of the multilingual pack. Each item exists in every
// language, with the same numbers; its canonical text is the same in all of them.
func multilingualFamilies() []Family {
	codes := make([]string, len(tongues))
	for i, t := range tongues {
		codes[i] = t.code
	}
	return []Family{
		{Pack: "multilingual", Name: "read", Title: "reading a number from a list of things", MinLevel: 1, MaxLevel: 5, Answer: Number, Languages: codes, weight: 1.5, make: makeRead},
		{Pack: "multilingual", Name: "sum", Title: "adding up what each day brought", MinLevel: 1, MaxLevel: 5, Answer: Number, Languages: codes, weight: 2, make: makeSum},
		{Pack: "multilingual", Name: "numeral", Title: "numbers in words, to be written in digits", MinLevel: 1, MaxLevel: 5, Answer: Numbers, Languages: codes, weight: 2, make: makeNumeral},
	}
}

// readShape[level] is how many people own how many kinds of things; from level 4 on the question
// is about all of them together.
var readShape = [...]struct{ people, things int }{1: {1, 3}, 2: {1, 8}, 3: {4, 6}, 4: {5, 8}, 5: {10, 12}}

func makeRead(rng *rand.Rand, level int, p Params) (Item, error) {
	t, err := tongueOf(p.Language)
	if err != nil {
		return Item{}, err
	}
	shape := readShape[level]
	kinds := rng.Perm(len(t.things))[:shape.things]
	asked := pick(rng, kinds)
	owner := rng.IntN(shape.people)
	var lines, canonical []string
	total, answer := 0, 0
	for i := range shape.people {
		var line, key []string
		for _, k := range kinds {
			n := between(rng, 1, 99)
			line = append(line, t.things[k].name+t.colon+strconv.Itoa(n))
			key = append(key, fmt.Sprintf("%d %d", k, n))
			if k == asked {
				total += n
				if i == owner {
					answer = n
				}
			}
		}
		slices.Sort(key)
		canonical = append(canonical, strings.Join(key, ","))
		text := strings.Join(line, t.comma)
		if shape.people > 1 {
			text = "[" + people[i] + "] " + text
		}
		lines = append(lines, text+t.stop)
	}
	prompt, what := t.things[asked].howMany, "one"
	switch {
	case level >= 4:
		prompt, what, answer = t.things[asked].inAll, "all", total
	case shape.people > 1:
		prompt, what = "["+people[owner]+"] "+prompt, "person "+strconv.Itoa(owner)
	}
	it := Item{
		Canonical: fmt.Sprintf("read %s of %d in %s", what, asked, strings.Join(canonical, ";")),
		Prompt:    question("%s%s%s", strings.Join(lines, t.space), t.space, prompt),
		Target:    strconv.Itoa(answer),
	}
	it.Group = it.Canonical
	return it, nil
}

// sumTerms[level] is how many days there are, sumTop[level] the largest number of one.
var (
	sumTerms = [...]int{1: 2, 2: 2, 3: 4, 4: 7, 5: 7}
	sumTop   = [...]int{1: 99, 2: 999, 3: 999, 4: 9999, 5: 99_999_999}
)

func makeSum(rng *rand.Rand, level int, p Params) (Item, error) {
	t, err := tongueOf(p.Language)
	if err != nil {
		return Item{}, err
	}
	thing := pick(rng, t.things[:])
	first := rng.IntN(len(t.days) - sumTerms[level] + 1)
	lo := sumTop[level] / 10
	if level == 1 {
		lo = 1
	}
	var parts []string
	var ns []int
	total := 0
	for i := range sumTerms[level] {
		n := between(rng, lo, sumTop[level])
		parts = append(parts, t.days[first+i]+t.colon+strconv.Itoa(n))
		ns = append(ns, n)
		total += n
	}
	slices.Sort(ns)
	canonical := make([]string, len(ns))
	for i, n := range ns {
		canonical[i] = strconv.Itoa(n)
	}
	it := Item{
		Canonical: strings.Join(canonical, " + "),
		Prompt:    question("%s%s%s%s", strings.Join(parts, t.comma), t.stop, t.space, thing.inAll),
		Target:    strconv.Itoa(total),
	}
	it.Group = it.Canonical
	return it, nil
}

// numeralShape[level]: how many numbers in [1, top]; at level 5 their sum is asked.
var numeralShape = [...]struct{ n, top int }{1: {2, 99}, 2: {2, 999}, 3: {4, 9999}, 4: {12, 9999}, 5: {12, 9999}}

func makeNumeral(rng *rand.Rand, level int, p Params) (Item, error) {
	t, err := tongueOf(p.Language)
	if err != nil {
		return Item{}, err
	}
	shape := numeralShape[level]
	var words, figures, canonical []string
	total := 0
	for range shape.n {
		n := between(rng, 1, shape.top)
		total += n
		words = append(words, t.numeral(n))
		figures = append(figures, strconv.Itoa(n))
		canonical = append(canonical, fmt.Sprintf("%04d", n))
	}
	slices.Sort(canonical)
	ask, target, what := t.inDigits, strings.Join(figures, ", "), "digits of "
	if level == 5 {
		ask, target, what = t.sumInDigits, strconv.Itoa(total), "sum of words "
	}
	it := Item{
		Canonical: what + strings.Join(canonical, " "),
		Prompt:    question("%s%s%s", ask, t.colon, strings.Join(words, t.comma)),
		Target:    target,
	}
	it.Group = it.Canonical
	return it, nil
}

func tongueOf(code string) (*tongue, error) {
	for i := range tongues {
		if tongues[i].code == code {
			return &tongues[i], nil
		}
	}
	return nil, fmt.Errorf("language %q is not among the multilingual pack's", code)
}
