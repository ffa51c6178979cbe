package checkpoint

import (
	"errors"
	"fmt"
	"math"
)

// The architectures this package knows, by GGUF's general.architecture, which are also the
// model_type names of Hugging Face.
const (
	Llama = "llama"
	Qwen2 = "qwen2"
	Qwen3 = "qwen3"
)

// Config is what shapes a model's arithmetic. Sizes are numbers of elements.
type Config struct {
	Arch    string // Llama, Qwen2 or Qwen3
	Layers  int
	Hidden  int // width of the residual stream
	FFN     int // width of the feed-forward part
	Heads   int // of queries
	KVHeads int // of keys and values; divides Heads
	HeadDim int // of each head; Heads*HeadDim need not be Hidden
	Vocab   int // rows of the embedding
	Context int // tokens the model was made for

	NormEps   float64 // of RMSNorm
	RopeTheta float64 // base of the rotary frequencies
	RopeDim   int     // how many leading elements of a head are rotated; even
	// RopeFactors divide the rotary frequencies, (RopeDim/2); nil where nothing is scaled.
	// Linear and Llama 3 scaling are both told this way. RopeFrequencies has them inside.
	RopeFactors []float32

	Tied       bool // logits come from token_embd.weight; there is no output.weight
	QKVBias    bool // blk.N.attn_{q,k,v}.bias
	OutputBias bool // blk.N.attn_output.bias
	QKNorm     bool // blk.N.attn_{q,k}_norm.weight, RMSNorm of each head before rope
}

// Errors about configurations and tensors, wrapped with the place.
var (
	// ErrArch is returned for an architecture this package does not know.
	ErrArch = errors.New("unsupported architecture")
	// ErrFeature is returned for a known architecture with a setting that would be computed wrongly.
	ErrFeature = errors.New("unsupported feature")
	// ErrConfig is returned for a setting that is missing or makes no sense.
	ErrConfig = errors.New("invalid configuration")
	// ErrTensor is returned for tensors that are missing, unexpected or of the wrong shape.
	ErrTensor = errors.New("tensors do not fit the configuration")
)

// NeoX reports how pairs of a head are rotated: true, element i with element i+RopeDim/2
// (qwen2, qwen3); false, elements 2i and 2i+1 (llama, as GGUF stores its queries and keys).
func (c Config) NeoX() bool { return c.Arch != Llama }

// RopeFrequencies returns, for each rotated pair i in [0, RopeDim/2), the angle in radians
// that one position adds: RopeTheta^(-2i/RopeDim) / RopeFactors[i] (arXiv 2104.09864, eq. 15).
func (c Config) RopeFrequencies() []float64 {
	f := make([]float64, c.RopeDim/2)
	for i := range f {
		f[i] = math.Pow(c.RopeTheta, -2*float64(i)/float64(c.RopeDim))
		if c.RopeFactors != nil {
			f[i] /= float64(c.RopeFactors[i])
		}
	}
	return f
}

// Parameters is the number of weights the configuration calls for.
func (c Config) Parameters() int64 {
	var n int64
	for _, p := range c.params() {
		e := int64(1)
		for _, d := range p.shape {
			e *= int64(d)
		}
		n += e
	}
	return n
}

// KVBytes is the size of the float32 keys and values of tokens positions, in bytes.
func (c Config) KVBytes(tokens int) int64 {
	return 2 * 4 * int64(c.Layers) * int64(c.KVHeads) * int64(c.HeadDim) * int64(tokens)
}

// Limits of a configuration: far above any model there is, low enough that no product of two
// sizes overflows and that a hostile file cannot make the list of its tensors huge.
const (
	maxLayers  = 1 << 12
	maxWidth   = 1 << 22
	maxVocab   = 1 << 24
	maxContext = 1 << 30
)

// Check reports the first setting that makes no sense; the error wraps ErrArch or ErrConfig.
func (c Config) Check() error {
	switch c.Arch {
	case Llama, Qwen2, Qwen3:
	default:
		return fmt.Errorf("%q: %w (known: %s, %s, %s)", c.Arch, ErrArch, Llama, Qwen2, Qwen3)
	}
	for _, s := range []struct {
		name     string
		got, max int
	}{
		{"layers", c.Layers, maxLayers}, {"hidden size", c.Hidden, maxWidth}, {"feed-forward size", c.FFN, maxWidth},
		{"heads", c.Heads, maxWidth}, {"key-value heads", c.KVHeads, maxWidth}, {"head dimension", c.HeadDim, maxWidth},
		{"vocabulary", c.Vocab, maxVocab}, {"context", c.Context, maxContext}, {"rope dimension", c.RopeDim, maxWidth},
	} {
		if s.got < 1 || s.got > s.max {
			return fmt.Errorf("%w: %s is %d, not in [1, %d]", ErrConfig, s.name, s.got, s.max)
		}
	}
	switch {
	case c.Heads*c.HeadDim > maxWidth:
		return fmt.Errorf("%w: %d heads of %d elements", ErrConfig, c.Heads, c.HeadDim)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("%w: %d heads are not a multiple of %d key-value heads", ErrConfig, c.Heads, c.KVHeads)
	case c.RopeDim%2 != 0 || c.RopeDim > c.HeadDim:
		return fmt.Errorf("%w: rope dimension %d for heads of %d elements", ErrConfig, c.RopeDim, c.HeadDim)
	case !(c.NormEps >= 0 && c.NormEps < 1):
		return fmt.Errorf("%w: norm epsilon is %v", ErrConfig, c.NormEps)
	case !(c.RopeTheta > 0 && c.RopeTheta <= math.MaxFloat32):
		return fmt.Errorf("%w: rope theta is %v", ErrConfig, c.RopeTheta)
	case c.RopeFactors != nil && len(c.RopeFactors) != c.RopeDim/2:
		return fmt.Errorf("%w: %d rope factors for %d rotated pairs", ErrConfig, len(c.RopeFactors), c.RopeDim/2)
	}
	for i, f := range c.RopeFactors {
		if !(f > 0 && f <= math.MaxFloat32) {
			return fmt.Errorf("%w: rope factor %d is %v", ErrConfig, i, f)
		}
	}
	return nil
}
