package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// TokenType says what kind of entry a token is, by ggml's numbering (tokenizer.ggml.token_type).
type TokenType int32

// The kinds of token, as GGUF numbers them.
const (
	Normal      TokenType = 1
	Unknown     TokenType = 2 // stands for what the vocabulary cannot say
	Control     TokenType = 3 // <s>, <|im_end|>: parsed from text only on request
	UserDefined TokenType = 4 // an added token that always stands for its own text
	Unused      TokenType = 5
	Byte        TokenType = 6 // <0x0A> in SentencePiece vocabularies
)

// The two families of vocabulary, by GGUF's tokenizer.ggml.model.
const (
	ByteLevel     = "gpt2"  // byte-level BPE: merges decide
	SentencePiece = "llama" // SentencePiece BPE: scores (or merges, where there are any) decide
)

// Spec is a vocabulary as files describe it: everything New needs to build a Tokenizer.
// Tokens are written as the file writes them: byte-level vocabularies use GPT-2's stand-in
// runes for bytes ("Ġthe"), SentencePiece ones write a space as ▁.
type Spec struct {
	Model  string      // ByteLevel or SentencePiece
	Pre    string      // pre-tokenizer by GGUF's tokenizer.ggml.pre name, see PreNames; or "regex:" and a JSON list of patterns
	Tokens []string    // (vocab)
	Scores []float32   // (vocab) or empty: log-probabilities; higher merges first
	Types  []TokenType // (vocab) or empty: all Normal
	Merges []string    // "left right", best first

	BOS, EOS, EOT, UNK, PAD int32 // -1: none

	AddBOS, AddEOS bool
	// AddSpacePrefix puts a space before the text and after each control token.
	// Where a file does not say: true for SentencePiece, false for ByteLevel.
	AddSpacePrefix bool
	// PrefixOnce limits AddSpacePrefix to the very beginning of a text.
	PrefixOnce bool
	// LStrip and RStrip are added tokens that take the white space to their left or right with them.
	LStrip, RStrip []int32
	// IgnoreMerges takes a word that is a token whole as that token, whatever the merges say.
	// New sets it for pre-tokenizers that are known to want it ("llama-bpe").
	IgnoreMerges bool
	// NFC normalises text to Unicode form C first. Qwen's tokenizer.json asks for it; GGUF cannot say it.
	NFC bool
}

// ErrSpec is wrapped by every error about a vocabulary that cannot be used.
var ErrSpec = errors.New("unusable vocabulary")

// Find returns the id of the token written as text, or -1.
func (s *Spec) Find(text string) int32 {
	for i, t := range s.Tokens {
		if t == text {
			return int32(i)
		}
	}
	return -1
}

// Type returns the kind of token id; a Spec without Types has Normal tokens only.
func (s *Spec) Type(id int32) TokenType {
	if id >= 0 && int(id) < len(s.Types) {
		return s.Types[id]
	}
	return Normal
}

// check reports what makes the Spec inconsistent in itself.
func (s *Spec) check() error {
	n := len(s.Tokens)
	switch {
	case s.Model != ByteLevel && s.Model != SentencePiece:
		return fmt.Errorf("%w: model %q is neither %q nor %q", ErrSpec, s.Model, ByteLevel, SentencePiece)
	case n == 0:
		return fmt.Errorf("%w: no tokens", ErrSpec)
	case n > math.MaxInt32/2: // ids above the vocabulary are used inside the merger
		return fmt.Errorf("%w: %d tokens", ErrSpec, n)
	case len(s.Scores) != 0 && len(s.Scores) != n:
		return fmt.Errorf("%w: %d scores for %d tokens", ErrSpec, len(s.Scores), n)
	case len(s.Types) != 0 && len(s.Types) != n:
		return fmt.Errorf("%w: %d token types for %d tokens", ErrSpec, len(s.Types), n)
	case s.Model == SentencePiece && len(s.Scores) == 0 && len(s.Merges) == 0:
		return fmt.Errorf("%w: a %q vocabulary needs scores or merges", ErrSpec, SentencePiece)
	}
	for _, id := range slices.Concat(s.LStrip, s.RStrip) {
		if id < 0 || int(id) >= n {
			return fmt.Errorf("%w: LStrip or RStrip names token %d of %d", ErrSpec, id, n)
		}
	}
	for i, x := range s.Scores {
		if math.IsNaN(float64(x)) {
			return fmt.Errorf("%w: score of token %d is not a number", ErrSpec, i)
		}
	}
	for _, id := range []struct {
		name string
		id   int32
	}{{"BOS", s.BOS}, {"EOS", s.EOS}, {"EOT", s.EOT}, {"UNK", s.UNK}, {"PAD", s.PAD}} {
		if id.id < -1 || int(id.id) >= n {
			return fmt.Errorf("%w: %s is token %d of %d", ErrSpec, id.name, id.id, n)
		}
	}
	return nil
}
