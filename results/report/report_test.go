package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"golang.org/x/perf/benchfmt"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/pricing"
	"github.com/tokenassay/assay/results/board"
	"github.com/tokenassay/assay/results/store"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

func estimate(v, lo, hi float64, n int) *stat.Estimate {
	return &stat.Estimate{Value: v, Lo: lo, Hi: hi, N: n, Confidence: 0.95}
}

// sample is a board with one of everything: figures known, undefined, unknown; a hostile name.
func sample() board.Board {
	spent := decimal.RequireFromString("0.0001234")
	p := 0.0123
	full := board.Row{
		Model: "small", Info: engine.Info{Name: "small", Local: true}, Asked: 111,
		Verdicts: board.Verdicts{Correct: 61, Partial: 2, Incorrect: 30, NoAnswer: 11, Refused: 4, Unscored: 3},
		Accuracy: estimate(0.574, 0.48, 0.663, 108), TTFT50: estimate(0.0123, 0.0119, 0.0131, 111), TTFT95: estimate(0.0418, 0.033, math.Inf(1), 111),
		Prefill: estimate(5432.1, 5301, 5560, 111), Decode: estimate(1404.4, 1398, 1411, 110),
		Tokens: engine.Usage{Input: 12345, CachedInput: 211, Output: 2111}, Busy: 9350 * time.Millisecond, Spent: &spent,
		InputPrice: estimate(0.00241, 0.0023, 0.0025, 111), OutputPrice: estimate(0.0095, 0.0091, 0.0099, 111),
		PerCorrect: estimate(2.02e-6, 1.7e-6, 2.5e-6, 111), Warnings: []string{"3 of 111 outcomes unscored"},
	}
	code := full
	code.Pack = "code"
	none := board.Row{
		Model: "=cmd|' /C calc'!A0", Asked: 40, Verdicts: board.Verdicts{Incorrect: 40}, Accuracy: estimate(0, 0, 0.0876, 40),
		PerCorrect: estimate(math.NaN(), 3.14e-5, math.Inf(1), 40), Warnings: []string{"a *strange* <name>"},
	}
	listed := board.Row{
		Model: "通义千问 Max", PriceOnly: true, Price: &pricing.Price{Provider: "alibaba", Model: "max", Source: "https://example.com", Checked: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
		InputPrice: estimate(1.6, 1.6, 1.6, 0), OutputPrice: estimate(6.4, 6.4, 6.4, 0),
	}
	return board.Board{
		Manifest: bench.Manifest{Run: "r1", Started: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC),
			Host: hardware.Host{OS: "linux", Arch: "amd64", CPU: hardware.CPU{Model: "Example CPU", Usable: 2}}},
		Confidence: 0.95, Rows: []board.Row{full, none, code, listed},
		Comparisons: []board.Comparison{{A: "small", B: "=cmd|' /C calc'!A0", Difference: *estimate(0.574, 0.41, 0.72, 40), OnlyA: 23, P: &p, Adjusted: &p}},
		Assumptions: []string{"machine: $0.0475 per hour (an assumption)"},
		Warnings:    []string{"bell \x07 and colour \x1b[31m"},
	}
}

func outcomes() func(func(bench.Outcome, error) bool) {
	return func(yield func(bench.Outcome, error) bool) {
		for i := range 7 {
			o := bench.Outcome{Key: bench.Key{Run: "r1", Model: "small model/Q8=0", Pack: "math", Task: "add"}}
			o.Sent, o.First, o.Last, o.Done = 1000, time.Duration(12+i)*time.Millisecond, time.Duration(112+i)*time.Millisecond, time.Duration(113+i)*time.Millisecond
			o.Usage.Output = 51
			if i == 3 {
				o.First = 0 // no output
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func TestGoldens(t *testing.T) {
	b := sample()
	for name, write := range map[string]func(io.Writer) error{
		"board.txt": func(w io.Writer) error { return Terminal(w, Summary(b)) },
		"board.md":  func(w io.Writer) error { return Markdown(w, Summary(b)) },
		"board.csv": func(w io.Writer) error { return CSV(w, b) },
		"board.json": func(w io.Writer) error { // less the manifest, whose fields are bench's
			var out bytes.Buffer
			if err := JSON(&out, b); err != nil {
				return err
			}
			var d map[string]any
			if err := json.Unmarshal(out.Bytes(), &d); err != nil {
				return err
			}
			delete(d, "manifest")
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(d)
		},
		"board.bench": func(w io.Writer) error { return GoBench(w, b, outcomes()) },
		"runs.txt": func(w io.Writer) error {
			start := time.Date(2026, 11, 22, 17, 4, 0, 0, time.UTC)
			return Terminal(w, Runs([]store.Run{
				{ID: "b7", Started: start.Add(time.Hour), State: store.Interrupted, Models: []string{"tiny"}, Packs: []string{"math"}, Outcomes: 1234, Scored: 7},
				{ID: "a3", Started: start, Finished: start.Add(83 * time.Second), State: store.Finished, Models: []string{"a", "b", "c", "d", "e"}, Packs: []string{"math", "code"}, Outcomes: 800, Scored: 799},
			}, time.UTC))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			if bytes.ContainsRune(out.Bytes(), 0x1b) || bytes.ContainsRune(out.Bytes(), 7) {
				t.Error("control characters in the output")
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Errorf("differs from %s (-want +got):\n%s", golden, d)
			}
		})
	}
}

func TestFigure(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name  string
		e     *stat.Estimate
		scale float64
		want  string
	}{
		{"unknown", nil, 1, "unknown"},
		{"undefined", estimate(math.NaN(), math.Inf(-1), inf, 0), 1, "–"},
		{"undefined above a bound", estimate(math.NaN(), 0.00319, inf, 9), 1, "– (>0.0031)"},
		{"half 4.7 keeps one digit", estimate(62.3, 57.6, 67, 9), 1, "62"},
		{"half 2.1 keeps two", estimate(512.34, 510.2, 514.4, 9), 1, "512.3"},
		{"half 140 keeps two", estimate(1234, 1100, 1380, 9), 1, "1230"},
		{"two digits of the value", estimate(0.3, 0.01, 0.9, 9), 1, "0.30"},
		{"scaled", estimate(0.0123, 0.0119, 0.0131, 9), 1e3, "12.3"},
		{"no width", estimate(0.4, 0.4, 0.4, 0), 1, "0.400"},
		{"zero", estimate(0, 0, 0, 5), 1, "0"},
		{"one end open", estimate(2, 1.5, inf, 5), 1, "2.0"},
		{"thousands", estimate(123456, 119000, 128000, 5), 1, "123,000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Figure(c.e, c.scale); got != c.want {
				t.Errorf("Figure(%v, %v) = %q, want %q", c.e, c.scale, got, c.want)
			}
		})
	}
	for _, c := range []struct {
		e          *stat.Estimate
		want, span string
	}{
		{nil, "unknown", "unknown"},
		{estimate(math.NaN(), 0, 1, 0), "–", "–"},
		{estimate(0.5, 0.4, 0.6, 9), "50", "[40, 60]"},
		{estimate(0.5, 0.05, 0.95, 3), "50", "[5, 95]"},
		{estimate(0.723, 0.701, 0.745, 999), "72.3", "[70.1, 74.5]"},
		{estimate(-0.02, -0.1, inf, 9), "-2", "[−10, ∞]"},
		{estimate(0.067, 0.018, 0.213, 30), "7", "[2, 21]"},
	} {
		if got, span := Percent(c.e), PercentInterval(c.e); got != c.want || span != c.span {
			t.Errorf("Percent, PercentInterval(%v) = %q, %q; want %q, %q", c.e, got, span, c.want, c.span)
		}
	}
	if got := decimals(-0.001, 0); got != "0" {
		t.Errorf("decimals(-0.001, 0) = %q, want 0", got)
	}
}

// A spreadsheet must not run a model's name.
func TestCSVIsSafe(t *testing.T) {
	var out bytes.Buffer
	if err := CSV(&out, sample()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records[1:] {
		for k, cell := range r {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") && !slices.Contains([]string{"+Inf", "-Inf"}, cell) {
				t.Errorf("row %d, %s: %q would be run", i, records[0][k], cell)
			}
		}
	}
}

// What GoBench writes, benchfmt reads: names, units, file configuration.
func TestGoBenchReadable(t *testing.T) {
	var out bytes.Buffer
	if err := GoBench(&out, sample(), outcomes()); err != nil {
		t.Fatal(err)
	}
	r := benchfmt.NewReader(&out, "out")
	asks, scores := 0, 0
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			if cpu := rec.GetConfig("cpu"); cpu != "Example CPU" {
				t.Errorf("cpu: %q", cpu)
			}
			base, parts := rec.Name.Parts()
			switch string(base) {
			case "Ask":
				asks++
				if got := string(bytes.Join(parts, nil)); got != "/model=small_model_Q8_0/pack=math/task=add-2" {
					t.Errorf("name %s", got)
				}
				if v, ok := rec.Value("tok/s"); !ok || math.Abs(v-500) > 1e-9 {
					t.Errorf("tok/s: %v, %v, want 500", v, ok)
				}
				if v, ok := rec.Value("ttft-sec/op"); !ok || v < 0.012 || v > 0.019 {
					t.Errorf("ttft-sec/op: %v, %v", v, ok)
				}
			case "Score":
				scores++
				if v, ok := rec.Value("acc%"); !ok || v < 0 || v > 100 {
					t.Errorf("acc%%: %v, %v", v, ok)
				}
			}
		case *benchfmt.SyntaxError:
			t.Error(rec)
		}
	}
	if r.Err() != nil || asks != 6 || scores != 3 {
		t.Errorf("%d answers and %d scores, %v; want 6 and 3", asks, scores, r.Err())
	}
	broken := errors.New("broken store")
	err := GoBench(io.Discard, sample(), func(yield func(bench.Outcome, error) bool) { yield(bench.Outcome{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("GoBench over a broken store: %v", err)
	}
}

func TestJSONTellsUnknownFromUndefined(t *testing.T) {
	var out bytes.Buffer
	if err := JSON(&out, sample()); err != nil {
		t.Fatal(err)
	}
	var d struct {
		Schema  string
		Version int
		Rows    []struct {
			Figures map[string]*struct{ Value, Lo, Hi *float64 }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != "assay.board" || d.Version != JSONVersion {
		t.Errorf("schema %q version %d", d.Schema, d.Version)
	}
	none := d.Rows[1].Figures
	if none["decode_tokens_per_s"] != nil {
		t.Error("an unknown figure is not null")
	}
	if f := none["usd_per_correct"]; f == nil || f.Value != nil || f.Lo == nil || f.Hi != nil {
		t.Errorf("an undefined figure with a lower bound: %+v", f)
	}
}

func ExampleFigure() {
	accuracy := stat.Wilson(61, 111, 0.95)
	fmt.Println(Percent(&accuracy), PercentInterval(&accuracy))
	fmt.Println(Figure(nil, 1))
	// Output:
	// 55 [46, 64]
	// unknown
}
