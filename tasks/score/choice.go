package score

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/tokenassay/assay/tasks"
)

var (
	choiceMarked = regexp.MustCompile(`(?i)\b(?:answer|choice|option)(?:\s+is|\s*:)?[\s*_:(\["']*([A-Z])(?:[)\].,:;*_"'\s]|$)`)
	choiceAlone  = regexp.MustCompile(`^[\s*_(\["']*([A-Z])(?:[)\].,:;*_"']|\s*$|\s*\n)`)
	choiceBoxed  = regexp.MustCompile(`\\boxed\{(?:\\text\{)?([A-Z])\}`)
)

// FindChoice reads a letter among the first n of the alphabet: in \boxed{}, behind the last "answer", "choice" or "option",
// or as the beginning of the output ("B", "(B)", "B. Paris").
func FindChoice(output string, n int) (string, bool) {
	text := norm.NFKC.String(output)
	for _, e := range []*regexp.Regexp{choiceBoxed, choiceMarked} {
		all := e.FindAllStringSubmatch(text, -1)
		for i := len(all) - 1; i >= 0; i-- {
			// The pattern ignores case for the words before; a lower-case "a" is an article.
			if l := all[i][1]; int(l[0]-'A') < n && l[0] >= 'A' && l[0] <= 'Z' {
				return l, true
			}
		}
	}
	if m := choiceAlone.FindStringSubmatch(text); m != nil && int(m[1][0]-'A') < n {
		return m[1], true
	}
	return "", false
}

// MultipleChoice judges a letter. The target is a letter, or the text of one of the sample's choices.
// An output that names no letter but exactly one choice's text counts as that choice.
func MultipleChoice(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	if len(s.Choices) < 2 || len(s.Choices) > 26 {
		return tasks.Score{}, fmt.Errorf("sample %s: %d choices, want 2 to 26", s.ID, len(s.Choices))
	}
	target := -1
	for i, c := range s.Choices {
		if s.Target == c || s.Target == string(rune('A'+i)) {
			target = i
			break
		}
	}
	if target < 0 {
		return tasks.Score{}, fmt.Errorf("sample %s: target %q is neither a letter nor one of the choices", s.ID, s.Target)
	}
	want := string(rune('A' + target))
	if l, ok := FindChoice(output, len(s.Choices)); ok {
		return judge(l, want, l == want), nil
	}
	named := -1
	text := Normalize(output)
	for i, c := range s.Choices {
		if c := Normalize(c); c != "" && containsWord(text, c) {
			if named >= 0 {
				return none(output, "no letter, and more than one choice is named"), nil
			}
			named = i
		}
	}
	if named < 0 {
		return none(output, "no letter of a choice"), nil
	}
	l := string(rune('A' + named))
	return judge(l, want, named == target), nil
}

// containsWord reports whether word stands in text with no letter or digit next to it.
func containsWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		if edge(text[:i], true) && edge(text[i+len(word):], false) {
			return true
		}
		from = i + len(word)
	}
}
