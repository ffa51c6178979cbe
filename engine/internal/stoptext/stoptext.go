// Package stoptext ends a stream of text at the first of several stop texts, and never lets
// a part of one through: what may be the beginning of a stop text is held back until it is
// known not to be.
package stoptext

import (
	"strings"
	"unicode/utf8"
)

// Matcher looks for stop texts in one stream. The result depends on the stream only, not
// on how it was cut into pieces.
type Matcher struct {
	stops []string
	held  string // a proper beginning of a stop text
	found bool
}

// New returns a Matcher for the given non-empty stop texts; with none, everything passes.
func New(stops []string) *Matcher { return &Matcher{stops: stops} }

// Push takes the next piece and returns the text that may go on. found reports that a stop
// text is complete: the stream ends before it, and later pieces are swallowed. Of several
// stop texts the one complete first counts, and of those complete at once the longest.
func (m *Matcher) Push(piece string) (text string, found bool) {
	if m.found {
		return "", true
	}
	if len(m.stops) == 0 {
		return piece, false
	}
	all := m.held + piece
	begin, end := len(all), len(all)+1
	for _, s := range m.stops {
		if i := strings.Index(all, s); i >= 0 && (i+len(s) < end || i+len(s) == end && i < begin) {
			begin, end = i, i+len(s)
		}
	}
	if end <= len(all) {
		m.held, m.found = "", true
		return all[:begin], true
	}
	keep := 0
	for _, s := range m.stops {
		for n := min(len(s)-1, len(all)); n > keep; n-- {
			if strings.HasSuffix(all, s[:n]) {
				keep = n
			}
		}
	}
	// A stop text may begin inside a rune of the stream; pieces stay whole runes.
	for cut := len(all) - keep; keep > 0 && keep < len(all) && !utf8.RuneStart(all[cut]); cut-- {
		keep++
	}
	m.held = all[len(all)-keep:]
	return all[:len(all)-keep], false
}

// Flush returns what was held back, at the end of a stream that no stop text ended.
func (m *Matcher) Flush() string {
	text := m.held
	m.held = ""
	return text
}
