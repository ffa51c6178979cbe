// Package train teaches a llama-architecture model from text, by hand-written forward and
// backward passes in float32.
//
// One optimizer step goes so:
//
//  1. The Corpus gives the step's examples; they are a pure function of the step's number, so
//     the number is all that a resumed training needs to know.
//  2. Examples become token sequences, dealt into shards of a set number of tokens. Sequences
//     lie end to end without padding and never see each other.
//  3. Each shard runs forward and backward on one worker and leaves its gradient in a buffer of
//     its own.
//  4. The shards' gradients are added in the order of the shards and clipped. Muon moves the layers'
//     matrices, AdamW the embedding and the norms.
//
// Caveats: because the order of every sum is fixed by the data and never by the workers, the
// weights are the same bits for any number of workers, and a resumed training gives the bits of an
// uninterrupted one. Another kernel implementation (package kernel's choice by processor) adds
// in another order: its weights differ in the last bits, and training amplifies that.
//
// A Trainer is not safe for concurrent use.
package train
