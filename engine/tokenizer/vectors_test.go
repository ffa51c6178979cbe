package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tokenassay/assay/engine/gguf"
)

// sharedData returns the path of a public data file. It skips the test where the data are
// not there, and fails it where CI says they must be.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("ASSAY_SHARED")
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; dir == "" && wd != filepath.Dir(wd); wd = filepath.Dir(wd) {
			if s := filepath.Join(filepath.Dir(wd), "shared"); isDir(filepath.Join(s, "data")) {
				dir = s
			}
		}
	}
	path := filepath.Join(dir, "data", name)
	if _, err := os.Stat(path); dir == "" || err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("public data %s is not there and CI is set", name)
		}
		t.Skipf("public data %s is not there; set ASSAY_SHARED to the folder that holds data/", name)
	}
	return path
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// ggufSpec reads the vocabulary of a GGUF file.
func ggufSpec(t testing.TB, name string) Spec {
	t.Helper()
	f, err := gguf.Open(sharedData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := Spec{BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
	s.Model, _ = f.String("tokenizer.ggml.model")
	s.Pre, _ = f.String("tokenizer.ggml.pre")
	s.AddSpacePrefix = s.Model == SentencePiece
	for _, kv := range f.KV {
		switch v := kv.Value.(type) {
		case []string:
			switch kv.Key {
			case "tokenizer.ggml.tokens":
				s.Tokens = v
			case "tokenizer.ggml.merges":
				s.Merges = v
			}
		case []float32:
			s.Scores = v
		case []int32:
			for _, x := range v {
				s.Types = append(s.Types, TokenType(x))
			}
		case uint32:
			switch kv.Key {
			case "tokenizer.ggml.bos_token_id":
				s.BOS = int32(v)
			case "tokenizer.ggml.eos_token_id":
				s.EOS = int32(v)
			case "tokenizer.ggml.unknown_token_id":
				s.UNK = int32(v)
			}
		case bool:
			if kv.Key == "tokenizer.ggml.add_bos_token" {
				s.AddBOS = v
			}
		}
	}
	return s
}

// llamaBPE reads Llama 3's vocabulary from its two public files.
func llamaBPE(t testing.TB) Spec {
	t.Helper()
	b, err := os.ReadFile(sharedData(t, "vocab/llama-bpe/encoder.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ids map[string]int
	if err := json.Unmarshal(b, &ids); err != nil {
		t.Fatal(err)
	}
	s := Spec{Model: ByteLevel, Pre: "llama-bpe", Tokens: make([]string, len(ids)), BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
	for text, id := range ids {
		s.Tokens[id] = text
	}
	if b, err = os.ReadFile(sharedData(t, "vocab/llama-bpe/vocab.bpe")); err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		if line := sc.Text(); line != "" && !strings.HasPrefix(line, "#version") {
			s.Merges = append(s.Merges, line)
		}
	}
	return s
}

// vocabularies are those with reference vectors.
var vocabularies = []string{"llama-spm", "llama-bpe", "deepseek-llm", "deepseek-coder", "phi-3", "starcoder", "falcon"}

// loaded keeps them from test to test: reading one takes longer than most tests.
var loaded sync.Map

func vocabulary(t testing.TB, name string) *Tokenizer {
	t.Helper()
	if tok, ok := loaded.Load(name); ok {
		return tok.(*Tokenizer)
	}
	var s Spec
	if name == "llama-bpe" {
		s = llamaBPE(t)
	} else {
		s = ggufSpec(t, "vocab/ggml-vocab-"+name+".gguf")
	}
	tok, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Store(name, tok)
	return tok
}

// vectors reads llama.cpp's reference cases: texts and the ids of each.
func vectors(t testing.TB, name string) (texts []string, ids [][]int32) {
	t.Helper()
	in, err := os.ReadFile(sharedData(t, "vocab/ggml-vocab-"+name+".gguf.inp"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(sharedData(t, "vocab/ggml-vocab-"+name+".gguf.out"))
	if err != nil {
		t.Fatal(err)
	}
	const end = "\n__ggml_vocab_test__\n" // after every text, the last one too
	texts = strings.Split(strings.TrimSuffix(string(in), end), end)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(texts) {
		t.Fatalf("%s: %d lines of ids for %d texts", name, len(lines), len(texts))
	}
	for _, line := range lines {
		var row []int32
		for f := range strings.FieldsSeq(line) {
			x, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, int32(x))
		}
		ids = append(ids, row)
	}
	return texts, ids
}

func TestReferenceVectors(t *testing.T) {
	for _, name := range vocabularies {
		t.Run(name, func(t *testing.T) {
			tok := vocabulary(t, name)
			texts, want := vectors(t, name)
			for i, text := range texts {
				got := tok.Encode(text, false, false)
				if !slices.Equal(got, want[i]) {
					t.Errorf("Encode(%q)\n got %v\nwant %v", text, got, want[i])
				}
				if back := tok.Decode(got); back != text {
					t.Errorf("Decode(Encode(%q)) = %q", text, back)
				}
			}
		})
	}
}
