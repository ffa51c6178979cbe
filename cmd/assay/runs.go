package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/results/report"
	"github.com/tokenassay/assay/results/store"
)

// dbFlag adds --db, the results file.
func dbFlag(cmd *cobra.Command, db *string) {
	cmd.Flags().StringVar(db, "db", "assay.db", "results file (SQLite)")
}

// openResults opens the results file of earlier runs.
func openResults(path string) (*store.Store, error) {
	if err := haveResults(path); err != nil {
		return nil, err
	}
	return store.OpenReadOnly(path)
}

// haveResults returns an error unless there is a results file.
func haveResults(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no results file %s: 'assay run --db %[1]s' makes it", path)
	}
	return nil
}

func newRunsCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the stored runs",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := openResults(path)
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
