package model

import (
	"fmt"
	"slices"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/quant"
)

// loader fetches tensors by name and checks their shapes. It keeps the first error, so that
// an architecture can name its tensors one after the other.
type loader struct {
	c    *checkpoint.Checkpoint
	used map[string]bool
	err  error
}

// linear is a matrix with an optional bias: y = w x + bias.
type linear struct {
	w    *kernel.Weight // (rows, cols)
	bias []float32      // (rows) or nil
}

// linear fetches name.weight, and name.bias where the checkpoint has one.
func (l *loader) linear(name string, rows, cols int) linear {
	y := linear{w: l.matrix(name+".weight", rows, cols)}
	if _, ok := l.c.Tensor(name + ".bias"); ok {
		y.bias = l.vector(name+".bias", rows)
	}
	return y
}

// biased is linear for architectures that always have the bias.
func (l *loader) biased(name string, rows, cols int) linear {
	return linear{w: l.matrix(name+".weight", rows, cols), bias: l.vector(name+".bias", rows)}
}

// matrix fetches a (rows, cols) tensor in the type it has.
func (l *loader) matrix(name string, rows, cols int) *kernel.Weight {
	t, ok := l.tensor(name, rows, cols)
	if !ok {
		return nil
	}
	w, err := kernel.NewWeight(t.Type, rows, cols, t.Data)
	if err != nil {
		l.fail(fmt.Errorf("tensor %s: %w", name, err))
		return nil
	}
	return w
}

// vector fetches a tensor of n numbers as float32.
func (l *loader) vector(name string, n int) []float32 {
	t, ok := l.tensor(name, n)
	if !ok {
		return nil
	}
	v := make([]float32, n)
	if err := quant.Dequantize(t.Type, v, t.Data); err != nil {
		l.fail(fmt.Errorf("tensor %s: %w", name, err))
	}
	return v
}

func (l *loader) tensor(name string, shape ...int) (checkpoint.Tensor, bool) {
	t, ok := l.c.Tensor(name)
	l.used[name] = true
	switch {
	case !ok:
		l.fail(fmt.Errorf("tensor %s is missing", name))
		return t, false
	case !slices.Equal(t.Shape, shape):
		l.fail(fmt.Errorf("tensor %s has shape %v, the configuration says %v", name, t.Shape, shape))
		return t, false
	}
	return t, true
}

func (l *loader) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// finish reports the first error, or else a tensor nothing asked for: running without it
// would give wrong logits and no sign of it.
func (l *loader) finish() error {
	if l.err != nil {
		return l.err
	}
	for _, t := range l.c.Tensors() {
		if !l.used[t.Name] {
			return fmt.Errorf("tensor %s has no place in architecture %s", t.Name, l.c.Config.Arch)
		}
	}
	return nil
}

// block names tensor name of layer i as GGUF does.
func block(i int, name string) string { return fmt.Sprintf("blk.%d.%s", i, name) }
