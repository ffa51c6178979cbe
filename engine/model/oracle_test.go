package model_test

import (
	"errors"
	"math"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/quant"
)

// oracle is a decoder written straight from the papers' formulas, in float64, one matrix of
// all positions at a time: no cache, no batch, no kernels.
type oracle struct {
	t *testing.T
	c *checkpoint.Checkpoint
}

// logits returns the logits of every position: (len(tokens), vocab).
func (o oracle) logits(tokens []int32) [][]float64 {
	cfg := o.c.Config
	embed := o.matrix("token_embd.weight")
	x := make([][]float64, len(tokens))
	for t, id := range tokens {
		x[t] = append([]float64(nil), embed[id]...)
	}
	for i := range cfg.Layers {
		h := o.norm(x, block(i, "attn_norm"), 0)
		q, k, v := o.linear(h, block(i, "attn_q")), o.linear(h, block(i, "attn_k")), o.linear(h, block(i, "attn_v"))
		if cfg.QKNorm {
			q, k = o.norm(q, block(i, "attn_q_norm"), cfg.HeadDim), o.norm(k, block(i, "attn_k_norm"), cfg.HeadDim)
		}
		att := make([][]float64, len(tokens))
		for t := range tokens {
			o.rope(q[t], t)
			o.rope(k[t], t)
			att[t] = make([]float64, cfg.Heads*cfg.HeadDim)
		}
		d := cfg.HeadDim
		for head := range cfg.Heads {
			kv := head / (cfg.Heads / cfg.KVHeads)
			for t := range tokens {
				scores, sum := make([]float64, t+1), 0.0
				for s := range scores {
					dot := 0.0
					for j := range d {
						dot += q[t][head*d+j] * k[s][kv*d+j]
					}
					scores[s] = math.Exp(dot / math.Sqrt(float64(d)))
					sum += scores[s]
				}
				for s, w := range scores {
					for j := range d {
						att[t][head*d+j] += w / sum * v[s][kv*d+j]
					}
				}
			}
		}
		add(x, o.linear(att, block(i, "attn_output")))

		h = o.norm(x, block(i, "ffn_norm"), 0)
		gate, up := o.linear(h, block(i, "ffn_gate")), o.linear(h, block(i, "ffn_up"))
		for t := range gate {
			for j, g := range gate[t] {
				gate[t][j] = g / (1 + math.Exp(-g)) * up[t][j]
			}
		}
		add(x, o.linear(gate, block(i, "ffn_down")))
	}
	h := o.norm(x, "output_norm", 0)
	if cfg.Tied {
		return o.linear(h, "token_embd")
	}
	return o.linear(h, "output")
}

// rope turns pairs of every head by pos/theta^(2i/ropeDim).
func (o oracle) rope(x []float64, pos int) {
	cfg := o.c.Config
	for h := 0; h < len(x); h += cfg.HeadDim {
		for i := range cfg.RopeDim / 2 {
			a, b := h+2*i, h+2*i+1
			if cfg.Arch != "llama" {
				a, b = h+i, h+i+cfg.RopeDim/2
			}
			angle := float64(pos) / math.Pow(cfg.RopeTheta, 2*float64(i)/float64(cfg.RopeDim))
			if cfg.RopeFactors != nil {
				angle /= float64(cfg.RopeFactors[i])
			}
			sin, cos := math.Sincos(angle)
			x[a], x[b] = x[a]*cos-x[b]*sin, x[a]*sin+x[b]*cos
		}
	}
}

// norm is the RMS norm of pieces of width numbers; 0 is the whole row.
func (o oracle) norm(x [][]float64, name string, width int) [][]float64 {
	w := o.matrix(name + ".weight")[0]
	if width == 0 {
		width = len(x[0])
	}
	y := make([][]float64, len(x))
	for t := range x {
		for h := 0; h < len(x[t]); h += width {
			sum := 0.0
			for _, a := range x[t][h : h+width] {
				sum += a * a
			}
			rms := math.Sqrt(sum/float64(width) + o.c.Config.NormEps)
			for j, a := range x[t][h : h+width] {
				y[t] = append(y[t], a/rms*w[j])
			}
		}
	}
	return y
}

func (o oracle) linear(x [][]float64, name string) [][]float64 {
	w := o.matrix(name + ".weight")
	if tensor, _ := o.c.Tensor(name + ".weight"); tensor.Type == quant.Q8_0 || tensor.Type == quant.Q4_0 {
		x = o.rounded(x)
	}
	var bias []float64
	if _, ok := o.c.Tensor(name + ".bias"); ok {
		bias = o.matrix(name + ".bias")[0]
	}
	y := make([][]float64, len(x))
	for t := range x {
		y[t] = make([]float64, len(w))
		copy(y[t], bias)
		for r, row := range w {
			for j, a := range row {
				y[t][r] += a * x[t][j]
			}
		}
	}
	return y
}

// rounded gives activations the precision they are multiplied with where weights are blocks
// of 8 or 4 bits: Q8_0's.
func (o oracle) rounded(x [][]float64) [][]float64 {
	y := make([][]float64, len(x))
	for t := range x {
		f := make([]float32, len(x[t]))
		for j, a := range x[t] {
			f[j] = float32(a)
		}
		size, err := quant.Q8_0.RowBytes(len(f))
		if err != nil {
			o.t.Fatal(err)
		}
		b := make([]byte, size)
		if err := errors.Join(quant.Quantize(quant.Q8_0, b, f), quant.Dequantize(quant.Q8_0, f, b)); err != nil {
			o.t.Fatal(err)
		}
		for _, a := range f {
			y[t] = append(y[t], float64(a))
		}
	}
	return y
}

func (o oracle) matrix(name string) [][]float64 {
	o.t.Helper()
	tensor, ok := o.c.Tensor(name)
	if !ok {
		o.t.Fatalf("no tensor %s", name)
	}
	x, err := tensor.Floats()
	if err != nil {
		o.t.Fatal(err)
	}
	m := make([][]float64, tensor.Rows())
	for r := range m {
		for _, a := range x[r*tensor.Cols() : (r+1)*tensor.Cols()] {
			m[r] = append(m[r], float64(a))
		}
	}
	return m
}

func add(x, y [][]float64) {
	for t := range x {
		for j := range x[t] {
			x[t][j] += y[t][j]
		}
	}
}
