package local

import (
	"context"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/checkpoint"
)

// eagerDigest is the size in bytes below which weights are hashed when the engine is made.
// At about 1 GB/s on one core that adds well under a tenth of a second.
const eagerDigest = 64 << 20

// Info describes the model. Digest is empty until it is known: see Engine.Digest.
func (e *Engine) Info() engine.Info {
	info := e.info
	e.mu.Lock()
	defer e.mu.Unlock()
	info.Digest = e.digest
	return info
}

// Digest returns the SHA-256 of the weights in hexadecimal, computing it at the first call
// where the engine did not when it was made. Info has it from then on.
func (e *Engine) Digest(ctx context.Context) (string, error) {
	e.mu.Lock()
	if e.digest != "" || e.closed {
		defer e.mu.Unlock()
		if e.digest == "" {
			return "", ErrClosed
		}
		return e.digest, nil
	}
	e.using.Add(1) // the weights must not be unmapped under the hash
	e.mu.Unlock()
	defer e.using.Done()
	digest, err := e.check.Digest(ctx)
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.digest = digest
	return digest, nil
}

func describe(c *checkpoint.Checkpoint, opt Options) engine.Info {
	info := engine.Info{
		Name: opt.Name, Family: c.Config.Arch, Parameters: c.Config.Parameters(),
		Quant: c.MainType().String(), Context: opt.Context, Vocab: c.Config.Vocab, Chat: c.ChatTemplate != "", Local: true,
	}
	if info.Name == "" {
		info.Name = c.Name
	}
	if info.Name == "" {
		info.Name = c.Config.Arch
	}
	for _, t := range c.Tensors() {
		info.Bytes += int64(len(t.Data))
	}
	return info
}
