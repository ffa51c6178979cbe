package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/safetensors"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// The files of a Hugging Face folder.
const (
	configFile          = "config.json"
	tokenizerFile       = "tokenizer.json"
	tokenizerConfigFile = "tokenizer_config.json"
	generationFile      = "generation_config.json"
	templateFile        = "chat_template.jinja"
)

// Limits of the files that are read whole, in bytes; the largest tokenizer.json of a known model
// has some 35 MB.
const (
	maxConfigBytes    = 8 << 20
	maxTokenizerBytes = 256 << 20
)

// The two names of tied embeddings.
const (
	embedName = "model.embed_tokens.weight"
	headName  = "lm_head.weight"
)

// Floats is a tensor as plain numbers.
type Floats struct {
	Shape []int // row-major
	Data  []float32
}

// FromHF makes a checkpoint of a Hugging Face config.json and tensors in memory under Hugging
// Face's names. vocab may be without tokens. The numbers are copied.
func FromHF(configJSON []byte, tensors map[string]Floats, vocab tokenizer.Spec, chatTemplate string) (*Checkpoint, error) {
	cfg, err := parseHFConfig(configJSON)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	sources := make(map[string]Tensor, len(tensors))
	for name, t := range tensors {
		out := Tensor{Name: name, Type: quant.F32, Shape: t.Shape, Data: make([]byte, 4*len(t.Data))}
		if n := out.Elements(); n != len(t.Data) {
			return nil, fmt.Errorf("tensor %q: %w: %d numbers for shape %v", name, ErrTensor, len(t.Data), t.Shape)
		}
		if err := quant.Quantize(quant.F32, out.Data, t.Data); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		sources[name] = out
	}
	c := &Checkpoint{Format: FormatMemory, Vocab: vocab, ChatTemplate: chatTemplate}
	if err := c.takeHF(cfg, sources); err != nil {
		return nil, err
	}
	return c, nil
}

func openHuggingFace(dir string) (_ *Checkpoint, err error) {
	configJSON, err := readFile(dir, configFile, maxConfigBytes)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: the folder has no %s", dir, ErrFormat, configFile)
	} else if err != nil {
		return nil, err
	}
	cfg, err := parseHFConfig(configJSON)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)
	}
	c := &Checkpoint{Path: dir, Format: FormatHuggingFace}
	if absolute, err := filepath.Abs(dir); err == nil {
		c.Name = filepath.Base(absolute)
	}
	if err := c.readVocab(dir, configJSON); err != nil {
		return nil, err
	}
	set, err := safetensors.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			set.Close()
		}
	}()
	sources := make(map[string]Tensor, len(set.Tensors))
	for _, t := range set.Tensors {
		kind, err := t.Type()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		sources[t.Name] = Tensor{t.Name, kind, t.Shape, t.Data}
	}
	if err := c.takeHF(cfg, sources); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	c.files = set.Files
	c.closers = []func() error{set.Close}
	return c, nil
}

// takeHF renames tensors, turns the rows that need it, and settles the checkpoint.
func (c *Checkpoint) takeHF(cfg Config, sources map[string]Tensor) error {
	c.Config = cfg
	if err := cfg.Check(); err != nil {
		return err
	}
	// Tied embeddings are saved once, under either name (safetensors.torch.save_model keeps the
	// first of two names in alphabetical order).
	if head, ok := sources[headName]; ok && cfg.Tied {
		if _, ok := sources[embedName]; !ok {
			sources[embedName] = head
		}
	}
	shapes := make(map[string][]int, len(sources))
	for name, t := range sources {
		if !redundant(cfg, name) {
			shapes[name] = t.Shape
		}
	}
	params := cfg.params()
	if err := cfg.fit(params, func(p param) string { return p.hf }, shapes); err != nil {
		return err
	}
	tensors := make([]Tensor, 0, len(params))
	for _, p := range params {
		t := sources[p.hf]
		t.Name = p.name
		if p.turned > 0 {
			t.Data = interleave(t.Data, p.turned, cfg.HeadDim)
		}
		tensors = append(tensors, t)
	}
	return c.settle(tensors)
}

// redundant reports whether a tensor holds only what is known anyway: a second copy of tied
// embeddings, or the rotary frequencies that old files carry.
func redundant(cfg Config, name string) bool {
	if cfg.Tied && name == headName {
		return true
	}
	return strings.HasPrefix(name, "model.layers.") && strings.HasSuffix(name, ".self_attn.rotary_emb.inv_freq")
}

// interleave moves the rows of each head from Hugging Face's order, where row i is rotated with
// row i+dim/2, to GGUF's for Llama, where rows 2i and 2i+1 are rotated together
// (llama.cpp's convert_hf_to_gguf.py, LlamaModel.permute). data are heads*dim rows of any length.
func interleave(data []byte, heads, dim int) []byte {
	row := len(data) / (heads * dim)
	out := make([]byte, len(data))
	for h := range heads {
		for i := range dim / 2 {
			for half := range 2 {
				to, from := h*dim+2*i+half, h*dim+half*dim/2+i
				copy(out[to*row:(to+1)*row], data[from*row:(from+1)*row])
			}
		}
	}
	return out
}

// readFile reads a whole file of at most limit bytes.
func readFile(dir, name string, limit int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", path, ErrFormat, limit)
	}
	return data, nil
}
