package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// Digest returns the SHA-256 of the weights in hexadecimal: of the bytes of the file, or of the
// files one after the other in order of their names; for a checkpoint in memory, of the names,
// types, shapes and data of its tensors. The first call reads everything, later ones remember.
// Concurrent calls wait for one another. A cancelled ctx ends the reading with its error.
func (c *Checkpoint) Digest(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.digest != "" {
		return c.digest, nil
	}
	h := sha256.New()
	var err error
	if c.files == nil {
		err = c.hashTensors(ctx, h)
	}
	for _, path := range c.files {
		if err = hashFile(ctx, h, path); err != nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	c.digest = hex.EncodeToString(h.Sum(nil))
	return c.digest, nil
}

func (c *Checkpoint) hashTensors(ctx context.Context, h hash.Hash) error {
	for _, t := range c.tensors {
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %v %v %d\n", t.Name, t.Type, t.Shape, len(t.Data)) // a hash returns no error
		h.Write(t.Data)
	}
	return nil
}

func hashFile(ctx context.Context, h hash.Hash, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
