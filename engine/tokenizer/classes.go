package tokenizer

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Bits of a rune's class: the Unicode properties that published pre-tokenizer patterns ask about.
const (
	letter uint8 = 1 << iota // \p{L}
	number                   // \p{N}
	space                    // \s: White_Space
	mark                     // \p{M}
	punct                    // \p{P}
	symbol                   // \p{S}
	upper                    // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	lower                    // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
)

// classes maps every rune to its class in two steps: a block number for each run of 256
// runes, then a byte in that block. Equal blocks are stored once.
type classes struct {
	block [(unicode.MaxRune + 1) / 256]uint16
	class []uint8 // (blocks, 256)
}

// unicodeClasses builds the table on first use from the unicode package's own tables.
var unicodeClasses = sync.OnceValue(func() *classes {
	flat := make([]uint8, unicode.MaxRune+1)
	mark16 := func(bit uint8, tables ...*unicode.RangeTable) {
		for _, t := range tables {
			for _, r := range t.R16 {
				for x := int(r.Lo); x <= int(r.Hi); x += int(r.Stride) {
					flat[x] |= bit
				}
			}
			for _, r := range t.R32 {
				for x := int(r.Lo); x <= int(r.Hi); x += int(r.Stride) {
					flat[x] |= bit
				}
			}
		}
	}
	mark16(letter, unicode.L)
	mark16(number, unicode.N)
	mark16(space, unicode.White_Space)
	mark16(mark, unicode.M)
	mark16(punct, unicode.P)
	mark16(symbol, unicode.S)
	mark16(upper, unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M)
	mark16(lower, unicode.Ll, unicode.Lm, unicode.Lo, unicode.M)

	c := new(classes)
	seen := make(map[[256]uint8]uint16)
	for b := range c.block {
		key := [256]uint8(flat[b*256 : b*256+256])
		n, ok := seen[key]
		if !ok {
			n = uint16(len(seen)) // block 0 comes first, so ASCII is c.class[:128]
			seen[key] = n
			c.class = append(c.class, key[:]...)
		}
		c.block[b] = n
	}
	return c
})

// at returns the class of the rune at s[i:] and how many bytes it takes. A byte that is not
// UTF-8 counts as U+FFFD, a symbol, and takes one byte.
func (c *classes) at(s string, i int) (class uint8, width int) {
	if b := s[i]; b < utf8.RuneSelf {
		return c.class[b], 1
	}
	r, w := utf8.DecodeRuneInString(s[i:])
	return c.of(r), w
}

func (c *classes) of(r rune) uint8 {
	return c.class[int(c.block[r>>8])<<8|int(r&0xff)]
}

// run returns the end of the longest run of runes from s[i:] that have a bit of mask.
func (c *classes) run(s string, i int, mask uint8) int {
	for i < len(s) {
		if b := s[i]; b < utf8.RuneSelf {
			if c.class[b]&mask == 0 {
				return i
			}
			i++
			continue
		}
		r, w := utf8.DecodeRuneInString(s[i:])
		if c.of(r)&mask == 0 {
			return i
		}
		i += w
	}
	return i
}

// runWithout returns the end of the longest run of runes from s[i:] that have no bit of mask.
func (c *classes) runWithout(s string, i int, mask uint8) int {
	for i < len(s) {
		if b := s[i]; b < utf8.RuneSelf {
			if c.class[b]&mask != 0 {
				return i
			}
			i++
			continue
		}
		r, w := utf8.DecodeRuneInString(s[i:])
		if c.of(r)&mask != 0 {
			return i
		}
		i += w
	}
	return i
}

// A runeSet is a character class of a pattern: sorted [lo, hi] pairs, both ends included.
type runeSet []rune

func newRuneSet(pairs ...rune) runeSet { return pairs }

func (s runeSet) has(r rune) bool {
	// The last pair whose lo is not above r is the only one that can hold it.
	i, j := 0, len(s)/2
	for i < j {
		m := (i + j) / 2
		if s[2*m] <= r {
			i = m + 1
		} else {
			j = m
		}
	}
	return i > 0 && r <= s[2*i-1]
}

// run returns the end of the longest run of members from s[i:].
func (set runeSet) run(s string, i int) int {
	for i < len(s) {
		r, w := utf8.DecodeRuneInString(s[i:])
		if !set.has(r) {
			return i
		}
		i += w
	}
	return i
}

// pattern writes the set as the inside of a regular expression's character class.
func (s runeSet) pattern() string {
	var b []byte
	for p := range slices.Chunk(s, 2) {
		b = utf8.AppendRune(b, p[0])
		if p[1] != p[0] {
			b = append(b, '-')
			b = utf8.AppendRune(b, p[1])
		}
	}
	return string(b)
}
