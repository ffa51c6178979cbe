package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// buildByteLevel prepares byte-level BPE.
func (t *Tokenizer) buildByteLevel() error {
	var err error
	if t.pre, err = newPretokenizer(t.spec.Pre); err != nil {
		return err
	}
	ids := make(map[string]sym, len(t.spec.Tokens)) // by the bytes a token's text stands for
	t.pieces = make([][]byte, len(t.spec.Tokens))
	for i, text := range t.spec.Tokens {
		raw, exact := fromStandIns(text)
		if exact {
			ids[string(raw)] = sym(i)
		}
		switch t.spec.Type(int32(i)) {
		case Control, UserDefined:
			raw = []byte(text)
		case Unknown:
			raw = []byte(string(utf8.RuneError))
		case Byte:
			if b, ok := byteToken(text); ok {
				raw = []byte{b}
				t.byteIDs[b] = int32(i)
			}
		}
		t.pieces[i] = raw
	}
	for b := range 256 {
		if id, ok := ids[string([]byte{byte(b)})]; ok {
			t.bytes[b] = id
			t.byteIDs[b] = int32(id)
		} else {
			t.bytes[b] = byteSym(byte(b))
		}
	}
	t.pairs = newPairs(len(t.spec.Merges))
	for rank, m := range t.spec.Merges {
		l, r, ok := splitMerge(m)
		if !ok {
			return fmt.Errorf("%w: merge %d, %.40q, is not two tokens with a space between", ErrSpec, rank, m)
		}
		lb, _ := fromStandIns(l)
		rb, _ := fromStandIns(r)
		ls, rs := t.intern(ids, string(lb)), t.intern(ids, string(rb))
		t.pairs.add(ls, rs, uint32(rank), t.intern(ids, string(lb)+string(rb)))
	}
	if t.spec.IgnoreMerges || t.pre.whole {
		t.whole = make(map[string]int32, len(ids))
		for s, id := range ids {
			if int(id) < len(t.spec.Tokens) {
				t.whole[s] = int32(id)
			}
		}
	}
	return nil
}

// splitMerge splits "left right"; either may itself be a space only in its first place.
func splitMerge(m string) (l, r string, ok bool) {
	if m == "" {
		return "", "", false
	}
	i := strings.IndexByte(m[1:], ' ') + 1
	return m[:i], m[min(i+1, len(m)):], i > 0 && i+1 < len(m)
}

// intern returns the sym of some bytes, making one past the vocabulary where they are no token.
func (t *Tokenizer) intern(ids map[string]sym, raw string) sym {
	if id, ok := ids[raw]; ok {
		return id
	}
	if len(raw) == 1 {
		return byteSym(raw[0])
	}
	id := sym(len(t.spec.Tokens) + len(t.beyond))
	t.beyond = append(t.beyond, []byte(raw))
	ids[raw] = id
	return id
}
