package score

import (
	"context"
	"regexp"
	"strings"

	"github.com/tokenassay/assay/tasks"
)

// pattern is a scorer of lm-evaluation-harness' kind: a regular expression picks the answer, then
// answer and target are compared as text after some marks are taken out of both.
type pattern struct {
	expr *regexp.Regexp
	last bool // take the last match, not the first
}

// The rules of lm-evaluation-harness for GSM8K (lm_eval/tasks/gsm8k/gsm8k.yaml and gsm8k-cot.yaml).
var (
	// GSM8KCotStrict takes the first "The answer is 42." The pattern's last point is not escaped and wants one more
	// character: a text that ends in "The answer is 42" yields 4, and "The answer is 7" nothing. It is kept as
	// published figures were made with it; GSM8KCorrected is the one without the fault.
	GSM8KCotStrict tasks.Scorer = pattern{expr: regexp.MustCompile(`The answer is (\-?[0-9\.\,]+).`)}
	// GSM8KStrict takes the first number behind "#### ", as the data set itself writes it.
	GSM8KStrict tasks.Scorer = pattern{expr: regexp.MustCompile(`#### (\-?[0-9\.\,]+)`)}
	// GSM8KFlexible takes the last thing like a number.
	GSM8KFlexible tasks.Scorer = pattern{expr: regexp.MustCompile(`(-?[$0-9.,]{2,})|(-?[0-9]+)`), last: true}
)

// Extract returns the answer as the harness keeps it, before marks are taken out of it.
func (p pattern) Extract(output string) (string, bool) {
	n := 1
	if p.last {
		n = -1
	}
	all := p.expr.FindAllStringSubmatch(output, n)
	if len(all) == 0 {
		return "", false
	}
	for _, group := range all[len(all)-1][1:] {
		if group != "" {
			return strings.TrimSpace(group), true
		}
	}
	return "", false
}

// Score compares as text, so "18.00" is not 18.
func (p pattern) Score(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	answer, ok := p.Extract(output)
	if !ok {
		return none(output, "no match for %s", p.expr), nil
	}
	return judge(answer, s.Target, ignoreMarks(answer) == ignoreMarks(s.Target)), nil
}

// ignoreMarks is the harness' regexes_to_ignore: commas, dollars, all up to "#### " and a final point.
func ignoreMarks(s string) string {
	s = strings.NewReplacer(",", "", "$", "").Replace(s)
	if i := strings.LastIndex(s, "#### "); i >= 0 {
		s = s[i+len("#### "):]
	}
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

var (
	answerIs   = regexp.MustCompile(`(?i)the answer is[^0-9\n]{0,20}?(-?[0-9][0-9.,]*)`)
	hashAnswer = regexp.MustCompile(`####[^0-9\n]{0,20}?(-?[0-9][0-9.,]*)`)
)

// GSM8KCorrected takes the first "the answer is" or "####" with a number behind it, else the last number, and compares by
// value. The first, because a base model goes on with questions of its own after its answer.
func GSM8KCorrected(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	target := s.Target
	if i := strings.LastIndex(target, "####"); i >= 0 {
		target = strings.TrimSpace(target[i+len("####"):])
	}
	output, _, _ = strings.Cut(output, "\nQ:")
	for _, e := range []*regexp.Regexp{answerIs, hashAnswer} {
		if m := e.FindStringSubmatch(output); m != nil {
			n, ok := FirstNumber(m[1], "")
			return judgeNumber(n, ok, target, output), nil
		}
	}
	n, ok := FindFinal(output, "")
	return judgeNumber(n, ok, target, output), nil
}

// answerPrefix is what a model is asked to write before its answer, by ISO 639-1 code: the word "answer" of MGSM's
// eleven languages.
var answerPrefix = map[string]string{
	"bn": "উত্তর", "de": "Antwort", "en": "Answer", "es": "Respuesta", "fr": "Réponse", "ja": "答え",
	"ru": "Ответ", "sw": "Jibu", "te": "సమాధానం", "th": "คำตอบ", "zh": "答案",
}

// AnswerPrefix returns the word for "answer" that MGSM asks for in a language, and whether it has one.
func AnswerPrefix(language string) (string, bool) {
	w, ok := answerPrefix[language]
	return w, ok
}

// MGSM takes the last number behind the last answer prefix of Meta["language"], and where the prefix is missing
// the last number of all; thousands marks are left out. An answer is right by value.
func MGSM(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	language := s.Meta["language"]
	text := output
	if w, ok := answerPrefix[language]; ok {
		if i := strings.LastIndex(output, w); i >= 0 {
			if _, ok := LastNumber(output[i+len(w):], language); ok {
				text = output[i+len(w):]
			}
		}
	}
	n, ok := LastNumber(text, language)
	return judgeNumber(n, ok, s.Target, output), nil
}
