package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/pricing"
)

// priceFlags are shared by the price commands and by those that join prices with results.
type priceFlags struct{ ledger, date string }

func (p *priceFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.ledger, "ledger", "", "price ledger in CSV (default: the embedded one)")
	cmd.Flags().StringVar(&p.date, "date", "", "day whose prices count, such as 2025-01-20 (default: today)")
}

// open reads the ledger and the day.
func (p *priceFlags) open() (*pricing.Ledger, time.Time, error) {
	day := time.Now().UTC().Truncate(24 * time.Hour)
	if p.date != "" {
		var err error
		if day, err = pricing.ParseDay(p.date); err != nil {
			return nil, day, usageError{fmt.Errorf("--date: %w", err)}
		}
	}
	if p.ledger == "" {
		l, err := pricing.Default()
		return l, day, err
	}
	f, err := os.Open(p.ledger)
	if err != nil {
		return nil, day, fmt.Errorf("--ledger: %w", err)
	}
	defer f.Close()
	l, err := pricing.Load(f, p.ledger)
	return l, day, err
}

func newPriceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "price",
		Short: "List prices of API models and work out costs",
		Long: `Price shows the ledger of list prices per million tokens: dated, sourced, exact. A price is
no better than the day it was checked, which is shown beside it.`,
	}
	group(cmd)
	cmd.AddCommand(newPriceListCommand(), newPriceShowCommand(), newPriceCostCommand())
	return cmd
}

func newPriceListCommand() *cobra.Command {
	var flags priceFlags
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list [TEXT]",
		Short: "List the prices of a day",
		Example: `  assay price list deepseek
  assay price list --date 2025-01-25 --json`,
		Args: arguments(0, 1, "at most one text to look for"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ledger, day, err := flags.open()
			if err != nil {
				return err
			}
			rows := ledger.On(day)
			if all {
				rows = ledger.Rows()
			}
			shown := []pricing.Price{} // none is [] in JSON
			for _, p := range rows {
				if len(args) == 0 || strings.Contains(strings.ToLower(p.Ref()+" "+p.Title), strings.ToLower(args[0])) {
					shown = append(shown, p)
				}
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), shown)
			}
			if len(shown) == 0 {
				return fmt.Errorf("no price in the ledger for %s matches %q", day.Format(time.DateOnly), strings.Join(args, " "))
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "MODEL\tINPUT\tCACHED\tOUTPUT\tCURRENCY\tFROM\tUNTIL\tCHECKED")
			for _, p := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Ref(), p.Rates.Input, cachedRate(p.Rates), p.Rates.Output, p.Currency,
					dayOr(p.From, "unknown"), dayOr(p.Until, "–"), p.Checked.Format(time.DateOnly))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d prices per million tokens; 'assay price show MODEL' gives the source\n", len(shown))
			return nil
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "list every row, whatever its days")
	return cmd
}

func newPriceShowCommand() *cobra.Command {
	var flags priceFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show MODEL",
		Short:   "Show one price with its source",
		Example: `  assay price show deepseek/deepseek-r1`,
		Args:    arguments(1, 1, "one model of the ledger"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ledger, day, err := flags.open()
			if err != nil {
				return err
			}
			p, err := ledger.At(args[0], day)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			fields := [][2]string{
				{"model", p.Ref()}, {"title", p.Title},
				{"input", p.Rates.Input.String()}, {"cached input", cachedRate(p.Rates)}, {"output", p.Rates.Output.String()},
			}
			if p.Tier != nil {
				over := fmt.Sprintf(", input over %d tokens", p.Tier.Over)
				fields = append(fields, [2]string{"input" + over, p.Tier.Rates.Input.String()},
					[2]string{"cached input" + over, cachedRate(p.Tier.Rates)}, [2]string{"output" + over, p.Tier.Rates.Output.String()})
			}
			fields = append(fields, [2]string{"unit", p.Currency + " per million tokens"},
				[2]string{"valid from", dayOr(p.From, "unknown")}, [2]string{"valid until", dayOr(p.Until, "no end known")},
				[2]string{"checked", p.Checked.Format(time.DateOnly)}, [2]string{"source", p.Source}, [2]string{"note", p.Note})
			return writeFields(cmd.OutOrStdout(), fields)
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newPriceCostCommand() *cobra.Command {
	var flags priceFlags
	var u engine.Usage
	var requests int
	cmd := &cobra.Command{
		Use:   "cost MODEL --input N --output N",
		Short: "Work out what tokens cost",
		Long: `Cost works out exactly what a request costs. --input counts all input tokens, of which --cached
are read from the provider's cache. A tier threshold is compared with the input of one request.`,
		Example: `  assay price cost deepseek/deepseek-r1 --input 1200 --cached 1000 --output 800 --requests 1319`,
		Args:    arguments(1, 1, "one model of the ledger"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if u.Input < 0 || u.Output < 0 || u.CachedInput < 0 || u.CachedInput > u.Input || requests < 1 {
				return usagef("--input %d --cached %d --output %d --requests %d: counts cannot be negative, nor more cached than input", u.Input, u.CachedInput, u.Output, requests)
			}
			ledger, day, err := flags.open()
			if err != nil {
				return err
			}
			p, err := ledger.At(args[0], day)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), p.Cost(u).Times(requests))
			return nil
		},
	}
	flags.register(cmd)
	f := cmd.Flags()
	f.IntVar(&u.Input, "input", 0, "input tokens of a request")
	f.IntVar(&u.CachedInput, "cached", 0, "how many of them are read from the cache")
	f.IntVar(&u.Output, "output", 0, "output tokens of a request, reasoning included")
	f.IntVar(&requests, "requests", 1, "number of such requests")
	cmd.MarkFlagsOneRequired("input", "output")
	return cmd
}

func dayOr(day time.Time, zero string) string {
	if day.IsZero() {
		return zero
	}
	return day.Format(time.DateOnly)
}

// cachedRate is a cached rate for people.
func cachedRate(r pricing.Rates) string {
	if r.Cached == nil {
		return "unknown"
	}
	return r.Cached.String()
}
