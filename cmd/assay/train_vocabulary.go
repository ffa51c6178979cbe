package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// The reference models' control tokens.
const (
	beginToken = "<|begin|>"
	endToken   = "<|end|>"
	padToken   = "<|pad|>"
)

const (
	// tokenizerBytes is how much generated text the tokenizer is trained on.
	tokenizerBytes = 3 << 20
	// spacedTokens is how many tokens of the vocabulary are a word with the space before it.
	spacedTokens = 64
	// byteSpace is how byte-level vocabularies write a space.
	byteSpace = "Ġ"
)

// trainTokenizer makes the vocabulary from items of the training mixture. Its pre-tokenizer
// keeps digits apart, so that arithmetic sees them one by one.
//
// Merges are learned from words without the space before them, so that a word is the same tokens
// at the beginning of a record as within a question: looking it up is then the same for every
// word. Only the commonest words that never stand without a space get a token that includes it;
// their merges come last, so that no part of another word is merged with its space.
func trainTokenizer(seed uint64) (tokenizer.Spec, error) {
	texts, err := tokenizerTexts(seed)
	if err != nil {
		return tokenizer.Spec{}, fmt.Errorf("tokenizer: %w", err)
	}
	words := func(yield func(string) bool) {
		for _, text := range texts {
			for word := range strings.SplitSeq(text, " ") {
				if !yield(word) {
					return
				}
			}
		}
	}
	spec, err := tokenizer.Train(words, reference.Vocabulary-spacedTokens, "qwen2", beginToken, endToken, padToken)
	if err != nil {
		return tokenizer.Spec{}, fmt.Errorf("tokenizer: %w", err)
	}
	tok, err := tokenizer.New(spec)
	if err != nil {
		return tokenizer.Spec{}, fmt.Errorf("tokenizer: %w", err)
	}
	added := 0
	for _, word := range alwaysSpaced(texts) {
		ids := tok.Encode(word, false, false)
		if len(ids) != 1 || added == spacedTokens {
			continue
		}
		added++
		piece := spec.Tokens[ids[0]]
		spec.Tokens = append(spec.Tokens, byteSpace+piece)
		spec.Merges = append(spec.Merges, byteSpace+" "+piece)
		if len(spec.Types) > 0 {
			spec.Types = append(spec.Types, tokenizer.Normal)
		}
	}
	if len(spec.Tokens) != reference.Vocabulary {
		return tokenizer.Spec{}, fmt.Errorf("tokenizer: %d tokens came of the corpus, want %d", len(spec.Tokens), reference.Vocabulary)
	}
	spec.BOS, spec.EOS, spec.PAD = spec.Find(beginToken), spec.Find(endToken), spec.Find(padToken)
	spec.AddBOS = true
	return spec, nil
}

// tokenizerTexts is the text the tokenizer is trained on, by segments.
func tokenizerTexts(seed uint64) ([]string, error) {
	var texts []string
	size := 0
	for e, err := range (mixture{seed: seed, tokenizer: true}).Batch(0) {
		if err != nil {
			return nil, err
		}
		for _, s := range e.Segments {
			texts = append(texts, s.Text)
			size += len(s.Text)
		}
		if size > tokenizerBytes {
			break
		}
	}
	return texts, nil
}

// alwaysSpaced lists the words, runs of letters, that stand after a space wherever they stand in texts, the
// commonest first.
func alwaysSpaced(texts []string) []string {
	spaced, bare := map[string]int{}, map[string]bool{}
	for _, text := range texts {
		before := rune(-1) // what stands before the word
		start := -1        // of the word, or -1 outside words
		last := rune(-1)
		for i, r := range text + "\n" {
			letter := unicode.IsLetter(r)
			switch {
			case letter && start < 0:
				start, before = i, last
			case !letter && start >= 0:
				if word := text[start:i]; before == ' ' {
					spaced[word]++
				} else {
					bare[word] = true
				}
				start = -1
			}
			last = r
		}
	}
	words := slices.DeleteFunc(slices.Sorted(maps.Keys(spaced)), func(w string) bool { return bare[w] })
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(spaced[b], spaced[a]) })
	return words
}
