package bench_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/bench/stat"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/pricing/tco"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/packs"
	"github.com/tokenassay/assay/tasks/sandbox"
)

// samples are asked of each task per iteration.
const samples = 4

// BenchmarkRun asks the embedded reference models the built-in packs, from plan to stored and
// judged outcome, for benchstat to compare builds or machines:
//
//	go test -run '^$' -bench Run -count 6 ./bench | tee new.txt
//	benchstat -col /model new.txt
//
// tok/s is output over decoding time, ttft-ns/op the median time to first token, correct/op the right
// answers of an iteration, acc% their share among those judged, and USD/Mcorrect what a million of them cost
// at ASSAY_USD_PER_HOUR for this machine. That is a nominal 0.10 where unset: good for ratios, not for bills.
// Where programs cannot be confined, answers of the code pack are not judged.
func BenchmarkRun(b *testing.B) {
	rent := decimal.RequireFromString("0.10")
	if text := os.Getenv("ASSAY_USD_PER_HOUR"); text != "" {
		var err error
		if rent, err = decimal.NewFromString(text); err != nil {
			b.Fatalf("ASSAY_USD_PER_HOUR: %v", err)
		}
	}
	hourly, err := tco.Machine{RentPerHour: rent, Source: "ASSAY_USD_PER_HOUR"}.PerHour()
	if err != nil {
		b.Fatal(err)
	}
	var opt packs.Options
	if box, err := sandbox.Start(b.Context()); err == nil {
		defer box.Close()
		opt.Runner = box
	} else {
		b.Log(err)
	}
	for _, name := range reference.Names() {
		for _, pack := range packs.Builtin(opt) {
			b.Run("model="+name+"/pack="+pack.Name, func(b *testing.B) { run(b, name, pack, hourly) })
		}
	}
}

func run(b *testing.B, name string, pack tasks.Pack, hourly tco.Hourly) {
	c, err := reference.Checkpoint(name)
	if err != nil {
		b.Fatal(err)
	}
	e, err := local.New(c, local.Options{Name: name})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()

	// The machine is neither described nor measured again for every iteration.
	r := &bench.Runner{
		Host:      func(context.Context) (hardware.Host, error) { return hardware.Host{}, nil },
		Reach:     func(context.Context) (probe.Reach, error) { return probe.Reach{}, nil },
		Calibrate: func(context.Context) (bench.Clock, error) { return bench.Clock{}, nil },
	}
	kept := &outcomes{}
	seed := uint64(0)
	for b.Loop() {
		seed++ // new samples: the same would find their prompts in the engine's cache
		_, err := r.Run(b.Context(), bench.Plan{
			Run: "benchmark", Packs: []tasks.Pack{pack}, N: samples, Seed: seed, MaxTokens: 64,
			Models: []bench.Model{{Name: name, Open: func(context.Context) (engine.Generator, error) { return open{e}, nil }}},
		}, kept)
		if err != nil {
			b.Fatal(err)
		}
	}
	report(b, kept.all, hourly)
}

func report(b *testing.B, all []bench.Outcome, hourly tco.Hourly) {
	var rates, ttfts []float64
	var asked, judged, correct int
	var busy time.Duration
	for _, o := range all {
		asked++
		busy += o.Done - o.Sent
		if rate, ok := o.DecodePerSec(); ok {
			rates = append(rates, rate)
		}
		if ttft, ok := o.TTFT(); ok {
			ttfts = append(ttfts, float64(ttft))
		}
		if o.Score != nil && o.Score.Verdict != tasks.Unscored {
			judged++
			if o.Score.Verdict == tasks.Correct {
				correct++
			}
		}
	}
	if len(rates) > 0 {
		b.ReportMetric(stat.Median(rates, 0.95).Value, "tok/s")
	}
	if len(ttfts) > 0 {
		b.ReportMetric(stat.Median(ttfts, 0.95).Value, "ttft-ns/op")
	}
	b.ReportMetric(float64(correct)/float64(b.N), "correct/op")
	if judged > 0 {
		b.ReportMetric(100*float64(correct)/float64(judged), "acc%")
	}
	if correct > 0 { // at none it is undefined, and no figure is reported
		usd, _ := hourly.For(busy).Float64()
		b.ReportMetric(usd/float64(correct)*1e6, "USD/Mcorrect")
	}
	if asked == 0 {
		b.Fatal("nothing was asked")
	}
}

// open keeps the engine open from one run to the next; it still counts tokens, as long prompts need.
type open struct{ *local.Engine }

// Close does nothing.
func (open) Close() error { return nil }

// outcomes is a Sink that keeps the judged ones.
type outcomes struct{ all []bench.Outcome }

func (s *outcomes) Begin(context.Context, bench.Manifest) error     { return nil }
func (s *outcomes) Finish(context.Context, string, time.Time) error { return nil }
func (s *outcomes) Put(_ context.Context, o bench.Outcome) error {
	if o.Score != nil {
		s.all = append(s.all, o)
	}
	return nil
}

// TestRunOnReferenceModels is one thin run through every room: the embedded model, each built-in pack,
// every outcome judged or with the reason why not.
func TestRunOnReferenceModels(t *testing.T) {
	c, err := reference.Checkpoint(reference.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	e, err := local.New(c, local.Options{Name: reference.Tiny})
	if err != nil {
		t.Fatal(err)
	}
	kept := &outcomes{}
	s, err := (&bench.Runner{}).Run(t.Context(), bench.Plan{
		Run: "r", N: 1, Packs: packs.Builtin(packs.Options{}), MaxTokens: 32, Warmup: 1,
		Models: []bench.Model{{Name: reference.Tiny, Open: func(context.Context) (engine.Generator, error) { return e, nil }}},
	}, kept)
	if err != nil {
		t.Fatal(err)
	}
	if s.Asked == 0 || len(kept.all) != s.Asked {
		t.Errorf("asked %d, %d of them judged or explained", s.Asked, len(kept.all))
	}
	for _, o := range kept.all {
		if o.Score.Verdict == tasks.Unscored != (o.Err != "") && o.Score.Why == "" {
			t.Errorf("%s/%s: verdict %q, error %q and no reason", o.Pack, o.Task, o.Score.Verdict, o.Err)
		}
		if o.Answered() && (o.Usage.Input == 0 || o.Done <= 0) {
			t.Errorf("%s/%s: answered without usage or time: %+v", o.Pack, o.Task, o.Measurement)
		}
	}
	m := s.Manifest
	if m.Host.CPU.Usable < 1 || m.Reach.ReadBandwidth.All == nil || m.Clock.TTFT.N == 0 || m.Models[0].Digest == "" {
		t.Errorf("manifest lacks host, reach, clock or digest: %+v", m)
	}
	if !slices.IsSortedFunc(kept.all, func(a, b bench.Outcome) int {
		if a.Pack == b.Pack && a.Task == b.Task {
			return 0
		}
		return a.Due.Compare(b.Due)
	}) {
		t.Error("tasks were not asked one after the other")
	}
	t.Logf("notes: %q", s.Notes)
}
