package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/hardware"
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
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := store.Open(out.db)
			if err != nil {
				return err
			}
			defer db.Close()
			if resume == "" {
				return runMain(cmd, db, choice, bench.Plan{Run: time.Now().UTC().Format("20060102-150405.000")}, out)
			}
			for _, name := range remembered() {
				if cmd.Flags().Changed(name) {
					return usagef("--resume goes on with a run as it was begun: --%s cannot be given again", name)
				}
			}
			stored, plan, err := resumed(cmd.Context(), db, resume)
			if err != nil {
				return err
			}
			stored.engine.Threads = choice.engine.Threads
			return runMain(cmd, db, stored, plan, out)
		},
	}
	choice.register(cmd.Flags())
	cmd.Flags().IntVarP(&choice.engine.Threads, "threads", "t", 0, "threads that compute (default: all usable cores)")
	cmd.Flags().StringVar(&resume, "resume", "", "go on with a run that was cut off: its name, or the latest")
	cmd.Flags().Lookup("resume").NoOptDefVal = latest
	out.register(cmd)
	return cmd
}

// runMain asks what is chosen, under the plan's name and with what it has already, and reports.
func runMain(cmd *cobra.Command, db *store.Store, choice runChoice, plan bench.Plan, out reportFlags) error {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	if err := out.validate(); err != nil {
		return err
	}
	box, why := sandbox.Start(ctx) // before any model is in memory: forking stays cheap
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if box != nil {
		defer box.Close()
	}
	if err := choice.complete(&plan, box); err != nil {
		return err
	}
	if box != nil {
		fmt.Fprintf(stderr, "sandbox       %s\n", box.Describe())
	} else {
		fmt.Fprintf(stderr, "sandbox       none, so answers of the code pack stay unscored: %v\n", why)
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
				err = writeMachine(stderr, host, &reach)
			}
			return reach, err
		},
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
	fmt.Fprintf(stderr, "run %s: %d asked, %d kept from before, %d unscored, %.1f s\n", plan.Run, summary.Asked, summary.Kept, summary.Broken, summary.Took.Seconds())
	// What was asked is worth showing even when a model could not be opened.
	return errors.Join(err, out.write(ctx, cmd.OutOrStdout(), stderr, db, plan.Run))
}

// remembered names the flags that make a run what it is.
func remembered() []string {
	var names []string
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(runChoice).register(fs)
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
