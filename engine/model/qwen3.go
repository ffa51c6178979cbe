package model

import (
	"github.com/tokenassay/assay/engine/checkpoint"
)

// qwen3 is the decoder of the dense Qwen3 models: as qwen2 without the biases, but with an
// RMS norm on each head of q and k before the rotary embedding, and a head dimension of its
// own choosing.
type qwen3 struct {
	layers []qwen3Layer
}

type qwen3Layer struct {
	attnNorm       []float32 // (hidden)
	q              linear    // (heads*headDim, hidden)
	k, v           linear    // (kvHeads*headDim, hidden)
	qNorm, kNorm   []float32 // (headDim), shared by the heads
	o              linear    // (hidden, heads*headDim)
	ffnNorm        []float32 // (hidden)
	gate, up, down linear    // (ffn, hidden), (ffn, hidden), (hidden, ffn)
}

func loadQwen3(l *loader, c checkpoint.Config) *qwen3 {
	m := new(qwen3)
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for i := range c.Layers {
		m.layers = append(m.layers, qwen3Layer{
			attnNorm: l.vector(block(i, "attn_norm.weight"), c.Hidden),
			q:        l.linear(block(i, "attn_q"), q, c.Hidden),
			k:        l.linear(block(i, "attn_k"), kv, c.Hidden),
			v:        l.linear(block(i, "attn_v"), kv, c.Hidden),
			qNorm:    l.vector(block(i, "attn_q_norm.weight"), c.HeadDim),
			kNorm:    l.vector(block(i, "attn_k_norm.weight"), c.HeadDim),
			o:        l.linear(block(i, "attn_output"), c.Hidden, q),
			ffnNorm:  l.vector(block(i, "ffn_norm.weight"), c.Hidden),
			gate:     l.linear(block(i, "ffn_gate"), c.FFN, c.Hidden),
			up:       l.linear(block(i, "ffn_up"), c.FFN, c.Hidden),
			down:     l.linear(block(i, "ffn_down"), c.Hidden, c.FFN),
		})
		if l.err != nil {
			break
		}
	}
	return m
}

func (m *qwen3) layer(p *pass, i int) {
	l := &m.layers[i]
	p.norm(p.h, p.x, l.attnNorm)
	p.linear(p.q, l.q, p.h)
	p.linear(p.k, l.k, p.h)
	p.linear(p.v, l.v, p.h)
	p.norm(p.q, p.q, l.qNorm)
	p.norm(p.k, p.k, l.kNorm)
	p.rope(halves)
	p.attend(i)
	p.linear(p.h, l.o, p.att)
	p.residual()

	p.norm(p.h, p.x, l.ffnNorm)
	p.swiglu(l.gate, l.up, l.down)
	p.residual()
}
