package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// FuzzConfig: a config.json that is accepted gives a configuration that holds together, and
// whose metadata in GGUF say the same.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"llama","hidden_size":128,"num_hidden_layers":2,"intermediate_size":384,"num_attention_heads":8,
		"num_key_value_heads":4,"vocab_size":2048,"max_position_embeddings":512,"rms_norm_eps":1e-06,"rope_theta":10000.0,
		"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}}`))
	f.Add([]byte(`{"model_type":"qwen3","head_dim":4,"rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":3},"attention_bias":true}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := parseHFConfig(text)
		if err != nil {
			return
		}
		if err := cfg.Check(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if got := len(cfg.RopeFrequencies()); got != cfg.RopeDim/2 {
			t.Fatalf("%d frequencies for %d rotated elements", got, cfg.RopeDim)
		}
		c := &Checkpoint{Config: cfg}
		if _, _, err := c.metadata(nil); err != nil {
			t.Fatalf("accepted, but not written: %v", err)
		}
		if cfg.Parameters() <= 0 {
			t.Fatalf("%d parameters of %+v", cfg.Parameters(), cfg)
		}
	})
}

// FuzzLlama2C: tensors of an accepted file are those of its configuration, side by side.
func FuzzLlama2C(f *testing.F) {
	var head []byte
	for _, n := range []uint32{4, 3, 1, 2, 1, 5, 2} {
		head = binary.LittleEndian.AppendUint32(head, n)
	}
	f.Add(slices.Concat(head, make([]byte, 4*(5*4+4+16+8+8+16+4+3*12+4+2*2))))
	f.Add(head)
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, tensors, err := parseLlama2C(data)
		if err != nil {
			return
		}
		n := 0
		for _, x := range tensors {
			if len(x.Data) != 4*x.Elements() {
				t.Fatalf("%s %v has %d bytes", x.Name, x.Shape, len(x.Data))
			}
			n += x.Elements()
		}
		if int64(n) != cfg.Parameters() {
			t.Fatalf("%d numbers, want %d", n, cfg.Parameters())
		}
		if _, err := New(cfg, tokenizer.Spec{}, "", tensors); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzLlama2CVocab: an accepted vocabulary has as many tokens as were asked for.
func FuzzLlama2CVocab(f *testing.F) {
	text := []byte{6, 0, 0, 0}
	for i := range 261 {
		piece := " a"
		if i >= 3 && i < 259 {
			piece = fmt.Sprintf("<0x%02X>", i-3)
		}
		text = append(text, 0, 0, 0x80, 0xbf, byte(len(piece)), 0, 0, 0)
		text = append(text, piece...)
	}
	if _, err := parseLlama2CVocab(text, 261); err != nil {
		f.Fatal(err)
	}
	f.Add(text, 261)
	f.Add([]byte{0, 0, 0, 0}, 300)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		s, err := parseLlama2CVocab(data, n)
		if err == nil && (len(s.Tokens) != n || len(s.Scores) != n || len(s.Types) != n) {
			t.Fatalf("%d tokens, want %d", len(s.Tokens), n)
		}
	})
}

// FuzzGGUFModel: metadata of any kind give a model, or an error, never a panic.
func FuzzGGUFModel(f *testing.F) {
	f.Add("llama", "block_count", uint64(1), "linear", float32(2), 4)
	f.Add("qwen3", "attention.head_count", uint64(1<<63), "none", float32(0), 8)
	f.Fuzz(func(t *testing.T, arch, key string, value uint64, rope string, factor float32, rows int) {
		kv := []gguf.KV{{Key: keyArch, Value: arch}}
		for _, name := range []string{keyLayers, keyHidden, keyFFN, keyHeads, keyContext, keyRopeDim, keyKeyDim, keyVocab} {
			n := uint64(2)
			if name == key {
				n = value
			}
			kv = append(kv, gguf.KV{Key: arch + "." + name, Value: n})
		}
		kv = append(kv, gguf.KV{Key: arch + "." + keyNormEps, Value: factor},
			gguf.KV{Key: arch + "." + keyRopeType, Value: rope}, gguf.KV{Key: arch + "." + keyRopeScale, Value: factor})
		file := writeParse(t, kv)
		if file == nil {
			return
		}
		cfg, err := configFromGGUF(file)
		if err != nil {
			return
		}
		if err := cfg.Check(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		foreign(file, ErrFormat)
	})
}

// writeParse writes metadata and reads them; nil where they cannot be written.
func writeParse(t *testing.T, kv []gguf.KV) *gguf.File {
	var buf bytes.Buffer
	if gguf.Write(&buf, kv, nil) != nil {
		return nil
	}
	file, err := gguf.Parse(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return file
}
