package train

import (
	"fmt"
	"math"

	"github.com/tokenassay/assay/engine/checkpoint"
)

// Shape is the dimensions of a llama-architecture model whose output matrix is its embedding.
type Shape struct {
	Layers    int     `json:"layers"`
	Hidden    int     `json:"hidden"`
	FFN       int     `json:"ffn"`
	Heads     int     `json:"heads"`
	KVHeads   int     `json:"kv_heads"`
	HeadDim   int     `json:"head_dim"`
	Vocab     int     `json:"vocab"`
	Context   int     `json:"context"` // tokens; no training sequence is longer
	NormEps   float64 `json:"norm_eps"`
	RopeTheta float64 `json:"rope_theta"`
}

// Check says whether a model of this shape can be made.
func (s Shape) Check() error {
	for _, d := range []struct {
		name  string
		value int
	}{
		{"layers", s.Layers}, {"hidden", s.Hidden}, {"ffn", s.FFN}, {"heads", s.Heads},
		{"kv_heads", s.KVHeads}, {"head_dim", s.HeadDim}, {"vocab", s.Vocab}, {"context", s.Context},
	} {
		if d.value < 1 || d.value > 1<<20 {
			return fmt.Errorf("shape: %s is %d, want 1 to %d", d.name, d.value, 1<<20)
		}
	}
	switch {
	case s.Heads%s.KVHeads != 0:
		return fmt.Errorf("shape: %d heads are no multiple of %d key-value heads", s.Heads, s.KVHeads)
	case s.HeadDim%2 != 0:
		return fmt.Errorf("shape: rope turns pairs, head_dim %d is odd", s.HeadDim)
	case !(s.NormEps > 0 && s.NormEps < 1):
		return fmt.Errorf("shape: norm_eps is %v, want (0, 1)", s.NormEps)
	case !(s.RopeTheta > 1 && !math.IsInf(s.RopeTheta, 0)):
		return fmt.Errorf("shape: rope_theta is %v, want above 1", s.RopeTheta)
	}
	// Dimensions come from saved files too: the product is bounded before anything is allocated.
	if n := s.parameters(); n > 1<<31 {
		return fmt.Errorf("shape: %.0f parameters are more than this trainer takes", n)
	}
	return nil
}

// Parameters is how many weights the model has; the tied output matrix counts once.
func (s Shape) Parameters() int { return int(s.parameters()) }

func (s Shape) parameters() float64 {
	h, f := float64(s.Hidden), float64(s.FFN)
	q, kv := float64(s.queryDim()), float64(s.kvDim())
	layer := h + (q+2*kv)*h + h*q + h + 2*f*h + h*f
	return float64(s.Vocab)*h + float64(s.Layers)*layer + h
}

func (s Shape) queryDim() int { return s.Heads * s.HeadDim }
func (s Shape) kvDim() int    { return s.KVHeads * s.HeadDim }

// Config is the shape as a checkpoint states it. Rope turns interleaved pairs, as GGUF's
// llama does.
func (s Shape) Config() checkpoint.Config {
	return checkpoint.Config{
		Arch: "llama", Layers: s.Layers, Hidden: s.Hidden, FFN: s.FFN,
		Heads: s.Heads, KVHeads: s.KVHeads, HeadDim: s.HeadDim,
		Vocab: s.Vocab, Context: s.Context,
		NormEps: s.NormEps, RopeTheta: s.RopeTheta, RopeDim: s.HeadDim, Tied: true,
	}
}
