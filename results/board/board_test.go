package board

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/pricing"
	"github.com/tokenassay/assay/pricing/tco"
	"github.com/tokenassay/assay/tasks"
)

var start = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)

// ask makes an outcome of a request due at a second, with 100 input and 21 output tokens, a
// first output after 1 s and a last after 3 s.
func ask(model, pack string, sample, second int, verdict tasks.Verdict) bench.Outcome {
	o := bench.Outcome{Key: bench.Key{Run: "run", Model: model, Pack: pack, Task: "t", Sample: fmt.Sprint(sample)}, Stop: engine.StopEnd}
	o.Due = start.Add(time.Duration(second) * time.Second)
	o.First, o.Last, o.Done = time.Second, 3*time.Second, 3*time.Second
	o.Usage = engine.Usage{Input: 100, CachedInput: 20, Output: 21}
	o.Score = &tasks.Score{Verdict: verdict}
	if verdict == tasks.Correct {
		o.Score.Value = 1
	}
	return o
}

func each(outcomes []bench.Outcome) iter.Seq2[bench.Outcome, error] {
	return func(yield func(bench.Outcome, error) bool) {
		for _, o := range outcomes {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func manifest(models ...string) bench.Manifest {
	m := bench.Manifest{Run: "run", Started: start, Packs: []bench.PackRef{{Name: "zeta"}, {Name: "alpha"}}}
	for _, name := range models {
		m.Models = append(m.Models, engine.Info{Name: name, Local: true})
	}
	return m
}

func build(t *testing.T, m bench.Manifest, opt Options, outcomes ...bench.Outcome) Board {
	t.Helper()
	b, err := Build(m, each(outcomes), opt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func row(t *testing.T, b Board, model, pack string) Row {
	t.Helper()
	r, ok := b.Row(model, pack)
	if !ok {
		t.Fatalf("no row %q on %q", model, pack)
	}
	return r
}

func hourly(t *testing.T, usd string) *tco.Hourly {
	t.Helper()
	h, err := tco.Machine{RentPerHour: decimal.RequireFromString(usd)}.PerHour()
	if err != nil {
		t.Fatal(err)
	}
	return &h
}

func near(a *stat.Estimate, want float64) bool {
	return a != nil && math.Abs(a.Value-want) <= 1e-9*math.Max(1, math.Abs(want))
}

func TestVerdicts(t *testing.T) {
	broken := ask("m", "zeta", 8, 40, "")
	broken.Score, broken.Err = nil, "engine died"
	wild := ask("m", "zeta", 9, 44, tasks.Correct)
	wild.Score.Value = math.NaN()
	half := ask("m", "zeta", 7, 28, tasks.Partial)
	half.Score.Value = 0.5
	b := build(t, manifest("m"), Options{},
		ask("m", "zeta", 1, 0, tasks.Correct), ask("m", "zeta", 2, 4, tasks.Correct), ask("m", "zeta", 3, 8, tasks.Incorrect),
		ask("m", "zeta", 4, 12, tasks.NoAnswer), ask("m", "zeta", 5, 16, tasks.Refused), ask("m", "zeta", 6, 20, tasks.Unscored), half, broken, wild)
	r := row(t, b, "m", Overall)
	if d := cmp.Diff(Verdicts{Correct: 2, Partial: 1, Incorrect: 1, NoAnswer: 1, Refused: 1, Unscored: 3}, r.Verdicts); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	if !near(r.Accuracy, 2.5/6) || r.Accuracy.N != 6 || r.Asked != 9 {
		t.Errorf("accuracy %v of %d asked, want 2.5/6: what was not judged is not wrong", r.Accuracy, r.Asked)
	}
	for _, want := range []string{"3 of 9 outcomes unscored", "few samples: 6"} {
		if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("warnings %q lack %q", r.Warnings, want)
		}
	}
}

func TestAccuracyInterval(t *testing.T) {
	var plain, grouped []bench.Outcome
	for i := range 40 {
		v := tasks.Incorrect
		if i%8 < 5 {
			v = tasks.Correct
		}
		plain = append(plain, ask("m", "zeta", i, i*4, v))
		g := ask("m", "zeta", i, i*4, tasks.Incorrect)
		if i/4%2 == 0 {
			g = ask("m", "zeta", i, i*4, tasks.Correct)
		}
		g.Group = fmt.Sprint(i / 4) // four questions that stand or fall together
		grouped = append(grouped, g)
	}
	want := stat.Wilson(25, 40, 0.9)
	got := row(t, build(t, manifest("m"), Options{Confidence: 0.9}, plain...), "m", "zeta").Accuracy
	if got.Lo != want.Lo || got.Hi != want.Hi {
		t.Errorf("independent questions: %v, want Wilson's %v", got, want)
	}
	wide := row(t, build(t, manifest("m"), Options{}, grouped...), "m", "zeta").Accuracy
	if narrow := stat.Wilson(20, 40, 0.95); wide.Half() < 1.5*narrow.Half() {
		t.Errorf("questions in groups: %v, not wider than %v", wide, narrow)
	}
	var repeats []bench.Outcome
	for i := range 40 {
		o := ask("m", "zeta", i/4, i*4, tasks.Incorrect)
		o.Repeat = i % 4
		if i/4%2 == 0 {
			o.Score = &tasks.Score{Value: 1, Verdict: tasks.Correct}
		}
		repeats = append(repeats, o)
	}
	if again := row(t, build(t, manifest("m"), Options{}, repeats...), "m", "zeta").Accuracy; math.Abs(again.Half()-wide.Half()) > 1e-12 {
		t.Errorf("repeats of a sample: %v, want as wide as groups %v", again, wide)
	}
}

func TestSpeed(t *testing.T) {
	silent := ask("m", "zeta", 9, 99, tasks.NoAnswer)
	silent.First, silent.Last = 0, 0
	b := build(t, manifest("m"), Options{}, ask("m", "zeta", 1, 0, tasks.Correct), ask("m", "zeta", 2, 4, tasks.Correct), ask("m", "zeta", 3, 8, tasks.Correct), silent)
	r := row(t, b, "m", "zeta")
	if !near(r.TTFT50, 1) || r.TTFT50.N != 3 {
		t.Errorf("TTFT %v, want 1 s of 3", r.TTFT50)
	}
	if !near(r.Prefill, 80) {
		t.Errorf("prefill %v, want 80/s: cached tokens are not read", r.Prefill)
	}
	if !near(r.Decode, 10) {
		t.Errorf("decode %v, want (21-1)/2 s = 10/s", r.Decode)
	}
	if r := row(t, build(t, manifest("m"), Options{}, silent), "m", "zeta"); r.TTFT50 != nil || r.Prefill != nil || r.Decode != nil {
		t.Errorf("without output: %v %v %v, want unknown", r.TTFT50, r.Prefill, r.Decode)
	}
}

// The machine costs 36 dollars an hour, a cent a second.
func TestLocalCost(t *testing.T) {
	for _, c := range []struct {
		name     string
		seconds  []int
		verdicts []tasks.Verdict
		busy     time.Duration
		in, out  float64 // dollars per million
		correct  float64
	}{
		// Each request: 1 s for 100 tokens of input, 2 s for 21 of output.
		{"one after the other", []int{0, 10}, []tasks.Verdict{tasks.Correct, tasks.Incorrect}, 6 * time.Second, 0.01 / 100 * 1e6, 0.02 / 21 * 1e6, 0.06},
		// Both at once: the same three seconds are paid once.
		{"at once", []int{0, 0}, []tasks.Verdict{tasks.Correct, tasks.Correct}, 3 * time.Second, 0.005 / 100 * 1e6, 0.01 / 21 * 1e6, 0.015},
		{"overlapping", []int{0, 1}, []tasks.Verdict{tasks.Correct, tasks.Unscored}, 4 * time.Second, 0.04 / 3 / 200 * 1e6, 0.04 * 2 / 3 / 42 * 1e6, 0.04},
	} {
		t.Run(c.name, func(t *testing.T) {
			var outcomes []bench.Outcome
			for i, s := range c.seconds {
				outcomes = append(outcomes, ask("m", "zeta", i, s, c.verdicts[i]))
			}
			r := row(t, build(t, manifest("m"), Options{Machine: hourly(t, "36")}, outcomes...), "m", Overall)
			if r.Busy != c.busy || !near(r.InputPrice, c.in) || !near(r.OutputPrice, c.out) || !near(r.PerCorrect, c.correct) {
				t.Errorf("busy %v, in %v, out %v, per correct %v; want %v, %v, %v, %v", r.Busy, r.InputPrice, r.OutputPrice, r.PerCorrect, c.busy, c.in, c.out, c.correct)
			}
			// What input and output cost is all that was spent: no hour is charged twice.
			sum := (r.InputPrice.Value*float64(r.Tokens.Input) + r.OutputPrice.Value*float64(r.Tokens.Output)) / 1e6
			if math.Abs(sum-r.Spent.InexactFloat64()) > 1e-9 {
				t.Errorf("input and output come to %v, spent %v", sum, r.Spent)
			}
		})
	}
	r := row(t, build(t, manifest("m"), Options{Machine: hourly(t, "36")}, ask("m", "zeta", 1, 0, tasks.Incorrect), ask("m", "zeta", 2, 4, tasks.Incorrect)), "m", Overall)
	if r.PerCorrect == nil || r.PerCorrect.Defined() || !(r.PerCorrect.Lo > 0) || !math.IsInf(r.PerCorrect.Hi, 1) {
		t.Errorf("per correct answer at none: %v, want undefined above a bound", r.PerCorrect)
	}
	if r := row(t, build(t, manifest("m"), Options{}, ask("m", "zeta", 1, 0, tasks.Correct)), "m", Overall); r.PerCorrect != nil || r.Spent != nil {
		t.Errorf("without a price: %v, %v; want unknown", r.PerCorrect, r.Spent)
	}
}

func price(model, in, out string) pricing.Price {
	return pricing.Price{Provider: "p", Model: model, Title: strings.ToUpper(model), Currency: "USD", Checked: start, Source: "https://example.com",
		Rates: pricing.Rates{Input: decimal.RequireFromString(in), Output: decimal.RequireFromString(out)}}
}

func TestRemoteCost(t *testing.T) {
	m := manifest("m")
	m.Models[0].Local = false
	opt := Options{
		Machine: hourly(t, "36"), Prices: map[string]pricing.Price{"m": price("m", "2", "10"), "never asked": price("x", "1", "1")},
		Listed: []pricing.Price{price("dear", "5", "30"), price("cheap", "0.1", "0.4"), {Provider: "p", Model: "yuan", Currency: "CNY"}},
	}
	b := build(t, m, opt, ask("m", "zeta", 1, 0, tasks.Correct), ask("m", "zeta", 2, 4, tasks.Incorrect))
	r := row(t, b, "m", Overall)
	if want := decimal.RequireFromString("0.00082"); r.Spent == nil || !r.Spent.Equal(want) {
		t.Errorf("spent %v, want exactly %v", r.Spent, want)
	}
	if !near(r.InputPrice, 2) || !near(r.OutputPrice, 10) || !near(r.PerCorrect, 0.00082) {
		t.Errorf("in %v, out %v, per correct %v", r.InputPrice, r.OutputPrice, r.PerCorrect)
	}
	var listed []string
	for _, r := range b.Rows {
		if r.PriceOnly {
			listed = append(listed, r.Model)
			if r.Accuracy != nil || r.OutputPrice == nil {
				t.Errorf("price-only row %q: accuracy %v, price %v", r.Model, r.Accuracy, r.OutputPrice)
			}
		}
	}
	if d := cmp.Diff([]string{"CHEAP", "DEAR"}, listed); d != "" {
		t.Errorf("price-only rows (-want +got):\n%s", d)
	}
	all := strings.Join(b.Assumptions, "\n")
	for want, there := range map[string]bool{"price of m": true, "never asked": false, "https://example.com": true, "machine": false} {
		if strings.Contains(all, want) != there {
			t.Errorf("assumptions hold %q: %v, want %v:\n%s", want, !there, there, all)
		}
	}
	if !strings.Contains(strings.Join(b.Warnings, "\n"), "CNY") {
		t.Errorf("no warning about a price in another currency: %q", b.Warnings)
	}
	if _, err := Build(m, each(nil), Options{Prices: map[string]pricing.Price{"m": {Currency: "EUR"}}}); err == nil || !strings.Contains(err.Error(), "EUR") {
		t.Errorf("a price in euros: %v, want an error that names the currency", err)
	}
}

func TestOrderAndComparisons(t *testing.T) {
	var outcomes []bench.Outcome
	for i := range 20 {
		pack := []string{"alpha", "zeta"}[i%2]
		outcomes = append(outcomes, ask("good", pack, i, i*4, tasks.Correct))
		v := tasks.Incorrect
		if i < 8 {
			v = tasks.Correct
		}
		outcomes = append(outcomes, ask("fair", pack, i, 200+i*4, v))
		if i < 15 { // poor was asked less
			outcomes = append(outcomes, ask("poor", pack, i, 400+i*4, tasks.Incorrect))
		}
	}
	b := build(t, manifest("poor", "fair", "good"), Options{}, outcomes...)
	if d := cmp.Diff([]string{"good", "fair", "poor"}, b.Models()); d != "" {
		t.Errorf("rank (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"zeta", "alpha"}, b.Packs()); d != "" {
		t.Errorf("packs stand in the manifest's order (-want +got):\n%s", d)
	}
	var got []string
	for _, c := range b.Comparisons {
		if c.Pack == Overall {
			got = append(got, fmt.Sprintf("%s-%s %.2f n=%d %d:%d p=%.4f adjusted=%.4f", c.A, c.B, c.Difference.Value, c.Difference.N, c.OnlyA, c.OnlyB, *c.P, *c.Adjusted))
		}
	}
	want := []string{
		"good-fair 0.60 n=20 12:0 p=0.0005 adjusted=0.0010",
		"good-poor 1.00 n=15 15:0 p=0.0001 adjusted=0.0002",
		"fair-poor 0.53 n=15 8:0 p=0.0078 adjusted=0.0078",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("comparisons (-want +got):\n%s", d)
	}
	broken := errors.New("broken store")
	if _, err := Build(manifest(), func(yield func(bench.Outcome, error) bool) { yield(bench.Outcome{}, broken) }, Options{}); !errors.Is(err, broken) {
		t.Errorf("Build over a broken store: %v", err)
	}
	if b := build(t, manifest("m"), Options{}); len(b.Rows) != 0 {
		t.Errorf("a board of nothing has rows: %v", b.Rows)
	}
}

func TestClockWarning(t *testing.T) {
	m := manifest("m")
	m.Clock.TTFT.P50 = 100 * time.Millisecond
	o := ask("m", "zeta", 1, 0, tasks.Correct)
	o.Warnings = []string{"steal 12%"}
	warnings := strings.Join(row(t, build(t, m, Options{}, o), "m", Overall).Warnings, "\n")
	for _, want := range []string{"clock (100ms)", "1 of 1 requests carry a warning, most often: steal 12%"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings lack %q:\n%s", want, warnings)
		}
	}
}

func TestDisturbedMachine(t *testing.T) {
	m := bench.Manifest{Reach: probe.Reach{Verdict: probe.Disturbed, Warnings: []string{"others took 7%"}}}
	b, err := Build(m, func(func(bench.Outcome, error) bool) {}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "others took 7%") {
		t.Errorf("warnings of a disturbed machine: %q", b.Warnings)
	}
}
