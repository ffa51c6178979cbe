package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// Keys below carry the architecture's name in front, as in "llama.block_count"
// (ggml's docs/gguf.md, gguf-py/gguf/constants.py).
const (
	keyArch      = "general.architecture"
	keyName      = "general.name"
	keyFileType  = "general.file_type"
	keyQuantVer  = "general.quantization_version"
	keyLayers    = "block_count"
	keyContext   = "context_length"
	keyHidden    = "embedding_length"
	keyFFN       = "feed_forward_length"
	keyHeads     = "attention.head_count"
	keyKVHeads   = "attention.head_count_kv"
	keyNormEps   = "attention.layer_norm_rms_epsilon"
	keyKeyDim    = "attention.key_length"
	keyValueDim  = "attention.value_length"
	keyRopeDim   = "rope.dimension_count"
	keyRopeTheta = "rope.freq_base"
	keyRopeType  = "rope.scaling.type"
	keyRopeScale = "rope.scaling.factor"
	keyRopeOld   = "rope.scale_linear" // what rope.scaling.factor was called before
	keyVocab     = "vocab_size"
	keyExperts   = "expert_count"
	keyWindow    = "attention.sliding_window"
)

// ropeFactorsName is the tensor that holds Config.RopeFactors in Llama files.
const ropeFactorsName = "rope_freqs.weight"

func openGGUF(path string) (*Checkpoint, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	c, err := fromGGUF(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Path = path
	c.files = []string{path}
	c.closers = []func() error{f.Close}
	if c.Name == "" {
		c.Name = stem(path)
	}
	return c, nil
}

// stem is the last element of path without what follows its last dot.
func stem(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func fromGGUF(f *gguf.File) (*Checkpoint, error) {
	c := &Checkpoint{Format: FormatGGUF}
	var err error
	if c.Config, err = configFromGGUF(f); err != nil {
		return nil, err
	}
	if len(f.Tensors) == 0 {
		return nil, fmt.Errorf("%w: the file has no tensors, perhaps it is a vocabulary only", ErrTensor)
	}
	if c.Name, err = optional(f.String(keyName)); err != nil {
		return nil, err
	}
	if c.ChatTemplate, err = optional(f.String(keyChatTemplate)); err != nil {
		return nil, err
	}
	if c.Vocab, err = VocabFromGGUF(f); err != nil {
		return nil, err
	}
	tensors := make([]Tensor, 0, len(f.Tensors))
	for _, t := range f.Tensors {
		if t.Name == ropeFactorsName {
			continue // it is in the configuration
		}
		shape := slices.Clone(t.Shape)
		slices.Reverse(shape)
		tensors = append(tensors, Tensor{t.Name, t.Type, shape, t.Data})
	}
	return c, c.settle(tensors)
}

// optional makes an absent key the zero value.
func optional[T any](v T, err error) (T, error) {
	if errors.Is(err, gguf.ErrNoKey) {
		err = nil
	}
	return v, err
}

// settings reads an architecture's keys and keeps the first error.
type settings struct {
	f    *gguf.File
	arch string
	err  error
}

func (s *settings) key(name string) string { return s.arch + "." + name }

func (s *settings) has(name string) bool {
	_, ok := s.f.Lookup(s.key(name))
	return ok
}

// int reads a number that must be there. Files may give it once per layer, in an array: then all
// must be the same.
func (s *settings) int(name string) int {
	key := s.key(name)
	n, err := s.f.Uint(key)
	if errors.Is(err, gguf.ErrValueType) {
		if list, listErr := s.f.Ints(key); listErr == nil && len(list) > 0 {
			for _, v := range list {
				if v != list[0] {
					s.fail(fmt.Errorf("%q differs between layers, %v: %w", key, list[:min(len(list), 16)], ErrFeature))
					return 0
				}
			}
			n, err = uint64(list[0]), nil
		}
	}
	if err == nil && n > maxContext {
		err = fmt.Errorf("%q is %d: %w", key, n, ErrConfig)
	}
	s.fail(err)
	return int(n)
}

func (s *settings) intOr(name string, absent int) int {
	if !s.has(name) {
		return absent
	}
	return s.int(name)
}

func (s *settings) floatOr(name string, absent float64) float64 {
	if !s.has(name) {
		return absent
	}
	v, _ := s.f.Lookup(s.key(name))
	if x, ok := v.(float32); ok {
		return decimal(x)
	}
	x, err := s.f.Float(s.key(name))
	s.fail(err)
	return x
}

func (s *settings) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// decimal widens a float32 to the float64 that its shortest decimal form means, so that 1e-6
// written to a file and read again is 1e-6.
func decimal(x float32) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil {
		return float64(x)
	}
	return v
}

func configFromGGUF(f *gguf.File) (Config, error) {
	arch, err := f.String(keyArch)
	if err != nil {
		return Config{}, err
	}
	switch arch {
	case Llama, Qwen2, Qwen3:
	default:
		return Config{}, fmt.Errorf("%q is %q: %w (known: %s, %s, %s)", keyArch, arch, ErrArch, Llama, Qwen2, Qwen3)
	}
	s := &settings{f: f, arch: arch}
	has := func(name string) bool { _, ok := f.Tensor(name); return ok }
	c := Config{
		Arch:       arch,
		Layers:     s.int(keyLayers),
		Hidden:     s.int(keyHidden),
		FFN:        s.int(keyFFN),
		Heads:      s.int(keyHeads),
		Context:    s.int(keyContext),
		NormEps:    s.floatOr(keyNormEps, -1),
		RopeTheta:  s.floatOr(keyRopeTheta, 10000),
		Tied:       !has("output.weight"),
		QKVBias:    arch == Qwen2 || has("blk.0.attn_q.bias"),
		OutputBias: has("blk.0.attn_output.bias"),
		QKNorm:     arch == Qwen3,
	}
	c.KVHeads = s.intOr(keyKVHeads, c.Heads)
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	c.HeadDim = s.intOr(keyKeyDim, c.HeadDim)
	c.RopeDim = s.intOr(keyRopeDim, c.HeadDim)
	if t, ok := f.Tensor("token_embd.weight"); ok && len(t.Shape) == 2 {
		c.Vocab = t.Shape[1]
	} else {
		tokens, _ := f.Strings(keyTokens)
		c.Vocab = s.intOr(keyVocab, len(tokens))
	}
	if s.err != nil {
		return c, s.err
	}
	if v := s.intOr(keyValueDim, c.HeadDim); v != c.HeadDim {
		return c, fmt.Errorf("%q is %d, other than the keys' %d: %w", s.key(keyValueDim), v, c.HeadDim, ErrFeature)
	}
	if n := s.intOr(keyExperts, 0); n != 0 {
		return c, fmt.Errorf("%q is %d, a mixture of experts: %w", s.key(keyExperts), n, ErrFeature)
	}
	if n := s.intOr(keyWindow, 0); n != 0 && n < c.Context {
		return c, fmt.Errorf("%q is %d of a context of %d: %w", s.key(keyWindow), n, c.Context, ErrFeature)
	}
	if s.err != nil {
		return c, s.err
	}
	if c.NormEps == -1 {
		return c, fmt.Errorf("%q: %w", s.key(keyNormEps), gguf.ErrNoKey)
	}
	if err := c.Check(); err != nil { // before RopeDim is used as a length
		return c, err
	}
	if c.RopeFactors, err = ropeFromGGUF(s, c.RopeDim); err != nil {
		return c, err
	}
	return c, c.Check()
}

// ropeFromGGUF reads how rotary frequencies are scaled.
func ropeFromGGUF(s *settings, ropeDim int) ([]float32, error) {
	kind, err := optional(s.f.String(s.key(keyRopeType)))
	if err != nil {
		return nil, err
	}
	factor := s.floatOr(keyRopeScale, s.floatOr(keyRopeOld, 1))
	if s.err != nil {
		return nil, s.err
	}
	t, ok := s.f.Tensor(ropeFactorsName)
	scaled := factor != 1 && factor != 0 // llama.cpp reads 0 as 1
	switch {
	case kind != "" && kind != "none" && kind != "linear":
		return nil, fmt.Errorf("%q is %q: %w", s.key(keyRopeType), kind, ErrFeature)
	case kind == "none":
		scaled = false
	case scaled && ok:
		return nil, fmt.Errorf("%q of %v together with tensor %q: %w", s.key(keyRopeScale), factor, ropeFactorsName, ErrFeature)
	}
	if scaled {
		return linearFactors(factor, ropeDim), nil
	}
	if !ok {
		return nil, nil
	}
	if s.arch != Llama || t.Type != quant.F32 || len(t.Shape) != 1 || t.Shape[0] != ropeDim/2 {
		return nil, fmt.Errorf("%w: %q is %v %v, F32 [%d] in a %s model is known", ErrTensor, t.Name, t.Type, t.Shape, ropeDim/2, Llama)
	}
	out := make([]float32, ropeDim/2)
	return out, quant.Dequantize(quant.F32, out, t.Data)
}

// linearFactors tells linear scaling, which divides positions, as a division of frequencies.
func linearFactors(factor float64, ropeDim int) []float32 {
	return slices.Repeat([]float32{float32(factor)}, ropeDim/2)
}
