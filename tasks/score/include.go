package score

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tokenassay/assay/tasks"
)

// RULER is the score of NVIDIA/RULER (scripts/eval/synthetic/constants.py, string_match_all): the share of references that
// are in the output, ignoring case, also within a longer word or number. References are the target's parts between ", ".
func RULER(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	return share(s, output, strings.Contains)
}

// Values is the share of the target's parts, between ", ", that are in the output as words of their own, ignoring case:
// "42" is not in "142".
func Values(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	return share(s, output, containsWord)
}

func share(s tasks.Sample, output string, in func(text, part string) bool) (tasks.Score, error) {
	parts := strings.Split(s.Target, ", ")
	text := strings.ToLower(output)
	var found, missing []string
	for _, p := range parts {
		if p == "" {
			return tasks.Score{}, fmt.Errorf("sample %s: target %q has an empty part", s.ID, s.Target)
		}
		if in(text, strings.ToLower(p)) {
			found = append(found, p)
		} else {
			missing = append(missing, p)
		}
	}
	answer := strings.Join(found, ", ")
	switch {
	case len(missing) == 0:
		return right(answer), nil
	case len(found) > 0:
		return tasks.Score{
			Value: float64(len(found)) / float64(len(parts)), Verdict: tasks.Partial, Answer: answer,
			Why: "missing " + clip(strings.Join(missing, ", ")),
		}, nil
	case strings.TrimSpace(output) == "" || Refusal(output):
		return none(output, ""), nil
	}
	return wrong(clip(output), "none of %s", clip(s.Target)), nil
}

// edge reports whether the end of text (or its beginning) is a word's edge.
func edge(text string, end bool) bool {
	var r rune
	if end {
		r, _ = utf8.DecodeLastRuneInString(text)
	} else {
		r, _ = utf8.DecodeRuneInString(text)
	}
	return text == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
