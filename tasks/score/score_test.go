package score

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// sharedData finds a file of the public data beside the checkout; without it the test is skipped, or failed under CI.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("ASSAY_SHARED")
	if dir, err := os.Getwd(); root == "" && err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "shared", "data")); err == nil {
				root = filepath.Join(dir, "shared")
				break
			}
		}
	}
	path := filepath.Join(root, "data", name)
	if _, err := os.Stat(path); err != nil || root == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("public data %s is missing", name)
		}
		t.Skipf("public data %s is not here; set ASSAY_SHARED to the folder that holds data/", name)
	}
	return path
}

const (
	ok   = tasks.Correct
	part = tasks.Partial
	bad  = tasks.Incorrect
	not  = tasks.NoAnswer
	no   = tasks.Refused
)

func TestScorers(t *testing.T) {
	for _, tt := range []struct {
		scorer, name, output, target, language string
		verdict                                tasks.Verdict
		answer                                 string
	}{
		{"exact", "same", "Paris", "Paris", "", ok, "Paris"},
		{"exact", "case, quotes, full stop", " \"paris\".\n", "Paris", "", ok, `"paris".`},
		{"exact", "emphasis", "**Paris**", "Paris", "", ok, "**Paris**"},
		{"exact", "full width", "Ｐａｒｉｓ", "Paris", "", ok, "Ｐａｒｉｓ"},
		{"exact", "composed", "Cafe\u0301", "Café", "", ok, "Cafe\u0301"},
		{"exact", "only the first line", "Rome\nParis", "Paris", "", bad, "Rome"},
		{"exact", "sign stays", "-3", "3", "", bad, "-3"},
		{"exact", "empty", " \n", "Paris", "", not, ""},
		{"exact", "punctuation", "...", "Paris", "", not, ""},

		{"number", "alone", " 55", "55", "", ok, "55"},
		{"number", "in a sentence", "47 + 8 = 55", "55", "", ok, "55"},
		{"number", "marker before a remark", "The answer is 55. I added 47 and 8.", "55", "", ok, "55"},
		{"number", "marker before a calculation", "The answer is 47 + 8 = 55", "55", "", ok, "55"},
		{"number", "boxed", `So $\boxed{55}$ and not 54`, "55", "", ok, "55"},
		{"number", "thousands", "It is 1,234,567.", "1234567", "", ok, "1234567"},
		{"number", "decimals by value", "18.00", "18", "", ok, "18"},
		{"number", "negative", "the difference is -12", "-12", "", ok, "-12"},
		{"number", "minus sign", "−12", "-12", "", ok, "-12"},
		{"number", "no sign within a range", "10-12", "12", "", ok, "12"},
		{"number", "German thousands", "Es sind 1.234.", "1234", "de", ok, "1234"},
		{"number", "German decimals", "12,5", "12.5", "de", ok, "12.5"},
		{"number", "English habit in German", "1,234", "1234", "de", ok, "1234"},
		{"number", "French thousands", "1\u202f234", "1234", "fr", ok, "1234"},
		{"number", "full-width digits", "答えは４２です。", "42", "ja", ok, "42"},
		{"number", "Bengali digits", "৪২", "42", "bn", ok, "42"},
		{"number", "wrong", "54", "55", "", bad, "54"},
		{"number", "prefix is not enough", "555", "55", "", bad, "555"},
		{"number", "none", "I do not know", "55", "", not, ""},
		{"number", "empty", "", "55", "", not, ""},
		{"number", "refused", "I'm sorry, but I can't help with that.", "55", "", no, ""},
		{"number", "refusal with an answer is an answer", "I can't help with much, but it is 55", "55", "", ok, "55"},
		{"first-number", "rambling", "55\n56 57", "55", "", ok, "55"},
		{"last-number", "rambling", "55\n56 57", "57", "", ok, "57"},

		{"numbers", "plain", "47, 13", "47, 13", "", ok, "47, 13"},
		{"numbers", "no blank", "720,758", "720, 758", "", ok, "720, 758"},
		{"numbers", "with words", "forty-seven is 47 and thirteen is 13.", "47, 13", "", ok, "47, 13"},
		{"numbers", "order", "13, 47", "47, 13", "", bad, "13, 47"},
		{"numbers", "too few", "47", "47, 13", "", bad, "47"},
		{"numbers", "none", "seven", "47, 13", "", not, ""},

		{"values", "all", "42, 17", "42, 17", "", ok, "42, 17"},
		{"values", "half", "42 and 18", "42, 17", "", part, "42"},
		{"values", "within a number", "142", "42", "", bad, "142"},
		{"ruler", "within a number", "142", "42", "", ok, "42"},
		{"ruler", "case", "the DOG", "dog", "", ok, "dog"},
		{"values", "none", "", "42", "", not, ""},

		{"gsm8k-cot-strict", "full stop", "The answer is 42.", "42", "", ok, "42"},
		{"gsm8k-cot-strict", "the published fault", "The answer is 42", "42", "", bad, "4"},
		{"gsm8k-cot-strict", "the published fault, one digit", "The answer is 7", "7", "", not, ""},
		{"gsm8k-cot-strict", "first match", "The answer is 1.\nQ: x\nA: The answer is 2.", "1", "", ok, "1"},
		{"gsm8k-corrected", "no full stop", "The answer is 42", "42", "", ok, "42"},
		{"gsm8k-corrected", "one digit", "The answer is 7", "7", "", ok, "7"},
		{"gsm8k-corrected", "dollars", "The answer is $1,200.50.", "1200.5", "", ok, "1200.5"},
		{"gsm8k-corrected", "goes on", "The answer is 1.\n\nQ: x\nA: The answer is 2.", "1", "", ok, "1"},
		{"gsm8k-corrected", "no marker", "so 3 dozen eggs", "3", "", ok, "3"},
		{"gsm8k-flexible", "last", "first 12, then $1,300.", "1300", "", ok, "$1,300."},
		{"gsm8k-flexible", "as text", "18.00", "18", "", bad, "18.00"},
		{"gsm8k-strict", "hash", "5*2 = 10\n#### 10", "10", "", ok, "10"},
		{"gsm8k-strict", "reference as target", "#### 1,000", "2*500\n#### 1000", "", ok, "1,000"},
		{"gsm8k-strict", "no hash", "The answer is 10.", "10", "", not, ""},

		{"mgsm", "prefix", "3 + 4\nAntwort: 1.200 Euro", "1200", "de", ok, "1200"},
		{"mgsm", "prefix, Chinese", "答案：７０，０００", "70000", "zh", ok, "70000"},
		{"mgsm", "no prefix", "es sind 12", "12", "de", ok, "12"},
		{"mgsm", "target with thousands mark", "Answer: 114200", "114,200", "en", ok, "114200"},
	} {
		t.Run(tt.scorer+"/"+tt.name, func(t *testing.T) {
			scorer, err := Named(tt.scorer, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := tasks.Sample{ID: "x", Target: tt.target, Meta: map[string]string{"language": tt.language}}
			got, err := scorer.Score(context.Background(), s, tt.output)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != tt.verdict || got.Answer != tt.answer {
				t.Errorf("%s(%q), target %q: %s, answer %q (%s), want %s, answer %q", tt.scorer, tt.output, tt.target, got.Verdict, got.Answer, got.Why, tt.verdict, tt.answer)
			}
			value := map[tasks.Verdict]float64{ok: 1, part: 0.5}[tt.verdict]
			if got.Value != value {
				t.Errorf("value %v, want %v", got.Value, value)
			}
			if (got.Why == "") != (tt.verdict == ok) {
				t.Errorf("verdict %s has the explanation %q", got.Verdict, got.Why)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	choices := []string{"Rome", "Paris", "London", "Paris, Texas"}
	for _, tt := range []struct {
		output  string
		verdict tasks.Verdict
		answer  string
	}{
		{"B", ok, "B"}, {" B.", ok, "B"}, {"(B)", ok, "B"}, {"**B**", ok, "B"}, {"B) Paris", ok, "B"},
		{"The answer is B.", ok, "B"}, {"Answer: (B)", ok, "B"}, {`\boxed{B}`, ok, "B"}, {"Ｂ", ok, "B"},
		{"I first thought the answer is A. But the answer is B.", ok, "B"},
		{"A", bad, "A"}, {"The answer is C", bad, "C"},
		{"E", not, ""}, {"A city in France", not, ""}, {"", not, ""}, {"none", not, ""},
		{"It is London", bad, "C"}, {"Rome or London", not, ""},
		{"I'm sorry, but I cannot answer.", no, ""},
	} {
		s := tasks.Sample{ID: "x", Target: "B", Choices: choices}
		got, err := MultipleChoice(context.Background(), s, tt.output)
		if err != nil || got.Verdict != tt.verdict || got.Answer != tt.answer {
			t.Errorf("MultipleChoice(%q) = %s %q (%s), %v, want %s %q", tt.output, got.Verdict, got.Answer, got.Why, err, tt.verdict, tt.answer)
		}
	}
	for name, s := range map[string]tasks.Sample{
		"no choices": {Target: "B"}, "target is no choice": {Target: "Berlin", Choices: choices},
	} {
		if got, err := MultipleChoice(context.Background(), s, "B"); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestFindNumbers(t *testing.T) {
	for _, tt := range []struct{ text, language, want string }{
		{"", "", ""}, {"no", "", ""}, {"007", "", "7"}, {"0.50", "", "0.5"}, {"3.", "", "3"}, {".5", "", "5"},
		{"1,2,3", "", "1 2 3"}, {"1.2.3", "", "1 2.3"}, {"3,5", "", "3 5"}, {"3,5", "de", "3.5"}, {"1,2345", "", "1 2345"},
		{"1234,567", "", "1234 567"}, {"12,345.60", "", "12345.6"}, {"12.345,60", "de", "12345.6"}, {"0,125", "de", "0.125"},
		{"1'234'567", "", "1234567"}, {"-5 - 3 (-2) x-1 4-2", "", "-5 3 -2 1 4 2"}, {"$-5", "", "-5"}, {"--5", "", "5"}, {"-0", "", "0"},
		{"٤٢ 𝟙𝟚", "", "42 12"}, {"50%", "", "50"}, {"1 234", "", "1 234"}, {"2/3", "", "2 3"},
	} {
		if got := strings.Join(FindNumbers(tt.text, tt.language), " "); got != tt.want {
			t.Errorf("FindNumbers(%q, %q) = %q, want %q", tt.text, tt.language, got, tt.want)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, n := range Names() {
		if s, err := Named(n, nil); err != nil || s == nil {
			t.Errorf("Named(%q) = %v, %v", n, s, err)
		}
	}
	if _, err := Named("guess", nil); err == nil || !strings.Contains(err.Error(), "humaneval") {
		t.Errorf("Named(guess): %v, want an error that lists the names", err)
	}
}

func TestNothingToRunIn(t *testing.T) {
	s := tasks.Sample{ID: "x", Meta: map[string]string{"language": "javascript", "function": "f", "tests": `[{"in":[1],"out":2}]`, "entry_point": "f", "test": "pass"}}
	for name, scorer := range map[string]tasks.Scorer{"function": Function{}, "humaneval": HumanEval{}} {
		if got, err := scorer.Score(context.Background(), s, "x"); !errors.Is(err, ErrNoRunner) {
			t.Errorf("%s without a runner: %v, %v, want ErrNoRunner", name, got, err)
		}
	}
	for name, scorer := range map[string]tasks.Scorer{"function": Function{failing{}}, "humaneval": HumanEval{failing{}}} {
		if got, err := scorer.Score(context.Background(), s, "function f(x) { return 2; }"); !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("%s with a closed runner: %v, %v, want ErrClosed", name, got, err)
		}
		if got, err := scorer.Score(context.Background(), tasks.Sample{ID: "y"}, "x"); err == nil {
			t.Errorf("%s without tests: %v, want an error", name, got)
		}
	}
}

type failing struct{}

func (failing) Run(context.Context, sandbox.Program, sandbox.Limits) (sandbox.Result, error) {
	return sandbox.Result{}, sandbox.ErrClosed
}
func (failing) Languages() []sandbox.Language { return nil }

func FuzzExtractors(f *testing.F) {
	for _, s := range []string{"", "The answer is -1,234.50.", "```js\nfunction f(x) { return `${x}`; }\n```", "(B) ４２ #### 7", "def f(x):\n  return 1\n\n\nprint(f)", "const f = x =>\n x // ("} {
		f.Add(s, "de")
	}
	f.Fuzz(func(t *testing.T, text, language string) {
		for _, n := range FindNumbers(text, language) {
			if _, ok := decimal(n); !ok && len(n) <= 4096 {
				t.Errorf("FindNumbers(%q): %q is no decimal", text, n)
			}
			if !equalNumbers(n, n) && len(n) <= 4096 {
				t.Errorf("%q is not itself", n)
			}
		}
		for _, name := range Names() {
			scorer, err := Named(name, failing{})
			if err != nil {
				t.Fatal(err)
			}
			s := tasks.Sample{Target: "42", Choices: []string{"41", "42"}, Meta: map[string]string{"language": language}}
			got, err := scorer.Score(context.Background(), s, text)
			if err == nil && (got.Value < 0 || got.Value > 1 || got.Verdict == "") {
				t.Errorf("%s(%q) = %+v", name, text, got)
			}
		}
		Completion(text, "f")
		for _, l := range []sandbox.Language{sandbox.JavaScript, sandbox.Python} {
			if code, ok := FindFunction(text, l, "f"); ok && !defines(code, l, "f") {
				t.Errorf("FindFunction(%q, %s) = %q, which does not define f", text, l, code)
			}
		}
		Normalize(text)
	})
}

// TestLinearTime would take minutes with a quadratic extractor.
func TestLinearTime(t *testing.T) {
	for _, unit := range []string{"1,", "#### ", "the answer is ", "```\n", "function f(", "def f(x):\n", "((((", "`", "-", "A ", "1.234", "\n ", "const f = x\n"} {
		text := strings.Repeat(unit, (1<<17)/len(unit))
		s := tasks.Sample{Target: "42", Choices: []string{"41", "42"}}
		for _, name := range Names() {
			scorer, _ := Named(name, failing{})
			_, _ = scorer.Score(context.Background(), s, text)
		}
		Completion(text, "f")
		FindFunction(text, sandbox.JavaScript, "f")
		FindFunction(text, sandbox.Python, "f")
	}
}
