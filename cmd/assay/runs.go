package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/results/report"
	"github.com/tokenassay/assay/results/store"
)

// dbFlag adds --db, the results file.
func dbFlag(cmd *cobra.Command, db *string) {
	cmd.Flags().StringVar(db, "db", "assay.db", "results file (SQLite)")
}

func newRunsCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the stored runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := store.OpenReadOnly(path)
			if err != nil {
				return err
			}
			defer db.Close()
			runs, err := db.Runs(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), runs)
			}
			return report.Terminal(cmd.OutOrStdout(), report.Runs(runs, time.Local))
		},
	}
	dbFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
