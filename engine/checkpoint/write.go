package checkpoint

import (
	"fmt"
	"io"
	"slices"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// quantVersion is ggml's GGML_QNT_VERSION, the version of its block layouts.
const quantVersion = 2

// fileTypes gives general.file_type, llama.cpp's number for a file most of whose weights have
// this type (include/llama.h, enum llama_ftype).
var fileTypes = map[quant.Type]uint32{
	quant.F32: 0, quant.F16: 1, quant.Q4_0: 2, quant.Q4_1: 3, quant.Q8_0: 7, quant.Q5_0: 8, quant.Q5_1: 9,
	quant.Q2_K: 10, quant.Q3_K: 12, quant.Q4_K: 15, quant.Q5_K: 17, quant.Q6_K: 18,
	quant.BF16: 32,
}

// WriteGGUF writes the model as a GGUF file that llama.cpp loads. Matrices are converted to *as;
// where as is nil they keep their type. Vectors stay F32, and a matrix whose columns do not
// divide into blocks becomes F16. The error names the tensor and wraps quant.ErrUnsupported
// where a conversion is not known.
func (c *Checkpoint) WriteGGUF(w io.Writer, as *quant.Type) error {
	if as != nil && !as.Supported() {
		return fmt.Errorf("write as %v: %w", *as, quant.ErrUnsupported)
	}
	kv, factors, err := c.metadata(as)
	if err != nil {
		return err
	}
	heads := make([]gguf.Tensor, 0, len(c.tensors)+1)
	if factors != nil {
		heads = append(heads, *factors)
	}
	for _, t := range c.tensors {
		shape := slices.Clone(t.Shape)
		slices.Reverse(shape)
		heads = append(heads, gguf.Tensor{Name: t.Name, Type: target(t, as), Shape: shape})
	}
	out, err := gguf.NewWriter(w, kv, heads)
	if err != nil {
		return err
	}
	if factors != nil {
		if err := out.WriteTensor(factors.Data); err != nil {
			return err
		}
	}
	for _, t := range c.tensors {
		if to := target(t, as); to != t.Type {
			if t, err = convert(t, to); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
		}
		if err := out.WriteTensor(t.Data); err != nil {
			return err
		}
	}
	return out.Close()
}

// target is the type that t is written in.
func target(t Tensor, as *quant.Type) quant.Type {
	if as == nil || len(t.Shape) < 2 {
		return t.Type
	}
	if _, err := as.RowBytes(t.Cols()); err != nil {
		return quant.F16
	}
	return *as
}

// metadata is everything before the tensors, and the tensor of rope factors where one is needed.
func (c *Checkpoint) metadata(as *quant.Type) ([]gguf.KV, *gguf.Tensor, error) {
	cfg := c.Config
	kv := []gguf.KV{{Key: keyArch, Value: cfg.Arch}}
	if c.Name != "" {
		kv = append(kv, gguf.KV{Key: keyName, Value: c.Name})
	}
	main := c.MainType()
	if as != nil {
		main = *as
	}
	if n, ok := fileTypes[main]; ok {
		kv = append(kv, gguf.KV{Key: keyFileType, Value: n})
	}
	kv = append(kv, gguf.KV{Key: keyQuantVer, Value: uint32(quantVersion)})
	for _, s := range []struct {
		key string
		n   int
	}{
		{keyLayers, cfg.Layers}, {keyContext, cfg.Context}, {keyHidden, cfg.Hidden}, {keyFFN, cfg.FFN},
		{keyHeads, cfg.Heads}, {keyKVHeads, cfg.KVHeads}, {keyKeyDim, cfg.HeadDim}, {keyValueDim, cfg.HeadDim},
		{keyRopeDim, cfg.RopeDim}, {keyVocab, cfg.Vocab},
	} {
		kv = append(kv, gguf.KV{Key: cfg.Arch + "." + s.key, Value: uint32(s.n)})
	}
	kv = append(kv,
		gguf.KV{Key: cfg.Arch + "." + keyNormEps, Value: float32(cfg.NormEps)},
		gguf.KV{Key: cfg.Arch + "." + keyRopeTheta, Value: float32(cfg.RopeTheta)})
	factors, scaling, err := ropeToGGUF(cfg)
	if err != nil {
		return nil, nil, err
	}
	kv = append(kv, scaling...)
	kv = append(kv, VocabToGGUF(c.Vocab)...)
	if c.ChatTemplate != "" {
		kv = append(kv, gguf.KV{Key: keyChatTemplate, Value: c.ChatTemplate})
	}
	return kv, factors, nil
}

// ropeToGGUF tells scaling as files do: one factor for all frequencies as linear scaling, other
// factors as a tensor, which only Llama files have.
func ropeToGGUF(cfg Config) (*gguf.Tensor, []gguf.KV, error) {
	f := cfg.RopeFactors
	if f == nil {
		return nil, nil, nil
	}
	if slices.Min(f) == slices.Max(f) {
		return nil, []gguf.KV{
			{Key: cfg.Arch + "." + keyRopeType, Value: "linear"},
			{Key: cfg.Arch + "." + keyRopeScale, Value: f[0]},
		}, nil
	}
	if cfg.Arch != Llama {
		return nil, nil, fmt.Errorf("rope factors in a %s file: %w", cfg.Arch, ErrFeature)
	}
	t := &gguf.Tensor{Name: ropeFactorsName, Type: quant.F32, Shape: []int{len(f)}, Data: make([]byte, 4*len(f))}
	return t, nil, quant.Quantize(quant.F32, t.Data, f)
}

// MainType is the type that holds most elements of the matrices.
func (c *Checkpoint) MainType() quant.Type {
	elements := map[quant.Type]int{}
	main := quant.F32
	for _, t := range c.tensors {
		if len(t.Shape) > 1 {
			elements[t.Type] += t.Elements()
			if elements[t.Type] > elements[main] {
				main = t.Type
			}
		}
	}
	return main
}
