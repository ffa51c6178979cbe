package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/engine/reference/train"
	"github.com/tokenassay/assay/engine/tokenizer"
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
	return export(t, flags.size, spec, flags.out)
}

// export writes the model with F16 matrices. The file appears whole or not at all.
func export(t *train.Trainer, name string, spec tokenizer.Spec, path string) error {
	c, err := t.Checkpoint(spec)
	if err != nil {
		return err
	}
	c.Name = name
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
