package checkpoint

import (
	"cmp"
	"os"
	"slices"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// Summary says what a model file holds. A number of 0 and an empty text mean unknown, and are
// left out of the JSON.
type Summary struct {
	Path   string `json:"path,omitempty"`
	Format string `json:"format"`
	Name   string `json:"name,omitempty"`
	Arch   string `json:"architecture,omitempty"`
	Usable bool   `json:"usable"`                 // whether Open accepts it
	Why    string `json:"why_unusable,omitempty"` // what Open says if not

	Parameters int64  `json:"parameters"` // elements of all tensors
	Tensors    int    `json:"tensors"`
	Types      []Kind `json:"types"`                // by bytes, most first
	Bytes      int64  `json:"tensor_bytes"`         // as Open hands them out
	FileBytes  int64  `json:"file_bytes,omitempty"` // of the files with the weights

	Context    int     `json:"context,omitempty"` // tokens
	Layers     int     `json:"layers,omitempty"`
	Hidden     int     `json:"hidden,omitempty"`
	FFN        int     `json:"feed_forward,omitempty"`
	Heads      int     `json:"heads,omitempty"`
	KVHeads    int     `json:"kv_heads,omitempty"`
	HeadDim    int     `json:"head_dim,omitempty"`
	RopeTheta  float64 `json:"rope_theta,omitempty"`
	RopeScaled bool    `json:"rope_scaled,omitempty"`
	Tied       bool    `json:"tied_embeddings,omitempty"`

	Vocab        int    `json:"vocab,omitempty"` // tokens
	Tokenizer    string `json:"tokenizer,omitempty"`
	PreTokenizer string `json:"pre_tokenizer,omitempty"`
	ChatTemplate bool   `json:"chat_template"`

	Memory *Memory `json:"memory,omitempty"` // nil where the architecture is not known
}

// Kind counts the tensors of one type.
type Kind struct {
	Type     string `json:"type"`
	Tensors  int    `json:"tensors"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`
}

// Memory is what running one sequence takes, in bytes, besides the activations.
type Memory struct {
	Context int   `json:"context"` // tokens the cache is for
	Weights int64 `json:"weights"`
	KVCache int64 `json:"kv_cache"` // float32 keys and values
	Total   int64 `json:"total"`
}

// Inspect summarises the model at path, also a GGUF file that Open refuses: of an unknown
// architecture, or with a vocabulary only. context is the number of tokens that Memory is
// worked out for; 0 means the model's own.
func Inspect(path string, context int) (Summary, error) {
	format, err := detect(path)
	if err != nil {
		return Summary{}, err
	}
	if format != FormatGGUF {
		c, err := Open(path)
		if err != nil {
			return Summary{}, err
		}
		defer c.Close()
		return c.Summary(context), nil
	}
	f, err := gguf.Open(path)
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	c, err := fromGGUF(f)
	if err != nil {
		return foreign(f, err), nil
	}
	c.Path, c.files = path, []string{path}
	c.Name = cmp.Or(c.Name, stem(path))
	return c.Summary(context), nil
}

// Summary describes c; context is as in Inspect.
func (c *Checkpoint) Summary(context int) Summary {
	cfg := c.Config
	s := Summary{
		Path: c.Path, Format: c.Format, Name: c.Name, Arch: cfg.Arch, Usable: true,
		Context: cfg.Context, Layers: cfg.Layers, Hidden: cfg.Hidden, FFN: cfg.FFN,
		Heads: cfg.Heads, KVHeads: cfg.KVHeads, HeadDim: cfg.HeadDim,
		RopeTheta: cfg.RopeTheta, RopeScaled: cfg.RopeFactors != nil, Tied: cfg.Tied,
		Vocab: cfg.Vocab, Tokenizer: c.Vocab.Model, PreTokenizer: c.Vocab.Pre, ChatTemplate: c.ChatTemplate != "",
	}
	for _, path := range c.files {
		if info, err := os.Stat(path); err == nil {
			s.FileBytes += info.Size()
		}
	}
	for _, t := range c.tensors {
		s.count(t.Type, int64(t.Elements()), int64(len(t.Data)))
	}
	s.sortTypes()
	if context <= 0 {
		context = cfg.Context
	}
	s.Memory = &Memory{Context: context, Weights: s.Bytes, KVCache: cfg.KVBytes(context)}
	s.Memory.Total = s.Memory.Weights + s.Memory.KVCache
	return s
}

// foreign summarises a file that is no usable model, for the reason why: what the metadata say
// under the usual keys, unchecked.
func foreign(f *gguf.File, why error) Summary {
	s := Summary{Path: f.Path, Format: FormatGGUF, Name: stem(f.Path), Why: why.Error(), FileBytes: f.Size}
	if name, err := f.String(keyName); err == nil {
		s.Name = name
	}
	s.Arch, _ = f.String(keyArch) // here and below: absent or odd means unknown
	for _, n := range []struct {
		key string
		to  *int
	}{
		{keyContext, &s.Context}, {keyLayers, &s.Layers}, {keyHidden, &s.Hidden}, {keyFFN, &s.FFN},
		{keyHeads, &s.Heads}, {keyKVHeads, &s.KVHeads}, {keyKeyDim, &s.HeadDim},
	} {
		if v, err := f.Uint(s.Arch + "." + n.key); err == nil && v <= maxContext {
			*n.to = int(v)
		}
	}
	if v, err := f.Float(s.Arch + "." + keyRopeTheta); err == nil {
		s.RopeTheta = v
	}
	tokens, _ := f.Strings(keyTokens)
	s.Vocab = len(tokens)
	s.Tokenizer, _ = f.String(keyModel)
	s.PreTokenizer, _ = f.String(keyPre)
	template, _ := f.String(keyChatTemplate)
	s.ChatTemplate = template != ""
	for _, t := range f.Tensors {
		s.count(t.Type, int64(t.Elements()), int64(len(t.Data)))
	}
	s.sortTypes()
	return s
}

func (s *Summary) count(t quant.Type, elements, bytes int64) {
	s.Tensors++
	s.Parameters += elements
	s.Bytes += bytes
	i := slices.IndexFunc(s.Types, func(k Kind) bool { return k.Type == t.String() })
	if i < 0 {
		i = len(s.Types)
		s.Types = append(s.Types, Kind{Type: t.String()})
	}
	k := &s.Types[i]
	k.Tensors++
	k.Elements += elements
	k.Bytes += bytes
}

func (s *Summary) sortTypes() {
	slices.SortFunc(s.Types, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Type, b.Type))
	})
}
