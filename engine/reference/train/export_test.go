package train

import (
	"bytes"
	"math"
	"strconv"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/model"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// TestExportRunsAsTrained compares the trainer's own forward pass with the engine's, on the
// weights as they come back from a file.
func TestExportRunsAsTrained(t *testing.T) {
	tr := newTrainer(t, echoOptions(20), 1)
	steps(t, tr, 20)
	spec := tokenizer.Spec{Model: tokenizer.ByteLevel, Pre: "qwen2", BOS: 9, EOS: 10, EOT: -1, UNK: -1, PAD: -1, AddBOS: true}
	for i := range tr.opt.Shape.Vocab {
		spec.Tokens = append(spec.Tokens, "t"+strconv.Itoa(i))
	}
	made, err := tr.Checkpoint(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := made.WriteGGUF(&file, nil); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	read, err := checkpoint.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(read)
	if err != nil {
		t.Fatal(err)
	}

	tokens := []int32{9, 0, 3, 7, 8, 1, 4, 4, 2, 8, 5}
	n := len(tokens)
	run := model.Run{Tokens: tokens, Cache: m.NewCache(n), Logits: n}
	if err := m.Forward(nil, &run); err != nil {
		t.Fatal(err)
	}
	seq := sequence{tokens: append(tokens, 0), weight: make([]float32, n+1)}
	for i := range n {
		seq.weight[i] = 1
	}
	ps, sh := newPass(tr.opt.Shape), shard{[]sequence{seq}, n}
	ps.place(sh, 1)
	ps.forward(tr.weights, sh)
	h, v := tr.opt.Shape.Hidden, tr.opt.Shape.Vocab
	want := make([]float32, n*v)
	kernel.Gemm(nil, false, true, n, v, h, ps.final, tr.weights.embed, 0, want)
	for i := range n {
		for j, got := range run.Out[i] {
			if w := want[i*v+j]; math.Abs(float64(got-w)) > 1e-4 {
				t.Fatalf("logit %d of position %d: the engine says %v, the trainer %v", j, i, got, w)
			}
		}
	}
}

func TestExportRefusesAnotherVocabulary(t *testing.T) {
	tr := newTrainer(t, echoOptions(1), 1)
	if _, err := tr.Checkpoint(tokenizer.Spec{Tokens: make([]string, 12)}); err == nil {
		t.Error("a vocabulary of 12 tokens was taken for a model of 11")
	}
}
