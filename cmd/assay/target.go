package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/local"
	"github.com/tokenassay/assay/engine/reference"
)

// openTarget turns a model's name, as the command line has it, into an engine: the name of an
// embedded reference model, or the path of a GGUF file, a Hugging Face folder or a llama2.c file.
func openTarget(name string, opt local.Options) (*local.Engine, error) {
	if err := exists(name); err != nil {
		return nil, err
	}
	if opt.Context < 0 || opt.Threads < 0 {
		return nil, usagef("--context %d --threads %d: neither can be negative", opt.Context, opt.Threads)
	}
	if slices.Contains(reference.Names(), name) {
		c, err := openCheckpoint(name)
		if err != nil {
			return nil, err
		}
		return local.New(c, opt)
	}
	return local.Open(name, opt)
}

// openCheckpoint is openTarget for a command that wants the model's weights, not its answers.
func openCheckpoint(name string) (*checkpoint.Checkpoint, error) {
	if err := exists(name); err != nil {
		return nil, err
	}
	if slices.Contains(reference.Names(), name) {
		c, err := reference.Checkpoint(name)
		if err != nil {
			return nil, fmt.Errorf("reference model %s: %w", name, err)
		}
		return c, nil
	}
	return checkpoint.Open(name)
}

// exists returns a usageError unless there is something under a model's name.
func exists(name string) error {
	embedded := reference.Names()
	if slices.Contains(embedded, name) {
		return nil
	}
	if strings.Contains(name, "://") {
		return usagef("model %q: models behind an address are not supported; give a file, a folder, or one of %s", name, strings.Join(embedded, ", "))
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return usagef("model %q: no such file or folder, and no embedded model: those are %s", name, strings.Join(embedded, ", "))
	}
	return nil
}

// targets makes each name a bench.Model. A file or folder is shown by its base name, unless
// two would then be called the same.
func targets(names []string, opt local.Options) ([]bench.Model, error) {
	shown := map[string]int{}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usagef("model %q is named twice", name)
		}
		if err := exists(name); err != nil {
			return nil, err
		}
		shown[title(name)]++
	}
	var models []bench.Model
	for _, name := range names {
		named := opt
		named.Name = title(name)
		if shown[named.Name] > 1 {
			named.Name = name
		}
		models = append(models, bench.Model{
			Name: named.Name,
			Open: func(context.Context) (engine.Generator, error) { return openTarget(name, named) },
		})
	}
	return models, nil
}

// title is the base name of a model's path, without .gguf.
func title(name string) string {
	if slices.Contains(reference.Names(), name) {
		return name
	}
	path := name
	if abs, err := filepath.Abs(name); err == nil {
		path = abs // "." has a base name too
	}
	return strings.TrimSuffix(filepath.Base(path), ".gguf")
}
