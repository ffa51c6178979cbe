package tokenizer

import "unicode/utf8"

// A matcher returns the length of the match of a pattern at s[0], or 0.
type matcher func(c *classes, s string) int

// pieces makes a cut of a matcher that can fail. The matcher must fail in constant time,
// or a long text without a match takes quadratic time.
func pieces(m matcher) cut {
	return func(c *classes, s string) int {
		if n := m(c, s); n > 0 {
			return n
		}
		i := 0
		for i < len(s) {
			_, w := c.at(s, i)
			i += w
			if i < len(s) && m(c, s[i:]) > 0 {
				break
			}
		}
		return i
	}
}

// matchDeepSeek3 is the last pattern of DeepSeek V3:
//
//	[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func matchDeepSeek3(c *classes, s string) int {
	cl, w := c.at(s, 0)
	if w == 1 && s[0] < utf8.RuneSelf && cl&(punct|symbol) != 0 && len(s) > 1 && asciiLetter(s[1]) {
		i := 2
		for i < len(s) && asciiLetter(s[i]) {
			i++
		}
		return i
	}
	if cl&letter != 0 {
		return c.run(s, w, letter|mark)
	}
	if cl&(punct|symbol) == 0 && s[0] != '\n' && s[0] != '\r' && w < len(s) {
		if next, nw := c.at(s, w); next&(letter|mark) != 0 {
			return c.run(s, w+nw, letter|mark)
		}
	}
	if cl&mark != 0 {
		return w
	}
	i, icl, iw := 0, cl, w
	if s[0] == ' ' && len(s) > 1 {
		i = 1
		icl, iw = c.at(s, 1)
	}
	if icl&(punct|symbol) != 0 {
		return lineEnds(s, c.run(s, i+iw, punct|symbol), false)
	}
	if cl&space != 0 {
		return lineOrSpace(c, s)
	}
	return 0
}

func asciiLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// spaced is \s?run+ for a run of runes with a bit of mask.
func spaced(mask uint8) matcher {
	return func(c *classes, s string) int {
		cl, w := c.at(s, 0)
		if cl&mask != 0 {
			return c.run(s, w, mask)
		}
		if cl&space != 0 && w < len(s) {
			if next, nw := c.at(s, w); next&mask != 0 {
				return c.run(s, w+nw, mask)
			}
		}
		return 0
	}
}

// spacedSet is \s?[set]+. The set may hold white space itself.
func spacedSet(set runeSet) matcher {
	return func(c *classes, s string) int {
		cl, w := c.at(s, 0)
		if cl&space != 0 {
			if n := set.run(s, w); n > w {
				return n
			}
		}
		return set.run(s, 0)
	}
}

// matchSet is [set]+.
func matchSet(set runeSet) matcher {
	return func(_ *classes, s string) int { return set.run(s, 0) }
}

// matchNumber is \p{N}, matchNumbers is \p{N}+, matchNumbers3 is \p{N}{1,3}.
func matchNumber(c *classes, s string) int {
	if cl, w := c.at(s, 0); cl&number != 0 {
		return w
	}
	return 0
}

func matchNumbers(c *classes, s string) int { return c.run(s, 0, number) }

func matchNumbers3(c *classes, s string) int {
	if cl, w := c.at(s, 0); cl&number != 0 {
		return c.numbers(s, w, 3)
	}
	return 0
}

// matchDigits3 is [0-9][0-9][0-9].
func matchDigits3(_ *classes, s string) int {
	if len(s) >= 3 && digit(s[0]) && digit(s[1]) && digit(s[2]) {
		return 3
	}
	return 0
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// matchLineEnd is [\r\n].
func matchLineEnd(_ *classes, s string) int {
	if s[0] == '\n' || s[0] == '\r' {
		return 1
	}
	return 0
}

// punctuation is [\p{P}\$\+<=>\^~\|]+, with the grave accent added if grave.
func punctuation(grave bool) matcher {
	return func(c *classes, s string) int {
		i := 0
		for i < len(s) {
			cl, w := c.at(s, i)
			if cl&punct == 0 {
				switch s[i] {
				case '$', '+', '<', '=', '>', '^', '~', '|':
				case '`':
					if !grave {
						return i
					}
				default:
					return i
				}
			}
			i += w
		}
		return i
	}
}

// cutTrailingSpace is \s+$. It is a cut of its own because a matcher would scan a long run
// that is not at the end once for every rune of it.
func cutTrailingSpace(c *classes, s string) int {
	i := len(s)
	for i > 0 {
		r, w := utf8.DecodeLastRuneInString(s[:i])
		if c.of(r)&space == 0 {
			break
		}
		i -= w
	}
	if i == 0 {
		return len(s)
	}
	return i
}
