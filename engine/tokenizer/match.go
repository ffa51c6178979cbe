package tokenizer

// A cut returns the length of the first piece of s, which is not empty: a match of one
// published pattern that begins at s[0], or everything before the first match (all of s if
// there is none). Calling it again on what remains gives the pieces that a regular-expression
// split with the pattern would give; no pattern used here looks behind itself.
// Each cut is checked against a regular-expression engine running the pattern.
type cut func(c *classes, s string) int

// contraction is the length of 's|'t|'re|'ve|'m|'ll|'d at s[i:], or 0.
func contraction(s string, i int) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return 0
	}
	switch s[i+1] {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if i+2 < len(s) && s[i+2] == 'e' {
			return 3
		}
	case 'l':
		if i+2 < len(s) && s[i+2] == 'l' {
			return 3
		}
	}
	return 0
}

// contractionFold is contraction under Unicode simple case folding, (?i:...): U+017F LATIN
// SMALL LETTER LONG S folds to s.
func contractionFold(s string, i int) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return 0
	}
	switch s[i+1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if i+2 < len(s) && s[i+2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if i+2 < len(s) && s[i+2]|0x20 == 'l' {
			return 3
		}
	}
	if i+2 < len(s) && s[i+1] == 0xC5 && s[i+2] == 0xBF {
		return 3
	}
	return 0
}

// whitespace is \s+(?!\S)|\s+ for an s that begins with white space: the whole run at the
// end of s, else all of the run but its last rune (which the next word may take), but at least one.
func whitespace(c *classes, s string) int {
	end, last := 0, 0
	for end < len(s) {
		cl, w := c.at(s, end)
		if cl&space == 0 {
			break
		}
		last = end
		end += w
	}
	if end == len(s) || last == 0 {
		return end
	}
	return last
}

// cutGPT2 is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+.
// Without the last alternative, as llama.cpp writes it, the pieces are the same.
func cutGPT2(c *classes, s string) int {
	i := 0
	switch s[0] {
	case '\'':
		if n := contraction(s, 0); n > 0 {
			return n
		}
	case ' ':
		if len(s) > 1 {
			i = 1
		}
	}
	cl, w := c.at(s, i)
	switch {
	case cl&letter != 0:
		return c.run(s, i+w, letter)
	case cl&number != 0:
		return c.run(s, i+w, number)
	case cl&space == 0:
		return c.runWithout(s, i+w, space|letter|number)
	}
	return whitespace(c, s)
}

// lineOrSpace is \s*[\r\n]+|\s+(?!\S)|\s+ for an s that begins with white space: up to the
// last line end of the run, where there is one.
func lineOrSpace(c *classes, s string) int {
	end, last, line := 0, 0, 0
	for end < len(s) {
		cl, w := c.at(s, end)
		if cl&space == 0 {
			break
		}
		last = end
		end += w
		if b := s[last]; b == '\n' || b == '\r' {
			line = end
		}
	}
	switch {
	case line > 0:
		return line
	case end == len(s) || last == 0:
		return end
	}
	return last
}

// lineEnds returns the end of the run of \r and \n (and slash, if it is true) from s[i:].
func lineEnds(s string, i int, slash bool) int {
	for i < len(s) && (s[i] == '\n' || s[i] == '\r' || slash && s[i] == '/') {
		i++
	}
	return i
}

// cutWords is the pattern of Llama 3 and Qwen 2, with up to digits digits in a number and
// word, a set of class bits, for what a word is made of:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?word+|\p{N}{1,digits}| ?[^\s word \p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func cutWords(digits int, word uint8) cut {
	return func(c *classes, s string) int {
		if s[0] == '\'' {
			if n := contractionFold(s, 0); n > 0 {
				return n
			}
		}
		cl, w := c.at(s, 0)
		if cl&letter != 0 {
			return c.run(s, w, word)
		}
		if cl&number != 0 {
			return c.numbers(s, w, digits)
		}
		if s[0] != '\n' && s[0] != '\r' && w < len(s) {
			if next, nw := c.at(s, w); next&word != 0 {
				return c.run(s, w+nw, word)
			}
		}
		if cl&word != 0 { // a lone mark, where marks are part of words
			return w
		}
		return rest(c, s, cl, w, space|number|word, false)
	}
}

// numbers returns the end of \p{N}{1,digits} whose first rune ends at s[i].
func (c *classes) numbers(s string, i, digits int) int {
	for n := 1; n < digits && i < len(s); n++ {
		cl, w := c.at(s, i)
		if cl&number == 0 {
			break
		}
		i += w
	}
	return i
}

// rest is what follows words and numbers in the newer patterns, for an s whose first rune has
// class cl and width w:  ?[^out]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ (with [\r\n/]* if slash).
func rest(c *classes, s string, cl uint8, w int, out uint8, slash bool) int {
	if cl&out == 0 {
		return lineEnds(s, c.runWithout(s, w, out), slash)
	}
	if s[0] == ' ' && len(s) > 1 {
		if next, nw := c.at(s, 1); next&out == 0 {
			return lineEnds(s, c.runWithout(s, 1+nw, out), slash)
		}
	}
	return lineOrSpace(c, s)
}

// cutCased is the pattern of o200k (GPT-4o) and, without contractions, of Mistral's Tekken,
// where U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and W is [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
//
//	[^\r\n\p{L}\p{N}]?U*W+(?i:'s|...)?|[^\r\n\p{L}\p{N}]?U+W*(?i:'s|...)?|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
func cutCased(digits int, contractions bool) cut {
	return func(c *classes, s string) int {
		cl, w := c.at(s, 0)
		if cl&number != 0 {
			return c.numbers(s, w, digits)
		}
		lead := 0 // where a word may begin after one leading rune
		if cl&letter == 0 && s[0] != '\n' && s[0] != '\r' {
			lead = w
		}
		end := c.cased(s, lead)
		if end == 0 && lead > 0 { // the leading rune is optional: it may be a mark itself
			end = c.cased(s, 0)
		}
		if end == 0 {
			end = c.uppers(s, lead)
		}
		if end == 0 && lead > 0 {
			end = c.uppers(s, 0)
		}
		if end > 0 {
			if contractions {
				end += contractionFold(s, end)
			}
			return end
		}
		return rest(c, s, cl, w, space|letter|number, true)
	}
}

// cased returns the end of U*W+ at s[i:], or 0. U and W overlap, so U* may have to give back.
func (c *classes) cased(s string, i int) int {
	end := 0 // after the last rune seen that is in W: as far as U* can be followed by W
	for i < len(s) {
		cl, w := c.at(s, i)
		if cl&upper == 0 {
			break
		}
		i += w
		if cl&lower != 0 {
			end = i
		}
	}
	if j := c.run(s, i, lower); j > i {
		return j
	}
	return end
}

// uppers returns the end of U+W* at s[i:], or 0.
func (c *classes) uppers(s string, i int) int {
	j := c.run(s, i, upper)
	if j == i {
		return 0
	}
	return c.run(s, j, lower)
}
