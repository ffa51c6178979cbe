package model

import (
	"github.com/tokenassay/assay/engine/checkpoint"
)

// llama is the decoder of Llama 1 to 3, Mistral and their many likes: RMS norms, rotary
// embedding of adjacent pairs (GGUF's order of the rows of q and k), grouped-query
// attention, SwiGLU, and biases only where the checkpoint has them.
type llama struct {
	layers []llamaLayer
}

type llamaLayer struct {
	attnNorm       []float32 // (hidden)
	q              linear    // (heads*headDim, hidden)
	k, v           linear    // (kvHeads*headDim, hidden)
	o              linear    // (hidden, heads*headDim)
	ffnNorm        []float32 // (hidden)
	gate, up, down linear    // (ffn, hidden), (ffn, hidden), (hidden, ffn)
}

func loadLlama(l *loader, c checkpoint.Config) *llama {
	m := new(llama)
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for i := range c.Layers {
		m.layers = append(m.layers, llamaLayer{
			attnNorm: l.vector(block(i, "attn_norm.weight"), c.Hidden),
			q:        l.linear(block(i, "attn_q"), q, c.Hidden),
			k:        l.linear(block(i, "attn_k"), kv, c.Hidden),
			v:        l.linear(block(i, "attn_v"), kv, c.Hidden),
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

func (m *llama) layer(p *pass, i int) {
	l := &m.layers[i]
	p.norm(p.h, p.x, l.attnNorm)
	p.linear(p.q, l.q, p.h)
	p.linear(p.k, l.k, p.h)
	p.linear(p.v, l.v, p.h)
	p.rope(adjacent)
	p.attend(i)
	p.linear(p.h, l.o, p.att)
	p.residual()

	p.norm(p.h, p.x, l.ffnNorm)
	p.swiglu(l.gate, l.up, l.down)
	p.residual()
}
