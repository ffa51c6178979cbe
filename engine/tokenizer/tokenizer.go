// Package tokenizer turns text into a model's tokens and tokens back into text.
//
// Two families of vocabulary are known: byte-level BPE (GPT-2, Llama 3, Qwen, ...) and
// SentencePiece BPE (Llama 2, Mistral, Phi-3, ...). Ids are those of the model's own
// tokenizer, as the reference vectors of llama.cpp record them.
//
//  1. Text is cut at added tokens: user-defined ones always, control tokens on request.
//  2. What lies between is split into words by the family's pre-tokenizer (byte-level), or
//     given a leading space (SentencePiece).
//  3. In each word neighbours are merged, best pair first.
//  4. What is no token falls back to bytes.
//
// Caveats: SentencePiece writes a space as ▁, so a text's own ▁ comes back as a space. Bytes
// that are not UTF-8 become byte tokens, where the vocabulary has them, and are kept; some
// byte-level vocabularies lack a few bytes (Falcon's the vertical tab), which then are lost.
package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Tokenizer encodes and decodes by one vocabulary. It is safe for concurrent use.
type Tokenizer struct {
	spec    Spec
	classes *classes
	pre     pretokenizer
	pairs   *pairs
	pieces  [][]byte // (vocab): the bytes each token stands for
	ends    map[int32]bool
	added   added

	whole   map[string]int32 // words taken whole (IgnoreMerges); nil: none
	bytes   [256]sym         // first sym of a byte: byte-level vocabularies
	ascii   [128]sym         // first sym of a rune: SentencePiece ones
	runes   map[rune]sym
	byteIDs [256]int32 // token of a byte that nothing else says; -1: none
	beyond  [][]byte   // bytes of syms past the vocabulary
	words   bool       // SentencePiece: no token has a space after a non-space, so words merge apart

	encoders sync.Pool // of *encoder
}

// New builds a Tokenizer. The error wraps ErrSpec and says what of spec cannot be used.
func New(spec Spec) (*Tokenizer, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	t := &Tokenizer{spec: spec, classes: unicodeClasses()}
	for i := range t.byteIDs {
		t.byteIDs[i] = -1
	}
	var err error
	if spec.Model == ByteLevel {
		err = t.buildByteLevel()
	} else {
		err = t.buildSentencePiece()
	}
	if err != nil {
		return nil, err
	}
	t.added = newAdded(&t.spec)
	t.ends = endTokens(&t.spec)
	t.encoders.New = func() any { return newEncoder(t) }
	return t, nil
}

// Size returns the number of tokens.
func (t *Tokenizer) Size() int { return len(t.spec.Tokens) }

// Spec returns the vocabulary. Its slices are shared: do not change them.
func (t *Tokenizer) Spec() Spec { return t.spec }

// IsEnd reports whether a model says with this token that its answer is over.
func (t *Tokenizer) IsEnd(id int32) bool { return t.ends[id] }

// Piece returns the bytes token id stands for: a control token's name, a byte token's byte,
// nothing for an id outside the vocabulary. The bytes need not be UTF-8; do not change them.
func (t *Tokenizer) Piece(id int32) []byte {
	if id < 0 || int(id) >= len(t.pieces) {
		return nil
	}
	return t.pieces[id]
}

// Encode returns the tokens of text. addSpecial adds the tokens the model expects at the
// beginning and the end (AddBOS, AddEOS); parseSpecial reads the names of control tokens in
// text as these tokens, which is for text that a chat template made, not for a user's.
func (t *Tokenizer) Encode(text string, addSpecial, parseSpecial bool) []int32 {
	e := t.encoders.Get().(*encoder)
	e.out = e.out[:0]
	if addSpecial && t.spec.AddBOS && t.spec.BOS >= 0 {
		e.out = append(e.out, t.spec.BOS)
	}
	prefix := t.spec.AddSpacePrefix // llama.cpp: at the start, and after every added token
	for text != "" {
		at, n, id := t.added.find(text, parseSpecial)
		before := text[:at]
		text = text[at+n:]
		if n > 0 && slices.Contains(t.spec.LStrip, id) {
			before = strings.TrimRightFunc(before, unicode.IsSpace)
		}
		if before != "" {
			e.text(before, prefix)
			prefix = false
		}
		if n > 0 {
			e.out = append(e.out, id)
			prefix = t.spec.AddSpacePrefix && !t.spec.PrefixOnce
			if slices.Contains(t.spec.RStrip, id) {
				text = strings.TrimLeftFunc(text, unicode.IsSpace)
			}
		}
	}
	if addSpecial && t.spec.AddEOS && t.spec.EOS >= 0 {
		e.out = append(e.out, t.spec.EOS)
	}
	ids := slices.Clone(e.out)
	t.encoders.Put(e)
	return ids
}

// Decode returns the text of ids, without the control tokens and without the space that
// AddSpacePrefix put in front. Bytes that are not UTF-8 become U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	var raw []byte
	for _, id := range ids {
		if t.spec.Type(id) != Control {
			raw = append(raw, t.Piece(id)...)
		}
	}
	text := validUTF8(raw)
	if t.spec.AddSpacePrefix {
		return strings.TrimPrefix(text, " ")
	}
	return text
}

// validUTF8 makes a text of raw, with U+FFFD for each byte that is not UTF-8.
func validUTF8(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return string([]rune(string(raw)))
}

// endNames are the tokens by which well-known chat models end a turn or a text. Files often
// name only one of the two ends; the list is that of llama.cpp's src/llama-vocab.cpp, shortened.
var endNames = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>",
	"<EOT>", "_<EOT>", "<|end_of_text|>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<end_of_utterance>",
}

func endTokens(s *Spec) map[int32]bool {
	ends := make(map[int32]bool)
	for _, id := range []int32{s.EOS, s.EOT} {
		if id >= 0 {
			ends[id] = true
		}
	}
	for i, text := range s.Tokens {
		if typ := s.Type(int32(i)); (typ == Control || typ == UserDefined) && slices.Contains(endNames, text) {
			ends[int32(i)] = true
		}
	}
	return ends
}

// normalize puts text into the form the vocabulary was made for.
func (t *Tokenizer) normalize(text string) string {
	if t.spec.NFC && !norm.NFC.IsNormalString(text) {
		return norm.NFC.String(text)
	}
	return text
}
