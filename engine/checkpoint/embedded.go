package checkpoint

import (
	"fmt"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// FromGGUF makes a checkpoint of a parsed GGUF file, such as one embedded in a program. The
// file's data must stay as they are while the checkpoint is in use; Close does not close it.
func FromGGUF(f *gguf.File) (*Checkpoint, error) { return fromGGUF(f) }

// OpenVocab reads the vocabulary of the model at path. A GGUF file may hold nothing else.
func OpenVocab(path string) (tokenizer.Spec, error) {
	format, err := detect(path)
	if err != nil {
		return tokenizer.Spec{}, err
	}
	if format != FormatGGUF {
		c, err := Open(path)
		if err != nil {
			return tokenizer.Spec{}, err
		}
		return c.Vocab, c.Close()
	}
	f, err := gguf.Open(path)
	if err != nil {
		return tokenizer.Spec{}, err
	}
	defer f.Close()
	spec, err := VocabFromGGUF(f)
	if err != nil {
		return tokenizer.Spec{}, fmt.Errorf("%s: %w", path, err)
	}
	return spec, nil
}
