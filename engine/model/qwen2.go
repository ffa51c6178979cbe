package model

import (
	"github.com/tokenassay/assay/engine/checkpoint"
)

// qwen2 is the decoder of Qwen2 and Qwen2.5: as llama, with a bias on q, k and v, and
// rotary embedding of halves.
type qwen2 struct {
	layers []qwen2Layer
}

type qwen2Layer struct {
	attnNorm       []float32 // (hidden)
	q              linear    // (heads*headDim, hidden), biased
	k, v           linear    // (kvHeads*headDim, hidden), biased
	o              linear    // (hidden, heads*headDim)
	ffnNorm        []float32 // (hidden)
	gate, up, down linear    // (ffn, hidden), (ffn, hidden), (hidden, ffn)
}

func loadQwen2(l *loader, c checkpoint.Config) *qwen2 {
	m := new(qwen2)
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for i := range c.Layers {
		m.layers = append(m.layers, qwen2Layer{
			attnNorm: l.vector(block(i, "attn_norm.weight"), c.Hidden),
			q:        l.biased(block(i, "attn_q"), q, c.Hidden),
			k:        l.biased(block(i, "attn_k"), kv, c.Hidden),
			v:        l.biased(block(i, "attn_v"), kv, c.Hidden),
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

func (m *qwen2) layer(p *pass, i int) {
	l := &m.layers[i]
	p.norm(p.h, p.x, l.attnNorm)
	p.linear(p.q, l.q, p.h)
	p.linear(p.k, l.k, p.h)
	p.linear(p.v, l.v, p.h)
	p.rope(halves)
	p.attend(i)
	p.linear(p.h, l.o, p.att)
	p.residual()

	p.norm(p.h, p.x, l.ffnNorm)
	p.swiglu(l.gate, l.up, l.down)
	p.residual()
}
