package generate

import (
	"fmt"
	"iter"
	"math/rand/v2"
)

// Mixture says what Train draws. The zero value is the mixture the reference models are trained on.
type Mixture struct {
	// Weights sets the share of families by "pack/name", in any unit; a family not named keeps its own, and 0 leaves it out.
	Weights map[string]float64
	// Level2 is the share of items at level 2, the rest are at level 1; 0 means a quarter, negative none.
	// It holds for families that train at level 2: multiply, whose first level that is, does not train at all.
	Level2 float64
	// Records bounds how many pieces a context has; 0 means 40, about 250 tokens.
	Records int
	// Extra bounds how many further questions are asked of one context; 0 means 5, negative none.
	Extra int
	// Language is the programming language; "" is JavaScript.
	Language string
}

// A Segment is a stretch of training text. Tokens of text that is to be learned count towards the loss; the
// others are context. Segments are tokenised one by one, since that is where a prompt ends in use.
type Segment struct {
	Text  string
	Learn bool
}

// Segments gives an item as training text: prompt, then " target\n", and so on for further questions.
func (it Item) Segments() []Segment {
	s := make([]Segment, 0, 2+2*len(it.Extra))
	s = append(s, Segment{it.Prompt, false}, Segment{" " + it.Target + "\n", true})
	for _, qa := range it.Extra {
		s = append(s, Segment{qa.Prompt, false}, Segment{" " + qa.Target + "\n", true})
	}
	return s
}

// Train yields an endless mixture of items of all families, none of them held. The same seed and
// mixture give the same items. It ends only with an error, which names a weight no family has or a
// maker's refusal.
func Train(seed uint64, m Mixture) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		families, cumulative, err := m.families()
		if err != nil {
			yield(Item{}, err)
			return
		}
		total := cumulative[len(cumulative)-1]
		for draw := uint64(0); ; draw++ {
			rng := source(seed, "train", draw)
			x := rng.Float64() * total
			k := 0
			for cumulative[k] <= x {
				k++
			}
			f := families[k]
			it, err := f.Make(rng, m.level(rng), m.params(rng, f))
			if err == nil && Held(it.Canonical) {
				continue
			}
			if !yield(it, err) || err != nil {
				return
			}
		}
	}
}

// families lists those that train, with their weights added up.
func (m Mixture) families() ([]Family, []float64, error) {
	var fs []Family
	var cumulative []float64
	sum := 0.0
	known := make(map[string]bool)
	for _, f := range Families() {
		name := f.Pack + "/" + f.Name
		known[name] = true
		w := f.weight
		if v, ok := m.Weights[name]; ok {
			w = v
			if w > 0 && f.MinLevel > 1 {
				return nil, nil, fmt.Errorf("training mixture: %s begins at level %d and is not trained", name, f.MinLevel)
			}
		}
		if w > 0 {
			sum += w
			fs, cumulative = append(fs, f), append(cumulative, sum)
		}
	}
	for name := range m.Weights {
		if !known[name] {
			return nil, nil, fmt.Errorf("training mixture: no family %q", name)
		}
	}
	if len(fs) == 0 {
		return nil, nil, fmt.Errorf("training mixture: no family has a weight above 0")
	}
	return fs, cumulative, nil
}

func (m Mixture) level(rng *rand.Rand) int {
	share := m.Level2
	if share == 0 {
		share = 0.25
	}
	if rng.Float64() < share {
		return 2
	}
	return 1
}

func (m Mixture) params(rng *rand.Rand, f Family) Params {
	p := Params{train: true}
	switch {
	case f.Answer == Program:
		p.Language = m.Language
	case len(f.Languages) > 0:
		p.Language = pick(rng, f.Languages)
	case f.Lengths != nil:
		// Half the contexts are short, so that looking something up is learned early.
		top := m.Records
		if top == 0 {
			top = 40
		}
		top = max(top, 4)
		lo, hi := 4, min(10, top)
		switch u := rng.Float64(); {
		case u > 0.85:
			lo, hi = min(25, top), top
		case u > 0.5:
			lo, hi = min(10, top), min(25, top)
		}
		p.records = between(rng, lo, hi)
		extra := m.Extra
		if extra == 0 {
			extra = 5
		}
		if extra > 0 {
			p.extra = between(rng, extra/2, extra)
			if f.Name == "needle" {
				p.extra /= 2 // each is a sentence of its own
			}
		}
	}
	return p
}
