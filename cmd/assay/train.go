package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/engine/reference/train"
	"github.com/tokenassay/assay/engine/tokenizer"
	"github.com/tokenassay/assay/tasks/generate"
)

// trainFlags are the choices of `assay train`.
type trainFlags struct {
	size, out, state string
	seed             uint64
	steps, threads   int
	resume           bool
	held             int
}

func newTrainCommand() *cobra.Command {
	var flags trainFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a reference model from generated tasks",
		Long: `Train makes a reference model from scratch: it trains a tokenizer and a model on generated
items that are never among those asked in a run, and writes both as one GGUF file. The same seed
and steps give the same file for any number of threads, on processors for which the same kernels
are chosen.`,
		Example: `  assay train --size small --out small.gguf
  assay train --size tiny --seed 2 --steps 500 --out quick.gguf`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runTrain(cmd.Context(), cmd.ErrOrStderr(), flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.size, "size", reference.Small, fmt.Sprintf("model to make, one of %q", reference.Names()))
	f.StringVar(&flags.out, "out", "", "GGUF file to write")
	f.StringVar(&flags.state, "state", "", "file the training is saved to on the way (default: the --out file's name with .state)")
	f.BoolVar(&flags.resume, "resume", false, "go on from the saved training, if there is one")
	f.Uint64Var(&flags.seed, "seed", 1, "seed of weights and items")
	f.IntVar(&flags.steps, "steps", 0, "optimizer steps (default: the reference model's own)")
	f.IntVar(&flags.threads, "threads", 0, "worker threads (default: all)")
	f.IntVar(&flags.held, "held", 20, "held items of each family asked on the way")
	cobra.CheckErr(cmd.MarkFlagRequired("out"))
	return cmd
}

func runTrain(ctx context.Context, progress io.Writer, flags trainFlags) error {
	opt, err := reference.Recipe(flags.size)
	if err != nil {
		return err
	}
	if flags.steps < 0 || flags.held < 0 {
		return fmt.Errorf("%d steps with %d held items: neither can be negative", flags.steps, flags.held)
	}
	if flags.steps > 0 {
		opt.Schedule.Steps = flags.steps
		opt.Schedule.Decay = min(opt.Schedule.Decay, flags.steps/2)
	}
	if flags.state == "" {
		flags.state = flags.out + ".state"
	}
	spec, err := trainTokenizer(flags.seed)
	if err != nil {
		return err
	}
	tok, err := tokenizer.New(spec)
	if err != nil {
		return err
	}
	held, err := heldExamples(tok, flags.seed, flags.held)
	if err != nil {
		return err
	}
	opt.Encoder, opt.BOS, opt.EOS = tok, spec.BOS, spec.EOS
	opt.Seed, opt.Corpus = flags.seed, mixture{seed: flags.seed}
	pool := kernel.NewPool(flags.threads)
	defer pool.Close()
	t, err := train.New(opt, pool)
	if err != nil {
		return err
	}
	if flags.resume {
		err := t.Load(flags.state)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	fmt.Fprintf(progress, "%s: %d parameters, %d workers, %s kernels, from step %d\n",
		flags.size, opt.Shape.Parameters(), pool.Workers(), kernel.Implementation(), t.StepsDone())
	if err := t.Run(ctx, train.Watch{Progress: progress, State: flags.state, Held: held, Every: 25, HeldEvery: 250}); err != nil {
		return err
	}
	return export(t, spec, flags.out)
}

// export writes the model with F16 matrices. The file appears whole or not at all.
func export(t *train.Trainer, spec tokenizer.Spec, path string) error {
	c, err := t.Checkpoint(spec)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left of that name
	as := quant.F16
	if err := errors.Join(c.WriteGGUF(f, &as), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// tokenizerBytes is how much generated text the tokenizer is trained on.
const tokenizerBytes = 3 << 20

// The reference models' control tokens.
const (
	beginToken = "<|begin|>"
	endToken   = "<|end|>"
	padToken   = "<|pad|>"
)

// trainTokenizer makes the vocabulary from items of the training mixture. Its pre-tokenizer
// keeps digits apart, so that arithmetic sees them one by one. It is shown words without the space
// before them, so that a word is the same tokens at the beginning of a record as within a
// question: looking it up is then the same for every word.
func trainTokenizer(seed uint64) (tokenizer.Spec, error) {
	var failed error
	text := func(yield func(string) bool) {
		size := 0
		for e, err := range (mixture{seed: seed, tokenizer: true}).Batch(0) {
			if err != nil {
				failed = err
				return
			}
			for _, s := range e.Segments {
				for word := range strings.SplitSeq(s.Text, " ") {
					if !yield(word) {
						return
					}
				}
				if size += len(s.Text); size > tokenizerBytes {
					return
				}
			}
		}
	}
	spec, err := tokenizer.Train(text, reference.Vocabulary, "qwen2", beginToken, endToken, padToken)
	if err = errors.Join(failed, err); err != nil {
		return tokenizer.Spec{}, fmt.Errorf("tokenizer: %w", err)
	}
	spec.BOS, spec.EOS, spec.PAD = spec.Find(beginToken), spec.Find(endToken), spec.Find(padToken)
	spec.AddBOS = true
	return spec, nil
}

// mixture is the training corpus: the generated tasks' mixture, drawn anew for each step.
type mixture struct {
	seed      uint64
	tokenizer bool // draws of its own, so that no step's items are the tokenizer's
}

// taught is what the reference models are taught: contexts of the lengths level 1 asks about, and many
// questions on each, since only answers are learned from.
var taught = generate.Mixture{Records: 24, Extra: 12}

// Batch implements train.Corpus.
func (m mixture) Batch(step int) iter.Seq2[train.Example, error] {
	// An odd multiplier permutes the 64-bit numbers: no two steps of a seed share their draws.
	seed := m.seed*0x9e3779b97f4a7c15 + uint64(step)
	if m.tokenizer {
		seed = ^seed
	}
	return func(yield func(train.Example, error) bool) {
		rng := rand.New(rand.NewPCG(seed, 0x6472696c6c)) // "drill"
		share := drillShare
		if step < drillSteps {
			share = drillFirst
		}
		for item, err := range generate.Train(seed, taught) {
			e := example(item)
			if err == nil && rng.Float64() < share {
				e = drill(item, rng)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// What most tasks have in common is looking something up and copying it. A drill has a token of that
// for every few of its own, where an item may have one for a hundred, and short drills are where models of
// this size find it first.
const (
	drillSteps = 800  // the first steps are mostly drills
	drillFirst = 0.7  // share of items that become drills in them
	drillShare = 0.15 // and afterwards
)

// drill makes an exercise in copying out of an item: some of its records asked again in another
// order where it has records, else its whole prompt repeated.
func drill(item generate.Item, rng *rand.Rand) train.Example {
	context, _, _ := strings.Cut(item.Prompt, "\nQ:")
	lines := strings.Split(context, "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], ": ") {
		return train.Example{Source: "drill/repeat", Segments: []train.Segment{
			{Text: "Repeat: " + item.Prompt}, {Text: " " + item.Prompt + "\n", Learn: true},
		}}
	}
	lines = lines[:min(len(lines), 2+rng.IntN(7))]
	e := train.Example{Source: "drill/recall", Segments: []train.Segment{{Text: strings.Join(lines, "\n") + "\nAgain:\n"}}}
	for range 2 {
		for _, i := range rng.Perm(len(lines)) {
			key, value, _ := strings.Cut(lines[i], ":")
			e.Segments = append(e.Segments, train.Segment{Text: key + ":"}, train.Segment{Text: value + "\n", Learn: true})
		}
	}
	return e
}

// example is an item as a model reads it.
func example(item generate.Item) train.Example {
	e := train.Example{Source: item.Pack + "/" + item.Task}
	for _, s := range item.Segments() {
		e.Segments = append(e.Segments, train.Segment(s))
	}
	return e
}

// heldExamples are n held items of each family that trains, at its lowest level.
func heldExamples(tok *tokenizer.Tokenizer, seed uint64, n int) ([]train.Example, error) {
	var all []train.Example
	params := generate.Params{Count: func(text string) (int, error) { return len(tok.Encode(text, false, false)), nil }}
	for _, f := range generate.Families() {
		if f.MinLevel > 1 {
			continue // multiply: the models are not taught it
		}
		for item, err := range generate.Eval(f, f.MinLevel, seed, n, params) {
			if err != nil {
				return nil, err
			}
			all = append(all, example(item))
		}
	}
	return all, nil
}
