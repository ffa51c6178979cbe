package checkpoint_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// llama2c makes a file of the given header with weights 0, 1, 2 …; vocab below 0 has an output matrix.
func llama2c(dim, ffn, layers, heads, kv, vocab, context int32) []byte {
	var out []byte
	for _, n := range []int32{dim, ffn, layers, heads, kv, vocab, context} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	rows, kvDim := max(vocab, -vocab), dim/heads*kv
	n := rows*dim + layers*(2*dim+2*dim*dim+2*kvDim*dim+3*ffn*dim) + dim + context*(dim/heads)
	if vocab < 0 {
		n += rows * dim
	}
	for i := range n {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(i)))
	}
	return out
}

// llama2cVocab makes a vocabulary file of n tokens.
func llama2cVocab(n int) []byte {
	out := []byte{8, 0, 0, 0}
	for i := range n {
		piece := fmt.Sprintf(" t%d", i)
		switch {
		case i < 3:
			piece = []string{"<unk>", "\n<s>\n", "\n</s>\n"}[i]
		case i < 259:
			piece = fmt.Sprintf("<0x%02X>", i-3)
		}
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(-i)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(piece)))
		out = append(out, piece...)
	}
	return out
}

func saveLlama2C(t *testing.T, weights []byte, vocabName string, vocab []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "m.bin")
	if err := os.WriteFile(path, weights, 0o600); err != nil {
		t.Fatal(err)
	}
	if vocabName != "" {
		if err := os.WriteFile(filepath.Join(dir, vocabName), vocab, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestLlama2C finds each weight at its place: the first number of each tensor is its index.
func TestLlama2C(t *testing.T) {
	for _, c := range []struct {
		name  string
		vocab int32
		file  string
	}{{"tied", 261, "tok261.bin"}, {"with output matrix", -261, "tokenizer.bin"}} {
		t.Run(c.name, func(t *testing.T) {
			const dim, ffn, layers, heads, kv, context = 12, 7, 2, 3, 1, 5
			m := open(t, saveLlama2C(t, llama2c(dim, ffn, layers, heads, kv, c.vocab, context), c.file, llama2cVocab(261)))
			if m.Config.Tied != (c.vocab > 0) || m.Config.Vocab != 261 || m.Config.HeadDim != 4 {
				t.Errorf("Config = %+v", m.Config)
			}
			at := 0
			check := func(name string, n int) {
				t.Helper()
				x, ok := m.Tensor(name)
				if !ok {
					t.Fatalf("no %s", name)
				}
				v, err := x.Floats()
				if err != nil || len(v) != n || v[0] != float32(at) || v[n-1] != float32(at+n-1) {
					t.Errorf("%s begins with %v and has %d numbers, want %d and %d (%v)", name, v[0], len(v), at, n, err)
				}
				at += n
			}
			check("token_embd.weight", 261*dim)
			for _, w := range []struct {
				name string
				n    int
			}{
				{"attn_norm", dim}, {"attn_q", dim * dim}, {"attn_k", 4 * dim}, {"attn_v", 4 * dim}, {"attn_output", dim * dim},
				{"ffn_norm", dim}, {"ffn_gate", ffn * dim}, {"ffn_down", ffn * dim}, {"ffn_up", ffn * dim},
			} {
				for i := range layers {
					check(fmt.Sprintf("blk.%d.%s.weight", i, w.name), w.n)
				}
			}
			check("output_norm.weight", dim)
			at += context * 4 // rotary tables
			if c.vocab < 0 {
				check("output.weight", 261*dim)
			}
			v := m.Vocab
			if v.Tokens[1] != "<s>" || v.Tokens[13] != "<0x0A>" || v.Type(13) != tokenizer.Byte || v.Tokens[260] != "▁t260" || v.Scores[260] != -260 {
				t.Errorf("tokens %q, %q, %q", v.Tokens[1], v.Tokens[13], v.Tokens[260])
			}
		})
	}
}

func TestLlama2CRefusals(t *testing.T) {
	weights, vocab := llama2c(12, 7, 2, 3, 1, 261, 5), llama2cVocab(261)
	header := func(i int, n int32) []byte {
		out := slices.Clone(weights)
		binary.LittleEndian.PutUint32(out[4*i:], uint32(n))
		return out
	}
	for _, c := range []struct {
		name      string
		weights   []byte
		vocabName string
		vocab     []byte
		err       error
		says      string
	}{
		{"empty", nil, "tokenizer.bin", vocab, checkpoint.ErrFormat, "0 bytes"},
		{"short header", weights[:27], "tokenizer.bin", vocab, checkpoint.ErrFormat, "27 bytes"},
		{"cut", weights[:len(weights)-1], "tokenizer.bin", vocab, checkpoint.ErrFormat, "the header calls for"},
		{"too long", append(slices.Clone(weights), 0), "tokenizer.bin", vocab, checkpoint.ErrFormat, "the header calls for"},
		{"version 1", header(0, 0x616b3432), "tokenizer.bin", vocab, checkpoint.ErrFormat, "version 7"},
		{"heads do not divide the width", header(3, 5), "tokenizer.bin", vocab, checkpoint.ErrConfig, "header"},
		{"no heads", header(3, 0), "tokenizer.bin", vocab, checkpoint.ErrConfig, "heads is 0"},
		{"absurd layers", header(2, math.MaxInt32), "tokenizer.bin", vocab, checkpoint.ErrConfig, "layers"},
		{"negative context", header(6, -5), "tokenizer.bin", vocab, checkpoint.ErrConfig, "context is -5"},
		{"vocabulary of -2^31", header(5, math.MinInt32), "tokenizer.bin", vocab, checkpoint.ErrConfig, "vocabulary"},
		{"no vocabulary", weights, "", nil, checkpoint.ErrVocab, "tok261.bin and tokenizer.bin"},
		{"another vocabulary", weights, "tok512.bin", vocab, checkpoint.ErrVocab, "were looked for"},
		{"vocabulary cut", weights, "tok261.bin", vocab[:len(vocab)-1], checkpoint.ErrVocab, "token 260 has 5 bytes, 4 are left"},
		{"vocabulary too long", weights, "tok261.bin", append(slices.Clone(vocab), 0), checkpoint.ErrVocab, "1 bytes after"},
		{"vocabulary empty", weights, "tok261.bin", nil, checkpoint.ErrVocab, "0 bytes for 261 tokens"},
		{"bytes elsewhere", weights, "tok261.bin", []byte(strings.Replace(string(vocab), "<0x0A>", "<0x0B>", 1)), checkpoint.ErrVocab, "token 13"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := saveLlama2C(t, c.weights, c.vocabName, c.vocab)
			m, err := checkpoint.Open(path)
			if err == nil {
				m.Close()
				t.Fatal("Open: no error")
			}
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("Open: %v, want %v that says %q and the path", err, c.err, c.says)
			}
		})
	}
}
