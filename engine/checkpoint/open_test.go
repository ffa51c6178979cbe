package checkpoint_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

func open(t testing.TB, path string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// reopen writes c as a GGUF file and opens that.
func reopen(t testing.TB, c *checkpoint.Checkpoint, as *quant.Type) *checkpoint.Checkpoint {
	t.Helper()
	var buf bytes.Buffer
	if err := c.WriteGGUF(&buf, as); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

var models = []struct {
	path   string
	format string
	config checkpoint.Config
	digest string // file under path whose SHA-256 is the digest
}{
	{"models/stories260K/stories260K.bin", checkpoint.FormatLlama2C, checkpoint.Config{
		Arch: "llama", Layers: 5, Hidden: 64, FFN: 172, Heads: 8, KVHeads: 4, HeadDim: 8, Vocab: 512, Context: 512,
		NormEps: 1e-5, RopeTheta: 10000, RopeDim: 8, Tied: true,
	}, ""},
	{"models/tinystories-656k", checkpoint.FormatHuggingFace, checkpoint.Config{
		Arch: "llama", Layers: 2, Hidden: 128, FFN: 384, Heads: 8, KVHeads: 4, HeadDim: 16, Vocab: 2048, Context: 512,
		NormEps: 1e-6, RopeTheta: 10000, RopeDim: 16, Tied: true,
	}, "model.safetensors"},
}

func TestOpen(t *testing.T) {
	for _, m := range models {
		t.Run(filepath.Base(m.path), func(t *testing.T) {
			path := sharedData(t, m.path)
			c := open(t, path)
			if diff := cmp.Diff(m.config, c.Config); diff != "" {
				t.Errorf("Config (-want +got):\n%s", diff)
			}
			if c.Format != m.format {
				t.Errorf("Format = %q, want %q", c.Format, m.format)
			}
			if _, err := tokenizer.New(c.Vocab); err != nil {
				t.Errorf("vocabulary: %v", err)
			}
			data, err := os.ReadFile(filepath.Join(path, m.digest))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			if got, err := c.Digest(context.Background()); err != nil || got != hex.EncodeToString(sum[:]) {
				t.Errorf("Digest = %v, %v, want %x", got, err, sum)
			}
		})
	}
}

// TestConvert checks that writing GGUF and reading it again changes nothing.
func TestConvert(t *testing.T) {
	for _, m := range models {
		t.Run(filepath.Base(m.path), func(t *testing.T) {
			a := open(t, sharedData(t, m.path))
			b := reopen(t, a, nil)
			if diff := cmp.Diff(a.Config, b.Config); diff != "" {
				t.Errorf("Config (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(a.Vocab, b.Vocab); diff != "" {
				t.Errorf("Vocab (-before +after):\n%s", diff)
			}
			if a.Name != b.Name || a.ChatTemplate != b.ChatTemplate {
				t.Errorf("Name %q and template %q became %q and %q", a.Name, a.ChatTemplate, b.Name, b.ChatTemplate)
			}
			if diff := cmp.Diff(a.Tensors(), b.Tensors(), cmp.Comparer(bytes.Equal)); diff != "" {
				t.Errorf("Tensors (-before +after):\n%.2000s", diff)
			}
		})
	}
}

// TestConvertTypes checks which tensors change their type, and that the numbers stay near.
func TestConvertTypes(t *testing.T) {
	a := open(t, sharedData(t, "models/stories260K/stories260K.bin"))
	for _, as := range []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0, quant.Q4_0} {
		t.Run(as.String(), func(t *testing.T) {
			b := reopen(t, a, &as)
			if got := b.MainType(); got != as {
				t.Errorf("MainType() = %v", got)
			}
			for _, x := range a.Tensors() {
				y, _ := b.Tensor(x.Name)
				want := as
				switch {
				case len(x.Shape) == 1:
					want = quant.F32
				case x.Cols()%as.BlockSize() != 0: // ffn_down has 172 columns
					want = quant.F16
				}
				if y.Type != want {
					t.Errorf("%s is %v, want %v", x.Name, y.Type, want)
				}
				checkNear(t, x, y)
			}
		})
	}
}

// checkNear compares the numbers of two tensors with what rounding to y's type allows.
func checkNear(t *testing.T, x, y checkpoint.Tensor) {
	t.Helper()
	a, err := x.Floats()
	if err != nil {
		t.Fatal(err)
	}
	b, err := y.Floats()
	if err != nil {
		t.Fatal(err)
	}
	// Half a step, relative to the largest number of the block: 2^-11, 2^-8, 1/254, and 1/8 for
	// Q4_0, whose short side is a whole step short; 2^-11 more for the rounding of scales.
	step := map[quant.Type]float32{quant.F32: 0, quant.F16: 0x1p-11, quant.BF16: 0x1p-8, quant.Q8_0: 1./254 + 0x1p-11, quant.Q4_0: 1./8 + 0x1p-11}[y.Type]
	block := y.Type.BlockSize()
	for i := 0; i < len(a); i += block {
		hi := slices.Max(a[i : i+block])
		lo := slices.Min(a[i : i+block])
		limit := max(hi, -lo)*step + 0x1p-25 // half of the least number of F16
		for k := i; k < i+block; k++ {
			if d := a[k] - b[k]; d > limit || -d > limit {
				t.Fatalf("%s[%d] = %v as %v, was %v", y.Name, k, b[k], y.Type, a[k])
			}
		}
	}
}
