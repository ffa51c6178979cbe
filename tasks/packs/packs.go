// Package packs lists the built-in task packs and loads packs from files.
//
// The built-in packs (Builtin) are made by package generate. Load reads a user's pack directory, or one of the public
// data sets GSM8K, MGSM and HumanEval in the files their authors publish; which of them a file is,
// its content says.
package packs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/generate"
	"github.com/tokenassay/assay/tasks/score"
)

// Options choose among what packs offer. The zero value is level 1 in JavaScript, without a sandbox.
type Options struct {
	// Level is the difficulty of the built-in packs, from 1; 0 means 1. Tasks that have no such level are left out.
	Level int
	// Runner runs the programs that code tasks judge; without one their samples stay unscored.
	Runner score.Runner
	// Language is that of the code pack: "javascript" or "python"; "" means the first.
	Language string
	// Scorer judges a public data set by another rule than its own default, by a name of score.Names.
	Scorer string
	// ZeroShot asks a public data set without worked examples before the question.
	ZeroShot bool
}

// DefaultN is how many samples a generated task has where Ask.N is 0.
const DefaultN = 100

// MaxLevel is the highest level any built-in task has.
const MaxLevel = 6

// versions of the built-in packs. A change of what the generators make raises them: see the digests in
// tasks/generate/testdata.
var builtin = [...]struct{ name, version, title string }{
	{"math", "1", "Arithmetic, comparisons, sequences and word problems"},
	{"code", "1", "One-line functions, judged by running them"},
	{"multilingual", "1", "The same questions in eight languages"},
	{"long-context", "1", "Finding things in contexts of 64 to 128k tokens"},
}

// Builtin lists the built-in packs at a level. At a level that no task of a pack has, the pack is left out.
func Builtin(opt Options) []tasks.Pack {
	level := max(opt.Level, 1)
	families := generate.Families()
	var packs []tasks.Pack
	for _, b := range builtin {
		p := tasks.Pack{Name: b.name, Version: b.version, Title: b.title, License: "Apache-2.0", Source: "generated from a seed"}
		for _, f := range families {
			if f.Pack == b.name && f.MinLevel <= level && level <= f.MaxLevel {
				p.Tasks = append(p.Tasks, generated(f, level, opt))
			}
		}
		if len(p.Tasks) > 0 {
			packs = append(packs, p)
		}
	}
	return packs
}

// generated makes a family at a level into a task.
func generated(f generate.Family, level int, opt Options) tasks.Task {
	params := generate.Params{}
	if f.Answer == generate.Program {
		params.Language = opt.Language
	}
	return tasks.Task{
		Name:      f.Name,
		Level:     level,
		Prompt:    asked,
		Scorer:    judge(f.Answer, opt.Runner),
		MaxTokens: maxTokens(f.Answer, level),
		Stop:      []string{"\n"},
		Samples: func(ctx context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
			return generatedSamples(ctx, f, level, params, ask)
		},
	}
}

// asked puts the sample's input as it stands.
func asked(s tasks.Sample) []engine.Message {
	return []engine.Message{{Role: engine.User, Content: s.Input}}
}

func judge(a generate.Answer, runner score.Runner) tasks.Scorer {
	switch a {
	case generate.Numbers:
		return tasks.ScorerFunc(score.NumberList)
	case generate.Values:
		return tasks.ScorerFunc(score.Values)
	case generate.Program:
		return score.Function{Runner: runner}
	}
	return tasks.ScorerFunc(score.FinalNumber)
}

// maxTokens leaves chat models room to explain; a base model stops at the line's end. Programs grow with the number
// of their steps, which doubles with each level.
func maxTokens(a generate.Answer, level int) int {
	if a == generate.Program {
		return 256 << min(level/2, 3)
	}
	return 256
}

// answerRoom is how many tokens of a model's context are kept for the answer of a task of set length.
// The shortest contexts are for small models, whose answers are short.
func answerRoom(tokens int) int { return min(256, max(32, tokens/8)) }

// generatedSamples yields a family's held items. Lengths that do not fit the model are left out, each with one TooLong.
func generatedSamples(ctx context.Context, f generate.Family, level int, p generate.Params, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
	return func(yield func(tasks.Sample, error) bool) {
		n := ask.N
		if n <= 0 {
			n = DefaultN
		}
		if f.Lengths == nil {
			yieldItems(ctx, generate.Eval(f, level, ask.Seed, n, p), yield)
			return
		}
		if ask.Count == nil {
			yield(tasks.Sample{}, fmt.Errorf("%s: %w", f.Name, tasks.ErrNoCounter))
			return
		}
		var lengths []int
		for _, tokens := range f.Lengths(level) {
			if need := tokens + answerRoom(tokens); ask.Context > 0 && need > ask.Context {
				if !yield(tasks.Sample{}, &tasks.TooLong{Task: f.Name, Tokens: need, Context: ask.Context}) {
					return
				}
				continue
			}
			lengths = append(lengths, tokens)
		}
		if len(lengths) == 0 {
			return
		}
		p.Count = ask.Count
		f.Lengths = func(int) []int { return lengths }
		yieldItems(ctx, generate.Eval(f, level, ask.Seed, n, p), yield)
	}
}

// yieldItems turns items into samples until ctx ends.
func yieldItems(ctx context.Context, items iter.Seq2[generate.Item, error], yield func(tasks.Sample, error) bool) {
	for it, err := range items {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(tasks.Sample{}, err)
			return
		}
		meta := map[string]string{}
		for k, v := range it.Meta {
			meta[k] = v
		}
		if it.Language != "" {
			meta["language"] = it.Language
		}
		if !yield(tasks.Sample{ID: it.ID(), Input: it.Prompt, Target: it.Target, Group: it.Group, Meta: meta}, nil) {
			return
		}
	}
}

// Description says what a pack holds, for people who choose one.
type Description struct {
	Name, Version, Title, License, Source string
	Tasks                                 []TaskDescription
}

// TaskDescription says what a task asks at its easiest level.
type TaskDescription struct {
	Name, Title        string
	MinLevel, MaxLevel int // 0 where there are no levels
	Languages          []string
	Example, Answer    string
}

// Describe lists the built-in packs with an example of each task.
func Describe() ([]Description, error) {
	var all []Description
	for _, b := range builtin {
		d := Description{Name: b.name, Version: b.version, Title: b.title, License: "Apache-2.0", Source: "generated from a seed"}
		for _, f := range generate.Families() {
			if f.Pack != b.name {
				continue
			}
			for it, err := range generate.Eval(f, f.MinLevel, 1, 1, generate.Params{}) {
				if err != nil {
					return nil, fmt.Errorf("pack %s: %w", b.name, err)
				}
				d.Tasks = append(d.Tasks, TaskDescription{
					Name: f.Name, Title: f.Title, MinLevel: f.MinLevel, MaxLevel: f.MaxLevel,
					Languages: slices.Clone(f.Languages), Example: it.Prompt, Answer: it.Target,
				})
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// ErrUnknownPack is returned by Find and wraps what there is.
var ErrUnknownPack = errors.New("no such pack")

// Find returns one built-in pack by name.
func Find(name string, opt Options) (tasks.Pack, error) {
	var names []string
	for _, p := range Builtin(opt) {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return tasks.Pack{}, fmt.Errorf("pack %q at level %d: %w; there are %s", name, max(opt.Level, 1), ErrUnknownPack, strings.Join(names, ", "))
}
