package score

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normalize brings text into the form Exact compares: NFKC, lower case, single blanks, and without quotes,
// emphasis, brackets or final punctuation around the whole. "-" and "+" stay: they are signs.
func Normalize(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimFunc(s, func(r rune) bool {
		return r != '-' && r != '+' && r != '%' && (unicode.IsPunct(r) || unicode.IsSpace(r) || r == '`')
	})
}

// plain turns digits of any script into 0 to 9, and minus signs and full-width marks into ASCII; the rest
// is kept. The number of runes stays the same.
func plain(s string) []rune {
	rs := []rune(s)
	for i, r := range rs {
		switch {
		case r < 0x80:
		case r == '−' || r == '－' || r == '﹣':
			rs[i] = '-'
		case r == '，' || r == '﹐':
			rs[i] = ','
		case r == '．':
			rs[i] = '.'
		case r == '\u00a0' || r == '\u202f' || r == '\u2009':
			rs[i] = thinSpace
		case r == '’':
			rs[i] = '\''
		case unicode.Is(unicode.Nd, r):
			if d, ok := digitValue(r); ok {
				rs[i] = '0' + d
			}
		}
	}
	return rs
}

// thinSpace stands for every blank that does not break a line.
const thinSpace = '\u00a0'

// digitValue gives the value of a decimal digit of any script. Unicode lists each script's ten digits in a row,
// and every range of the table Nd is one or more whole rows.
func digitValue(r rune) (rune, bool) {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}
