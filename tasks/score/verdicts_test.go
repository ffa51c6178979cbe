package score

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// eachLine decodes a file of one JSON value a line.
func eachLine[T any](t *testing.T, path string, f func(T)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s:%d: %v", path, n, err)
		}
		f(v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestPublishedGSM8KVerdicts judges the published solutions of four models and must agree on each of 4 × 1319.
func TestPublishedGSM8KVerdicts(t *testing.T) {
	type solution struct {
		IsCorrect bool `json:"is_correct"`
		Solution  string
	}
	type row struct {
		Truth string   `json:"ground_truth"`
		A     solution `json:"6b_finetuning"`
		B     solution `json:"6b_verification"`
		C     solution `json:"175b_finetuning"`
		D     solution `json:"175b_verification"`
	}
	want := [4]int{286, 515, 458, 742}
	var got [4]int
	rows := 0
	eachLine(t, sharedData(t, "verdicts/gsm8k/example_model_solutions.jsonl"), func(r row) {
		rows++
		target, ok := LastNumber(r.Truth, "")
		if !ok {
			t.Fatalf("row %d: no number in the reference %q", rows, r.Truth)
		}
		for i, s := range []solution{r.A, r.B, r.C, r.D} {
			answer, ok := LastNumber(s.Solution, "")
			right := ok && equalNumbers(answer, target)
			if right {
				got[i]++
			}
			if right != s.IsCorrect {
				t.Errorf("row %d, model %d: answer %q, want %q: judged %v, published %v", rows, i, answer, target, right, s.IsCorrect)
			}
		}
	})
	if got != want || rows != 1319 {
		t.Errorf("right answers %v of %d, want %v of 1319", got, rows, want)
	}
}

// TestHarnessSamples reproduces what lm-evaluation-harness kept of each output, and its verdict.
func TestHarnessSamples(t *testing.T) {
	type row struct {
		Doc      struct{ Answer string }
		Resps    [][]string
		Filtered []string `json:"filtered_resps"`
		Filter   string
		Exact    float64 `json:"exact_match"`
	}
	paths, err := filepath.Glob(filepath.Join(sharedData(t, "verdicts/lm-eval"), "samples_gsm8k_*.jsonl"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sample files: %v", err)
	}
	rows := 0
	for _, path := range paths {
		eachLine(t, path, func(r row) {
			rows++
			p := GSM8KStrict.(pattern)
			if r.Filter == "flexible-extract" {
				p = GSM8KFlexible.(pattern)
			}
			got, ok := p.Extract(r.Resps[0][0])
			if !ok {
				got = "[invalid]"
			}
			if got != r.Filtered[0] {
				t.Errorf("%s: %s kept %q, published %q", path, r.Filter, got, r.Filtered[0])
			}
			if right := ignoreMarks(got) == ignoreMarks(r.Doc.Answer); right != (r.Exact == 1) {
				t.Errorf("%s: %q judged %v, published %v", path, got, right, r.Exact)
			}
		})
	}
	if rows < 6 {
		t.Errorf("%d rows, want 6", rows)
	}
}
