package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// settingsFile is read from the working directory when it is there.
const settingsFile = "assay.yaml"

// fromSettings marks a flag that was set by the environment or the settings file.
const fromSettings = "assay_from_settings"

// onCommandLine reports whether a flag was set on the command line itself.
func onCommandLine(f *pflag.Flag) bool {
	_, set := f.Annotations[fromSettings]
	return f.Changed && !set
}

// applySettings gives every flag of cmd that was not set on the command line its value from
// the environment or the settings file. A key in the file that is no command's flag is an error.
func applySettings(cmd *cobra.Command) error {
	v := viper.New()
	v.SetEnvPrefix("ASSAY")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()

	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return err
	}
	if path == "" {
		path = v.GetString("config")
	}
	named := path != ""
	if !named {
		path = settingsFile
	}
	if text, err := os.Open(path); err == nil {
		defer text.Close()
		v.SetConfigType("yaml")
		if err := v.ReadConfig(text); err != nil {
			return fmt.Errorf("settings %s: %w", path, err)
		}
		if err := knownKeys(cmd.Root(), path, v); err != nil {
			return err
		}
	} else if named || !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("settings: %w", err)
	}

	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || !v.IsSet(f.Name) || f.Name == "config" || f.Name == "help" {
			return
		}
		values := []string{v.GetString(f.Name)}
		if _, ok := f.Value.(pflag.SliceValue); ok {
			values = v.GetStringSlice(f.Name)
		}
		for _, value := range values {
			if err := cmd.Flags().Set(f.Name, value); err != nil && failed == nil {
				failed = fmt.Errorf("setting %s: %w", f.Name, err)
			}
		}
		if err := cmd.Flags().SetAnnotation(f.Name, fromSettings, nil); err != nil && failed == nil {
			failed = err
		}
	})
	return failed
}

// knownKeys refuses keys that no command has a flag for: a misspelt setting that does
// nothing is worse than an error.
func knownKeys(root *cobra.Command, path string, v *viper.Viper) error {
	var known []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known = append(known, strings.ToLower(f.Name)) })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, key := range v.AllKeys() {
		if !slices.Contains(known, key) {
			return fmt.Errorf("settings %s: unknown key %q", path, key)
		}
	}
	return nil
}
