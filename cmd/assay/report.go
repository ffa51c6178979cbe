package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/pricing"
	"github.com/tokenassay/assay/results"
	"github.com/tokenassay/assay/results/board"
	"github.com/tokenassay/assay/results/chart"
	"github.com/tokenassay/assay/results/report"
	"github.com/tokenassay/assay/results/store"
)

// formats are the ways a board is printed on standard output.
var formats = []string{"table", "markdown", "csv", "json", "bench"}

// listedByDefault are API models shown beside the measured ones by their list prices: the
// ends of each provider's range, and the models the price of open weights is argued with.
var listedByDefault = []string{
	"openai/gpt-5.5", "openai/o1", "anthropic/claude-opus-5", "google/gemini-2.5-pro", "alibaba/qwen2.5-max",
	"deepseek/deepseek-r1", "deepseek/deepseek-v3", "deepseek/deepseek-v4-flash", "moonshotai/kimi-k2.6", "groq/llama-3.3-70b",
}

// reportFlags say how stored outcomes are shown.
type reportFlags struct {
	db, out, format string
	axis            string
	dark, asJSON    bool
	list            []string
	prices          priceFlags
	machine         machineFlags
}

func (r *reportFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	dbFlag(cmd, &r.db)
	f.StringVarP(&r.out, "out", "o", "assay-out", "folder for the charts and exports")
	f.StringVar(&r.format, "format", "table", "what to print: table, markdown, csv, json, or bench (the Go benchmark format)")
	f.BoolVar(&r.asJSON, "json", false, "print JSON; short for --format json")
	f.StringVar(&r.axis, "cost-axis", string(results.PerOutput), "cost axis of the chart: output (dollars per million output tokens) or correct (dollars per correct answer)")
	f.BoolVar(&r.dark, "dark", false, "draw the charts on a dark ground")
	f.StringArrayVar(&r.list, "list-price", nil, "API model to show by its list price; may be repeated; 'none' shows none (default: a choice across the ledger)")
	r.prices.register(cmd)
	r.machine.register(cmd)
}

func (r *reportFlags) validate() error {
	if r.asJSON {
		r.format = "json"
	}
	if !slices.Contains(formats, r.format) {
		return usagef("--format %q: want one of %q", r.format, formats)
	}
	if r.axis != string(results.PerOutput) && r.axis != string(results.PerCorrect) {
		return usagef("--cost-axis %q: want %q or %q", r.axis, results.PerOutput, results.PerCorrect)
	}
	// Whatever the machine turns out to be: a run is not to end in a mistyped price.
	if _, err := r.machine.hourly(hardware.Host{CPU: hardware.CPU{Usable: 1}}); err != nil {
		return err
	}
	_, err := r.listed()
	return err
}

// listed looks up the models shown by their prices.
func (r *reportFlags) listed() ([]pricing.Price, error) {
	ledger, day, err := r.prices.open()
	if err != nil {
		return nil, err
	}
	refs, must := r.list, true
	if len(refs) == 0 {
		// A ledger of the user's own, or another day, need not have every one of these.
		refs, must = listedByDefault, false
	}
	var found []pricing.Price
	for _, ref := range refs {
		if ref == "none" {
			return nil, nil
		}
		p, err := ledger.At(ref, day)
		if err == nil && p.Currency != "USD" {
			err = fmt.Errorf("%s is priced in %s; charts are in US dollars", p.Ref(), p.Currency)
		}
		switch {
		case err == nil:
			found = append(found, p)
		case must || !errors.Is(err, pricing.ErrUnknown):
			return nil, usageError{fmt.Errorf("--list-price: %w", err)}
		}
	}
	return found, nil
}

func newReportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Show a stored run again: table, charts, exports",
		Long: `Report reads a run (default: the latest) from the results file and does again what run does at
its end. Prices and the machine's cost are applied now, so other assumptions need no new run.`,
		Example: `  assay report
  assay report 20261122-101500.000 --machine-usd-per-hour 0.12 --format markdown
  assay report --cost-axis correct --dark -o charts`,
		Args: arguments(0, 1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.validate(); err != nil {
				return err
			}
			db, err := openResults(flags.db)
			if err != nil {
				return err
			}
			defer db.Close()
			var run string
			if len(args) == 1 {
				run = args[0]
			} else {
				latest, err := db.Latest(cmd.Context())
				if err != nil {
					return err
				}
				run = latest.ID
			}
			return flags.write(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), db, run)
		},
	}
	flags.register(cmd)
	return cmd
}

// write prints a run and writes its charts and exports.
func (r *reportFlags) write(ctx context.Context, stdout, stderr io.Writer, db *store.Store, run string) error {
	m, err := db.Manifest(ctx, run)
	if err != nil {
		return err
	}
	opt := board.Options{}
	if opt.Machine, err = r.machine.hourly(m.Host); err != nil {
		return err
	}
	if opt.Listed, err = r.listed(); err != nil {
		return err
	}
	b, err := results.Board(ctx, db, run, opt)
	if err != nil {
		return err
	}
	if err := r.export(ctx, stderr, db, b); err != nil {
		return err
	}
	return r.print(ctx, stdout, db, b)
}

// print writes the board to stdout in the chosen format.
func (r *reportFlags) print(ctx context.Context, w io.Writer, db *store.Store, b board.Board) error {
	switch r.format {
	case "markdown":
		return report.Markdown(w, report.Summary(b))
	case "csv":
		return report.CSV(w, b)
	case "json":
		return report.JSON(w, b)
	case "bench":
		return report.GoBench(w, b, db.Outcomes(ctx, b.Manifest.Run))
	}
	return report.Terminal(w, report.Summary(b))
}

// export writes the files of the output folder, each whole or not at all.
func (r *reportFlags) export(ctx context.Context, stderr io.Writer, db *store.Store, b board.Board) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	opt := results.ChartOptions{Axis: results.Axis(r.axis), Dark: r.dark}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"leaderboard.png", func(w io.Writer) error { return chart.Leaderboard(w, chart.PNG, results.Leaderboard(b, opt)) }},
		{"leaderboard.svg", func(w io.Writer) error { return chart.Leaderboard(w, chart.SVG, results.Leaderboard(b, opt)) }},
		{"cost-quality.png", func(w io.Writer) error { return chart.CostQuality(w, chart.PNG, results.CostQuality(b, opt)) }},
		{"cost-quality.svg", func(w io.Writer) error { return chart.CostQuality(w, chart.SVG, results.CostQuality(b, opt)) }},
		{"leaderboard.csv", func(w io.Writer) error { return report.CSV(w, b) }},
		{"leaderboard.json", func(w io.Writer) error { return report.JSON(w, b) }},
		{"leaderboard.md", func(w io.Writer) error { return report.Markdown(w, report.Summary(b)) }},
		{"bench.txt", func(w io.Writer) error { return report.GoBench(w, b, db.Outcomes(ctx, b.Manifest.Run)) }},
	} {
		path := filepath.Join(r.out, f.name)
		if _, err := writeFile(path, f.write); errors.Is(err, chart.ErrEmpty) {
			fmt.Fprintf(stderr, "%s: not drawn: %v\n", path, chart.ErrEmpty)
		} else if err != nil {
			return err
		} else {
			fmt.Fprintln(stderr, "wrote", path)
		}
	}
	return nil
}
