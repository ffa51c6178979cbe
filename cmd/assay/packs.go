package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/tasks/packs"
	"github.com/tokenassay/assay/tasks/score"
)

func newPacksCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "packs",
		Short: "List the built-in task packs with an example of each task",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := packs.Describe()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return writeJSON(out, all)
			}
			for _, p := range all {
				fmt.Fprintf(out, "%s (version %s): %s. %s, %s.\n", p.Name, p.Version, p.Title, p.Source, p.License)
				for _, t := range p.Tasks {
					fmt.Fprintf(out, "\n  %s/%s: %s. Levels %d to %d.\n", p.Name, t.Name, t.Title, t.MinLevel, t.MaxLevel)
					if len(t.Languages) > 0 {
						fmt.Fprintf(out, "    languages: %s\n", strings.Join(t.Languages, " "))
					}
					fmt.Fprintf(out, "    %s %s\n", strings.ReplaceAll(t.Example, "\n", "\n    "), t.Answer)
				}
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "Rules for --scorer: %s.\n", strings.Join(score.Names(), ", "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
