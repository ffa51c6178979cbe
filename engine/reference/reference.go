// Package reference holds the reference models: two small llama-architecture models, embedded,
// that were trained by package train on generated tasks. They answer without a download, and
// differ enough in size that a comparison of the two must show it.
package reference

import (
	_ "embed"
	"fmt"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/gguf"
)

// The reference models.
const (
	Tiny  = "tiny"  // about 0.2 million parameters
	Small = "small" // about a million
)

// Vocabulary is how many tokens both models know.
const Vocabulary = 1024

//go:embed tiny.gguf
var tiny []byte

//go:embed small.gguf
var small []byte

//go:embed MODEL_CARD.md
var card string

// Names lists the reference models, smallest first.
func Names() []string { return []string{Tiny, Small} }

// Card is the model card of both, in Markdown: architecture, data, training, accuracy, limits.
func Card() string { return card }

// Checkpoint opens an embedded model. Its tensors lie in the program itself: they must not be
// written to.
func Checkpoint(name string) (*checkpoint.Checkpoint, error) {
	var data []byte
	switch name {
	case Tiny:
		data = tiny
	case Small:
		data = small
	default:
		return nil, fmt.Errorf("reference model %q: there are %q", name, Names())
	}
	f, err := gguf.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reference model %s: %w", name, err)
	}
	c, err := checkpoint.FromGGUF(f)
	if err != nil {
		return nil, fmt.Errorf("reference model %s: %w", name, err)
	}
	c.Name = name
	return c, nil
}
