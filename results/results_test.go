package results_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/pricing"
	"github.com/tokenassay/assay/pricing/tco"
	"github.com/tokenassay/assay/results"
	"github.com/tokenassay/assay/results/board"
	"github.com/tokenassay/assay/results/chart"
	"github.com/tokenassay/assay/results/report"
	"github.com/tokenassay/assay/results/store"
	"github.com/tokenassay/assay/tasks"
)

var keep = flag.String("keep", "", "write the charts and tables to this folder")

// model is an invented one: what it gets right, and how fast it is.
type model struct {
	name   string
	right  float64 // share of answers
	decode float64 // tokens per second
}

// synthetic fills a store with an invented run of models on four packs of n questions.
func synthetic(t *testing.T, models []model, n int) (*store.Store, board.Options) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	m := bench.Manifest{
		Version: bench.ManifestVersion, Run: "synthetic", Started: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC), Seed: 7, N: n,
		Host:  hardware.Host{OS: "linux", Arch: "amd64", CPU: hardware.CPU{Model: "AMD EPYC 9B14", Usable: 2}},
		Build: bench.Build{Version: "v0.1.0"},
		Packs: []bench.PackRef{{Name: "math", Version: "1", Title: "Math"}, {Name: "code", Version: "1", Title: "Code"},
			{Name: "multilingual", Version: "1", Title: "Multilingual"}, {Name: "long-context", Version: "1", Title: "Long context"}},
	}
	for _, x := range models {
		m.Models = append(m.Models, engine.Info{Name: x.name, Family: strings.ToLower(strings.SplitN(x.name, "-", 2)[0]), Local: x.name != "remote"})
	}
	ctx := t.Context()
	if err := s.Begin(ctx, m); err != nil {
		t.Fatal(err)
	}
	now := m.Started
	for _, x := range models {
		rng := rand.New(rand.NewPCG(1, uint64(len(x.name))))
		for k, p := range m.Packs {
			for i := range n {
				in, out := 40+rng.IntN(60)+k*300, 2+rng.IntN(60)
				o := bench.Outcome{Key: bench.Key{Run: m.Run, Model: x.name, Pack: p.Name, Task: "task", Sample: fmt.Sprint(i)}, Stop: engine.StopEnd}
				o.Due = now
				o.Sent = 20 * time.Microsecond
				o.First = o.Sent + time.Duration(float64(in)/x.decode/4*(0.8+0.4*rng.Float64())*1e9)
				o.Last = o.First + time.Duration(float64(out-1)/x.decode*(0.9+0.2*rng.Float64())*1e9)
				o.Done = o.Last + time.Millisecond
				o.Usage = engine.Usage{Input: in, Output: out}
				score := tasks.Score{Verdict: tasks.Incorrect}
				if rng.Float64() < x.right*(1.1-0.1*float64(k)) {
					score = tasks.Score{Value: 1, Verdict: tasks.Correct}
				}
				o.Score = &score
				if err := s.Put(ctx, o); err != nil {
					t.Fatal(err)
				}
				now = now.Add(o.Done)
			}
		}
	}
	if err := s.Finish(ctx, m.Run, now); err != nil {
		t.Fatal(err)
	}
	hour, err := tco.Machine{RentPerHour: decimal.RequireFromString("0.0475")}.PerHour()
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	opt := board.Options{Machine: &hour}
	for _, p := range []struct{ name, in, out string }{{"Invented Nano", "0.05", "0.40"}, {"Invented Mini", "0.25", "2"}, {"Invented Large", "3", "15"}} {
		opt.Listed = append(opt.Listed, pricing.Price{Provider: "invented", Model: p.name, Title: p.name, Currency: "USD", Checked: day, Source: "a test",
			Rates: pricing.Rates{Input: decimal.RequireFromString(p.in), Output: decimal.RequireFromString(p.out)}})
	}
	opt.Prices = map[string]pricing.Price{"remote": opt.Listed[0]}
	return s, opt
}

// From a store to every table and chart, as `assay report` goes.
func TestFromStoreToCharts(t *testing.T) {
	for _, c := range []struct {
		name   string
		models []model
		n      int
	}{
		{"two", []model{{"tiny", 0.38, 5000}, {"small", 0.63, 1400}}, 40},
		{"many", []model{{"SmolLM-135M Q8_0", 0.12, 420}, {"SmolLM-360M Q8_0", 0.21, 190}, {"Qwen-0.5B Q8_0", 0.36, 120}, {"Llama-1B Q4_0", 0.43, 85},
			{"Qwen-1.5B Q4_0", 0.62, 61}, {"Qwen-3B Q4_0", 0.73, 33}, {"remote", 0.81, 150}, {"Llama-0 none right", 0, 50}}, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, opt := synthetic(t, c.models, c.n)
			b, err := results.Board(t.Context(), s, "synthetic", opt)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(b.Rows); got != len(c.models)*5+len(opt.Listed) {
				t.Errorf("%d rows, want %d", got, len(c.models)*5+len(opt.Listed))
			}
			files := map[string][]byte{}
			draw := func(name string, write func(*bytes.Buffer) error) {
				var out bytes.Buffer
				if err := write(&out); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if out.Len() == 0 {
					t.Errorf("%s is empty", name)
				}
				files[name] = out.Bytes()
			}
			for _, dark := range []bool{false, true} {
				mode := map[bool]string{false: "light", true: "dark"}[dark]
				draw("leaderboard-"+mode+".png", func(w *bytes.Buffer) error {
					return chart.Leaderboard(w, chart.PNG, results.Leaderboard(b, results.ChartOptions{Dark: dark}))
				})
				draw("cost-"+mode+".png", func(w *bytes.Buffer) error {
					return chart.CostQuality(w, chart.PNG, results.CostQuality(b, results.ChartOptions{Dark: dark}))
				})
			}
			draw("correct.png", func(w *bytes.Buffer) error {
				return chart.CostQuality(w, chart.PNG, results.CostQuality(b, results.ChartOptions{Axis: results.PerCorrect}))
			})
			draw("board.txt", func(w *bytes.Buffer) error { return report.Terminal(w, report.Summary(b)) })
			draw("board.bench", func(w *bytes.Buffer) error {
				return report.GoBench(w, b, s.Outcomes(t.Context(), "synthetic"))
			})
			if *keep != "" {
				for name, data := range files {
					if err := os.WriteFile(filepath.Join(*keep, c.name+"-"+name), data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
