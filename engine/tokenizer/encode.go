package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// An encoder is the work space of one Encode, kept in a pool.
type encoder struct {
	t     *Tokenizer
	m     merger
	out   []int32
	raw   []byte
	cache []cached
	word  func(string) // the method value, made once
}

// cached remembers the tokens of a word of up to 32 bytes. It fills one cache line.
type cached struct {
	key [4]uint64 // the word's bytes, zeros after them
	ids [7]int32
	len uint8 // of the word in bytes; 0: empty
	n   uint8 // tokens
}

const (
	cacheBits = 13 // 8192 entries, 512 KiB an encoder
	cacheWord = 32 // longest word kept, in bytes
)

func newEncoder(t *Tokenizer) *encoder {
	e := &encoder{t: t, cache: make([]cached, 1<<cacheBits)}
	e.word = e.oneWord
	return e
}

// text appends the tokens of a text without added tokens.
func (e *encoder) text(s string, spacePrefix bool) {
	t := e.t
	s = t.normalize(s)
	if t.spec.Model == ByteLevel {
		if spacePrefix && s[0] != ' ' {
			s = " " + s
		}
		t.pre.split(t.classes, s, e.word)
		return
	}
	if !t.words {
		if spacePrefix {
			s = " " + s
		}
		e.oneWord(s)
		return
	}
	for s != "" {
		n := pieceWord(s)
		if spacePrefix {
			e.oneWord(" " + s[:n])
			spacePrefix = false
		} else {
			e.oneWord(s[:n])
		}
		s = s[n:]
	}
}

// pieceWord returns the length of the first word of s: spaces, then everything up to the next space.
func pieceWord(s string) int {
	i := 0
	for i < len(s) {
		if n := spaceAt(s, i); n > 0 {
			i += n
		} else {
			break
		}
	}
	for i < len(s) && spaceAt(s, i) == 0 {
		i++
	}
	return i
}

// spaceAt returns the length of the space or ▁ at s[i], or 0.
func spaceAt(s string, i int) int {
	switch {
	case s[i] == ' ':
		return 1
	case s[i] == 0xE2 && strings.HasPrefix(s[i:], string(metaspace)):
		return len(string(metaspace))
	}
	return 0
}

// oneWord appends the tokens of a word.
func (e *encoder) oneWord(s string) {
	t := e.t
	if t.whole != nil {
		if id, ok := t.whole[s]; ok {
			e.out = append(e.out, id)
			return
		}
	}
	if len(s) > cacheWord {
		e.merge(s)
		return
	}
	key := wordKey(s)
	h := (key[0]*0x9E3779B97F4A7C15 ^ key[1]*0xC2B2AE3D27D4EB4F ^ key[2]*0x165667B19E3779F9 ^ key[3]*0x27D4EB2F165667C5) >> (64 - cacheBits)
	c := &e.cache[h]
	if c.key == key && int(c.len) == len(s) {
		e.out = append(e.out, c.ids[:c.n]...)
		return
	}
	start := len(e.out)
	e.merge(s)
	if n := len(e.out) - start; n <= len(c.ids) {
		c.key, c.len, c.n = key, uint8(len(s)), uint8(n)
		copy(c.ids[:], e.out[start:])
	}
}

// wordKey packs up to 32 bytes.
func wordKey(s string) (key [4]uint64) {
	i := 0
	for ; len(s) >= 8; i++ {
		_ = s[7]
		key[i] = uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		s = s[8:]
	}
	for j := range len(s) {
		key[i] |= uint64(s[j]) << (8 * j)
	}
	return key
}

// merge appends the tokens of a word by merging.
func (e *encoder) merge(s string) {
	t := e.t
	syms := e.m.syms[:0]
	if t.spec.Model == ByteLevel {
		for i := range len(s) {
			syms = append(syms, t.bytes[s[i]])
		}
	} else {
		for i := 0; i < len(s); {
			if b := s[i]; b < utf8.RuneSelf {
				syms = append(syms, t.ascii[b])
				i++
				continue
			}
			r, w := utf8.DecodeRuneInString(s[i:])
			x, ok := t.runes[r]
			switch {
			case r == utf8.RuneError && w == 1:
				x = byteSym(s[i])
			case !ok:
				x = runeSym(r)
			}
			syms = append(syms, x)
			i += w
		}
	}
	e.m.syms = syms
	e.m.merge(t.pairs)
	unknown := false
	for _, x := range e.m.syms {
		switch {
		case x >= 0 && int(x) < len(t.spec.Tokens):
			e.out = append(e.out, int32(x))
			unknown = false
		case x >= 0:
			unknown = e.bytes(t.beyond[int(x)-len(t.spec.Tokens)], unknown)
		default:
			e.raw = x.raw(e.raw[:0])
			unknown = e.bytes(e.raw, unknown)
		}
	}
}

// bytes appends byte tokens for what is no token; without them, SentencePiece has one unknown
// token for a whole stretch. It reports whether the last token is that. A byte-level vocabulary
// leaves out a byte it has no token for, as llama.cpp does: the unknown token of such files
// is often their end-of-text token, which no plain text should bring about.
func (e *encoder) bytes(raw []byte, unknown bool) bool {
	t := e.t
	if t.spec.Model == ByteLevel {
		for _, b := range raw {
			if t.byteIDs[b] >= 0 {
				e.out = append(e.out, t.byteIDs[b])
			}
		}
		return false
	}
	for _, b := range raw {
		if t.byteIDs[b] < 0 {
			if t.spec.UNK >= 0 && !unknown {
				e.out = append(e.out, t.spec.UNK)
			}
			return true
		}
	}
	for _, b := range raw {
		e.out = append(e.out, t.byteIDs[b])
	}
	return false
}
