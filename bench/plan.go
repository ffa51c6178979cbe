package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tokenassay/assay/bench/load"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// Model is something to ask, not yet loaded.
type Model struct {
	Name string // as outcomes and leaderboards name it
	// Open loads it. A Generator that is an io.Closer is closed after its last task.
	Open func(ctx context.Context) (engine.Generator, error)
}

// Plan says what to ask of whom, and how. Run, Models and Packs are needed; zero elsewhere is a
// sensible choice.
type Plan struct {
	Run    string // names the run in every Key
	Models []Model
	Packs  []tasks.Pack
	// Only narrows Packs to tasks named "pack" or "pack/task"; empty means all.
	Only []string

	N         int    // samples per task; 0 means all there are (generated tasks: 100)
	Seed      uint64 // of samples, and with pack, task, sample and repeat of each answer's sampling
	Repeats   int    // times each sample is asked; 0 means as the task says
	MaxTokens int    // of each answer; 0 means as the task says
	Sampling  engine.Sampling

	Concurrency int          // requests kept under way; 0 means 1
	Load        load.Pattern // when requests are due; zero means as Concurrency says
	Warmup      int          // requests to each model before its first task, not recorded
	Retries     int          // of errors that call themselves Temporary; 0 means 2, negative none

	// Prior is what a run of this name left behind when it was cut off. What is answered in
	// it is not asked again, what is judged not judged again.
	Prior []Outcome
	// Settings go into the Manifest as they stand: what the caller wants remembered.
	Settings map[string]string
}

// ErrPlan is wrapped by every error about a Plan.
var ErrPlan = errors.New("bad plan")

// Validate says all that is wrong with a plan, each error naming its field.
func (p Plan) Validate() error {
	var all []error
	bad := func(field, format string, args ...any) {
		all = append(all, fmt.Errorf("%w: %s: %s", ErrPlan, field, fmt.Sprintf(format, args...)))
	}
	if p.Run == "" {
		bad("Run", "empty: a run needs a name")
	}
	for field, n := range map[string]int{"N": p.N, "Repeats": p.Repeats, "MaxTokens": p.MaxTokens, "Concurrency": p.Concurrency, "Warmup": p.Warmup} {
		if n < 0 {
			bad(field, "%d: want 0 or more", n)
		}
	}
	p.validateModels(bad)
	p.validatePacks(bad)
	s := p.Sampling
	if !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0) {
		bad("Sampling.Temperature", "%v: want 0 (greedy) or more", s.Temperature)
	}
	if s.TopK < 0 {
		bad("Sampling.TopK", "%d: want 0 (off) or more", s.TopK)
	}
	for field, share := range map[string]float64{"Sampling.TopP": s.TopP, "Sampling.MinP": s.MinP} {
		if !(share >= 0 && share <= 1) {
			bad(field, "%v: want a share in [0, 1]", share)
		}
	}
	if err := p.Load.Validate(); err != nil {
		bad("Load", "%v", err)
	}
	if p.Load.Open() && p.Concurrency > 0 {
		bad("Concurrency", "%d: Load %q already says when requests go out", p.Concurrency, p.Load)
	}
	if n := p.Load.Askers(); n > 1 && p.Concurrency > 0 && n != p.Concurrency {
		bad("Concurrency", "%d: Load says %q", p.Concurrency, p.Load)
	}
	for i, o := range p.Prior {
		if o.Run != p.Run {
			bad(fmt.Sprintf("Prior[%d].Run", i), "%q is not this run, %q", o.Run, p.Run)
			break // one stands for all of another run's
		}
	}
	// Maps above are visited in any order; errors read the same every time.
	slices.SortStableFunc(all, func(a, b error) int { return compareText(a.Error(), b.Error()) })
	return errors.Join(all...)
}

func (p Plan) validateModels(bad func(field, format string, args ...any)) {
	if len(p.Models) == 0 {
		bad("Models", "none to ask")
	}
	names := map[string]int{}
	for i, m := range p.Models {
		field := fmt.Sprintf("Models[%d]", i)
		if m.Name == "" {
			bad(field+".Name", "empty")
		} else if j, twice := names[m.Name]; twice {
			bad(field+".Name", "%q is already Models[%d]", m.Name, j)
		}
		names[m.Name] = i
		if m.Open == nil {
			bad(field+".Open", "nil: model %q cannot be opened", m.Name)
		}
	}
}

func (p Plan) validatePacks(bad func(field, format string, args ...any)) {
	if len(p.Packs) == 0 {
		bad("Packs", "nothing to ask")
	}
	known := map[string]bool{}
	for i, pack := range p.Packs {
		field := fmt.Sprintf("Packs[%d]", i)
		if pack.Name == "" {
			bad(field+".Name", "empty")
		} else if known[pack.Name] {
			bad(field+".Name", "%q is there twice", pack.Name)
		}
		known[pack.Name] = true
		if len(pack.Tasks) == 0 {
			bad(field+".Tasks", "pack %q has none", pack.Name)
		}
		for j, t := range pack.Tasks {
			field := fmt.Sprintf("%s.Tasks[%d]", field, j)
			name := pack.Name + "/" + t.Name
			if t.Name == "" {
				bad(field+".Name", "empty")
			} else if known[name] {
				bad(field+".Name", "%q is there twice", name)
			}
			known[name] = true
			if t.Samples == nil {
				bad(field+".Samples", "nil: task %q has no questions", name)
			}
			if t.Scorer == nil {
				bad(field+".Scorer", "nil: nothing judges task %q", name)
			}
			if t.Repeats < 0 || t.MaxTokens < 0 {
				bad(field, "task %q: Repeats %d, MaxTokens %d: want 0 or more", name, t.Repeats, t.MaxTokens)
			}
		}
	}
	for i, name := range p.Only {
		if !known[name] {
			bad(fmt.Sprintf("Only[%d]", i), "%q is no pack or task of this plan", name)
		}
	}
}

// wants says whether a task is among those asked for.
func (p Plan) wants(pack, task string) bool {
	return len(p.Only) == 0 || slices.Contains(p.Only, pack) || slices.Contains(p.Only, pack+"/"+task)
}

// packs are those of p.Packs, and their tasks, that are asked for.
func (p Plan) packs() []tasks.Pack {
	var wanted []tasks.Pack
	for _, pack := range p.Packs {
		all := pack.Tasks
		pack.Tasks = nil
		for _, t := range all {
			if p.wants(pack.Name, t.Name) {
				pack.Tasks = append(pack.Tasks, t)
			}
		}
		if len(pack.Tasks) > 0 {
			wanted = append(wanted, pack)
		}
	}
	return wanted
}

// pattern is when requests are due.
func (p Plan) pattern() load.Pattern {
	if p.Load.Open() || p.Load.Askers() > 1 {
		return p.Load
	}
	return load.Closed(max(1, p.Concurrency))
}

func (p Plan) retries() int {
	switch {
	case p.Retries < 0:
		return 0
	case p.Retries == 0:
		return 2
	}
	return p.Retries
}

func (p Plan) repeats(t tasks.Task) int {
	if p.Repeats > 0 {
		return p.Repeats
	}
	return max(1, t.Repeats)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
