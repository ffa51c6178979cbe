package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// run is the whole program: it runs args and returns the exit code, 0 or 1.
func run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "assay: interrupted")
	default:
		fmt.Fprintf(stderr, "assay: %v\n", err)
		var usage usageError
		if errors.As(err, &usage) {
			fmt.Fprintf(stderr, "Try '%s --help'.\n", cmd.CommandPath())
		}
	}
	return 1
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "assay",
		Short: "From a GGUF file to dollars per correct answer, with error bars",
		Long: `Assay runs task packs (math, code, multilingual, long-context) through language models on
this machine, measures tokens/s, latency and accuracy, joins them with what tokens and machines
cost, and draws leaderboards and cost-quality charts. It works offline, and states its own error.

Every flag can also be set in the environment (--db as ASSAY_DB, --machine-usd-per-hour as
ASSAY_MACHINE_USD_PER_HOUR) or in a file, assay.yaml in the working directory or the one named
by --config. A flag wins over the environment, the environment over the file.`,
		Example: `  assay run                                  the main job, on the embedded models
  assay run --model llama.gguf --pack math   a model of yours
  assay generate -m llama.gguf -p "Once" -n 64 --temp 0
  assay price list`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := applySettings(cmd); err != nil {
				return err
			}
			// Cobra asks these itself a little later, but not as mistakes in usage.
			for _, missing := range []error{cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()} {
				if missing != nil {
					return usageError{missing}
				}
			}
			return nil
		},
	}
	group(root)
	root.PersistentFlags().String("config", "", "settings file (default: assay.yaml in the working directory, if there is one)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddGroup(
		&cobra.Group{ID: "measure", Title: "Measuring:"},
		&cobra.Group{ID: "model", Title: "One model:"},
		&cobra.Group{ID: "facts", Title: "Facts:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("measure", newRunCommand(), newReportCommand(), newRunsCommand())
	add("model", newGenerateCommand(), newTokenizeCommand(), newInspectCommand(), newConvertCommand(), newTrainCommand())
	add("facts", newHardwareCommand(), newPacksCommand(), newPriceCommand())
	return root
}

// version is the module version and commit that the Go command recorded in the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}
