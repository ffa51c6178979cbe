package tokenizer

import (
	"slices"
	"strings"
)

// added finds the tokens that are cut out of a text before anything else looks at it.
type added struct {
	ids     map[string]int32
	control map[int32]bool // only on request
	lengths [256][]int     // by first byte: lengths of the tokens' names, longest first
	first   string         // the first bytes there are
	any     bool           // whether some are not control tokens
	few     bool           // whether strings.IndexAny is worth its while
}

func newAdded(s *Spec) added {
	a := added{ids: make(map[string]int32), control: make(map[int32]bool)}
	for i, text := range s.Tokens {
		typ := s.Type(int32(i))
		if text == "" || typ != Control && typ != UserDefined && typ != Unknown {
			continue
		}
		if typ != UserDefined {
			a.control[int32(i)] = true
		} else {
			a.any = true
		}
		a.ids[text] = int32(i)
		l := &a.lengths[text[0]]
		if !slices.Contains(*l, len(text)) {
			*l = append(*l, len(text))
		}
	}
	for b := range a.lengths {
		slices.SortFunc(a.lengths[b], func(x, y int) int { return y - x })
		if len(a.lengths[b]) > 0 {
			a.first += string([]byte{byte(b)})
		}
	}
	a.few = len(a.first) == 1
	return a
}

// find returns the first added token in text, the longest one at its place: where it begins,
// how long it is, its id. Without one it returns len(text), 0. parse includes control tokens.
func (a *added) find(text string, parse bool) (at, n int, id int32) {
	if len(a.ids) == 0 || !parse && !a.any {
		return len(text), 0, -1
	}
	for i := 0; i < len(text); i++ {
		if a.few {
			skip := strings.IndexByte(text[i:], a.first[0])
			if skip < 0 {
				break
			}
			i += skip
		}
		for _, n := range a.lengths[text[i]] {
			if n > len(text)-i {
				continue
			}
			if id, ok := a.ids[text[i:i+n]]; ok && (parse || !a.control[id]) {
				return i, n, id
			}
		}
	}
	return len(text), 0, -1
}
