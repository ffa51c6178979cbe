package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// record is one line "key: value" or, in programs, "key = value".
type record struct{ key, value string }

// records makes an endless list of records with different keys; asking for more of them never changes
// those already made.
type records struct {
	rng   *rand.Rand
	level int
	perm  []int
	seen  map[int]bool
	list  []record
}

func newRecords(rng *rand.Rand, level int) *records {
	own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
	return &records{rng: own, level: level, perm: own.Perm(len(nouns)), seen: make(map[int]bool)}
}

// first returns the first n records. Keys have one word at levels 1 and 2, two at 3 and 4, then three, or more
// words where those run out.
func (r *records) first(n int) ([]record, error) {
	for len(r.list) < n {
		i := len(r.list)
		width := min(3, (r.level+1)/2)
		if width == 1 && i >= len(nouns) {
			width = 2
		}
		two, three := len(colours)*len(nouns), len(sizes)*len(colours)*len(nouns)
		if width == 2 && i >= two {
			width = 3
		}
		if i >= three {
			return nil, fmt.Errorf("%d records need more than the %d keys there are", n, three)
		}
		var key string
		switch width {
		case 1:
			key = nouns[r.perm[i]]
		case 2:
			k := r.unused(two)
			key = colours[k/len(nouns)] + " " + nouns[k%len(nouns)]
		default:
			// Numbered behind the two-word keys, so that both kinds share the set of used ones.
			k := r.unused(three)
			key = sizes[k/two] + " " + colours[k%two/len(nouns)] + " " + nouns[k%len(nouns)]
		}
		r.list = append(r.list, record{key, strconv.Itoa(between(r.rng, 10, 99))})
	}
	return r.list[:n], nil
}

func (r *records) unused(n int) int {
	k := r.rng.IntN(n)
	for r.seen[k] {
		k = (k + 1) % n
	}
	r.seen[k] = true
	return k
}

// placed is a piece of context and where it stands: pieces are put in the order of at.
type placed struct {
	at   float64
	text string
}

// place puts pieces in order, those of the same place in the order given.
func place(ps []placed, separator string) string {
	slices.SortStableFunc(ps, func(a, b placed) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.text
	}
	return strings.Join(texts, separator)
}

// end moves the two ends beyond all other places, which lie in (0, 1).
func end(depth float64) float64 {
	switch depth {
	case 0:
		return -1
	case 1:
		return 2
	}
	return depth
}

// recordPieces lays out n records: the first len(depths) of them at those depths, the others evenly.
func recordPieces(rs []record, depths []float64) string {
	ps := make([]placed, len(rs))
	for i, r := range rs {
		ps[i].text = r.key + ": " + r.value
		if i < len(depths) {
			ps[i].at = end(depths[i])
		} else {
			ps[i].at = (float64(i-len(depths)) + 0.5) / float64(len(rs)-len(depths))
		}
	}
	return place(ps, "\n")
}

// recordText is the canonical text of a list of records: its first ones, which are there at every length.
func recordText(rs []record) string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.key + "=" + r.value
	}
	slices.Sort(texts)
	return "records " + strings.Join(texts, ", ")
}

// fit sets the prompt to that of the size, counted in pieces of context and at least least, whose token count is nearest
// to the wanted one, and tries the variants that finer gives for the largest size that is not above it.
func (it *Item) fit(level int, p Params, least int, render func(n int) (string, error), finer ...func(n int) []string) (int, error) {
	it.Meta = map[string]string{"depth": strconv.FormatFloat(p.Depth, 'g', -1, 64)}
	var err error
	if p.records > 0 {
		n := max(least, p.records)
		it.Prompt, err = render(n)
		return n, err
	}
	want := p.Tokens
	if want == 0 {
		want = contextLengths(level)[0]
	}
	count := p.Count
	if count == nil {
		count = func(text string) (int, error) { return (len(text) + 3) / 4, nil }
	}
	size := func(n int) (int, error) {
		text, err := render(n)
		if err != nil {
			return 0, err
		}
		return count(text)
	}
	lo := least
	below, err := size(lo)
	if err != nil {
		return 0, err
	}
	if float64(below) > 1.05*float64(want) {
		return 0, fmt.Errorf("the shortest prompt has %d tokens, want %d", below, want)
	}
	// Walk upwards by the tokens a piece has taken so far until the wanted count lies between lo and hi,
	// then close in, by interpolation first and by halves where that is slow.
	hi, above := lo, below
	perPiece := 8.0
	for above <= want {
		lo, below = hi, above
		hi = lo + max(1, int(math.Ceil(float64(want-below+1)/perPiece)))
		if above, err = size(hi); err != nil {
			return 0, err
		}
		if above <= below {
			return 0, fmt.Errorf("%d more pieces of context made the token count go from %d to %d", hi-lo, below, above)
		}
		perPiece = float64(above-below) / float64(hi-lo)
	}
	for step := 0; hi-lo > 1; step++ {
		mid := (lo + hi) / 2
		if step < 6 {
			mid = lo + int(float64(hi-lo)*float64(want-below)/float64(above-below))
			mid = min(max(mid, lo+1), hi-1)
		}
		c, err := size(mid)
		if err != nil {
			return 0, err
		}
		if c <= want {
			lo, below = mid, c
		} else {
			hi, above = mid, c
		}
	}
	n, got := lo, below
	if above-want < want-below {
		n, got = hi, above
	}
	if it.Prompt, err = render(n); err != nil {
		return 0, err
	}
	for _, f := range finer {
		for _, text := range f(lo) {
			c, err := count(text)
			if err != nil {
				return 0, err
			}
			if max(c-want, want-c) < max(got-want, want-got) {
				it.Prompt, got = text, c
			}
		}
	}
	it.Meta["tokens"], it.Meta["counted"] = strconv.Itoa(want), strconv.Itoa(got)
	return n, nil
}
