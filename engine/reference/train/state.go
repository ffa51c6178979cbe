package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/quant"
)

// A saved training is a GGUF file: its numbers as metadata, the weights and both moments as
// F32 tensors of one dimension, in the order of params.
const (
	keyFormat  = "assay.train.format"
	keyStep    = "assay.train.step"
	keyTokens  = "assay.train.tokens"
	keyOptions = "assay.train.options"

	stateFormat = 1
)

// identity is what must agree between a saved training and the one that resumes it. The length
// of the schedule is not part of it: see Schedule.
type identity struct {
	Shape        Shape   `json:"shape"`
	Seed         uint64  `json:"seed"`
	BOS          int32   `json:"bos"`
	EOS          int32   `json:"eos"`
	Peak         float64 `json:"peak"`
	Warmup       int     `json:"warmup"`
	Shards       int     `json:"shards"`
	ShardTokens  int     `json:"shard_tokens"`
	MaxTokens    int     `json:"max_tokens"`
	PromptWeight float32 `json:"prompt_weight"`
	AdamShare    float64 `json:"adam_share"`
	Beta1        float64 `json:"beta1"`
	Beta2        float64 `json:"beta2"`
	Epsilon      float64 `json:"epsilon"`
	WeightDecay  float64 `json:"weight_decay"`
	Clip         float64 `json:"clip"`
}

func (o Options) identity() identity {
	return identity{
		o.Shape, o.Seed, o.BOS, o.EOS, o.Schedule.Peak, o.Schedule.Warmup,
		o.Shards, o.ShardTokens, o.MaxTokens, o.PromptWeight,

		o.AdamShare, o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay, o.Clip,
	}
}

// Save writes the training to path. The file appears whole or not at all. The corpus and the
// encoder are not saved: resuming with others is the caller's mistake to avoid.
func (t *Trainer) Save(path string) error {
	options, err := json.Marshal(t.opt.identity())
	if err != nil {
		return fmt.Errorf("training state: %w", err)
	}
	kv := []gguf.KV{
		{Key: keyFormat, Value: uint32(stateFormat)},
		{Key: keyStep, Value: uint64(t.step)},
		{Key: keyTokens, Value: uint64(t.tokens)},
		{Key: keyOptions, Value: string(options)},
	}
	var tensors []gguf.Tensor
	for _, part := range t.parts() {
		data := make([]byte, 4*len(part.values))
		if err := quant.Quantize(quant.F32, data, part.values); err != nil {
			return fmt.Errorf("training state: %s: %w", part.name, err)
		}
		tensors = append(tensors, gguf.Tensor{Name: part.name, Type: quant.F32, Shape: []int{len(part.values)}, Data: data})
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("training state: %w", err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left of that name
	err = gguf.Write(f, kv, tensors)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("training state %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

type part struct {
	name   string
	values []float32
}

func (t *Trainer) parts() []part {
	return []part{{"weights", t.weights.flat}, {"moment.mean", t.mean}, {"moment.square", t.square}}
}

// Load takes the training up where Save left it. The options must be those of the saved
// training, the schedule's length and fall apart. On an error t is as it was.
func (t *Trainer) Load(path string) error {
	f, err := gguf.Open(path)
	if err != nil {
		return fmt.Errorf("training state: %w", err)
	}
	defer f.Close()
	if err := t.load(f); err != nil {
		return fmt.Errorf("training state %s: %w", path, err)
	}
	return nil
}

func (t *Trainer) load(f *gguf.File) error {
	format, err := f.Uint(keyFormat)
	if err != nil {
		return err
	}
	if format != stateFormat {
		return fmt.Errorf("format %d, this version reads %d", format, stateFormat)
	}
	step, err := f.Uint(keyStep)
	if err != nil {
		return err
	}
	tokens, err := f.Uint(keyTokens)
	if err != nil {
		return err
	}
	if step > 1<<40 || tokens > 1<<60 {
		return fmt.Errorf("step %d after %d tokens cannot be", step, tokens)
	}
	text, err := f.String(keyOptions)
	if err != nil {
		return err
	}
	var saved identity
	if err := json.Unmarshal([]byte(text), &saved); err != nil {
		return fmt.Errorf("%s: %w", keyOptions, err)
	}
	if want := t.opt.identity(); saved != want {
		return fmt.Errorf("it was begun with other options:\n saved %+v\n asked %+v", saved, want)
	}
	sources := make([][]byte, 0, 3)
	for _, part := range t.parts() {
		tensor, ok := f.Tensor(part.name)
		if !ok {
			return fmt.Errorf("tensor %q is missing", part.name)
		}
		if tensor.Type != quant.F32 || len(tensor.Data) != 4*len(part.values) {
			return fmt.Errorf("tensor %q: %v of %d bytes, want F32 of %d", part.name, tensor.Type, len(tensor.Data), 4*len(part.values))
		}
		sources = append(sources, tensor.Data)
	}
	for i, part := range t.parts() {
		if err := quant.Dequantize(quant.F32, part.values, sources[i]); err != nil {
			return fmt.Errorf("tensor %q: %w", part.name, err)
		}
	}
	t.step, t.tokens = int(step), int64(tokens)
	return nil
}
