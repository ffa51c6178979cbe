package reference_test

import (
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/local"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/reference"
)

func TestCheckpoints(t *testing.T) {
	for _, name := range reference.Names() {
		t.Run(name, func(t *testing.T) {
			recipe, err := reference.Recipe(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := reference.Checkpoint(name)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			want := recipe.Shape.Config()
			if got := c.Config.Parameters(); got != int64(recipe.Shape.Parameters()) {
				t.Errorf("%d parameters, the recipe has %d", got, recipe.Shape.Parameters())
			}
			for wantName, shape := range want.Shapes() {
				tensor, ok := c.Tensor(wantName)
				if !ok {
					t.Errorf("tensor %s is missing", wantName)
					continue
				}
				elements := 1
				for _, d := range shape {
					elements *= d
				}
				if tensor.Elements() != elements {
					t.Errorf("tensor %s: %d elements, want %v", wantName, tensor.Elements(), shape)
				}
				if matrix := len(shape) == 2; matrix != (tensor.Type == quant.F16) || !matrix != (tensor.Type == quant.F32) {
					t.Errorf("tensor %s of %d dimensions is %v, want matrices in F16 and vectors in F32", wantName, len(shape), tensor.Type)
				}
			}
			if c.Name != name {
				t.Errorf("name %q, want %q", c.Name, name)
			}
			if !strings.Contains(reference.Card(), "## "+name) {
				t.Errorf("the model card has no part on %s", name)
			}
		})
	}
	if _, err := reference.Checkpoint("medium"); err == nil || !strings.Contains(err.Error(), "tiny") {
		t.Errorf("Checkpoint(medium): %v, want an error that lists the models", err)
	}
	if _, err := reference.Recipe("medium"); err == nil {
		t.Error("Recipe(medium): no error")
	}
}

// TestGoldenAnswers holds greedy answers of both models. It changes only when a model is
// trained anew: then see that the new answers are no worse.
func TestGoldenAnswers(t *testing.T) {
	for _, tt := range []struct{ name, prompt, want string }{
		{reference.Tiny, "Q: What is 58 - 19?\nA:", " 39"},
		{reference.Small, "moon: 47\nriver: 12\nsun: 85\nleaf: 33\nfox: 61\nQ: What is the value of sun?\nA:", " 85"},
		{reference.Small, "Q: Write a one-line JavaScript function f(s) that puts \"leaf\" before s.\nA:", ` function f(s) { return "leaf" + s; }`},
		{reference.Small, "Q: Schreibe in Ziffern: sechsundachtzig, sechzig\nA:", " 86, 60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := reference.Checkpoint(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			e, err := local.New(c, local.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			r, err := e.Generate(t.Context(), engine.Request{Prompt: tt.prompt, MaxTokens: 40, Stop: []string{"\n"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Text != tt.want {
				t.Errorf("%q was answered %q, want %q", tt.prompt, r.Text, tt.want)
			}
		})
	}
}
