package generate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// longContextFamilies lists the tasks of the long-context pack. They differ in what has to be
// found; levels differ in how long the context is, and for gather and trace in how much is asked.
func longContextFamilies() []Family {
	depths := []float64{0, 0.25, 0.5, 0.75, 1}
	f := func(name, title string, answer Answer, weight float64, make func(*rand.Rand, int, Params) (Item, error)) Family {
		return Family{
			Pack: "long-context", Name: name, Title: title, MinLevel: 1, MaxLevel: 6, Answer: answer,
			Depths: depths, Lengths: contextLengths, weight: weight, make: make,
		}
	}
	return []Family{
		f("kv", "the value of one key among records", Number, 2, makeKV),
		f("gather", "the values of several keys among records", Values, 1, makeGather),
		f("needle", "one sentence with a number among sentences without", Number, 1, makeNeedle),
		f("trace", "the value of a variable behind a chain of assignments", Number, 1.5, makeTrace),
	}
}

// contextLengths doubles twice a level: 64 and 128 tokens at level 1, 64k and 128k at level 6.
func contextLengths(level int) []int {
	n := 64 << (2 * (level - 1))
	return []int{n, 2 * n}
}

func makeKV(rng *rand.Rand, level int, p Params) (Item, error) {
	return lookup(rng, level, p, 1, func(asked []record) QA {
		return QA{question("What is the value of %s?", asked[0].key), asked[0].value}
	})
}

func makeGather(rng *rand.Rand, level int, p Params) (Item, error) {
	return lookup(rng, level, p, level+1, func(asked []record) QA {
		keys, values := make([]string, len(asked)), make([]string, len(asked))
		for i, r := range asked {
			keys[i], values[i] = r.key, r.value
		}
		last := len(keys) - 1
		return QA{
			question("What are the values of %s and %s?", strings.Join(keys[:last], ", "), keys[last]),
			strings.Join(values, ", "),
		}
	})
}

// lookup makes a list of records of which k are asked for.
func lookup(rng *rand.Rand, level int, p Params, k int, ask func([]record) QA) (Item, error) {
	source := newRecords(rng, level)
	depths := make([]float64, k)
	for i := range depths {
		depths[i] = rng.Float64()
	}
	if !p.train {
		depths[0] = p.Depth
	}
	least := max(4, k+2)
	head, err := source.first(least)
	if err != nil {
		return Item{}, err
	}
	it := Item{Canonical: recordText(head)}
	qa := ask(head[:k])
	it.Target = qa.Target
	n, err := it.fit(level, p, least, func(n int) (string, error) {
		rs, err := source.first(n)
		if err != nil {
			return "", err
		}
		return recordPieces(rs, depths) + "\n" + qa.Prompt, nil
	})
	if err != nil {
		return Item{}, err
	}
	rs, err := source.first(n)
	if err != nil {
		return Item{}, err
	}
	for range p.extra {
		asked := make([]record, k)
		for i, j := range rng.Perm(n)[:k] {
			asked[i] = rs[j]
		}
		it.Extra = append(it.Extra, ask(asked))
	}
	return it, nil
}

// makeNeedle hides "The secret number of the moon is 47." among sentences without a number. In training there
// may be several, so that the name matters.
func makeNeedle(rng *rand.Rand, level int, p Params) (Item, error) {
	filler := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
	var sentences []string
	first := func(n int) []string {
		for len(sentences) < n {
			sentences = append(sentences, sentence(filler))
		}
		return sentences[:n]
	}
	var needles []placed
	var qas []QA
	for i, k := range rng.Perm(len(nouns))[:1+p.extra] {
		value := strconv.Itoa(between(rng, 10, 99))
		at := rng.Float64()
		if i == 0 && !p.train {
			at = p.Depth
		}
		needles = append(needles, placed{end(at), fmt.Sprintf("The secret number of the %s is %s.", nouns[k], value)})
		qas = append(qas, QA{question("What is the secret number of the %s?", nouns[k]), value})
	}
	render := func(n int, tail string) string {
		ps := slices.Clone(needles)
		for i, s := range first(n) {
			ps = append(ps, placed{(float64(i) + 0.5) / float64(n), s + tail})
			tail = ""
		}
		return place(ps, " ") + "\n" + qas[0].Prompt
	}
	it := Item{
		Canonical: needles[0].text + " " + strings.Join(first(2), " "),
		Target:    qas[0].Target,
		Extra:     qas[1:],
	}
	if _, err := it.fit(level, p, 2, func(n int) (string, error) { return render(n, ""), nil }, func(n int) []string {
		// Sentences are long beside a context of 64 tokens: short ones fill the gap.
		var more []string
		for _, tail := range []string{" It is so.", " It is not so today.", " So it is said, and it may be true."} {
			more = append(more, render(n, tail), render(n-1, tail))
		}
		return more
	}); err != nil {
		return Item{}, err
	}
	return it, nil
}

func sentence(rng *rand.Rand) string {
	switch rng.IntN(4) {
	case 0:
		return fmt.Sprintf("The %s is %s.", pick(rng, nouns), pick(rng, colours))
	case 1:
		return fmt.Sprintf("The %s %s is near the %s.", pick(rng, sizes), pick(rng, nouns), pick(rng, nouns))
	case 2:
		return fmt.Sprintf("There is a %s %s by the %s.", pick(rng, colours), pick(rng, nouns), pick(rng, nouns))
	default:
		return fmt.Sprintf("%s saw the %s.", pick(rng, people), pick(rng, nouns))
	}
}

// makeTrace asks for the variable at the end of a chain: moon = 42, sun = moon, ... with as many
// copies as the level says; the other chains are made alike.
func makeTrace(rng *rand.Rand, level int, p Params) (Item, error) {
	links := level + 1
	source := newRecords(rng, level)
	depth := p.Depth
	if p.train {
		depth = rng.Float64()
	}
	places := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
	var at []float64 // of each statement; those of a chain rise
	chains := func(n int) ([]record, error) {
		rs, err := source.first(n)
		for len(at) < n {
			lo := 0.0
			if len(at) == 0 {
				lo = depth
			}
			chain := make([]float64, links)
			for i := range chain {
				chain[i] = lo + (1-lo)*places.Float64()
			}
			slices.Sort(chain)
			if len(at) == 0 {
				chain[0] = end(depth)
				if depth == 1 {
					for i := range chain {
						chain[i] = end(1)
					}
				}
			}
			at = append(at, chain...)
		}
		return rs, err
	}
	value := func(rs []record, i int) string { return rs[i-i%links].value }
	ask := func(rs []record, i int) QA {
		return QA{question("What is the value of %s?", rs[i].key), value(rs, i)}
	}
	least := 2 * links
	head, err := chains(least)
	if err != nil {
		return Item{}, err
	}
	var names []string
	for i, r := range head {
		names = append(names, r.key)
		if i%links == 0 {
			names = append(names, r.value)
		}
	}
	qa := ask(head, links-1)
	it := Item{Canonical: "chains " + strings.Join(names, " "), Target: qa.Target}
	n, err := it.fit(level, p, least, func(n int) (string, error) {
		rs, err := chains(n)
		if err != nil {
			return "", err
		}
		ps := make([]placed, n)
		for i, r := range rs {
			ps[i] = placed{at[i], r.key + " = " + r.value}
			if i%links > 0 {
				ps[i].text = r.key + " = " + rs[i-1].key
			}
		}
		return place(ps, "\n") + "\n" + qa.Prompt, nil
	})
	if err != nil {
		return Item{}, err
	}
	rs, err := chains(n)
	if err != nil {
		return Item{}, err
	}
	for range p.extra {
		it.Extra = append(it.Extra, ask(rs, rng.IntN(n)))
	}
	return it, nil
}
