package checkpoint

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// param is one tensor that a configuration calls for.
type param struct {
	name  string // GGUF's canonical name
	hf    string // Hugging Face's name
	shape []int  // row-major: (rows, columns) or (elements)
	// turned is the number of heads where the rows are queries or keys whose rotated pairs
	// GGUF interleaves and Hugging Face keeps half a head apart; else 0.
	turned int
}

// params lists every tensor of the model, in the order llama.cpp's converter writes them.
// It is the one table of names: GGUF's (gguf-py/gguf/constants.py and tensor_mapping.py in
// llama.cpp) beside those of Hugging Face's LlamaForCausalLM, Qwen2ForCausalLM and
// Qwen3ForCausalLM.
func (c *Config) params() []param {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	turnQ, turnK := 0, 0
	if c.Arch == Llama {
		turnQ, turnK = c.Heads, c.KVHeads
	}
	list := []param{{"token_embd.weight", embedName, []int{c.Vocab, c.Hidden}, 0}}
	for i := range c.Layers {
		add := func(on bool, name, hf string, turned int, shape ...int) {
			if on {
				list = append(list, param{fmt.Sprintf("blk.%d.%s", i, name), fmt.Sprintf("model.layers.%d.%s", i, hf), shape, turned})
			}
		}
		add(true, "attn_norm.weight", "input_layernorm.weight", 0, c.Hidden)
		add(true, "attn_q.weight", "self_attn.q_proj.weight", turnQ, q, c.Hidden)
		add(c.QKVBias, "attn_q.bias", "self_attn.q_proj.bias", turnQ, q)
		add(c.QKNorm, "attn_q_norm.weight", "self_attn.q_norm.weight", 0, c.HeadDim)
		add(true, "attn_k.weight", "self_attn.k_proj.weight", turnK, kv, c.Hidden)
		add(c.QKVBias, "attn_k.bias", "self_attn.k_proj.bias", turnK, kv)
		add(c.QKNorm, "attn_k_norm.weight", "self_attn.k_norm.weight", 0, c.HeadDim)
		add(true, "attn_v.weight", "self_attn.v_proj.weight", 0, kv, c.Hidden)
		add(c.QKVBias, "attn_v.bias", "self_attn.v_proj.bias", 0, kv)
		add(true, "attn_output.weight", "self_attn.o_proj.weight", 0, c.Hidden, q)
		add(c.OutputBias, "attn_output.bias", "self_attn.o_proj.bias", 0, c.Hidden)
		add(true, "ffn_norm.weight", "post_attention_layernorm.weight", 0, c.Hidden)
		add(true, "ffn_gate.weight", "mlp.gate_proj.weight", 0, c.FFN, c.Hidden)
		add(true, "ffn_up.weight", "mlp.up_proj.weight", 0, c.FFN, c.Hidden)
		add(true, "ffn_down.weight", "mlp.down_proj.weight", 0, c.Hidden, c.FFN)
	}
	list = append(list, param{"output_norm.weight", "model.norm.weight", []int{c.Hidden}, 0})
	if !c.Tied {
		list = append(list, param{"output.weight", headName, []int{c.Vocab, c.Hidden}, 0})
	}
	return list
}

// Shapes yields the canonical name and row-major shape of every tensor the configuration calls for.
func (c Config) Shapes() iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		for _, p := range c.params() {
			if !yield(p.name, p.shape) {
				return
			}
		}
	}
}

// fit compares what a file has with what the configuration calls for: every tensor there, of the
// right shape, and none besides, since one that nobody computes with means a wrong result.
// key gives the name of a param in the file; have its shape there.
func (c *Config) fit(params []param, key func(param) string, have map[string][]int) error {
	var missing, wrong, extra []string
	want := make(map[string]bool, len(params))
	for _, p := range params {
		name := key(p)
		want[name] = true
		shape, ok := have[name]
		switch {
		case !ok:
			missing = append(missing, name)
		case !slices.Equal(shape, p.shape):
			wrong = append(wrong, fmt.Sprintf("%s is %v, not %v", name, shape, p.shape))
		}
	}
	for name := range have {
		if !want[name] {
			extra = append(extra, name)
		}
	}
	slices.Sort(extra)
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"wrong shape", wrong}, {"unexpected", extra}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(p.names), p.what, sample(p.names)))
		}
	}
	if parts == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrTensor, strings.Join(parts, "; "))
}

// sample joins names, at most 100 of them.
func sample(names []string) string {
	const most = 100
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
