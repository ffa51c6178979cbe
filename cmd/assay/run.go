package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/power"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/results/store"
	"github.com/tokenassay/assay/tasks/sandbox"
)

// latest is what --resume means without a run's name.
const latest = "latest"

func newRunCommand() *cobra.Command {
	var choice runChoice
	var out reportFlags
	var resume string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure models on task packs: speed, accuracy, cost",
		Long: `Run detects the machine, asks models the tasks of packs, stores every outcome in one SQLite
file, joins them with prices, prints a leaderboard and writes charts and exports.

Without --model the embedded reference models are asked, without --pack and --data all four
built-in packs. --data adds published data files (GSM8K, MGSM, HumanEval) or a pack directory of
your own as name=path. A run that was cut off goes on with --resume: nothing is asked twice.`,
		Example: `  assay run
  assay run --quick
  assay run --model llama-3.2-1b.gguf --pack math --data gsm8k=test.jsonl -n 100
  assay run --resume`,
		Args: arguments(0, 1, "no arguments but the run's name after --resume"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				// "--resume NAME" for "--resume=NAME": the flag alone means the latest.
				if resume != latest {
					return usagef("want no arguments; got %q", args)
				}
				resume = args[0]
			}
			return runMain(cmd, choice, resume, out)
		},
	}
	choice.register(cmd.Flags())
	cmd.Flags().IntVarP(&choice.engine.Threads, "threads", "t", 0, "threads that compute (default: all usable cores)")
	cmd.Flags().StringVar(&resume, "resume", "", "go on with a run that was cut off: its name, or the latest")
	cmd.Flags().Lookup("resume").NoOptDefVal = latest
	out.register(cmd)
	return cmd
}

// runMain asks what is chosen, or what is left of the run to resume, and reports.
func runMain(cmd *cobra.Command, choice runChoice, resume string, out reportFlags) error {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	if err := out.validate(); err != nil {
		return err
	}
	box, why := sandbox.Start(ctx) // before any model is in memory: forking stays cheap
	if ctx.Err() != nil {
		return ctx.Err()
	}
	confined := fmt.Sprintf("none, so answers of the code pack stay unscored: %v", why)
	if box != nil {
		defer box.Close()
		confined = box.Describe()
	}
	plan := bench.Plan{Run: time.Now().UTC().Format("20060102-150405.000")}
	if resume == "" {
		// Before there is a results file: a mistyped flag leaves none behind.
		if err := choice.complete(&plan, box); err != nil {
			return err
		}
	} else if err := errors.Join(onlyResume(cmd.Flags()), haveResults(out.db)); err != nil {
		return err
	}
	if err := os.MkdirAll(out.out, 0o755); err != nil { // rather than after all is asked
		return fmt.Errorf("--out: %w", err)
	}
	db, err := store.Open(out.db)
	if err != nil {
		return err
	}
	defer db.Close()
	if resume != "" {
		stored, left, err := resumed(ctx, db, resume)
		if err != nil {
			return err
		}
		stored.engine.Threads = choice.engine.Threads
		if err := stored.complete(&left, box); err != nil {
			return err
		}
		plan = left
	}

	show := newProgress(stderr)
	runner := bench.Runner{
		Progress: show.event,
		Reach: func(ctx context.Context) (probe.Reach, error) {
			host, err := hardware.Detect(ctx)
			if err != nil {
				return probe.Reach{}, err
			}
			reach, err := probe.Measure(ctx, probe.Options{})
			if err == nil {
				err = writeFields(stderr, append(machineFields(host, &reach), [2]string{"sandbox", confined}))
			}
			return reach, err
		},
	}
	if meter, err := power.Open(os.DirFS("/")); err == nil { // most machines let nobody read theirs
		runner.Joules = meter.Joules
	}
	summary, err := runner.Run(ctx, plan, db)
	show.wait()
	for _, note := range summary.Notes {
		fmt.Fprintln(stderr, "note:", note)
	}
	if summary.Interrupted {
		fmt.Fprintf(stderr, "run %s is stored in %s so far; 'assay run --db %[2]s --resume=%[1]s' goes on with it\n", plan.Run, db.Path())
	}
	if err != nil && (summary.Interrupted || summary.Asked+summary.Kept == 0) {
		return err
	}
	kept := 0 // also those that were answered, but not yet judged
	for _, o := range plan.Prior {
		if o.Answered() {
			kept++
		}
	}
	fmt.Fprintf(stderr, "run %s: %d asked, %d kept from before, %d unscored, %.1f s\n", plan.Run, summary.Asked, kept, summary.Broken, summary.Took.Seconds())
	// What was asked is worth showing even when a model could not be opened.
	return errors.Join(err, out.write(ctx, cmd.OutOrStdout(), stderr, db, plan.Run))
}

// onlyResume refuses the flags that make a run what it is. Where settings have them they are
// passed over, as they are for commands that lack them.
func onlyResume(given *pflag.FlagSet) error {
	var failed error
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(runChoice).register(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if onCommandLine(given.Lookup(f.Name)) && failed == nil {
			failed = usagef("--resume goes on with a run as it was begun: --%s cannot be given again", f.Name)
		}
	})
	return failed
}
