package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// metaspace is U+2581 LOWER ONE EIGHTH BLOCK, by which SentencePiece writes a space.
const metaspace = '▁'

// longestPiece bounds the bytes of a SentencePiece token: finding all the ways to put a
// token together takes quadratic time.
const longestPiece = 1024

// buildSentencePiece prepares SentencePiece BPE. The reference merges, of all neighbours
// whose concatenation is a token, those with the best score first; here every token is taken
// apart in advance into all pairs that can meet, ranked by score, and the same merger runs.
func (t *Tokenizer) buildSentencePiece() error {
	s := &t.spec
	ids := make(map[string]sym, len(s.Tokens))
	t.pieces = make([][]byte, len(s.Tokens))
	t.runes = make(map[rune]sym)
	t.words = true
	for r := range t.ascii {
		t.ascii[r] = runeSym(rune(r))
	}
	for i, text := range s.Tokens {
		if len(text) > longestPiece {
			return fmt.Errorf("%w: token %d is %d bytes long, the longest allowed is %d", ErrSpec, i, len(text), longestPiece)
		}
		ids[text] = sym(i)
		t.pieces[i] = []byte(text)
		switch s.Type(int32(i)) {
		case Unknown:
			t.pieces[i] = []byte(string(utf8.RuneError))
		case Byte:
			if b, ok := byteToken(text); ok {
				t.pieces[i] = []byte{b}
				t.byteIDs[b] = int32(i)
			}
		case Normal, Unused:
			t.pieces[i] = []byte(strings.ReplaceAll(text, string(metaspace), " "))
		}
		if r, w := utf8.DecodeRuneInString(text); w == len(text) && w > 0 && (r != utf8.RuneError || w > 1) {
			t.runes[r] = sym(i)
			if r < utf8.RuneSelf {
				t.ascii[r] = sym(i)
			}
		}
		if strings.ContainsRune(strings.TrimLeft(text, string(metaspace)), metaspace) {
			t.words = false
		}
	}
	if id, ok := t.runes[metaspace]; ok {
		t.ascii[' '] = id
	} else {
		t.ascii[' '] = runeSym(metaspace)
	}
	if len(s.Merges) > 0 {
		return t.pairsByMerge(ids)
	}
	t.pairsByScore(ids)
	return nil
}

// pairsByMerge ranks pairs by the order of the merges, as Hugging Face's tokenizer.json does.
func (t *Tokenizer) pairsByMerge(ids map[string]sym) error {
	t.pairs = newPairs(len(t.spec.Merges))
	part := func(rank int, text string) (sym, error) {
		if id, ok := ids[text]; ok {
			return id, nil
		}
		return 0, fmt.Errorf("%w: merge %d names %.40q, which is no token", ErrSpec, rank, text)
	}
	for rank, m := range t.spec.Merges {
		l, r, ok := splitMerge(m)
		if !ok {
			return fmt.Errorf("%w: merge %d, %.40q, is not two tokens with a space between", ErrSpec, rank, m)
		}
		var syms [3]sym
		for i, text := range []string{l, r, l + r} {
			var err error
			if syms[i], err = part(rank, text); err != nil {
				return err
			}
		}
		t.pairs.add(syms[0], syms[1], uint32(rank), syms[2])
	}
	return nil
}

// pairsByScore ranks pairs by the score of the token they make; equal scores get equal ranks,
// and the leftmost pair goes first.
func (t *Tokenizer) pairsByScore(ids map[string]sym) {
	s := &t.spec
	scores := slices.Clone(s.Scores)
	slices.SortFunc(scores, func(a, b float32) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	scores = slices.Compact(scores)
	rank := make(map[float32]uint32, len(scores))
	for i, x := range scores {
		rank[x] = uint32(i)
	}
	part := func(text string) (sym, bool) {
		if id, ok := ids[text]; ok {
			return id, true
		}
		r, w := utf8.DecodeRuneInString(text)
		return runeSym(r), w == len(text)
	}
	t.pairs = newPairs(2 * len(s.Tokens))
	for i, text := range s.Tokens {
		if ids[text] != sym(i) || !utf8.ValidString(text) {
			continue // a duplicate, which the last one of its name hides; or out of any text's reach
		}
		for j := range text {
			if j == 0 {
				continue
			}
			if l, ok := part(text[:j]); ok {
				if r, ok := part(text[j:]); ok {
					t.pairs.add(l, r, rank[s.Scores[i]], sym(i))
				}
			}
		}
	}
}
