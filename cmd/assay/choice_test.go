package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
)

// What is stored with a run must make the same choice again.
func TestChoiceSurvivesSettings(t *testing.T) {
	var defaults runChoice
	defaults.register(pflag.NewFlagSet("", pflag.ContinueOnError))
	all := runChoice{
		models: []string{"tiny", "a, b.gguf"}, packs: []string{"math", "code/list"}, data: []string{"x=y=z.jsonl"},
		level: 3, samples: 7, quick: true, language: "python", scorer: "exact", zeroShot: true,
		seed: 1<<63 + 5, repeats: 2, maxTokens: 99, clients: 4,
		sampling: engine.Sampling{Temperature: 0.1, TopK: 3, TopP: 1.0 / 3, MinP: 1e-9},
		engine:   local.Options{Context: 512},
	}
	for name, choice := range map[string]runChoice{"defaults": defaults, "all": all} {
		got, err := restore(choice.settings())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(choice, got, cmp.AllowUnexported(runChoice{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: restore(settings()) differs (-stored +restored):\n%s", name, diff)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for name, settings := range map[string]map[string]string{
		"unknown key": {"colour": "blue"},
		"bad value":   {"samples": "many"},
	} {
		if _, err := restore(settings); err == nil {
			t.Errorf("%s: restore(%q) is no error", name, settings)
		}
	}
}
