package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrUnsupported is wrapped, together with ErrSpec, where a tokenizer.json asks for something
// that would need code that is not here: another model type, normalizer or pre-tokenizer.
var ErrUnsupported = errors.New("not supported")

// ParseJSON reads Hugging Face's tokenizer.json and, where it is not nil, tokenizer_config.json,
// which names the special tokens. BPE is supported, byte-level and SentencePiece-like; other
// kinds (WordPiece, Unigram) are refused. Errors wrap ErrSpec and name the key at fault.
func ParseJSON(tokenizerJSON, configJSON []byte) (Spec, error) {
	var f jsonFile
	if err := json.Unmarshal(tokenizerJSON, &f); err != nil {
		return Spec{}, fmt.Errorf("%w: tokenizer.json: %w", ErrSpec, err)
	}
	s := Spec{BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
	for _, step := range []func(*Spec) error{f.model, f.normalizer, f.preTokenizer, f.tokens, f.merges, f.postProcessor} {
		if err := step(&s); err != nil {
			return Spec{}, fmt.Errorf("%w: tokenizer.json: %w", ErrSpec, err)
		}
	}
	if configJSON != nil {
		if err := readConfig(&s, configJSON, f.templated); err != nil {
			return Spec{}, fmt.Errorf("%w: tokenizer_config.json: %w", ErrSpec, err)
		}
	}
	if s.Model == SentencePiece {
		s.Scores = mergeScores(&s)
	}
	return s, s.check()
}

// jsonFile is the part of tokenizer.json that matters.
type jsonFile struct {
	AddedTokens   []jsonAdded `json:"added_tokens"`
	Normalizer    *jsonStep   `json:"normalizer"`
	PreTokenizer  *jsonStep   `json:"pre_tokenizer"`
	PostProcessor *jsonStep   `json:"post_processor"`
	Model         struct {
		Type         string          `json:"type"`
		Vocab        json.RawMessage `json:"vocab"`
		Merges       json.RawMessage `json:"merges"`
		Unk          *string         `json:"unk_token"`
		Prefix       *string         `json:"continuing_subword_prefix"`
		Suffix       *string         `json:"end_of_word_suffix"`
		ByteFallback bool            `json:"byte_fallback"`
		IgnoreMerges bool            `json:"ignore_merges"`
	} `json:"model"`

	metaspace bool // the normalizer or pre-tokenizer writes spaces as ▁
	templated bool // the post-processor says which tokens are added
}

type jsonAdded struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Special    bool   `json:"special"`
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func (f *jsonFile) model(s *Spec) error {
	m := &f.Model
	switch {
	case m.Type != "BPE" && !(m.Type == "" && len(m.Merges) > 0):
		return unsupported("model.type %q; BPE is", m.Type)
	case m.Prefix != nil && *m.Prefix != "":
		return unsupported("model.continuing_subword_prefix %q", *m.Prefix)
	case m.Suffix != nil && *m.Suffix != "":
		return unsupported("model.end_of_word_suffix %q", *m.Suffix)
	}
	s.IgnoreMerges = m.IgnoreMerges
	return nil
}

// tokens fills Tokens and Types from the model's vocabulary and the added tokens.
func (f *jsonFile) tokens(s *Spec) error {
	var vocab map[string]int64
	if err := json.Unmarshal(f.Model.Vocab, &vocab); err != nil {
		return fmt.Errorf("model.vocab: %w", err)
	}
	size := int64(len(vocab) + len(f.AddedTokens))
	place := func(key, text string, id int64) error {
		// Ids may have gaps (models pad their vocabularies), but not be absurd.
		if id < 0 || id > 2*size+1<<16 {
			return fmt.Errorf("%s: token %.40q has id %d among %d tokens", key, text, id, size)
		}
		for int64(len(s.Tokens)) <= id {
			s.Tokens = append(s.Tokens, "")
			s.Types = append(s.Types, Unused)
		}
		if s.Types[id] != Unused && s.Tokens[id] != text {
			return fmt.Errorf("%s: id %d is both %.40q and %.40q", key, id, s.Tokens[id], text)
		}
		s.Tokens[id], s.Types[id] = text, Normal
		return nil
	}
	for text, id := range vocab {
		if err := place("model.vocab", text, id); err != nil {
			return err
		}
	}
	if f.Model.ByteFallback {
		for b := range 256 {
			if id, ok := vocab[byteTokenName(byte(b))]; ok {
				s.Types[id] = Byte
			}
		}
	}
	for _, a := range f.AddedTokens {
		if err := place("added_tokens", a.Content, a.ID); err != nil {
			return err
		}
		if a.SingleWord && !a.Special {
			return unsupported("added_tokens: %.40q with single_word", a.Content)
		}
		s.Types[a.ID] = UserDefined
		if a.Special {
			s.Types[a.ID] = Control
		}
		if a.LStrip {
			s.LStrip = append(s.LStrip, int32(a.ID))
		}
		if a.RStrip {
			s.RStrip = append(s.RStrip, int32(a.ID))
		}
	}
	for id, typ := range s.Types {
		if typ == Unused && s.Tokens[id] == "" {
			s.Tokens[id] = fmt.Sprintf("[unused %d]", id)
		}
	}
	if f.Model.Unk != nil {
		id := s.Find(*f.Model.Unk)
		if id < 0 {
			return fmt.Errorf("model.unk_token %.40q is not in the vocabulary", *f.Model.Unk)
		}
		s.UNK = id
		s.Types[id] = Unknown
	}
	return nil
}

// merges reads both forms of the list: "a b" and ["a", "b"].
func (f *jsonFile) merges(s *Spec) error {
	if len(f.Model.Merges) == 0 {
		return errors.New("model.merges is not there")
	}
	if bytes.HasPrefix(bytes.TrimLeft(f.Model.Merges[1:], " \t\r\n"), []byte("[")) {
		var pairs [][]string
		if err := json.Unmarshal(f.Model.Merges, &pairs); err != nil {
			return fmt.Errorf("model.merges: %w", err)
		}
		for i, p := range pairs {
			if len(p) != 2 || strings.Contains(p[0], " ") || strings.Contains(p[1], " ") {
				return fmt.Errorf("model.merges[%d] is %.80q", i, p)
			}
			s.Merges = append(s.Merges, p[0]+" "+p[1])
		}
		return nil
	}
	if err := json.Unmarshal(f.Model.Merges, &s.Merges); err != nil {
		return fmt.Errorf("model.merges: %w", err)
	}
	return nil
}

// mergeScores derives the scores a SentencePiece vocabulary would have from its merges: the
// token of the r-th merge has score -r, so that going by scores and going by merges agree;
// what no merge makes scores below them all.
func mergeScores(s *Spec) []float32 {
	rank := make(map[string]int, len(s.Merges))
	for i, m := range s.Merges {
		l, r, _ := splitMerge(m)
		if _, ok := rank[l+r]; !ok {
			rank[l+r] = i
		}
	}
	scores := make([]float32, len(s.Tokens))
	for i, text := range s.Tokens {
		r, ok := rank[text]
		if !ok {
			r = len(s.Merges)
		}
		scores[i] = -float32(r)
	}
	return scores
}
