package checkpoint

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// hfConfig is what is read of a Hugging Face config.json. A nil pointer means that the file does
// not say, and then the default of transformers' configuration class applies.
type hfConfig struct {
	ModelType   string   `json:"model_type"`
	Hidden      *int     `json:"hidden_size"`
	Layers      *int     `json:"num_hidden_layers"`
	FFN         *int     `json:"intermediate_size"`
	Heads       *int     `json:"num_attention_heads"`
	KVHeads     *int     `json:"num_key_value_heads"`
	HeadDim     *int     `json:"head_dim"`
	Vocab       *int     `json:"vocab_size"`
	Context     *int     `json:"max_position_embeddings"`
	NormEps     *float64 `json:"rms_norm_eps"`
	RopeTheta   *float64 `json:"rope_theta"`
	Tied        *bool    `json:"tie_word_embeddings"`
	Bias        *bool    `json:"attention_bias"`
	MLPBias     *bool    `json:"mlp_bias"`
	Activation  *string  `json:"hidden_act"`
	Sliding     *bool    `json:"use_sliding_window"`
	Partial     *float64 `json:"partial_rotary_factor"`
	RopeScaling *hfRope  `json:"rope_scaling"`
	// RopeParameters is where transformers 5 keeps rope_theta and rope_scaling.
	RopeParameters *hfRope `json:"rope_parameters"`
	Quantization   *struct {
		Method string `json:"quant_method"`
	} `json:"quantization_config"`
}

// hfRope describes how rotary frequencies are scaled (transformers, modeling_rope_utils.py).
type hfRope struct {
	Type     string   `json:"rope_type"`
	OldType  string   `json:"type"` // what rope_type was called before
	Theta    *float64 `json:"rope_theta"`
	Factor   *float64 `json:"factor"`
	Low      *float64 `json:"low_freq_factor"`
	High     *float64 `json:"high_freq_factor"`
	Original *int     `json:"original_max_position_embeddings"`
}

// parseHFConfig reads a config.json and refuses what would be computed wrongly.
func parseHFConfig(text []byte) (Config, error) {
	var h hfConfig
	if err := json.Unmarshal(text, &h); err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	switch h.ModelType {
	case Llama, Qwen2, Qwen3:
	case "":
		return Config{}, fmt.Errorf("%w: model_type is missing", ErrConfig)
	default:
		return Config{}, fmt.Errorf("model_type %q: %w (known: %s, %s, %s)", h.ModelType, ErrArch, Llama, Qwen2, Qwen3)
	}
	if err := h.refuse(); err != nil {
		return Config{}, err
	}
	c := Config{Arch: h.ModelType}
	for _, s := range []struct {
		name string
		from *int
		to   *int
	}{
		{"hidden_size", h.Hidden, &c.Hidden}, {"num_hidden_layers", h.Layers, &c.Layers},
		{"intermediate_size", h.FFN, &c.FFN}, {"num_attention_heads", h.Heads, &c.Heads},
		{"vocab_size", h.Vocab, &c.Vocab}, {"max_position_embeddings", h.Context, &c.Context},
	} {
		if s.from == nil {
			return c, fmt.Errorf("%w: %s is missing", ErrConfig, s.name)
		}
		*s.to = *s.from
	}
	c.KVHeads = or(h.KVHeads, c.Heads)
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	if c.Arch == Qwen3 {
		c.HeadDim = 128 // the default of Qwen3Config, whatever the hidden size
	}
	c.HeadDim = or(h.HeadDim, c.HeadDim)
	c.RopeDim = c.HeadDim
	c.NormEps = or(h.NormEps, 1e-6)
	c.Tied = or(h.Tied, false)
	bias := or(h.Bias, false)
	c.QKVBias = bias || c.Arch == Qwen2
	c.OutputBias = bias && c.Arch != Qwen2
	c.QKNorm = c.Arch == Qwen3

	rope := hfRope{}
	if h.RopeScaling != nil {
		rope = *h.RopeScaling
	} else if h.RopeParameters != nil {
		rope = *h.RopeParameters
	}
	c.RopeTheta = or(h.RopeTheta, or(rope.Theta, 10000))
	if err := c.Check(); err != nil {
		return c, err
	}
	var err error
	if c.RopeFactors, err = rope.factors(c); err != nil {
		return c, err
	}
	return c, c.Check()
}

// refuse names the first setting that this program does not compute.
func (h *hfConfig) refuse() error {
	switch {
	case h.Quantization != nil:
		return fmt.Errorf("quantization_config with quant_method %q: %w", h.Quantization.Method, ErrFeature)
	case or(h.MLPBias, false):
		return fmt.Errorf("mlp_bias: %w", ErrFeature)
	case or(h.Activation, "silu") != "silu":
		return fmt.Errorf("hidden_act %q: %w", *h.Activation, ErrFeature)
	case or(h.Sliding, false):
		return fmt.Errorf("use_sliding_window: %w", ErrFeature)
	case or(h.Partial, 1) != 1:
		return fmt.Errorf("partial_rotary_factor %v: %w", *h.Partial, ErrFeature)
	}
	return nil
}

// factors turns the scaling into divisors of the frequencies of c; nil for none.
func (r hfRope) factors(c Config) ([]float32, error) {
	kind := r.Type
	if kind == "" {
		kind = r.OldType
	}
	factor := or(r.Factor, 1)
	if !(factor > 0 && factor <= math.MaxFloat32) {
		return nil, fmt.Errorf("%w: rope_scaling factor is %v", ErrConfig, factor)
	}
	switch kind {
	case "", "default":
		return nil, nil
	case "linear":
		return linearFactors(factor, c.RopeDim), nil
	case "llama3":
	default:
		return nil, fmt.Errorf("rope_scaling of type %q: %w", kind, ErrFeature)
	}
	if c.Arch != Llama {
		return nil, fmt.Errorf("rope_scaling of type %q in a %s model: %w", kind, c.Arch, ErrFeature)
	}
	if r.Low == nil || r.High == nil || r.Original == nil || !(*r.Low > 0 && *r.High > *r.Low) || *r.Original <= 0 {
		return nil, fmt.Errorf("%w: rope_scaling of type llama3 needs low_freq_factor < high_freq_factor and original_max_position_embeddings", ErrConfig)
	}
	// transformers, modeling_rope_utils.py, _compute_llama3_parameters: long waves are
	// stretched by factor, short ones left alone, those between blended.
	frequencies := c.RopeFrequencies()
	out := make([]float32, len(frequencies))
	for i, f := range frequencies {
		turns := float64(*r.Original) * f / (2 * math.Pi) // of this pair within the original context
		smooth := (turns - *r.Low) / (*r.High - *r.Low)
		smooth = min(1, max(0, smooth))
		out[i] = float32(1 / ((1-smooth)/factor + smooth))
	}
	if !slices.ContainsFunc(out, func(f float32) bool { return f != 1 }) {
		return nil, nil
	}
	return out, nil
}

func or[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}
