package train

import (
	"fmt"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// Checkpoint is the model as it stands, with F32 tensors under GGUF's names.
func (t *Trainer) Checkpoint(vocab tokenizer.Spec) (*checkpoint.Checkpoint, error) {
	s, w := t.opt.Shape, t.weights
	if len(vocab.Tokens) != s.Vocab {
		return nil, fmt.Errorf("train: a vocabulary of %d tokens for a model of %d", len(vocab.Tokens), s.Vocab)
	}
	var tensors []checkpoint.Tensor
	var err error
	add := func(name string, values []float32, shape ...int) {
		data := make([]byte, 4*len(values))
		if qerr := quant.Quantize(quant.F32, data, values); qerr != nil && err == nil {
			err = fmt.Errorf("train: tensor %s: %w", name, qerr)
		}
		tensors = append(tensors, checkpoint.Tensor{Name: name, Type: quant.F32, Shape: shape, Data: data})
	}
	h, qd, kvd, f := s.Hidden, s.queryDim(), s.kvDim(), s.FFN
	add("token_embd.weight", w.embed, s.Vocab, h)
	for i := range w.layers {
		l := &w.layers[i]
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		add(name("attn_norm"), l.attnNorm, h)
		add(name("attn_q"), l.query, qd, h)
		add(name("attn_k"), l.kv[:kvd*h], kvd, h)
		add(name("attn_v"), l.kv[kvd*h:], kvd, h)
		add(name("attn_output"), l.out, h, qd)
		add(name("ffn_norm"), l.ffnNorm, h)
		add(name("ffn_gate"), l.gateUp[:f*h], f, h)
		add(name("ffn_up"), l.gateUp[f*h:], f, h)
		add(name("ffn_down"), l.down, h, f)
	}
	add("output_norm.weight", w.norm, h)
	if err != nil {
		return nil, err
	}
	return checkpoint.New(s.Config(), vocab, "", tensors)
}
