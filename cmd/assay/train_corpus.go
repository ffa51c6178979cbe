package main

import (
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/tokenassay/assay/engine/reference/train"
	"github.com/tokenassay/assay/engine/tokenizer"
	"github.com/tokenassay/assay/tasks/generate"
)

// mixture is the training corpus: the generated tasks' mixture, drawn anew for each step.
type mixture struct {
	seed      uint64
	tokenizer bool // draws of its own, so that no step's items are the tokenizer's
}

// taught is what the reference models are taught: contexts of the lengths level 1 asks about, and many
// questions on each, since only answers are learned from.
//
// The weights count items. Sums need by far the most of them, and are short; a context teaches with
// each of its questions.
var taught = generate.Mixture{
	Records: 24, Extra: 12, Level2: 0.1,
	Weights: map[string]float64{
		"math/add": 5, "math/subtract": 5, "math/story": 4, "math/sequence": 3, "math/compare": 0.5,
		"code/arithmetic": 0.5, "code/list": 0.5, "code/string": 1,
		"multilingual/read": 1.5, "multilingual/sum": 2.5, "multilingual/numeral": 2.5,
		"long-context/kv": 0.6, "long-context/gather": 0.6, "long-context/needle": 0.3, "long-context/trace": 0.8,
	},
}

// Batch implements train.Corpus.
func (m mixture) Batch(step int) iter.Seq2[train.Example, error] {
	// An odd multiplier permutes the 64-bit numbers: no two steps of a seed share their draws.
	seed := m.seed*0x9e3779b97f4a7c15 + uint64(step)
	if m.tokenizer {
		seed = ^seed
	}
	return func(yield func(train.Example, error) bool) {
		rng := rand.New(rand.NewPCG(seed, 0x6472696c6c)) // "drill"
		share := drillShare
		if step < drillSteps {
			share = drillFirst
		}
		records, stop := iter.Pull2(generate.Train(^seed, recordsOnly()))
		defer stop()
		for item, err := range generate.Train(seed, taught) {
			e := example(item)
			if err == nil && rng.Float64() < share {
				e = drill(item, rng)
			}
			if !yield(e, err) {
				return
			}
			if step < recallFrom || rng.Float64() > recallShare {
				continue
			}
			item, err, _ := records()
			if err == nil {
				e = recall(item, rng)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// What most tasks have in common is looking something up and copying it. A drill has a token of that
// for every few of its own, where an item may have one for a hundred: models of this size find it
// far earlier with drills.
const (
	drillSteps = 1000 // the first steps have more drills
	drillFirst = 0.25 // share of items that become drills in them
	drillShare = 0.08 // and afterwards
)

// Once a model copies, it must learn which of several values to copy. That is learned from few
// records, where a guess is often right, long before it is learned from many: from recallFrom on,
// this share of items is followed by a recall.
const (
	recallFrom  = 1800 // step
	recallShare = 0.4
)

// recordsOnly is a mixture of nothing but short lists of records.
func recordsOnly() generate.Mixture {
	m := generate.Mixture{Records: 7, Extra: -1, Level2: -1, Weights: map[string]float64{}}
	for _, f := range generate.Families() {
		if f.MinLevel == 1 {
			m.Weights[f.Pack+"/"+f.Name] = 0
		}
	}
	m.Weights["long-context/kv"] = 1
	return m
}

// recall asks for each of two to seven of an item's records, in words or by their key alone.
func recall(item generate.Item, rng *rand.Rand) train.Example {
	context, _, _ := strings.Cut(item.Prompt, "\nQ:")
	lines := strings.Split(context, "\n")
	lines = lines[:min(len(lines), 2+rng.IntN(6))]
	words := rng.IntN(3) > 0
	text := strings.Join(lines, "\n") + "\n"
	e := train.Example{Source: "drill/few"}
	for range 2 {
		for _, i := range rng.Perm(len(lines)) {
			key, value, _ := strings.Cut(lines[i], ":")
			if words {
				text += "Q: What is the value of " + key + "?\nA:"
			} else {
				text += key + ":"
			}
			e.Segments = append(e.Segments, train.Segment{Text: text}, train.Segment{Text: value + "\n", Learn: true})
			text = ""
		}
	}
	return e
}

// drill makes an exercise in copying out of an item: its records asked again in another order
// where it has records, else its whole prompt repeated.
func drill(item generate.Item, rng *rand.Rand) train.Example {
	context, _, _ := strings.Cut(item.Prompt, "\nQ:")
	lines := strings.Split(context, "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], ": ") {
		return train.Example{Source: "drill/repeat", Segments: []train.Segment{
			{Text: "Repeat: " + item.Prompt}, {Text: " " + item.Prompt + "\n", Learn: true},
		}}
	}
	e := train.Example{Source: "drill/recall", Segments: []train.Segment{{Text: context + "\nAgain:\n"}}}
	for _, i := range rng.Perm(len(lines)) {
		key, value, _ := strings.Cut(lines[i], ":")
		e.Segments = append(e.Segments, train.Segment{Text: key + ":"}, train.Segment{Text: value + "\n", Learn: true})
	}
	return e
}

// example is an item as a model reads it.
func example(item generate.Item) train.Example {
	e := train.Example{Source: item.Pack + "/" + item.Task}
	for _, s := range item.Segments() {
		e.Segments = append(e.Segments, train.Segment(s))
	}
	return e
}

// heldExamples are n held items of each family that trains, at its lowest level.
func heldExamples(tok *tokenizer.Tokenizer, seed uint64, n int) ([]train.Example, error) {
	var all []train.Example
	params := generate.Params{Count: func(text string) (int, error) { return len(tok.Encode(text, false, false)), nil }}
	for _, f := range generate.Families() {
		if f.MinLevel > 1 {
			continue // multiply: the models are not taught it
		}
		for item, err := range generate.Eval(f, f.MinLevel, seed, n, params) {
			if err != nil {
				return nil, err
			}
			all = append(all, example(item))
		}
	}
	return all, nil
}
