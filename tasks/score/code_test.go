package score

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/generate"
	"github.com/tokenassay/assay/tasks/sandbox"
)

// box starts a sandbox, or skips where the platform has none or lacks the language.
func box(t *testing.T, language sandbox.Language) Runner {
	t.Helper()
	b, err := sandbox.Start(t.Context())
	if errors.Is(err, sandbox.ErrUnsupported) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if !slices.Contains(b.Languages(), language) {
		if os.Getenv("CI") != "" {
			t.Fatalf("the sandbox does not run %s: %s", language, b.Describe())
		}
		t.Skipf("the sandbox does not run %s: %s", language, b.Describe())
	}
	return b
}

func TestJavaScriptFunctions(t *testing.T) {
	scorer := Function{box(t, sandbox.JavaScript)}
	for _, tt := range []struct {
		name, output string
		verdict      tasks.Verdict
		why          string
	}{
		{"one line", "function f(x) { return x * 7 + 3; }", ok, ""},
		{"leading blank and rest", " function f(x) { return x * 7 + 3; }\nThis multiplies x.", ok, ""},
		{"fenced", "Here:\n```javascript\nfunction f(x) {\n  return x * 7 + 3;\n}\n```\nIt multiplies.", ok, ""},
		{"last fenced that defines it", "```js\nfunction f(x) { return 0; }\n```\nBetter:\n```js\nfunction f(x) { return 3 + 7 * x; }\n```", ok, ""},
		{"unclosed fence", "```js\nfunction f(x) { return 3 + 7 * x; }", ok, ""},
		{"arrow", "const f = x => x * 7 + 3\n\nThis is an arrow function.", ok, ""},
		{"arrow with a body", "let f = (x) => {\n  const y = x * 7;\n  return y + 3;\n};\nDone.", ok, ""},
		{"chained lines", "const f = x => [x]\n  .map(v => { return v * 7; })\n  .reduce((a, b) => a + b, 3)\nDone.", ok, ""},
		{"in a sentence", "You can write `function f(x) { return x * 7 + 3; }` for this.", ok, ""},
		{"brackets in strings", "function f(x) { const s = \"}\"; /* } */ return x * 7 + s.length + 2; }", ok, ""},
		{"float of the same value", "function f(x) { return x * 7 + 3.0; }", ok, ""},
		{"prints besides", "function f(x) { console.log('hello', x); return x * 7 + 3; }", ok, ""},
		{"overwrites the console", "function f(x) { return x * 7 + 3; }\nconsole.log = null; JSON.stringify = null;", ok, ""},
		{"wrong", "function f(x) { return x * 7 + 4; }", bad, "f(0) = 4, want 3"},
		{"text instead of a number", "function f(x) { return String(x * 7 + 3); }", bad, `f(0) = "3", want 3`},
		{"returns nothing", "function f(x) { x * 7 + 3; }", bad, "f(0) = undefined, want 3"},
		{"throws", "function f(x) { throw new Error('no'); }", bad, "no"},
		{"syntax error", "function f(x) { return x * ; }", bad, "SyntaxError"},
		{"endless", "function f(x) { for (;;) {} }", bad, "time-out"},
		{"prints the answer without returning", "function f(x) { console.log('3'); }", bad, "undefined"},
		{"other name", "function g(x) { return x * 7 + 3; }", not, ""},
		{"no code", "I would multiply x by 7.", not, ""},
		{"empty", "", not, ""},
		{"refused", "I'm sorry, but I can't write code.", no, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "endless" {
				t.Parallel()
			}
			s := tasks.Sample{ID: "x", Meta: map[string]string{"language": "javascript", "function": "f", "tests": `[{"in":[0],"out":3},{"in":[2],"out":17}]`}}
			got, err := scorer.Score(context.Background(), s, tt.output)
			if err != nil || got.Verdict != tt.verdict || !strings.Contains(got.Why, tt.why) {
				t.Errorf("%q: %s (%s), %v, want %s (%s)", tt.output, got.Verdict, got.Why, err, tt.verdict, tt.why)
			}
		})
	}
}

func TestPythonFunctions(t *testing.T) {
	scorer := Function{box(t, sandbox.Python)}
	for _, tt := range []struct {
		name, output string
		verdict      tasks.Verdict
		why          string
	}{
		{"one line", "def f(xs): return [x + 1 for x in xs]", ok, ""},
		{"body, then prose", "def f(xs):\n    ys = []\n\n    for x in xs:\n        ys.append(x + 1)\n    return ys\nThis adds one.", ok, ""},
		{"lambda", "f = lambda xs: [x + 1 for x in xs]", ok, ""},
		{"tuple", "def f(xs): return tuple(x + 1 for x in xs)", ok, ""},
		{"exits", "import sys\ndef f(xs): sys.exit(0)", bad, ""},
		{"wrong", "def f(xs): return xs", bad, "f([1, 2]) = [1, 2], want [2,3]"},
		{"raises", "def f(xs): return xs.add(1)", bad, "AttributeError"},
		{"syntax error", "def f(xs): return [x + for x in xs]", bad, "SyntaxError"},
		{"cannot be JSON", "def f(xs): return {1, 2}", bad, "TypeError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tasks.Sample{ID: "x", Meta: map[string]string{"language": "python", "function": "f", "tests": `[{"in":[[1, 2]],"out":[2,3]},{"in":[[]],"out":[]}]`}}
			got, err := scorer.Score(context.Background(), s, tt.output)
			if err != nil || got.Verdict != tt.verdict || !strings.Contains(got.Why, tt.why) {
				t.Errorf("%q: %s (%s), %v, want %s (%s)", tt.output, got.Verdict, got.Why, err, tt.verdict, tt.why)
			}
		})
	}
}

// TestGeneratedProgramsPass runs what the generators hold for right, in both languages.
func TestGeneratedProgramsPass(t *testing.T) {
	for _, language := range []sandbox.Language{sandbox.JavaScript, sandbox.Python} {
		t.Run(string(language), func(t *testing.T) {
			scorer := Function{box(t, language)}
			for _, f := range generate.Families() {
				if f.Answer != generate.Program {
					continue
				}
				for level := 1; level <= f.MaxLevel; level++ {
					it, err := f.Make(rand.New(rand.NewPCG(uint64(level), 4)), level, generate.Params{Language: string(language)})
					if err != nil {
						t.Fatal(err)
					}
					got, err := scorer.Score(context.Background(), tasks.Sample{ID: it.ID(), Meta: it.Meta}, " "+it.Target)
					if err != nil || got.Verdict != tasks.Correct {
						t.Errorf("%s: %s: %s (%s), %v", it.ID(), it.Target, got.Verdict, got.Why, err)
					}
				}
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	for _, tt := range []struct{ name, output, want string }{
		{"body", "    return 1\n", "    return 1\n"},
		{"cut at a class", "    return 1\n\nclass A:\n", "    return 1\n"},
		{"cut at its own name again", "    return 1\n\ndef f(x):\n    return 2\n", "    return 1\n"},
		{"cut at a comment", "    return 1\n# test\n", "    return 1"},
		{"indented comment stays", "    # one\n    return 1\nprint(f(1))", "    # one\n    return 1"},
		{"fenced body", "```python\n    return 1\n```", "    return 1"},
		{"fenced definition", "Sure!\n```python\ndef f(x):\n    return 1\n```\n", "\ndef f(x):\n    return 1"},
		{"last block", "```\na\n```\n```\n    return 1\n```", "    return 1"},
		{"definition behind prose", "Here it is.\n\ndef f(x):\n    return 1\n\nf(1)\n", "\ndef f(x):\n    return 1\n"},
	} {
		if got := strings.TrimRight(Completion(tt.output, "f"), "\n"); got != strings.TrimRight(tt.want, "\n") {
			t.Errorf("%s: Completion(%q) = %q, want %q", tt.name, tt.output, got, tt.want)
		}
	}
}

func TestHumanEval(t *testing.T) {
	scorer := HumanEval{box(t, sandbox.Python)}
	s := tasks.Sample{
		ID: "HumanEval/x", Input: "from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    \"\"\" Sum of xs.\n    \"\"\"\n",
		Meta: map[string]string{"entry_point": "total", "test": "\n\ndef check(candidate):\n    assert candidate([]) == 0\n    assert candidate([1, 2]) == 3\n"},
	}
	for _, tt := range []struct {
		name, output string
		verdict      tasks.Verdict
		why          string
	}{
		{"body", "    return sum(xs)\n", ok, ""},
		{"definition of its own", "```python\ndef total(xs: List[int]) -> int:\n    return sum(xs)\n```", ok, ""},
		{"failed test", "    return len(xs)\n", bad, "AssertionError"},
		{"leaves before the check", "    return sum(xs)\nimport os\nos._exit(0)\n", bad, "ended with status 0"},
		{"not indented", "return sum(xs)", bad, "Error"},
		{"empty", "", not, ""},
	} {
		got, err := scorer.Score(context.Background(), s, tt.output)
		if err != nil || got.Verdict != tt.verdict || !strings.Contains(got.Why, tt.why) {
			t.Errorf("%s: %s (%s), %v, want %s (%s)", tt.name, got.Verdict, got.Why, err, tt.verdict, tt.why)
		}
	}
}
