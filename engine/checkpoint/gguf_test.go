package checkpoint_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// vocab is a SentencePiece vocabulary of n tokens.
func vocab(n int) tokenizer.Spec {
	s := tokenizer.Spec{Model: tokenizer.SentencePiece, Pre: "default", UNK: 0, BOS: 1, EOS: 2, EOT: -1, PAD: 3, AddBOS: true, AddSpacePrefix: true}
	for i := range n {
		s.Tokens = append(s.Tokens, string(rune('a'+i)))
		s.Scores = append(s.Scores, float32(-i))
		s.Types = append(s.Types, tokenizer.Normal)
	}
	return s
}

// tinyGGUF is a small Llama as metadata and tensors, to be changed and written.
func tinyGGUF(t *testing.T) ([]gguf.KV, []gguf.Tensor) {
	t.Helper()
	h := tiny("llama")
	c, err := checkpoint.FromHF(h.configJSON(t), h.tensors, vocab(17), "{{ x }}")
	if err != nil {
		t.Fatal(err)
	}
	c.Name = "Tiny"
	var buf bytes.Buffer
	if err := c.WriteGGUF(&buf, nil); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f.KV, f.Tensors
}

func saveGGUF(t *testing.T, kv []gguf.KV, tensors []gguf.Tensor) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gguf.Write(f, kv, tensors); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMetadata pins every key that is written, by name and type, as llama.cpp reads them.
func TestMetadata(t *testing.T) {
	kv, _ := tinyGGUF(t)
	type pair struct {
		Key   string
		Value any
	}
	want := []pair{
		{"general.architecture", "llama"}, {"general.name", "Tiny"}, {"general.file_type", uint32(0)}, {"general.quantization_version", uint32(2)},
		{"llama.block_count", uint32(2)}, {"llama.context_length", uint32(64)}, {"llama.embedding_length", uint32(24)}, {"llama.feed_forward_length", uint32(20)},
		{"llama.attention.head_count", uint32(6)}, {"llama.attention.head_count_kv", uint32(2)},
		{"llama.attention.key_length", uint32(8)}, {"llama.attention.value_length", uint32(8)},
		{"llama.rope.dimension_count", uint32(8)}, {"llama.vocab_size", uint32(17)},
		{"llama.attention.layer_norm_rms_epsilon", float32(1e-6)}, {"llama.rope.freq_base", float32(5000)},
		{"tokenizer.ggml.model", "llama"}, {"tokenizer.ggml.pre", "default"}, {"tokenizer.ggml.tokens", vocab(17).Tokens},
		{"tokenizer.ggml.scores", vocab(17).Scores}, {"tokenizer.ggml.token_type", slices.Repeat([]int32{1}, 17)},
		{"tokenizer.ggml.bos_token_id", uint32(1)}, {"tokenizer.ggml.eos_token_id", uint32(2)},
		{"tokenizer.ggml.unknown_token_id", uint32(0)}, {"tokenizer.ggml.padding_token_id", uint32(3)},
		{"tokenizer.ggml.add_bos_token", true}, {"tokenizer.ggml.add_eos_token", false}, {"tokenizer.ggml.add_space_prefix", true},
		{"tokenizer.chat_template", "{{ x }}"},
	}
	var got []pair
	for _, p := range kv {
		got = append(got, pair(p))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestGGUFRefusals(t *testing.T) {
	type file struct {
		kv      []gguf.KV
		tensors []gguf.Tensor
	}
	set := func(key string, value any) func(*file) {
		return func(f *file) {
			f.kv = slices.DeleteFunc(f.kv, func(p gguf.KV) bool { return p.Key == key })
			if value != nil {
				f.kv = append(f.kv, gguf.KV{Key: key, Value: value})
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*file)
		err    error
		says   string
	}{
		{"unknown architecture", set("general.architecture", "mamba"), checkpoint.ErrArch, `"general.architecture" is "mamba"`},
		{"no architecture", set("general.architecture", nil), gguf.ErrNoKey, "general.architecture"},
		{"no layers", set("llama.block_count", nil), gguf.ErrNoKey, "llama.block_count"},
		{"layers in a text", set("llama.block_count", "2"), gguf.ErrValueType, "llama.block_count"},
		{"layers of 2^63", set("llama.block_count", uint64(1<<63)), checkpoint.ErrConfig, "llama.block_count"},
		{"no epsilon", set("llama.attention.layer_norm_rms_epsilon", nil), gguf.ErrNoKey, "layer_norm_rms_epsilon"},
		{"heads differ between layers", set("llama.attention.head_count", []int32{6, 4}), checkpoint.ErrFeature, "[6 4]"},
		{"values of another length", set("llama.attention.value_length", uint32(4)), checkpoint.ErrFeature, "value_length"},
		{"experts", set("llama.expert_count", uint32(8)), checkpoint.ErrFeature, "mixture of experts"},
		{"sliding window", set("llama.attention.sliding_window", uint32(16)), checkpoint.ErrFeature, "sliding_window"},
		{"yarn", set("llama.rope.scaling.type", "yarn"), checkpoint.ErrFeature, `"yarn"`},
		{"no tensors", func(f *file) { f.tensors = nil }, checkpoint.ErrTensor, "vocabulary only"},
		{"tensor missing", func(f *file) {
			f.tensors = slices.DeleteFunc(f.tensors, func(x gguf.Tensor) bool { return x.Name == "blk.1.ffn_up.weight" })
		}, checkpoint.ErrTensor, "1 missing: blk.1.ffn_up.weight"},
		{"tensor too many", func(f *file) {
			f.tensors = append(f.tensors, gguf.Tensor{Name: "blk.0.layer_output_scale", Type: quant.F32, Shape: []int{1}, Data: make([]byte, 4)})
		}, checkpoint.ErrTensor, "1 unexpected: blk.0.layer_output_scale"},
		{"rope factors of another length", func(f *file) {
			f.tensors = append(f.tensors, gguf.Tensor{Name: "rope_freqs.weight", Type: quant.F32, Shape: []int{3}, Data: make([]byte, 12)})
		}, checkpoint.ErrTensor, "rope_freqs.weight"},
		{"rope factor of 0", func(f *file) {
			f.tensors = append(f.tensors, gguf.Tensor{Name: "rope_freqs.weight", Type: quant.F32, Shape: []int{4}, Data: make([]byte, 16)})
		}, checkpoint.ErrConfig, "rope factor 0"},
		{"tokens missing", set("tokenizer.ggml.tokens", nil), gguf.ErrNoKey, "tokenizer.ggml.tokens"},
		{"tokens are numbers", set("tokenizer.ggml.tokens", []int32{1}), gguf.ErrValueType, "tokenizer.ggml.tokens"},
		{"more tokens than rows", func(f *file) {
			set("tokenizer.ggml.tokens", vocab(18).Tokens)(f)
			set("tokenizer.ggml.scores", nil)(f)
			set("tokenizer.ggml.token_type", nil)(f)
		}, checkpoint.ErrVocab, "18 tokens for 17 rows"},
		{"scores for other tokens", set("tokenizer.ggml.scores", []float32{1}), checkpoint.ErrVocab, "tokenizer.ggml.scores"},
		{"special token outside", set("tokenizer.ggml.eos_token_id", uint32(17)), checkpoint.ErrVocab, "eos_token_id"},
		{"flag is a number", set("tokenizer.ggml.add_bos_token", uint32(1)), gguf.ErrValueType, "add_bos_token"},
		{"template is a number", set("tokenizer.chat_template", uint32(1)), gguf.ErrValueType, "chat_template"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f file
			f.kv, f.tensors = tinyGGUF(t)
			c.change(&f)
			path := saveGGUF(t, f.kv, f.tensors)
			got, err := checkpoint.Open(path)
			if err == nil {
				got.Close()
				t.Fatal("Open: no error")
			}
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: %v, want %v that says %q and the path", err, c.err, c.says)
			}
			s, err := checkpoint.Inspect(path, 0)
			if err != nil || s.Usable || !strings.Contains(s.Why, c.says) || s.Tensors != len(f.tensors) {
				t.Errorf("Inspect = %+v, %v", s, err)
			}
		})
	}
}

// TestGGUFVariants opens files that say the same in other ways.
func TestGGUFVariants(t *testing.T) {
	kv, tensors := tinyGGUF(t)
	want := open(t, saveGGUF(t, kv, tensors)).Config
	replace := func(key string, value any) []gguf.KV {
		out := slices.DeleteFunc(slices.Clone(kv), func(p gguf.KV) bool { return p.Key == key })
		if value != nil {
			out = append(out, gguf.KV{Key: key, Value: value})
		}
		return out
	}
	for _, c := range []struct {
		name string
		kv   []gguf.KV
	}{
		{"heads per layer", replace("llama.attention.head_count", []uint32{6, 6})},
		{"layers as int64", replace("llama.block_count", int64(2))},
		{"no rope dimension", replace("llama.rope.dimension_count", nil)},
		{"scaling by 1", replace("llama.rope.scaling.factor", float32(1))},
		{"window as long as the context", replace("llama.attention.sliding_window", uint32(64))},
		{"no vocabulary", slices.DeleteFunc(slices.Clone(kv), func(p gguf.KV) bool { return strings.HasPrefix(p.Key, "tokenizer.") })},
	} {
		if got := open(t, saveGGUF(t, c.kv, tensors)).Config; !cmp.Equal(got, want) {
			t.Errorf("%s: Config (-want +got):\n%s", c.name, cmp.Diff(want, got))
		}
	}
	// A type without a conversion is read and passed on, but not converted.
	kv, tensors = tinyGGUF(t)
	for i, x := range tensors {
		if x.Name == "token_embd.weight" {
			tensors[i].Type, tensors[i].Data = quant.I32, x.Data
		}
	}
	c := open(t, saveGGUF(t, kv, tensors))
	if x, _ := reopen(t, c, nil).Tensor("token_embd.weight"); x.Type != quant.I32 {
		t.Errorf("passed on as %v", x.Type)
	}
	f16 := quant.F16
	if err := c.WriteGGUF(&bytes.Buffer{}, &f16); !errors.Is(err, quant.ErrUnsupported) || !strings.Contains(err.Error(), "token_embd.weight") {
		t.Errorf("WriteGGUF: %v", err)
	}
	q4k := quant.Q4_K
	if err := c.WriteGGUF(&bytes.Buffer{}, &q4k); !errors.Is(err, quant.ErrUnsupported) {
		t.Errorf("WriteGGUF as Q4_K: %v", err)
	}
}

// TestVocabFromGGUF reads vocabularies that llama.cpp wrote and says them again.
func TestVocabFromGGUF(t *testing.T) {
	for _, name := range []string{"llama-spm", "phi-3", "falcon", "starcoder", "deepseek-coder", "deepseek-llm"} {
		t.Run(name, func(t *testing.T) {
			f, err := gguf.Open(sharedData(t, "vocab/ggml-vocab-"+name+".gguf"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			s, err := checkpoint.VocabFromGGUF(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tokenizer.New(s); err != nil {
				t.Errorf("tokenizer: %v", err)
			}
			if s.EOS < 0 || len(s.Types) != len(s.Tokens) {
				t.Errorf("EOS %d, %d types for %d tokens", s.EOS, len(s.Types), len(s.Tokens))
			}
			var buf bytes.Buffer
			if err := gguf.Write(&buf, checkpoint.VocabToGGUF(s), nil); err != nil {
				t.Fatal(err)
			}
			g, err := gguf.Parse(buf.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			again, err := checkpoint.VocabFromGGUF(g)
			if err != nil || !reflect.DeepEqual(s, again) {
				t.Errorf("said again: %v\n%.1000s", err, cmp.Diff(s, again))
			}
		})
	}
}

func TestSummary(t *testing.T) {
	c, err := checkpoint.Inspect(sharedData(t, "models/stories260K/stories260K.bin"), 100)
	if err != nil {
		t.Fatal(err)
	}
	c.Path = "stories260K.bin"
	got, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	// 1056540 bytes less header and tables of 512*8 numbers; 2*4*5*4*8 bytes of cache a token.
	const want = `{
	"path": "stories260K.bin",
	"format": "llama2.c",
	"name": "stories260K",
	"architecture": "llama",
	"usable": true,
	"parameters": 260032,
	"tensors": 47,
	"types": [
		{
			"type": "F32",
			"tensors": 47,
			"elements": 260032,
			"bytes": 1040128
		}
	],
	"tensor_bytes": 1040128,
	"file_bytes": 1056540,
	"context": 512,
	"layers": 5,
	"hidden": 64,
	"feed_forward": 172,
	"heads": 8,
	"kv_heads": 4,
	"head_dim": 8,
	"rope_theta": 10000,
	"tied_embeddings": true,
	"vocab": 512,
	"tokenizer": "llama",
	"pre_tokenizer": "default",
	"chat_template": false,
	"memory": {
		"context": 100,
		"weights": 1040128,
		"kv_cache": 128000,
		"total": 1168128
	}
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}

	s, err := checkpoint.Inspect(sharedData(t, "vocab/ggml-vocab-falcon.gguf"), 0)
	if err != nil || s.Usable || s.Arch != "falcon" || s.Vocab != 65024 || s.PreTokenizer != "falcon" || s.Memory != nil {
		t.Errorf("Inspect of a vocabulary = %+v, %v", s, err)
	}
}

func TestNotAModel(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		err        error
		says       string
	}{
		{"empty", "", checkpoint.ErrFormat, "begins with"},
		{"x.zip", "PK\x03\x04", checkpoint.ErrFormat, "PK"},
		{"model.safetensors", "12345678", checkpoint.ErrFormat, "give the folder"},
		{"cut.gguf", "GGUF\x03\x00", gguf.ErrTruncated, "header"},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for call, open := range map[string]func() error{
			"Open":    func() error { _, err := checkpoint.Open(path); return err },
			"Inspect": func() error { _, err := checkpoint.Inspect(path, 0); return err },
		} {
			if err := open(); !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s of %s: %v, want %v that says %q and the path", call, c.name, err, c.err, c.says)
			}
		}
	}
	if _, err := checkpoint.Open(filepath.Join(dir, "none.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
}
