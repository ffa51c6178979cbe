package main

import (
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/reference"
	"github.com/tokenassay/assay/engine/reference/train"
	"github.com/tokenassay/assay/engine/tokenizer"
	"github.com/tokenassay/assay/tasks/generate"
)

func TestTrainMakesAModel(t *testing.T) {
	dir := t.TempDir()
	flags := trainFlags{size: reference.Tiny, out: filepath.Join(dir, "model.gguf"), seed: 3, steps: 2, threads: 1, held: 1}
	if err := runTrain(t.Context(), io.Discard, flags); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(flags.out)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := len(c.Vocab.Tokens); got != reference.Vocabulary {
		t.Errorf("%d tokens, want %d", got, reference.Vocabulary)
	}
	if !c.Vocab.AddBOS || c.Vocab.BOS < 0 || c.Vocab.EOS < 0 || c.Vocab.BOS == c.Vocab.EOS {
		t.Errorf("control tokens: begin %d (added: %v), end %d", c.Vocab.BOS, c.Vocab.AddBOS, c.Vocab.EOS)
	}
	// What lookups rest on: a key at the beginning of a record is the same tokens as in a question.
	tok, err := tokenizer.New(c.Vocab)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"moon", "river", "leaf", "fire"} {
		bare, spaced := tok.Encode(word, false, false), tok.Encode(" "+word, false, false)
		if !slices.Equal(spaced[1:], bare) {
			t.Errorf("%q is tokens %v, after a space %v", word, bare, spaced)
		}
	}
	// The finished training resumes, and has nothing left to do.
	flags.resume = true
	if err := runTrain(t.Context(), io.Discard, flags); err != nil {
		t.Errorf("resume: %v", err)
	}
}

func TestMixtureIsAFunctionOfTheStep(t *testing.T) {
	first := func(step int) []train.Example {
		var es []train.Example
		for e, err := range (mixture{seed: 1}).Batch(step) {
			if err != nil {
				t.Fatal(err)
			}
			if es = append(es, e); len(es) == 50 {
				break
			}
		}
		return es
	}
	same := func(a, b train.Example) bool { return a.Source == b.Source && slices.Equal(a.Segments, b.Segments) }
	if !slices.EqualFunc(first(7), first(7), same) {
		t.Error("step 7 gave two different batches")
	}
	if slices.EqualFunc(first(7), first(8), same) {
		t.Error("steps 7 and 8 gave the same batch")
	}
	for _, e := range first(7) {
		if len(e.Segments) < 2 || e.Segments[0].Learn || !e.Segments[1].Learn {
			t.Errorf("%s: segments %+v, want a prompt, then an answer that is learned", e.Source, e.Segments)
		}
	}
}

func TestDrillCopiesFromItsItem(t *testing.T) {
	item := generate.Item{Prompt: "moon: 12\nsun: 34\nriver: 56\nQ: What is the value of sun?\nA:", Target: "34"}
	e := drill(item, rand.New(rand.NewPCG(1, 2)))
	got := map[string]string{}
	for i := 1; i+1 < len(e.Segments); i += 2 {
		got[e.Segments[i].Text] = e.Segments[i+1].Text
	}
	want := map[string]string{"moon:": " 12\n", "sun:": " 34\n", "river:": " 56\n"}
	if !maps.Equal(got, want) || e.Source != "drill/recall" {
		t.Errorf("drill of records asks %v as %s, want %v", got, e.Source, want)
	}
	item.Prompt = "Q: What is 1 + 2?\nA:"
	e = drill(item, rand.New(rand.NewPCG(1, 2)))
	if len(e.Segments) != 2 || e.Segments[1] != (train.Segment{Text: " " + item.Prompt + "\n", Learn: true}) {
		t.Errorf("drill of a prompt without records: %+v", e.Segments)
	}
}
