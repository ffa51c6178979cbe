package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/internal/npz"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// TestHuggingFace opens a folder of each architecture in each type of weights, writes it as GGUF
// and opens that.
func TestHuggingFace(t *testing.T) {
	for _, arch := range []string{"llama", "qwen2", "qwen3"} {
		for _, as := range []quant.Type{quant.F32, quant.F16, quant.BF16} {
			t.Run(arch+"/"+as.String(), func(t *testing.T) {
				h := tiny(arch)
				h.files["tokenizer_config.json"] = `{"eos_token":"<end>","chat_template":"{{ messages }}"}`
				c := open(t, h.save(t, as))
				want := checkpoint.Config{
					Arch: arch, Layers: 2, Hidden: 24, FFN: 20, Heads: 6, KVHeads: 2, HeadDim: 8, Vocab: 17, Context: 64,
					NormEps: 1e-6, RopeTheta: 5000, RopeDim: 8, QKVBias: arch == "qwen2", QKNorm: arch == "qwen3",
				}
				if diff := cmp.Diff(want, c.Config); diff != "" {
					t.Fatalf("Config (-want +got):\n%s", diff)
				}
				if n := len(c.Vocab.Tokens); n != 17 || c.Vocab.Type(16) != tokenizer.Unused {
					t.Errorf("%d tokens, the last of type %v", n, c.Vocab.Type(16))
				}
				if c.ChatTemplate != "{{ messages }}" || c.Vocab.EOS != 12 {
					t.Errorf("template %q, EOS %d", c.ChatTemplate, c.Vocab.EOS)
				}
				parameters := 0
				for _, x := range c.Tensors() {
					parameters += x.Elements()
					want := as
					if len(x.Shape) == 1 {
						want = quant.F32
					}
					if x.Type != want {
						t.Errorf("%s is %v, want %v", x.Name, x.Type, want)
					}
				}
				if got := c.Config.Parameters(); got != int64(parameters) {
					t.Errorf("Parameters() = %d, want %d", got, parameters)
				}

				g := reopen(t, c, nil)
				if diff := cmp.Diff(c.Config, g.Config); diff != "" {
					t.Errorf("Config (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(c.Vocab, g.Vocab); diff != "" {
					t.Errorf("Vocab (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(c.Tensors(), g.Tensors(), cmp.Comparer(bytes.Equal)); diff != "" {
					t.Errorf("Tensors (-before +after):\n%.2000s", diff)
				}
			})
		}
	}
}

// TestRowsTurned rotates queries and keys by both conventions: with the rows of Llama moved, the
// interleaved convention must give the products that the half-split one gives on the rows as
// Hugging Face has them. Qwen's rows must not move.
func TestRowsTurned(t *testing.T) {
	const dim = 8
	for _, arch := range []string{"llama", "qwen3"} {
		h := tiny(arch)
		c, err := checkpoint.FromHF(h.configJSON(t), h.tensors, tokenizer.Spec{}, "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Config.NeoX() == (arch == "llama") {
			t.Errorf("%s: NeoX() = %v", arch, c.Config.NeoX())
		}
		// The first column of the matrix stands for its product with a vector.
		column := func(x []float32, head int) (v [dim]float64) {
			for i := range v {
				v[i] = float64(x[(head*dim+i)*24])
			}
			return v
		}
		rotate := func(v [dim]float64, position float64, neox bool) (out [dim]float64) {
			for i, f := range c.Config.RopeFrequencies() {
				a, b := 2*i, 2*i+1
				if neox {
					a, b = i, i+dim/2
				}
				sin, cos := math.Sincos(f * position)
				out[a], out[b] = v[a]*cos-v[b]*sin, v[a]*sin+v[b]*cos
			}
			return out
		}
		product := func(q, k []float32, qHead, kHead int, neox bool) (sum float64) {
			x, y := rotate(column(q, qHead), 9, neox), rotate(column(k, kHead), 4, neox)
			for i := range x {
				sum += x[i] * y[i]
			}
			return sum
		}
		for layer := range 2 {
			q, _ := c.Tensor(fmt.Sprintf("blk.%d.attn_q.weight", layer))
			k, _ := c.Tensor(fmt.Sprintf("blk.%d.attn_k.weight", layer))
			gotQ, err := q.Floats()
			if err != nil {
				t.Fatal(err)
			}
			gotK, err := k.Floats()
			if err != nil {
				t.Fatal(err)
			}
			wantQ := h.tensors[fmt.Sprintf("model.layers.%d.self_attn.q_proj.weight", layer)].Data
			wantK := h.tensors[fmt.Sprintf("model.layers.%d.self_attn.k_proj.weight", layer)].Data
			for head := range 6 {
				want := product(wantQ, wantK, head, head/3, true)
				if got := product(gotQ, gotK, head, head/3, c.Config.NeoX()); math.Abs(got-want) > 1e-12 {
					t.Errorf("%s: layer %d, head %d: %v, want %v", arch, layer, head, got, want)
				}
			}
			if arch != "llama" && !cmp.Equal(gotQ, wantQ) {
				t.Errorf("%s: rows have moved", arch)
			}
		}
	}
}

// TestConfigs reads what config.json may say besides the usual.
func TestConfigs(t *testing.T) {
	for _, c := range []struct {
		name   string
		arch   string
		change map[string]any // nil deletes
		want   func(*checkpoint.Config)
		drop   []string // tensors
	}{
		{"tied", "llama", map[string]any{"tie_word_embeddings": true}, func(c *checkpoint.Config) { c.Tied = true }, nil},
		{"tied under the head's name", "llama", map[string]any{"tie_word_embeddings": true}, func(c *checkpoint.Config) { c.Tied = true }, []string{"model.embed_tokens.weight"}},
		{"defaults", "llama", map[string]any{"rope_theta": nil, "rms_norm_eps": nil, "hidden_act": nil}, func(c *checkpoint.Config) { c.RopeTheta = 10000 }, nil},
		{"null scaling", "qwen2", map[string]any{"rope_scaling": struct{}{}}, func(*checkpoint.Config) {}, nil},
		{"linear scaling", "qwen3", map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 4}}, func(c *checkpoint.Config) { c.RopeFactors = []float32{4, 4, 4, 4} }, nil},
		{"rope of transformers 5", "qwen3", map[string]any{"rope_theta": nil, "rope_parameters": map[string]any{"rope_type": "default", "rope_theta": 77}}, func(c *checkpoint.Config) { c.RopeTheta = 77 }, nil},
		// Frequencies 1, 0.1189, 0.0141, 0.0017 turn 10.2, 1.21, 0.144 and 0.017 times in 64 tokens.
		{"llama3 scaling", "llama", map[string]any{"rope_scaling": map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64}},
			func(c *checkpoint.Config) { c.RopeFactors = []float32{1, 0, 8, 8} }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := tiny(c.arch)
			for k, v := range c.change {
				if h.config[k] = v; v == nil {
					delete(h.config, k)
				}
			}
			for _, name := range c.drop {
				delete(h.tensors, name)
			}
			want, err := checkpoint.FromHF(tiny(c.arch).configJSON(t), tiny(c.arch).tensors, tokenizer.Spec{}, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := checkpoint.FromHF(h.configJSON(t), h.tensors, tokenizer.Spec{}, "")
			if err != nil {
				t.Fatal(err)
			}
			c.want(&want.Config)
			if f := want.Config.RopeFactors; f != nil && f[1] == 0 {
				turns := 64 * math.Pow(5000, -0.25) / (2 * math.Pi)
				smooth := (turns - 1) / 3
				f[1] = float32(1 / ((1-smooth)/8 + smooth))
			}
			if diff := cmp.Diff(want.Config, got.Config); diff != "" {
				t.Errorf("Config (-want +got):\n%s", diff)
			}
			// and GGUF says the same
			if diff := cmp.Diff(got.Config, reopen(t, got, nil).Config); diff != "" {
				t.Errorf("Config (-before +after):\n%s", diff)
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		name, config, jinja, want string
	}{
		{"none", "", "", ""},
		{"null", `{"chat_template":null}`, "", ""},
		{"text", `{"chat_template":"one"}`, "", "one"},
		{"list", `{"chat_template":[{"name":"tool_use","template":"two"},{"name":"default","template":"three"}]}`, "", "three"},
		{"list without default", `{"chat_template":[{"name":"rag","template":"four"}]}`, "", "four"},
		{"file", `{"chat_template":"one"}`, "five", "five"},
	} {
		h := tiny("qwen2")
		h.files["tokenizer_config.json"], h.files["chat_template.jinja"] = c.config, c.jinja
		if got := open(t, h.save(t, quant.F32)).ChatTemplate; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestGenerationConfig(t *testing.T) {
	h := tiny("llama")
	h.files["generation_config.json"] = `{"bos_token_id":3,"eos_token_id":[12,4,5]}`
	v := open(t, h.save(t, quant.F32)).Vocab
	if v.BOS != 3 || v.EOS != 12 || v.EOT != 4 {
		t.Errorf("BOS, EOS, EOT = %d, %d, %d, want 3, 12, 4", v.BOS, v.EOS, v.EOT)
	}
}

func TestFolderRefusals(t *testing.T) {
	set := func(key string, value any) func(*hf) { return func(h *hf) { h.config[key] = value } }
	rope := func(kind string) func(*hf) {
		return set("rope_scaling", map[string]any{"rope_type": kind, "factor": 4.0})
	}
	for _, c := range []struct {
		name   string
		change func(*hf)
		err    error
		says   string
	}{
		{"no config", func(h *hf) { h.config = nil }, checkpoint.ErrFormat, "has no config.json"},
		{"no tokenizer", func(h *hf) { h.files["tokenizer.json"] = "" }, checkpoint.ErrVocab, "has no tokenizer.json"},
		{"broken tokenizer", func(h *hf) { h.files["tokenizer.json"] = "{" }, nil, "tokenizer.json"},
		{"broken tokenizer config", func(h *hf) { h.files["tokenizer_config.json"] = `{"chat_template":1}` }, checkpoint.ErrConfig, "tokenizer_config.json"},
		{"unknown architecture", set("model_type", "mamba"), checkpoint.ErrArch, `config.json: model_type "mamba"`},
		{"no architecture", set("model_type", nil), checkpoint.ErrConfig, "model_type is missing"},
		{"no size", set("hidden_size", nil), checkpoint.ErrConfig, "hidden_size is missing"},
		{"size is a text", set("hidden_size", "24"), checkpoint.ErrConfig, "hidden_size"},
		{"no layers", set("num_hidden_layers", 0), checkpoint.ErrConfig, "layers is 0"},
		{"absurd layers", set("num_hidden_layers", 1<<40), checkpoint.ErrConfig, "layers is 1099511627776"},
		{"absurd vocabulary", set("vocab_size", 1<<60), checkpoint.ErrConfig, "vocabulary is"},
		{"heads do not divide", set("num_key_value_heads", 4), checkpoint.ErrConfig, "6 heads"},
		{"odd head", set("head_dim", 7), checkpoint.ErrConfig, "rope dimension 7"},
		{"negative epsilon", set("rms_norm_eps", -1), checkpoint.ErrConfig, "norm epsilon"},
		{"theta of 0", set("rope_theta", 0), checkpoint.ErrConfig, "rope theta"},
		{"yarn", rope("yarn"), checkpoint.ErrFeature, `rope_scaling of type "yarn"`},
		{"dynamic", rope("dynamic"), checkpoint.ErrFeature, `"dynamic"`},
		{"llama3 without factors", rope("llama3"), checkpoint.ErrConfig, "low_freq_factor"},
		{"scaling by 0", set("rope_scaling", map[string]any{"type": "linear", "factor": 0}), checkpoint.ErrConfig, "factor is 0"},
		{"quantised", set("quantization_config", map[string]any{"quant_method": "awq"}), checkpoint.ErrFeature, `"awq"`},
		{"other activation", set("hidden_act", "gelu"), checkpoint.ErrFeature, `"gelu"`},
		{"sliding window", set("use_sliding_window", true), checkpoint.ErrFeature, "use_sliding_window"},
		{"partial rotation", set("partial_rotary_factor", 0.5), checkpoint.ErrFeature, "partial_rotary_factor"},
		{"bias in the feed-forward part", set("mlp_bias", true), checkpoint.ErrFeature, "mlp_bias"},
		{"vocabulary smaller than the embedding", set("vocab_size", 12), checkpoint.ErrTensor, "wrong shape: model.embed_tokens.weight is [17 24], not [12 24], lm_head.weight is [17 24], not [12 24]"},
		{"tensors missing", func(h *hf) {
			delete(h.tensors, "lm_head.weight")
			delete(h.tensors, "model.layers.1.mlp.up_proj.weight")
		}, checkpoint.ErrTensor, "2 missing: model.layers.1.mlp.up_proj.weight, lm_head.weight"},
		{"tensor of another shape", func(h *hf) {
			h.tensors["model.norm.weight"] = checkpoint.Floats{Shape: []int{2}, Data: []float32{1, 2}}
		}, checkpoint.ErrTensor, "model.norm.weight is [2], not [24]"},
		{"tensor too many", func(h *hf) {
			h.tensors["model.layers.0.self_attn.q_proj.bias"] = checkpoint.Floats{Shape: []int{1}, Data: []float32{1}}
		}, checkpoint.ErrTensor, "1 unexpected: model.layers.0.self_attn.q_proj.bias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := tiny("llama")
			c.change(h)
			dir := h.save(t, quant.F32)
			got, err := checkpoint.Open(dir)
			if err == nil {
				got.Close()
				t.Fatal("Open: no error")
			}
			if c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Open: %v, want %v that says %q and the folder", err, c.err, c.says)
			}
		})
	}
	dir := tiny("llama").save(t, quant.F32)
	if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Open(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "model.safetensors") {
		t.Errorf("Open without weights: %v", err)
	}
}

// TestAdder builds published models of a few hundred weights.
func TestAdder(t *testing.T) {
	for _, c := range []struct {
		file                     string
		hidden, heads, ffn, want int
	}{
		{"best_122", 3, 1, 3, 122}, {"best_137", 3, 2, 2, 137}, {"best_173", 3, 2, 6, 173}, {"best_200", 3, 2, 6, 173}, {"best_228", 4, 2, 6, 228},
	} {
		t.Run(c.file, func(t *testing.T) {
			arrays, err := npz.Open(sharedData(t, "models/adder-qwen3/"+c.file+".npz"))
			if err != nil {
				t.Fatal(err)
			}
			tensors := map[string]checkpoint.Floats{}
			for name, a := range arrays {
				tensors[name] = checkpoint.Floats(a)
			}
			config := fmt.Sprintf(`{"model_type":"qwen3","hidden_size":%d,"num_hidden_layers":1,"intermediate_size":%d,"num_attention_heads":%d,
				"num_key_value_heads":1,"head_dim":4,"rms_norm_eps":1e-6,"vocab_size":10,"tie_word_embeddings":true,
				"max_position_embeddings":64,"rope_theta":3}`, c.hidden, c.ffn, c.heads)
			m, err := checkpoint.FromHF([]byte(config), tensors, tokenizer.Spec{}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Config.Parameters(); got != int64(c.want) {
				t.Errorf("%d parameters, want %d", got, c.want)
			}
			// F16 for every matrix: no width is a multiple of a block.
			q8 := quant.Q8_0
			again := reopen(t, m, &q8)
			if got := again.MainType(); got != quant.F16 || len(again.Vocab.Tokens) != 0 {
				t.Errorf("written as Q8_0: %v, %d tokens", got, len(again.Vocab.Tokens))
			}
		})
	}
}
