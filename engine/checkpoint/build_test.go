package checkpoint_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/quant"
)

// hf is a Hugging Face folder in the making: the smallest model of its kind, with sizes that are
// all different.
type hf struct {
	config  map[string]any
	tensors map[string]checkpoint.Floats
	files   map[string]string // besides config.json and the weights; a missing one is ""
}

// tinyTokenizer is a byte-level vocabulary of 13 tokens.
const tinyTokenizer = `{"version":"1.0","added_tokens":[{"id":12,"content":"<end>","special":true,"normalized":false,"lstrip":false,"rstrip":false,"single_word":false}],
"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,
"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,
"vocab":{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":7,"i":8,"j":9,"ab":10,"cd":11},"merges":["a b","c d"]}}`

func tiny(arch string) *hf {
	const hidden, heads, kv, dim, ffn, vocab, layers = 24, 6, 2, 8, 20, 17, 2
	h := &hf{
		config: map[string]any{
			"model_type": arch, "hidden_size": hidden, "num_hidden_layers": layers, "intermediate_size": ffn,
			"num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": dim, "vocab_size": vocab,
			"max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 5000, "hidden_act": "silu",
		},
		tensors: map[string]checkpoint.Floats{},
		files:   map[string]string{"tokenizer.json": tinyTokenizer},
	}
	rng := rand.New(rand.NewPCG(7, 11))
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		h.tensors[name] = checkpoint.Floats{Shape: shape, Data: x}
	}
	add("model.embed_tokens.weight", vocab, hidden)
	add("model.norm.weight", hidden)
	add("lm_head.weight", vocab, hidden)
	for i := range layers {
		layer := fmt.Sprintf("model.layers.%d.", i)
		add(layer+"input_layernorm.weight", hidden)
		add(layer+"post_attention_layernorm.weight", hidden)
		add(layer+"self_attn.q_proj.weight", heads*dim, hidden)
		add(layer+"self_attn.k_proj.weight", kv*dim, hidden)
		add(layer+"self_attn.v_proj.weight", kv*dim, hidden)
		add(layer+"self_attn.o_proj.weight", hidden, heads*dim)
		add(layer+"mlp.gate_proj.weight", ffn, hidden)
		add(layer+"mlp.up_proj.weight", ffn, hidden)
		add(layer+"mlp.down_proj.weight", hidden, ffn)
		switch arch {
		case "qwen2":
			add(layer+"self_attn.q_proj.bias", heads*dim)
			add(layer+"self_attn.k_proj.bias", kv*dim)
			add(layer+"self_attn.v_proj.bias", kv*dim)
		case "qwen3":
			add(layer+"self_attn.q_norm.weight", dim)
			add(layer+"self_attn.k_norm.weight", dim)
		}
	}
	return h
}

func (h *hf) configJSON(t testing.TB) []byte {
	t.Helper()
	text, err := json.Marshal(h.config)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// save writes the folder, with weights of type as.
func (h *hf) save(t testing.TB, as quant.Type) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if h.config != nil {
		put("config.json", h.configJSON(t))
	}
	for name, text := range h.files {
		if text != "" {
			put(name, []byte(text))
		}
	}
	header := map[string]any{}
	var data []byte
	for _, name := range slices.Sorted(maps.Keys(h.tensors)) {
		x := h.tensors[name]
		size, err := as.RowBytes(len(x.Data))
		if err != nil {
			t.Fatal(err)
		}
		begin := len(data)
		data = append(data, make([]byte, size)...)
		if err := quant.Quantize(as, data[begin:], x.Data); err != nil {
			t.Fatal(err)
		}
		header[name] = map[string]any{"dtype": as.String(), "shape": x.Shape, "data_offsets": []int{begin, len(data)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	put("model.safetensors", slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text, data))
	return dir
}
