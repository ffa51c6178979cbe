package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples reads the examples of every command's help, and the README's command lines, as
// the program would, without running them.
func TestExamples(t *testing.T) {
	examples := map[string]string{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		examples[c.CommandPath()] = c.Example
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand())
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples["README.md"] = string(readme)
	lines := 0
	for from, text := range examples {
		for line := range strings.Lines(text) {
			args, ok := commandLine(line)
			if !ok {
				continue
			}
			lines++
			cmd, rest, err := newRootCommand().Find(args)
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err == nil {
				err = cmd.ValidateRequiredFlags()
			}
			if err != nil {
				t.Errorf("%s: %s: %v", from, strings.TrimSpace(line), err)
			}
		}
	}
	if lines < 20 {
		t.Errorf("only %d command lines were found", lines)
	}
}

var (
	// A command line of ours, alone or after a pipe, without what explains it after some blanks
	// or a #.
	ours = regexp.MustCompile(`^(?: {2,4}|\$ )?(?:[^|'"]*(?:'[^']*'|"[^"]*")?[^|'"]*\| )?(?:\./)?assay ([^#]*?)(?: {3,}.*| +#.*)?$`)
	word = regexp.MustCompile(`(?:\$?'[^']*'|"[^"]*"|[^\s'"])+`)
)

// commandLine returns the arguments of a line that calls assay, read as a shell reads them.
func commandLine(line string) (args []string, ok bool) {
	m := ours.FindStringSubmatch(strings.TrimRight(line, "\n"))
	if m == nil {
		return nil, false
	}
	for _, w := range word.FindAllString(m[1], -1) {
		args = append(args, strings.NewReplacer("$'", "", "'", "", `"`, "").Replace(w))
	}
	return args, len(args) > 0 && regexp.MustCompile(`^[a-z-]+$`).MatchString(args[0])
}
