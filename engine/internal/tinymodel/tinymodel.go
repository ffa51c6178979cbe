// Package tinymodel makes random models of any architecture and weight type, for tests and
// benchmarks of what runs models.
package tinymodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// Config is a model with every size different from the others, so that a confused index
// shows, and all matrices wide enough for blocks of 32.
func Config(arch string) checkpoint.Config {
	c := checkpoint.Config{
		Arch: arch, Layers: 2, Hidden: 96, FFN: 160, Heads: 6, KVHeads: 2, HeadDim: 16,
		Vocab: 403, Context: 256, NormEps: 1e-5, RopeTheta: 1000, RopeDim: 16,
	}
	switch arch {
	case checkpoint.Qwen2:
		c.QKVBias, c.Tied = true, true
	case checkpoint.Qwen3:
		c.QKNorm, c.HeadDim, c.RopeDim, c.RopeTheta = true, 32, 32, 1e6
	}
	return c
}

// New makes a checkpoint of random weights. Matrices are of type t, or F32 where their width
// does not divide into t's blocks. The same arguments give the same bits.
func New(c checkpoint.Config, t quant.Type, seed uint64) (*checkpoint.Checkpoint, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	var tensors []checkpoint.Tensor
	for name, shape := range c.Shapes() {
		x := make([]float32, product(shape))
		cols := shape[len(shape)-1]
		mean, spread := 0.0, 1/math.Sqrt(float64(cols))
		switch {
		case strings.Contains(name, "norm"):
			mean, spread = 1, 0.2
		case len(shape) == 1: // a bias
			spread = 0.3
		case name == "token_embd.weight" && !c.Tied:
			spread = 1
		case strings.Contains(name, "attn_q") || strings.Contains(name, "attn_k"):
			spread *= 2 // attention that prefers some positions
		}
		for i := range x {
			x[i] = float32(mean + spread*rng.NormFloat64())
		}
		as := t
		if len(shape) == 1 || cols%t.BlockSize() != 0 {
			as = quant.F32
		}
		size, err := as.RowBytes(cols)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		data := make([]byte, size*(len(x)/cols))
		if err := quant.Quantize(as, data, x); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		tensors = append(tensors, checkpoint.Tensor{Name: name, Type: as, Shape: shape, Data: data})
	}
	cp, err := checkpoint.New(c, Vocab(), "", tensors)
	if err != nil {
		return nil, err
	}
	cp.Name = "tiny-" + c.Arch
	return cp, nil
}

// Vocab is a SentencePiece vocabulary of 3 special tokens, 256 bytes, and pieces of English;
// fewer than Config's 403 tokens.
func Vocab() tokenizer.Spec {
	s := tokenizer.Spec{
		Model: tokenizer.SentencePiece, Pre: "default",
		BOS: 1, EOS: 2, EOT: -1, UNK: 0, PAD: -1, AddBOS: true, AddSpacePrefix: true,
	}
	add := func(piece string, score float32, t tokenizer.TokenType) {
		s.Tokens, s.Scores, s.Types = append(s.Tokens, piece), append(s.Scores, score), append(s.Types, t)
	}
	add("<unk>", 0, tokenizer.Unknown)
	add("<s>", 0, tokenizer.Control)
	add("</s>", 0, tokenizer.Control)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), 0, tokenizer.Byte)
	}
	// Longer pieces after the pieces they are merged from, as training finds them.
	for i, piece := range strings.Fields("▁ e t a o i n s h r d l c u m w f g y p b v k , . : ! ? 1 2 3 4 5 6 7 8 9 0 é ü 漢 " +
		"▁t he in er an re on ▁a ▁s ▁w ou ▁o ▁the nd ▁th at en it or ▁c is ▁f ▁b ▁l ▁d ▁m ▁p ng ed ▁h es ing ar ic ▁to ▁of ▁and ll ve ▁on ▁one ▁u") {
		add(piece, float32(-i), tokenizer.Normal)
	}
	return s
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
