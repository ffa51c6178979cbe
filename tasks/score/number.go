package score

import (
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/tokenassay/assay/tasks"
)

// FindNumbers lists the numbers in text, each as a plain decimal: "1,234.50" is "1234.5". Digits of every script
// count. A minus counts as a sign where no letter, digit or closing bracket stands before it.
//
// Thousands marks are commas, apostrophes or unbreakable blanks, before groups of exactly three digits, and the
// point is the decimal mark: "3,5" is two numbers. In languages that write 1.234,5 (by their ISO 639-1 code; "" is none of
// them) points mark thousands too, and point or comma is the decimal mark where it cannot mark thousands: there
// "1,234" is read as the whole number, since models mix the two habits and three decimals are rare.
func FindNumbers(text, language string) []string {
	comma := slices.Contains(commaLanguages, language)
	var found []string
	rs := plain(text)
	for i := 0; i < len(rs); {
		if !digit(rs[i]) {
			i++
			continue
		}
		n, next := numberAt(rs, i, comma)
		if i > 0 && rs[i-1] == '-' && (i == 1 || signPlace(rs[i-2])) && n != "0" {
			n = "-" + n
		}
		found = append(found, n)
		i = next
	}
	return found
}

// commaLanguages write the decimal mark as a comma.
var commaLanguages = []string{"de", "es", "fr", "it", "pt", "ru", "nl", "pl", "id", "tr", "sv", "da", "cs"}

func digit(r rune) bool { return '0' <= r && r <= '9' }

// signPlace reports whether a minus behind r can be a sign.
func signPlace(r rune) bool {
	return !digit(r) && r != ')' && r != ']' && r != '}' && r != '-' && !('a' <= r|0x20 && r|0x20 <= 'z')
}

// numberAt reads the number that begins at rs[i], a digit, and returns it with the place behind it.
func numberAt(rs []rune, i int, comma bool) (string, int) {
	var whole strings.Builder
	start := i
	for i < len(rs) && digit(rs[i]) {
		whole.WriteRune(rs[i])
		i++
	}
	// Groups of three behind the same mark, after one to three digits.
	if i-start <= 3 && i < len(rs) && rs[start] != '0' {
		if mark := rs[i]; mark == ',' || mark == '\'' || mark == thinSpace || comma && mark == '.' {
			for i < len(rs) && rs[i] == mark && threeDigits(rs[i+1:]) {
				whole.WriteString(string(rs[i+1 : i+4]))
				i += 4
			}
		}
	}
	fraction := ""
	if i+1 < len(rs) && digit(rs[i+1]) && (rs[i] == '.' || comma && rs[i] == ',') {
		j := i + 1
		for j < len(rs) && digit(rs[j]) {
			j++
		}
		// "1,2,3" is a list and "1.2.3" a version: of those, the first number ends at the mark.
		if again := j+1 < len(rs) && rs[j] == rs[i] && digit(rs[j+1]); !again {
			fraction = string(rs[i+1 : j])
			i = j
		}
	}
	n := strings.TrimLeft(whole.String(), "0")
	if n == "" {
		n = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		n += "." + fraction
	}
	return n, i
}

func threeDigits(rs []rune) bool {
	return len(rs) >= 3 && digit(rs[0]) && digit(rs[1]) && digit(rs[2]) && (len(rs) == 3 || !digit(rs[3]))
}

// LastNumber and FirstNumber return that number of FindNumbers.
func LastNumber(text, language string) (string, bool) {
	ns := FindNumbers(text, language)
	if len(ns) == 0 {
		return "", false
	}
	return ns[len(ns)-1], true
}

// FirstNumber returns the first number of FindNumbers.
func FirstNumber(text, language string) (string, bool) {
	ns := FindNumbers(text, language)
	if len(ns) == 0 {
		return "", false
	}
	return ns[0], true
}

// markers announce the final answer; the last one counts.
var markers = []string{`\boxed{`, "####", "answer is", "answer:", "answer**:", "answer:**"}

// FindFinal returns the number a model ends at: the first one behind the last marker (\boxed{, ####, "answer is",
// "answer:") that has one behind it, and else the last number of all.
func FindFinal(text, language string) (string, bool) {
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // a letter changed its length: positions would not fit
		lower = text
	}
	at := -1
	for _, m := range markers {
		if i := strings.LastIndex(lower, m); i >= 0 {
			at = max(at, i+len(m))
		}
	}
	if at >= 0 {
		line, _, _ := strings.Cut(strings.TrimLeft(text[at:], " \t\n*"), "\n")
		// Behind a marker may stand a calculation: "the answer is 47 + 8 = 55".
		if i := strings.LastIndex(line, "="); i >= 0 {
			if n, ok := FirstNumber(line[i+1:], language); ok {
				return n, true
			}
		}
		if n, ok := FirstNumber(line, language); ok {
			return n, true
		}
	}
	return LastNumber(text, language)
}

// FinalNumber judges the number of FindFinal by value: "18.00" is 18. The sample's language is
// read from Meta["language"].
func FinalNumber(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	n, ok := FindFinal(output, s.Meta["language"])
	return judgeNumber(n, ok, s.Target, output), nil
}

// Last judges the last number.
func Last(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	n, ok := LastNumber(output, s.Meta["language"])
	return judgeNumber(n, ok, s.Target, output), nil
}

// First judges the first number.
func First(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	n, ok := FirstNumber(output, s.Meta["language"])
	return judgeNumber(n, ok, s.Target, output), nil
}

func judgeNumber(n string, ok bool, target, output string) tasks.Score {
	if !ok {
		return none(output, "no number")
	}
	return judge(n, target, equalNumbers(n, target))
}

// equalNumbers compares plain decimals by value; the target may have thousands commas.
func equalNumbers(a, b string) bool {
	x, ok := decimal(a)
	if !ok {
		return false
	}
	y, ok := decimal(strings.ReplaceAll(strings.TrimSpace(b), ",", ""))
	return ok && x.Cmp(y) == 0
}

// decimal parses digits with an optional sign and point. It refuses exponents and fractions, which big.Rat
// would expand without bound.
func decimal(s string) (*big.Rat, bool) {
	if len(s) > 4096 || strings.Trim(s, "-0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// NumberList judges several numbers in order: the target's numbers have to be the last ones of the output, as in
// "ninety is 90, sixty-eight is 68".
func NumberList(_ context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	want := FindNumbers(s.Target, "")
	got := FindNumbers(output, "")
	if len(got) == 0 {
		return none(output, "no number"), nil
	}
	// "720,758" may be one number or two: right if either reading is.
	for _, ns := range [][]string{got, FindNumbers(strings.ReplaceAll(output, ",", " "), "")} {
		if ns = ns[max(0, len(ns)-len(want)):]; slices.EqualFunc(ns, want, equalNumbers) {
			return right(strings.Join(ns, ", ")), nil
		}
	}
	got = got[max(0, len(got)-len(want)):]
	return wrong(strings.Join(got, ", "), "want %s", clip(s.Target)), nil
}
