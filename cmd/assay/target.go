package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
	"github.com/tokenassay/assay/engine/reference"
)

// openTarget turns a model's name, as the command line has it, into an engine: the name of an
// embedded reference model, or the path of a GGUF file, a Hugging Face folder or a llama2.c file.
func openTarget(name string, opt local.Options) (*local.Engine, error) {
	if slices.Contains(reference.Names(), name) {
		c, err := reference.Checkpoint(name)
		if err != nil {
			return nil, fmt.Errorf("reference model %s: %w", name, err)
		}
		opt.Name = name
		return local.New(c, opt)
	}
	if strings.Contains(name, "://") {
		return nil, usagef("model %q: models behind an address are not supported; give a file, a folder, or one of %s", name, strings.Join(reference.Names(), ", "))
	}
	return local.Open(name, opt)
}

// targets makes each name a bench.Model, under names that tell them apart.
func targets(names []string, opt local.Options) ([]bench.Model, error) {
	var models []bench.Model
	for _, name := range names {
		if slices.ContainsFunc(models, func(m bench.Model) bool { return m.Name == name }) {
			return nil, usagef("model %q is named twice", name)
		}
		models = append(models, bench.Model{
			Name: name,
			Open: func(context.Context) (engine.Generator, error) { return openTarget(name, opt) },
		})
	}
	return models, nil
}
