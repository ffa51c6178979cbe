package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// jsonStep is a normalizer, pre-tokenizer or post-processor; which fields count depends on Type.
type jsonStep struct {
	Type          string      `json:"type"`
	Normalizers   []*jsonStep `json:"normalizers"`
	Pretokenizers []*jsonStep `json:"pretokenizers"`
	Processors    []*jsonStep `json:"processors"`
	Prepend       string      `json:"prepend"`
	Content       string      `json:"content"`
	Pattern       struct {
		String *string
		Regex  *string
	} `json:"pattern"`
	Behavior       string                  `json:"behavior"`
	Invert         bool                    `json:"invert"`
	Individual     bool                    `json:"individual_digits"`
	AddPrefixSpace *bool                   `json:"add_prefix_space"`
	UseRegex       *bool                   `json:"use_regex"`
	Replacement    string                  `json:"replacement"`
	PrependScheme  string                  `json:"prepend_scheme"`
	Split          *bool                   `json:"split"`
	Single         []jsonTemplatePart      `json:"single"`
	SpecialTokens  map[string]jsonTemplate `json:"special_tokens"`
}

type jsonTemplatePart struct {
	SpecialToken *struct {
		ID string `json:"id"`
	}
	Sequence *struct {
		ID string `json:"id"`
	}
}

type jsonTemplate struct {
	IDs []int32 `json:"ids"`
}

// maxSteps bounds sequences inside sequences.
const maxSteps = 64

// flatten turns nested sequences into a list.
func (s *jsonStep) flatten(key string) ([]*jsonStep, error) {
	var list []*jsonStep
	var add func(s *jsonStep, depth int) error
	add = func(s *jsonStep, depth int) error {
		if s == nil {
			return nil
		}
		if s.Type != "Sequence" {
			list = append(list, s)
		}
		if depth > maxSteps || len(list) > maxSteps {
			return fmt.Errorf("%s: more than %d steps", key, maxSteps)
		}
		if s.Type == "Sequence" {
			for _, sub := range slices.Concat(s.Normalizers, s.Pretokenizers, s.Processors) {
				if err := add(sub, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := add(s, 0)
	return list, err
}

func (f *jsonFile) normalizer(s *Spec) error {
	steps, err := f.Normalizer.flatten("normalizer")
	if err != nil {
		return err
	}
	for _, n := range steps {
		switch {
		case n.Type == "NFC":
			s.NFC = true
		case n.Type == "Prepend" && n.Prepend == string(metaspace):
			s.AddSpacePrefix = true
		case n.Type == "Replace" && n.Pattern.String != nil && *n.Pattern.String == " " && n.Content == string(metaspace):
			f.metaspace = true
		default:
			return unsupported("normalizer %q", n.Type)
		}
	}
	return nil
}

func (f *jsonFile) preTokenizer(s *Spec) error {
	steps, err := f.PreTokenizer.flatten("pre_tokenizer")
	if err != nil {
		return err
	}
	var patterns []string
	byteLevel := false
	for _, p := range steps {
		if byteLevel {
			// It would see the bytes' stand-ins instead of text.
			return unsupported("pre_tokenizer %q after ByteLevel", p.Type)
		}
		switch p.Type {
		case "ByteLevel":
			byteLevel = true
			s.AddSpacePrefix = p.AddPrefixSpace == nil || *p.AddPrefixSpace
			if p.UseRegex == nil || *p.UseRegex {
				patterns = append(patterns, patGPT2)
			}
		case "Split":
			pattern, err := p.split()
			if err != nil {
				return err
			}
			patterns = append(patterns, pattern)
		case "Digits":
			patterns = append(patterns, map[bool]string{true: `\p{N}`, false: `\p{N}+`}[p.Individual])
		case "Punctuation":
			pattern := "[\\p{P}\\$\\+<=>\\^~\\|`]"
			switch p.Behavior {
			case "Contiguous":
				pattern += "+"
			case "Isolated", "":
			default:
				return unsupported("pre_tokenizer Punctuation with behavior %q", p.Behavior)
			}
			patterns = append(patterns, pattern)
		case "Metaspace":
			if p.Replacement != string(metaspace) || p.Split == nil || *p.Split {
				return unsupported("pre_tokenizer Metaspace with replacement %q that splits", p.Replacement)
			}
			f.metaspace = true
			s.PrefixOnce = p.PrependScheme == "first"
			s.AddSpacePrefix = p.PrependScheme != "never"
		default:
			return unsupported("pre_tokenizer %q", p.Type)
		}
	}
	switch {
	case f.metaspace && (byteLevel || len(patterns) > 0):
		return unsupported("spaces as ▁ together with pre_tokenizer %q", f.PreTokenizer.Type)
	case f.metaspace:
		s.Model, s.Pre = SentencePiece, "default"
	case byteLevel:
		s.Model = ByteLevel
		s.Pre, err = preName(patterns)
	default:
		return unsupported("a vocabulary that is neither byte-level nor writes spaces as ▁")
	}
	return err
}

// split returns the pattern of a Split step.
func (p *jsonStep) split() (string, error) {
	// Removed with invert keeps the matches, and every published pattern matches all of a text.
	if !(p.Behavior == "Isolated" || p.Behavior == "Removed" && p.Invert) {
		return "", unsupported("pre_tokenizer Split with behavior %q", p.Behavior)
	}
	switch {
	case p.Pattern.Regex != nil && *p.Pattern.Regex != "":
		return *p.Pattern.Regex, nil
	case p.Pattern.String != nil && *p.Pattern.String != "":
		return escapePattern(*p.Pattern.String), nil
	}
	return "", errors.New("pre_tokenizer Split without a pattern")
}

// escapePattern writes a text as the pattern that matches it.
func escapePattern(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`\*+?|{}[]()^$.# `, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// preName finds the name of a known list of patterns; another list becomes a Pre that carries it.
func preName(patterns []string) (string, error) {
	for i, p := range patterns {
		patterns[i] = strings.TrimSuffix(p, "|\\s+")
	}
	for _, known := range pretokenizers() {
		if slices.EqualFunc(known.patterns, patterns, func(k, p string) bool { return strings.TrimSuffix(k, "|\\s+") == p }) {
			return known.names[0], nil
		}
	}
	list, err := json.Marshal(patterns)
	if err != nil {
		return "", err
	}
	return regexPre + string(list), nil
}

func (f *jsonFile) postProcessor(s *Spec) error {
	steps, err := f.PostProcessor.flatten("post_processor")
	if err != nil {
		return err
	}
	for _, p := range steps {
		switch p.Type {
		case "ByteLevel": // trims offsets only
		case "TemplateProcessing":
			f.templated = true
			if err := p.template(s); err != nil {
				return err
			}
		default:
			return unsupported("post_processor %q", p.Type)
		}
	}
	return nil
}

// template reads which tokens stand before and after a text.
func (p *jsonStep) template(s *Spec) error {
	after := false
	for _, part := range p.Single {
		if part.Sequence != nil {
			after = true
		}
		if part.SpecialToken == nil {
			continue
		}
		name := part.SpecialToken.ID
		ids := p.SpecialTokens[name].IDs
		if len(ids) != 1 || ids[0] < 0 || int(ids[0]) >= len(s.Tokens) {
			return fmt.Errorf("post_processor: special token %.40q has ids %v", name, ids)
		}
		switch {
		case !after && !s.AddBOS:
			s.BOS, s.AddBOS = ids[0], true
		case after && !s.AddEOS:
			s.EOS, s.AddEOS = ids[0], true
		default:
			return unsupported("post_processor that adds more than one token on a side")
		}
	}
	return nil
}

// readConfig takes the special tokens from tokenizer_config.json.
func readConfig(s *Spec, configJSON []byte, templated bool) error {
	var c struct {
		BOS    json.RawMessage `json:"bos_token"`
		EOS    json.RawMessage `json:"eos_token"`
		UNK    json.RawMessage `json:"unk_token"`
		PAD    json.RawMessage `json:"pad_token"`
		AddBOS *bool           `json:"add_bos_token"`
		AddEOS *bool           `json:"add_eos_token"`
	}
	if err := json.Unmarshal(configJSON, &c); err != nil {
		return err
	}
	for _, tok := range []struct {
		key   string
		value json.RawMessage
		id    *int32
	}{{"bos_token", c.BOS, &s.BOS}, {"eos_token", c.EOS, &s.EOS}, {"unk_token", c.UNK, &s.UNK}, {"pad_token", c.PAD, &s.PAD}} {
		name, err := tokenName(tok.value)
		if err != nil {
			return fmt.Errorf("%s: %w", tok.key, err)
		}
		if name == "" || *tok.id >= 0 && tok.key != "pad_token" {
			continue // what tokenizer.json says itself goes first
		}
		if *tok.id = s.Find(name); *tok.id < 0 {
			return fmt.Errorf("%s %.40q is not in the vocabulary", tok.key, name)
		}
	}
	if !templated {
		s.AddBOS = c.AddBOS != nil && *c.AddBOS && s.BOS >= 0
		s.AddEOS = c.AddEOS != nil && *c.AddEOS && s.EOS >= 0
	}
	return nil
}

// tokenName reads null, "name" or {"content": "name"}.
func tokenName(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var name string
	if raw[0] == '"' {
		return name, json.Unmarshal(raw, &name)
	}
	var object struct {
		Content string `json:"content"`
	}
	err := json.Unmarshal(raw, &object)
	return object.Content, err
}
