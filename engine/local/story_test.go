package local

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/model"
	"github.com/tokenassay/assay/engine/quant"
)

// tells asks for a greedy story from nothing.
func tells(t *testing.T, e *Engine, tokens int) engine.Response {
	t.Helper()
	r, err := e.Generate(t.Context(), engine.Request{MaxTokens: tokens}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t *testing.T, path string, opt Options) *Engine {
	t.Helper()
	e, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// rewritten writes the model at path as GGUF and returns the file's name.
func rewritten(t *testing.T, path string, as *quant.Type) string {
	t.Helper()
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := filepath.Join(t.TempDir(), "model.gguf")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := c.WriteGGUF(f, as); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestStory compares with the story llama2.c's own program tells with these weights.
func TestStory(t *testing.T) {
	const story = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball."
	path := sharedData(t, "models/stories260K/stories260K.bin")
	f32 := quant.F32
	whole := tells(t, open(t, path, Options{}), 200)
	t.Logf("%s: %s", whole.Stop, whole.Text)
	for name, open := range map[string]func() *Engine{
		"llama2.c":        func() *Engine { return open(t, path, Options{}) },
		"GGUF":            func() *Engine { return open(t, rewritten(t, path, &f32), Options{}) },
		"three threads":   func() *Engine { return open(t, path, Options{Threads: 3}) },
		"another context": func() *Engine { return open(t, path, Options{Context: 300, Slots: 1, Threads: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			if got := tells(t, open(), 200); !strings.HasPrefix(got.Text, story) || got.Text != whole.Text {
				t.Errorf("told %q, want a beginning of %q and in all %q", got.Text, story, whole.Text)
			}
		})
	}
	for _, typ := range []quant.Type{quant.F16, quant.Q8_0} { // smaller weights still tell its beginning
		t.Run(typ.String(), func(t *testing.T) {
			got := tells(t, open(t, rewritten(t, path, &typ), Options{}), 30)
			if !strings.HasPrefix(got.Text, story[:45]) {
				t.Errorf("told %q, want a beginning of %q", got.Text, story[:45])
			}
		})
	}
}

// TestFolder compares a Hugging Face folder with the GGUF file made of it, bit for bit.
func TestFolder(t *testing.T) {
	path := sharedData(t, "models/tinystories-656k")
	f32 := quant.F32
	paths := []string{path, rewritten(t, path, &f32)}
	var logits [][]float32
	for _, p := range paths {
		c, err := checkpoint.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		m, err := model.Load(c)
		if err != nil {
			t.Fatal(err)
		}
		r := &model.Run{Tokens: []int32{1, 400, 500, 600, 700, 1999}, Cache: m.NewCache(6), Logits: 6}
		if err := m.Forward(nil, r); err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, row := range r.Out {
			all = append(all, row...)
		}
		logits = append(logits, all)
	}
	for i := range logits[0] {
		if math.Float32bits(logits[0][i]) != math.Float32bits(logits[1][i]) {
			t.Fatalf("logit %d: folder %v, GGUF %v", i, logits[0][i], logits[1][i])
		}
	}
	var told []string
	for _, p := range paths {
		e := open(t, p, Options{})
		r := tells(t, e, 120)
		lps, err := e.LogProbs(t.Context(), "", r.Text)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprint(r.Text, r.Stop, r.Usage, lps))
		if p != path {
			continue
		}
		t.Logf("%s after %d tokens: %s", r.Stop, r.Usage.Output, r.Text)
		// English of this size of vocabulary, told by the model itself, is under 2 nats a token.
		sum := 0.0
		for _, lp := range lps {
			sum -= lp
		}
		if mean := sum / float64(len(lps)); len(strings.Fields(r.Text)) < 40 || !(mean < 2) {
			t.Errorf("%.2f nats a token for %q, want fluent English", mean, r.Text)
		}
	}
	if told[0] != told[1] {
		t.Errorf("folder: %s\nGGUF: %s", told[0], told[1])
	}
}

// sharedData finds public test data: below $ASSAY_SHARED, or in a folder "shared" beside one
// of the folders above. Without it the test is skipped, or fails where CI is set.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	roots := []string{os.Getenv("ASSAY_SHARED")}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; roots[0] == "" && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		path := filepath.Join(root, "data", name)
		if _, err := os.Stat(path); root != "" && err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no public test data %q: set ASSAY_SHARED", name)
	}
	t.Skipf("no public test data %q: set ASSAY_SHARED", name)
	return ""
}
