package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tokenassay/assay/bench/load"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

func TestValidateNamesTheField(t *testing.T) {
	good := func() Plan {
		return Plan{Run: "r", Models: []Model{(&model{}).open()}, Packs: []tasks.Pack{pack("p", counted("t", 1), counted("u", 1))}}
	}
	if err := good().Validate(); err != nil {
		t.Fatalf("a good plan: %v", err)
	}
	cases := []struct {
		field string
		spoil func(*Plan)
	}{
		{"Run", func(p *Plan) { p.Run = "" }},
		{"N", func(p *Plan) { p.N = -1 }},
		{"Repeats", func(p *Plan) { p.Repeats = -1 }},
		{"MaxTokens", func(p *Plan) { p.MaxTokens = -1 }},
		{"Concurrency", func(p *Plan) { p.Concurrency = -2 }},
		{"Warmup", func(p *Plan) { p.Warmup = -1 }},
		{"Models", func(p *Plan) { p.Models = nil }},
		{"Models[0].Name", func(p *Plan) { p.Models[0].Name = "" }},
		{"Models[1].Name", func(p *Plan) { p.Models = append(p.Models, p.Models[0]) }},
		{"Models[0].Open", func(p *Plan) { p.Models[0].Open = nil }},
		{"Packs", func(p *Plan) { p.Packs = nil }},
		{"Packs[0].Name", func(p *Plan) { p.Packs[0].Name = "" }},
		{"Packs[1].Name", func(p *Plan) { p.Packs = append(p.Packs, p.Packs[0]) }},
		{"Packs[0].Tasks", func(p *Plan) { p.Packs[0].Tasks = nil }},
		{"Packs[0].Tasks[1].Name", func(p *Plan) { p.Packs[0].Tasks[1].Name = "t" }},
		{"Packs[0].Tasks[0].Name", func(p *Plan) { p.Packs[0].Tasks[0].Name = "" }},
		{"Packs[0].Tasks[0].Samples", func(p *Plan) { p.Packs[0].Tasks[0].Samples = nil }},
		{"Packs[0].Tasks[1].Scorer", func(p *Plan) { p.Packs[0].Tasks[1].Scorer = nil }},
		{"Packs[0].Tasks[0]", func(p *Plan) { p.Packs[0].Tasks[0].Repeats = -3 }},
		{"Only[1]", func(p *Plan) { p.Only = []string{"p/t", "p/v"} }},
		{"Sampling.Temperature", func(p *Plan) { p.Sampling.Temperature = math.NaN() }},
		{"Sampling.TopK", func(p *Plan) { p.Sampling.TopK = -1 }},
		{"Sampling.TopP", func(p *Plan) { p.Sampling.TopP = 1.5 }},
		{"Sampling.MinP", func(p *Plan) { p.Sampling.MinP = -0.5 }},
		{"Load", func(p *Plan) { p.Load = load.Constant(0) }},
		{"Concurrency", func(p *Plan) { p.Load, p.Concurrency = load.AtOnce(), 2 }},
		{"Concurrency", func(p *Plan) { p.Load, p.Concurrency = load.Closed(3), 2 }},
		{"Prior[0].Run", func(p *Plan) { p.Prior = []Outcome{{Key: Key{Run: "other"}}} }},
	}
	for _, c := range cases {
		t.Run(c.field, func(t *testing.T) {
			p := good()
			c.spoil(&p)
			opened := false
			for i := range p.Models {
				if p.Models[i].Open != nil {
					p.Models[i].Open = func(context.Context) (engine.Generator, error) { opened = true; return nil, nil }
				}
			}
			_, err := still().Run(t.Context(), p, newMemory(t))
			if !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), ": "+c.field+": ") {
				t.Errorf("error %v, want one that wraps ErrPlan and names %s", err, c.field)
			}
			if opened {
				t.Error("a model was opened for a plan that is not valid")
			}
		})
	}
}

func TestOnlyNarrows(t *testing.T) {
	for want, only := range map[string][]string{"p/t p/u q/v": nil, "q/v": {"q"}, "p/u q/v": {"p/u", "q"}} {
		p := Plan{Only: only, Packs: []tasks.Pack{pack("p", counted("t", 1), counted("u", 1)), pack("q", counted("v", 1))}}
		var got []string
		for _, pack := range p.packs() {
			for _, task := range pack.Tasks {
				got = append(got, pack.Name+"/"+task.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("Only %q leaves %q, want %q", only, got, want)
		}
	}
}

func TestCalibrate(t *testing.T) {
	c, err := Calibrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Overhead{"TTFT": c.TTFT, "E2E": c.E2E} {
		if o.N != calibrationRequests || o.P50 <= 0 || o.P99 < o.P50 {
			t.Errorf("%s overhead %+v: want n=%d and 0 < p50 <= p99", name, o, calibrationRequests)
		}
	}
	if c.E2E.P50 < c.TTFT.P50 {
		t.Errorf("whole requests %v, their first piece %v: the end is before the start", c.E2E.P50, c.TTFT.P50)
	}
	t.Logf("resolution %v, cost %v, TTFT %+v, E2E %+v", c.Resolution, c.Cost, c.TTFT, c.E2E)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Calibrate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Calibrate of a cancelled context: %v", err)
	}
}

// TestClockMeasuresADelay is the control for Calibrate: the same path with a model that waits shows
// at least its wait.
func TestClockMeasuresADelay(t *testing.T) {
	m := &model{prefill: 3 * time.Millisecond, pieces: say("ok")}
	sink := newMemory(t)
	if _, err := still().Run(t.Context(), Plan{Run: "r", Models: []Model{m.open()}, Packs: []tasks.Pack{pack("p", counted("t", 3))}}, sink); err != nil {
		t.Fatal(err)
	}
	for _, o := range sink.last {
		if ttft, ok := o.TTFT(); !ok || ttft < m.prefill {
			t.Errorf("TTFT %v, %v of a model that waits %v", ttft, ok, m.prefill)
		}
	}
}
