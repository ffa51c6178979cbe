package reference

import (
	"fmt"

	"github.com/tokenassay/assay/engine/reference/train"
)

// Recipe is how a reference model is made: everything but the corpus, its tokens and the seed.
func Recipe(name string) (train.Options, error) {
	schedule := train.Schedule{Peak: 0.0025, Warmup: 100}
	shape := train.Shape{Vocab: Vocabulary, Context: 1024, NormEps: 1e-5, RopeTheta: 10000}
	switch name {
	case Tiny:
		shape.Layers, shape.Hidden, shape.FFN = 3, 64, 192
		shape.Heads, shape.KVHeads, shape.HeadDim = 4, 2, 16
		schedule.Steps, schedule.Decay = 4200, 1000
	case Small:
		shape.Layers, shape.Hidden, shape.FFN = 4, 128, 448
		shape.Heads, shape.KVHeads, shape.HeadDim = 4, 2, 32
		schedule.Steps, schedule.Decay = 6000, 1500
	default:
		return train.Options{}, fmt.Errorf("reference model %q: there are %q", name, Names())
	}
	return train.Options{
		Shape:    shape,
		Schedule: schedule,
		Shards:   4, ShardTokens: 1024, MaxTokens: 512,
		AdamShare: 1.2, // 3e-3, the rate of the embedding and the norms
	}, nil
}
