package score

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/sandbox"
)

// Runner runs programs nobody trusts; *sandbox.Box is one.
type Runner interface {
	Run(ctx context.Context, p sandbox.Program, l sandbox.Limits) (sandbox.Result, error)
	Languages() []sandbox.Language
}

// ErrNoRunner leaves samples unscored that can be judged only by running a program.
var ErrNoRunner = errors.New("no sandbox to run programs in")

// Function judges a function by calling it on hidden inputs. The sample's Meta says "language" ("javascript" or
// "python"), "function" (its name) and "tests": JSON [{"in": [arguments], "out": result}, ...].
//
// The program is given the inputs only; results are compared here, so no program can read
// or print its way to a right answer.
type Function struct{ Runner Runner }

// testCase is one call and what it must return.
type testCase struct {
	In  []json.RawMessage `json:"in"`
	Out json.RawMessage   `json:"out"`
}

// Score runs the function once on all inputs.
func (f Function) Score(ctx context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	language, name := sandbox.Language(s.Meta["language"]), s.Meta["function"]
	var cases []testCase
	if err := json.Unmarshal([]byte(s.Meta["tests"]), &cases); err != nil {
		return tasks.Score{}, fmt.Errorf("sample %s: tests in its meta data: %w", s.ID, err)
	}
	if len(cases) == 0 || name == "" {
		return tasks.Score{}, fmt.Errorf("sample %s: no tests of a function in its meta data", s.ID)
	}
	if f.Runner == nil {
		return tasks.Score{}, ErrNoRunner
	}
	source, ok := FindFunction(output, language, name)
	if !ok {
		return none(output, "no %s function %s", language, name), nil
	}
	mark := nonce(s.ID, source)
	program, err := callProgram(language, source, name, mark, cases)
	if err != nil {
		return tasks.Score{}, fmt.Errorf("sample %s: %w", s.ID, err)
	}
	res, err := f.Runner.Run(ctx, sandbox.Program{Language: language, Source: program}, sandbox.Limits{})
	if err != nil {
		return tasks.Score{}, fmt.Errorf("sample %s: %w", s.ID, err)
	}
	// Results come in the order of the calls, each on a line of its own: marker, blank, JSON.
	var got []string
	for line := range strings.Lines(res.Stdout) {
		if v, ok := strings.CutPrefix(line, mark+" "); ok {
			got = append(got, strings.TrimSpace(v))
		}
	}
	for i, c := range cases {
		call := fmt.Sprintf("%s(%s)", name, arguments(c))
		switch {
		case i >= len(got):
			return wrong(source, "%s: %s", clip(call), fate(res)), nil
		case !equalJSON(got[i], string(c.Out)):
			return wrong(source, "%s = %s, want %s", clip(call), clip(got[i]), clip(string(c.Out))), nil
		}
	}
	return right(source), nil
}

func arguments(c testCase) string {
	var b strings.Builder
	for i, a := range c.In {
		if i > 0 {
			b.WriteString(", ")
		}
		b.Write(a)
	}
	return b.String()
}

// fate says why a program did not print what it should have.
func fate(r sandbox.Result) string {
	switch {
	case r.TimedOut:
		return "time-out"
	case r.MemoryExceeded:
		return "out of memory"
	case r.OutputTruncated:
		return "too much output"
	}
	// The last line of a traceback names the error; JavaScript has it in the first.
	lines := strings.Split(strings.TrimSpace(r.Stderr), "\n")
	why := lines[0]
	if strings.HasPrefix(why, "Traceback") || strings.HasPrefix(strings.TrimSpace(why), "File ") {
		why = lines[len(lines)-1]
	}
	if why = clip(why); why != "" {
		return why
	}
	return fmt.Sprintf("ended with status %d and no result", r.Exit)
}

// callProgram writes the program that defines the function and prints the result of each call. What it needs is put
// aside before the model's code can change it.
func callProgram(language sandbox.Language, source, name, mark string, cases []testCase) (string, error) {
	calls := make([][]json.RawMessage, len(cases))
	for i, c := range cases {
		calls[i] = c.In
	}
	inputs, err := json.Marshal(calls)
	if err != nil {
		return "", err
	}
	quoted, err := json.Marshal(string(inputs)) // a string literal in both languages
	if err != nil {
		return "", err
	}
	switch language {
	case sandbox.JavaScript:
		return fmt.Sprintf("const assay_%[1]s = [console.log, JSON.stringify, JSON.parse];\n%[2]s\n;for (const a of assay_%[1]s[2](%[3]s)) {"+
			" const r = assay_%[1]s[1](%[4]s(...a)); assay_%[1]s[0](\"\\n%[1]s \" + (r === undefined ? \"undefined\" : r)); }\n", mark, source, quoted, name), nil
	case sandbox.Python:
		return fmt.Sprintf("import json as assay_%[1]s\nassay_%[1]s = (print, assay_%[1]s.dumps, assay_%[1]s.loads)\n%[2]s\n"+
			"for assay_args in assay_%[1]s[2](%[3]s):\n    assay_%[1]s[0](\"\\n%[1]s \" + assay_%[1]s[1](%[4]s(*assay_args)), flush=True)\n", mark, source, quoted, name), nil
	}
	return "", fmt.Errorf("%q: %w", language, sandbox.ErrLanguage)
}

// nonce is a word that the judged code, which is hashed into it, cannot contain.
func nonce(id, source string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + source))
	return "r" + hex.EncodeToString(sum[:8])
}

// equalJSON compares two values; numbers by value, so 5.0 is 5.
func equalJSON(a, b string) bool {
	x, ok := parseJSON(a)
	if !ok {
		return false
	}
	y, ok := parseJSON(b)
	return ok && equalValues(x, y)
}

func parseJSON(s string) (any, bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return v, true
}

func equalValues(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		if !ok || len(a) > 4096 || len(n) > 4096 {
			return false
		}
		x, err := a.Int64()
		y, err2 := n.Int64()
		if err == nil && err2 == nil {
			return x == y
		}
		// 256 bits hold every number JavaScript prints, and a fraction as both wrote it.
		p, _, err := big.ParseFloat(string(a), 10, 256, big.ToNearestEven)
		q, _, err2 := big.ParseFloat(string(n), 10, 256, big.ToNearestEven)
		return err == nil && err2 == nil && p.Cmp(q) == 0
	case []any:
		y, ok := b.([]any)
		if !ok || len(a) != len(y) {
			return false
		}
		for i := range a {
			if !equalValues(a[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(a) != len(y) {
			return false
		}
		for k, v := range a {
			w, ok := y[k]
			if !ok || !equalValues(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// HumanEval judges by the protocol of openai/human-eval (human_eval/execution.py): prompt, completion, tests and
// check(entry point) make one program, which has to end by itself within three seconds. Meta has "entry_point" and
// "test"; Input is the prompt.
//
// One thing is stricter: the program must get past the check, so one that exits early is wrong.
type HumanEval struct{ Runner Runner }

// Score builds the program and runs it.
func (h HumanEval) Score(ctx context.Context, s tasks.Sample, output string) (tasks.Score, error) {
	entry, test := s.Meta["entry_point"], s.Meta["test"]
	if entry == "" || test == "" {
		return tasks.Score{}, fmt.Errorf("sample %s: no entry_point or no test in its meta data", s.ID)
	}
	if h.Runner == nil {
		return tasks.Score{}, ErrNoRunner
	}
	code := Completion(output, entry)
	if strings.TrimSpace(code) == "" {
		return none(output, "no code"), nil
	}
	mark := nonce(s.ID, code)
	program := s.Input + code + "\n" + test + "\ncheck(" + entry + ")\nprint(\"\\n" + mark + "\")\n"
	res, err := h.Runner.Run(ctx, sandbox.Program{Language: sandbox.Python, Source: program}, sandbox.Limits{})
	if err != nil {
		return tasks.Score{}, fmt.Errorf("sample %s: %w", s.ID, err)
	}
	if res.Exit == 0 && !res.TimedOut && strings.Contains(res.Stdout, "\n"+mark+"\n") {
		return right(code), nil
	}
	return wrong(code, "%s", fate(res)), nil
}
