package stoptext

import (
	"slices"
	"strings"
	"testing"
)

// cut runs text through a Matcher in pieces of n bytes.
func cut(text string, n int, stops ...string) (string, bool) {
	m := New(stops)
	var b strings.Builder
	for piece := range slices.Chunk([]byte(text), n) {
		out, found := m.Push(string(piece))
		b.WriteString(out)
		if found {
			return b.String(), true
		}
	}
	b.WriteString(m.Flush())
	return b.String(), false
}

func TestMatcher(t *testing.T) {
	for _, c := range []struct {
		name, text string
		stops      []string
		want       string
		found      bool
	}{
		{"none", "one two", nil, "one two", false},
		{"absent", "one two", []string{"three"}, "one two", false},
		{"inside", "one two three", []string{" two"}, "one", true},
		{"at the beginning", "one", []string{"one"}, "", true},
		{"at the end", "one\n\n", []string{"\n\n"}, "one", true},
		{"beginning only", "one\n", []string{"\n\n"}, "one\n", false},
		{"false start", "aaab", []string{"aab"}, "a", true},
		{"self-overlapping", "ababac", []string{"abac"}, "ab", true},
		{"first complete wins", "abcd", []string{"abcd", "bc"}, "a", true},
		{"the longest complete at once", "abc", []string{"c", "bc"}, "a", true},
		{"many runes", "größer 漢字", []string{"漢字"}, "größer ", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; n <= len(c.text); n++ {
				if got, found := cut(c.text, n, c.stops...); got != c.want || found != c.found {
					t.Errorf("%q in pieces of %d with stops %q: got %q, %v, want %q, %v", c.text, n, c.stops, got, found, c.want, c.found)
				}
			}
		})
	}
}

func TestWholeRunes(t *testing.T) {
	m := New([]string{"\x9fend"}) // the last byte of ß
	if text, _ := m.Push("groß"); text != "gro" {
		t.Errorf("passed %q, want %q", text, "gro")
	}
	if text, _ := m.Push("er"); text != "ßer" {
		t.Errorf("passed %q, want %q", text, "ßer")
	}
}

// FuzzMatcher compares any cutting with the definition: the shortest beginning of the text
// that ends with a stop text, without that stop text.
func FuzzMatcher(f *testing.F) {
	f.Add("one two three", "two", " t", 3)
	f.Add("aaaa", "aa", "aaa", 1)
	f.Fuzz(func(t *testing.T, text, a, b string, n int) {
		if a == "" || b == "" || n < 1 {
			t.Skip()
		}
		want, found := text, false
		for i := 1; i <= len(text) && !found; i++ {
			for _, s := range []string{a, b} {
				if begin, ok := strings.CutSuffix(text[:i], s); ok && len(begin) < len(want) {
					want, found = begin, true
				}
			}
		}
		if got, ok := cut(text, n, a, b); got != want || ok != found {
			t.Errorf("%q in pieces of %d with stops %q, %q: got %q, %v, want %q, %v", text, n, a, b, got, ok, want, found)
		}
	})
}
