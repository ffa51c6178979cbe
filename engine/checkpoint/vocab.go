package checkpoint

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// The metadata keys of vocabularies (ggml's docs/gguf.md and gguf-py/gguf/constants.py).
const (
	keyModel          = "tokenizer.ggml.model"
	keyPre            = "tokenizer.ggml.pre"
	keyTokens         = "tokenizer.ggml.tokens"
	keyScores         = "tokenizer.ggml.scores"
	keyTokenType      = "tokenizer.ggml.token_type"
	keyMerges         = "tokenizer.ggml.merges"
	keyAddBOS         = "tokenizer.ggml.add_bos_token"
	keyAddEOS         = "tokenizer.ggml.add_eos_token"
	keyAddSpacePrefix = "tokenizer.ggml.add_space_prefix"
	keyChatTemplate   = "tokenizer.chat_template"
	keyNFC            = "assay.tokenizer.nfc" // our own: GGUF has no key for it
)

// ErrVocab is returned for a vocabulary that is incomplete or does not fit the model.
var ErrVocab = errors.New("unusable vocabulary")

// specials are the tokens with a key of their own.
func specials(s *tokenizer.Spec) []struct {
	key string
	id  *int32
} {
	return []struct {
		key string
		id  *int32
	}{
		{"tokenizer.ggml.bos_token_id", &s.BOS},
		{"tokenizer.ggml.eos_token_id", &s.EOS},
		{"tokenizer.ggml.eot_token_id", &s.EOT},
		{"tokenizer.ggml.unknown_token_id", &s.UNK},
		{"tokenizer.ggml.padding_token_id", &s.PAD},
	}
}

// VocabFromGGUF reads the vocabulary out of a file's metadata. A file that has none gives a Spec
// without tokens. Where a key is absent, the value is the one llama.cpp assumes
// (src/llama-vocab.cpp). Errors wrap ErrVocab or gguf.ErrValueType and name the key.
func VocabFromGGUF(f *gguf.File) (tokenizer.Spec, error) {
	s := tokenizer.Spec{BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
	if _, ok := f.Lookup(keyModel); !ok {
		return s, nil
	}
	var err error
	if s.Model, err = f.String(keyModel); err != nil {
		return s, err
	}
	if s.Tokens, err = f.Strings(keyTokens); err != nil {
		return s, err
	}
	if s.Pre, err = f.String(keyPre); err != nil && !errors.Is(err, gguf.ErrNoKey) {
		return s, err
	}
	if s.Scores, err = f.Floats(keyScores); err != nil && !errors.Is(err, gguf.ErrNoKey) {
		return s, err
	}
	if s.Merges, err = f.Strings(keyMerges); err != nil && !errors.Is(err, gguf.ErrNoKey) {
		return s, err
	}
	types, err := f.Ints(keyTokenType)
	if err != nil && !errors.Is(err, gguf.ErrNoKey) {
		return s, err
	}
	for i, t := range types {
		// llama.cpp treats what it does not know (0 occurs) as a normal token.
		if t < int64(tokenizer.Normal) || t > int64(tokenizer.Byte) {
			t = int64(tokenizer.Normal)
		}
		if i == 0 {
			s.Types = make([]tokenizer.TokenType, len(types))
		}
		s.Types[i] = tokenizer.TokenType(t)
	}
	for _, l := range []struct {
		key string
		n   int
	}{{keyScores, len(s.Scores)}, {keyTokenType, len(s.Types)}} {
		if l.n != 0 && l.n != len(s.Tokens) {
			return s, fmt.Errorf("%q has %d entries for %d tokens: %w", l.key, l.n, len(s.Tokens), ErrVocab)
		}
	}

	if s.Model == tokenizer.SentencePiece {
		s.BOS, s.EOS, s.UNK = 1, 2, 0
		s.AddBOS, s.AddSpacePrefix = true, true
	} else if s.Pre == "llama-bpe" || s.Pre == "llama3" || s.Pre == "llama-v3" {
		s.AddBOS = true
	}
	for _, special := range specials(&s) {
		n, err := f.Int(special.key)
		switch {
		case errors.Is(err, gguf.ErrNoKey):
			if int(*special.id) >= len(s.Tokens) {
				*special.id = -1 // the assumed value, in a very small vocabulary
			}
		case err != nil:
			return s, err
		case n == -1 || n == 1<<32-1: // -1 as a signed or an unsigned number: none
			*special.id = -1
		case n < 0 || n >= int64(len(s.Tokens)):
			return s, fmt.Errorf("%q is %d of %d tokens: %w", special.key, n, len(s.Tokens), ErrVocab)
		default:
			*special.id = int32(n)
		}
	}
	for _, flag := range []struct {
		key string
		on  *bool
	}{{keyAddBOS, &s.AddBOS}, {keyAddEOS, &s.AddEOS}, {keyAddSpacePrefix, &s.AddSpacePrefix}, {keyNFC, &s.NFC}} {
		on, err := f.Bool(flag.key)
		if err == nil {
			*flag.on = on
		} else if !errors.Is(err, gguf.ErrNoKey) {
			return s, err
		}
	}
	return s, nil
}

// VocabToGGUF is the opposite of VocabFromGGUF; a Spec without tokens gives no pairs.
func VocabToGGUF(s tokenizer.Spec) []gguf.KV {
	if len(s.Tokens) == 0 {
		return nil
	}
	kv := []gguf.KV{{Key: keyModel, Value: s.Model}}
	if s.Pre != "" {
		kv = append(kv, gguf.KV{Key: keyPre, Value: s.Pre})
	}
	kv = append(kv, gguf.KV{Key: keyTokens, Value: s.Tokens})
	if len(s.Scores) > 0 {
		kv = append(kv, gguf.KV{Key: keyScores, Value: s.Scores})
	}
	types := make([]int32, len(s.Tokens))
	for i := range types {
		types[i] = int32(s.Type(int32(i)))
	}
	kv = append(kv, gguf.KV{Key: keyTokenType, Value: types})
	if len(s.Merges) > 0 {
		kv = append(kv, gguf.KV{Key: keyMerges, Value: s.Merges})
	}
	for _, special := range specials(&s) {
		if *special.id >= 0 {
			kv = append(kv, gguf.KV{Key: special.key, Value: uint32(*special.id)})
		}
	}
	kv = append(kv,
		gguf.KV{Key: keyAddBOS, Value: s.AddBOS},
		gguf.KV{Key: keyAddEOS, Value: s.AddEOS},
		gguf.KV{Key: keyAddSpacePrefix, Value: s.AddSpacePrefix})
	if s.NFC {
		kv = append(kv, gguf.KV{Key: keyNFC, Value: true})
	}
	return kv
}

// padVocab gives every row of the embedding a token: rows that the vocabulary does not reach are
// padding of the matrix, and become unused tokens named as llama.cpp's converter names them.
// A model without a vocabulary stays so.
func padVocab(s *tokenizer.Spec, rows int) error {
	n := len(s.Tokens)
	if n == 0 {
		*s = tokenizer.Spec{BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
		return nil
	}
	if n > rows {
		return fmt.Errorf("%d tokens for %d rows of the embedding: %w", n, rows, ErrVocab)
	}
	if n == rows {
		return nil
	}
	tokens := append(make([]string, 0, rows), s.Tokens...)
	types := make([]tokenizer.TokenType, rows)
	var scores []float32
	if len(s.Scores) > 0 {
		scores = append(make([]float32, 0, rows), s.Scores...)
	}
	for i := range types {
		if i < n {
			types[i] = s.Type(int32(i))
			continue
		}
		types[i] = tokenizer.Unused
		tokens = append(tokens, fmt.Sprintf("[PAD%d]", i))
		if scores != nil {
			scores = append(scores, -1000) // as llama.cpp's converter scores padding
		}
	}
	s.Tokens, s.Types, s.Scores = tokens, types, scores
	return nil
}

// spaceMark stands for a space in SentencePiece vocabularies.
const spaceMark = "▁"

func markSpaces(piece string) string { return strings.ReplaceAll(piece, " ", spaceMark) }
