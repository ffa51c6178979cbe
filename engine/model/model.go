// Package model runs decoder-only transformers: tokens in, logits out.
//
//  1. Load takes a checkpoint's tensors as one of the known architectures.
//  2. NewCache makes room for the keys and values of one sequence.
//  3. Forward appends the tokens of several sequences at once, and gives the logits of as
//     many of each one's last positions as wanted.
//
// One file per architecture says how its layers go, in terms of the pieces in pass.go and
// attention.go that they share.
//
// # Same bits
//
// The logits of a position depend on the tokens before it in its sequence and on nothing
// else, bit for bit: not on how the tokens were split over calls, on what else was in the
// batch, on what the cache held before it was truncated, or on the number of workers. Every
// sum of a position is taken in one order, over that position's own numbers.
//
// # Concurrency
//
// A Model is immutable after Load apart from a list of idle scratch buffers, and Forward may
// be called concurrently, with different caches and different pools. Buffers are kept and
// reused: after a call of some size, calls up to that size allocate nothing.
package model

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/kvcache"
)

// ErrArchitecture is wrapped by Load's error for an architecture that is not built in.
var ErrArchitecture = errors.New("unknown architecture")

// Architectures lists the architectures Load knows, by GGUF's names.
func Architectures() []string { return []string{"llama", "qwen2", "qwen3"} }

// Model is a checkpoint ready to run.
type Model struct {
	cfg    checkpoint.Config
	arch   architecture
	embed  *kernel.Weight // (vocab, hidden)
	norm   []float32      // (hidden)
	output *kernel.Weight // (vocab, hidden); embed itself where tied
	freqs  []float64      // (ropeDim/2) radians per position

	mu   sync.Mutex
	idle []*pass
}

// architecture is one kind of decoder. layer takes p.x from before layer i to after it.
type architecture interface {
	layer(p *pass, i int)
}

// Load builds the model c describes. Weights may go on lying in c's memory: c must stay
// open as long as the Model is used.
func Load(c *checkpoint.Checkpoint) (*Model, error) {
	cfg := c.Config
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("model %s: %w", c.Name, err)
	}
	l := &loader{c: c, used: map[string]bool{}}
	m := &Model{cfg: cfg, freqs: cfg.RopeFrequencies()}
	m.embed = l.matrix("token_embd.weight", cfg.Vocab, cfg.Hidden)
	m.norm = l.vector("output_norm.weight", cfg.Hidden)
	if m.output = m.embed; !cfg.Tied {
		m.output = l.matrix("output.weight", cfg.Vocab, cfg.Hidden)
	}
	switch cfg.Arch {
	case "llama":
		m.arch = loadLlama(l, cfg)
	case "qwen2":
		m.arch = loadQwen2(l, cfg)
	case "qwen3":
		m.arch = loadQwen3(l, cfg)
	default:
		return nil, fmt.Errorf("model %s: %q: %w; known are %q", c.Name, cfg.Arch, ErrArchitecture, Architectures())
	}
	if err := l.finish(); err != nil {
		return nil, fmt.Errorf("model %s: %w", c.Name, err)
	}
	return m, nil
}

// Config returns the checkpoint's configuration.
func (m *Model) Config() checkpoint.Config { return m.cfg }

// Shape returns the shape of the caches the model takes.
func (m *Model) Shape() kvcache.Shape {
	return kvcache.Shape{Layers: m.cfg.Layers, KVHeads: m.cfg.KVHeads, HeadDim: m.cfg.HeadDim}
}

// NewCache returns an empty cache for a sequence of at most capacity tokens.
func (m *Model) NewCache(capacity int) *kvcache.Cache { return kvcache.New(m.Shape(), capacity) }
