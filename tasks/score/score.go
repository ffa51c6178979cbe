// Package score judges outputs: it reads an answer out of what a model wrote and compares it
// with what is right.
//
// Extractors (LastNumber, Choice, Code ...) are plain functions from text to answer. Scorers
// are built on them, and Named finds one by name for packs made of data. Where a known harness has a rule of
// its own it stands here under its own name, faults included.
//
// Every scorer tells "nothing that could be an answer" (NoAnswer, or Refused where the model says that it
// will not) from "wrong" (Incorrect), and returns an error only where it could not judge.
// All of them are safe for concurrent use, and take time linear in the length of the output.
package score

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenassay/assay/tasks"
)

// Named returns the scorer of a name that Names lists. runner may be nil for scorers that run nothing; those that do
// then leave every sample unscored.
func Named(name string, runner Runner) (tasks.Scorer, error) {
	for _, n := range named {
		if n.name == name {
			return n.make(runner), nil
		}
	}
	return nil, fmt.Errorf("scorer %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Names lists the scorers of Named in alphabetical order.
func Names() []string {
	var names []string
	for _, n := range named {
		names = append(names, n.name)
	}
	slices.Sort(names)
	return names
}

var named = [...]struct {
	name string
	make func(Runner) tasks.Scorer
}{
	{"exact", func(Runner) tasks.Scorer { return tasks.ScorerFunc(Exact) }},
	{"number", func(Runner) tasks.Scorer { return tasks.ScorerFunc(FinalNumber) }},
	{"numbers", func(Runner) tasks.Scorer { return tasks.ScorerFunc(NumberList) }},
	{"first-number", func(Runner) tasks.Scorer { return tasks.ScorerFunc(First) }},
	{"last-number", func(Runner) tasks.Scorer { return tasks.ScorerFunc(Last) }},
	{"choice", func(Runner) tasks.Scorer { return tasks.ScorerFunc(MultipleChoice) }},
	{"values", func(Runner) tasks.Scorer { return tasks.ScorerFunc(Values) }},
	{"ruler", func(Runner) tasks.Scorer { return tasks.ScorerFunc(RULER) }},
	{"function", func(r Runner) tasks.Scorer { return Function{r} }},
	{"humaneval", func(r Runner) tasks.Scorer { return HumanEval{r} }},
	{"gsm8k-corrected", func(Runner) tasks.Scorer { return tasks.ScorerFunc(GSM8KCorrected) }},
	{"gsm8k-cot-strict", func(Runner) tasks.Scorer { return GSM8KCotStrict }},
	{"gsm8k-strict", func(Runner) tasks.Scorer { return GSM8KStrict }},
	{"gsm8k-flexible", func(Runner) tasks.Scorer { return GSM8KFlexible }},
	{"mgsm", func(Runner) tasks.Scorer { return tasks.ScorerFunc(MGSM) }},
}

// right and wrong are the two plain judgements of an answer that was found.
func right(answer string) tasks.Score {
	return tasks.Score{Value: 1, Verdict: tasks.Correct, Answer: answer}
}

func wrong(answer, format string, args ...any) tasks.Score {
	return tasks.Score{Verdict: tasks.Incorrect, Answer: answer, Why: fmt.Sprintf(format, args...)}
}

// judge compares an answer that was found with the target.
func judge(answer, target string, equal bool) tasks.Score {
	if equal {
		return right(answer)
	}
	return wrong(answer, "want %s", clip(target))
}

// none judges an output in which no answer was found.
func none(output, format string, args ...any) tasks.Score {
	if Refusal(output) {
		return tasks.Score{Verdict: tasks.Refused, Why: "the model declines to answer"}
	}
	if strings.TrimSpace(output) == "" {
		return tasks.Score{Verdict: tasks.NoAnswer, Why: "the output is empty"}
	}
	return tasks.Score{Verdict: tasks.NoAnswer, Why: fmt.Sprintf(format, args...)}
}

// clip shortens text for a line that a person reads.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}

// refusals are openings with which models decline. Only a whole output that has no answer is
// compared with them, so a false alarm cannot cost a right answer.
var refusals = []string{
	"i'm sorry, but i can't", "i'm sorry, but i cannot", "i am sorry, but i cannot", "i am sorry, but i can't", "sorry, but i can't", "sorry, i can't",
	"sorry, but i cannot", "i can't help with", "i cannot help with", "i can't assist", "i cannot assist", "i'm unable to", "i am unable to",
	"i won't", "i will not", "i cannot provide", "i can't provide", "i cannot answer", "i can't answer",
	"as an ai language model, i can't", "as an ai language model, i cannot", "as an ai, i can't", "as an ai, i cannot",
}

// Refusal reports whether output begins by declining to answer. It knows English only and is
// meant for outputs in which no answer was found.
func Refusal(output string) bool {
	head := []rune(strings.TrimSpace(output))
	head = head[:min(len(head), 200)]
	text := strings.ToLower(strings.ReplaceAll(string(head), "’", "'"))
	for _, r := range refusals {
		if strings.HasPrefix(text, r) {
			return true
		}
	}
	return false
}

// Exact is right where the output equals the target but for case, width and composition of characters, runs of
// blanks, and quotes, emphasis or a full stop around the whole. Of an output of several lines only the first that is not
// empty counts.
func Exact(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	line := ""
	for l := range strings.Lines(output) {
		if line = strings.TrimSpace(l); line != "" {
			break
		}
	}
	answer := Normalize(line)
	if answer == "" {
		return none(output, "nothing but punctuation"), nil
	}
	return judge(line, s.Target, answer == Normalize(s.Target)), nil
}
