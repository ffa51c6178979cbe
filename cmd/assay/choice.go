package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/results/store"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/packs"
	"github.com/tokenassay/assay/tasks/sandbox"
)

// runChoice is what a run asks of whom. Its flags are stored with the run as settings, from
// which --resume makes the same choice again.
type runChoice struct {
	models, packs, data         []string
	level, samples              int
	quick                       bool
	language, scorer            string
	zeroShot                    bool
	seed                        uint64
	repeats, maxTokens, clients int
	sampling                    engine.Sampling
	engine                      local.Options
}

func (r *runChoice) register(f *pflag.FlagSet) {
	f.StringArrayVarP(&r.models, "model", "m", nil, "model to ask: GGUF file, Hugging Face folder, or an embedded model's name; may be repeated")
	f.StringArrayVar(&r.packs, "pack", nil, "built-in pack, or pack/task, to ask; may be repeated")
	f.StringArrayVar(&r.data, "data", nil, "data file or pack directory to ask, as name=path; may be repeated")
	f.IntVarP(&r.samples, "samples", "n", 0, "samples per task (default: 100 of generated tasks, all of a data file)")
	f.BoolVar(&r.quick, "quick", false, "20 samples per task, unless --samples says otherwise")
	f.IntVar(&r.level, "level", 1, fmt.Sprintf("difficulty of the built-in packs, 1 to %d", packs.MaxLevel))
	f.StringVar(&r.language, "code-language", "", "language of the code pack: javascript or python (default javascript)")
	f.StringVar(&r.scorer, "scorer", "", "judge data files by this rule instead of their own; 'assay packs' lists them")
	f.BoolVar(&r.zeroShot, "zero-shot", false, "ask data files without worked examples before the question")
	f.Uint64Var(&r.seed, "seed", 1, "seed of the samples, and of sampling where --temp is above 0")
	f.IntVar(&r.repeats, "repeats", 0, "times each sample is asked (default: as the task says, mostly once)")
	f.IntVar(&r.maxTokens, "max-tokens", 0, "most tokens of each answer (default: as the task says)")
	f.IntVar(&r.clients, "concurrency", 1, "requests kept under way at once")
	f.IntVar(&r.engine.Context, "context", 0, "tokens of context (default: the model's, at most 4096)")
	f.Float64Var(&r.sampling.Temperature, "temp", 0, "temperature; 0 is greedy")
	f.IntVar(&r.sampling.TopK, "top-k", 0, "choose among the k likeliest tokens; 0 is off")
	f.Float64Var(&r.sampling.TopP, "top-p", 0, "choose among the likeliest tokens of this total probability; 0 is off")
	f.Float64Var(&r.sampling.MinP, "min-p", 0, "choose among tokens at least this likely, relative to the likeliest; 0 is off")
}

// complete fills in the plan, whose name is set, and checks it.
func (r *runChoice) complete(p *bench.Plan, box *sandbox.Box) error {
	if err := r.validate(); err != nil {
		return err
	}
	names := r.models
	if len(names) == 0 {
		names = reference.Names()
	}
	p.N, p.Seed, p.Repeats, p.MaxTokens = r.samples, r.seed, r.repeats, r.maxTokens
	p.Concurrency, p.Sampling, p.Settings = r.clients, r.sampling, r.settings()
	p.Warmup = 2
	if r.quick && p.N == 0 {
		p.N = 20
	}
	opt := r.engine
	opt.Slots = max(1, r.clients)
	var err error
	if p.Models, err = targets(names, opt); err != nil {
		return err
	}
	if err := r.choosePacks(p, box); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// validate checks what can be checked of the flags alone, and names them as they are called.
func (r *runChoice) validate() error {
	if r.level < 1 || r.level > packs.MaxLevel {
		return usagef("--level %d: want 1 to %d", r.level, packs.MaxLevel)
	}
	if r.language != "" && r.language != string(sandbox.JavaScript) && r.language != string(sandbox.Python) {
		return usagef("--code-language %q: want %s or %s", r.language, sandbox.JavaScript, sandbox.Python)
	}
	for _, f := range []struct {
		flag  string
		value int
	}{
		{"samples", r.samples}, {"repeats", r.repeats}, {"max-tokens", r.maxTokens},
		{"concurrency", r.clients}, {"context", r.engine.Context}, {"threads", r.engine.Threads},
	} {
		if f.value < 0 {
			return usagef("--%s %d: want 0 or more", f.flag, f.value)
		}
	}
	return nil
}

// choosePacks makes the built-in packs, unless only data was asked for, and loads the data.
func (r *runChoice) choosePacks(p *bench.Plan, box *sandbox.Box) error {
	opt := packs.Options{Level: r.level, Language: r.language, Scorer: r.scorer, ZeroShot: r.zeroShot}
	if box != nil {
		opt.Runner = box
	}
	if len(r.packs) > 0 || len(r.data) == 0 {
		p.Packs = packs.Builtin(opt)
		for _, name := range r.packs {
			if !offers(p.Packs, name) {
				return usagef("--pack %q: no such pack or task at level %d; 'assay packs' lists them", name, r.level)
			}
		}
		p.Only = append(p.Only, r.packs...)
	}
	for _, d := range r.data {
		name, path, ok := strings.Cut(d, "=")
		if !ok || name == "" || path == "" {
			return usagef("--data %q: want name=path", d)
		}
		pack, err := packs.Load(path, opt)
		if err != nil {
			return err
		}
		pack.Name = name
		p.Packs = append(p.Packs, pack)
		if len(r.packs) > 0 {
			p.Only = append(p.Only, name)
		}
	}
	return nil
}

// offers reports whether name is a pack, or the pack/task of one.
func offers(all []tasks.Pack, name string) bool {
	return slices.ContainsFunc(all, func(p tasks.Pack) bool {
		return p.Name == name || slices.ContainsFunc(p.Tasks, func(t tasks.Task) bool { return p.Name+"/"+t.Name == name })
	})
}

// settings are the flags' values; those of a list stand on lines of their own.
func (r *runChoice) settings() map[string]string {
	// Registering resets a choice to the defaults, so a copy gives the flags' names and the
	// values are then taken over.
	var names runChoice
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	names.register(fs)
	names = *r
	s := map[string]string{}
	fs.VisitAll(func(f *pflag.Flag) {
		if list, ok := f.Value.(pflag.SliceValue); ok {
			s[f.Name] = strings.Join(list.GetSlice(), "\n")
			return
		}
		s[f.Name] = f.Value.String()
	})
	return s
}

// restore is the choice that settings were made from.
func restore(settings map[string]string) (runChoice, error) {
	var r runChoice
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	r.register(fs)
	for name, value := range settings {
		f := fs.Lookup(name)
		if f == nil {
			return r, fmt.Errorf("setting %q is not known to this version", name)
		}
		var err error
		if list, ok := f.Value.(pflag.SliceValue); !ok {
			err = f.Value.Set(value)
		} else if value != "" {
			err = list.Replace(strings.Split(value, "\n"))
		}
		if err != nil {
			return r, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return r, nil
}

// resumed reads back the choice and the outcomes of a stored run.
func resumed(ctx context.Context, db *store.Store, id string) (runChoice, bench.Plan, error) {
	if id == latest {
		run, err := db.Resumable(ctx)
		if errors.Is(err, store.ErrNoRun) {
			return runChoice{}, bench.Plan{}, fmt.Errorf("nothing to resume in %s: every run there is finished", db.Path())
		}
		if err != nil {
			return runChoice{}, bench.Plan{}, err
		}
		id = run.ID
	}
	p := bench.Plan{Run: id}
	m, err := db.Manifest(ctx, id)
	if err != nil {
		return runChoice{}, p, err
	}
	r, err := restore(m.Settings)
	if err != nil {
		return r, p, fmt.Errorf("run %s: %w", id, err)
	}
	for o, err := range db.Outcomes(ctx, id) {
		if err != nil {
			return r, p, err
		}
		p.Prior = append(p.Prior, o)
	}
	return r, p, nil
}
