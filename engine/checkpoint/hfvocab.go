package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tokenassay/assay/engine/tokenizer"
)

// readVocab fills Vocab and ChatTemplate from the files of a folder.
func (c *Checkpoint) readVocab(dir string, configJSON []byte) error {
	text, err := readFile(dir, tokenizerFile, maxTokenizerBytes)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w: the folder has no %s", dir, ErrVocab, tokenizerFile)
	} else if err != nil {
		return err
	}
	settings, err := readFile(dir, tokenizerConfigFile, maxTokenizerBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if c.Vocab, err = tokenizer.ParseJSON(text, settings); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, tokenizerFile), err)
	}
	generation, err := readFile(dir, generationFile, maxConfigBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	takeSpecials(&c.Vocab, generation)
	takeSpecials(&c.Vocab, configJSON)

	template, err := readFile(dir, templateFile, maxConfigBytes)
	if err == nil {
		c.ChatTemplate = string(template)
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if settings == nil {
		return nil
	}
	if c.ChatTemplate, err = parseTemplate(settings); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, tokenizerConfigFile), err)
	}
	return nil
}

// takeSpecials adds the special tokens that generation_config.json or config.json names and the
// tokenizer's own files do not. Of several ends the first that is new becomes the end of turn.
func takeSpecials(s *tokenizer.Spec, text []byte) {
	var ids struct {
		BOS json.RawMessage `json:"bos_token_id"`
		EOS json.RawMessage `json:"eos_token_id"`
	}
	if json.Unmarshal(text, &ids) != nil {
		return // config.json is checked elsewhere, generation_config.json is optional
	}
	valid := func(id int32) bool { return id >= 0 && int(id) < len(s.Tokens) }
	for _, id := range oneOrMore(ids.BOS) {
		if s.BOS < 0 && valid(id) {
			s.BOS = id
		}
	}
	for _, id := range oneOrMore(ids.EOS) {
		switch {
		case !valid(id):
		case s.EOS < 0:
			s.EOS = id
		case s.EOT < 0 && id != s.EOS:
			s.EOT = id
		}
	}
}

// oneOrMore reads a number or a list of numbers; anything else is none.
func oneOrMore(text json.RawMessage) []int32 {
	var one *int32
	if json.Unmarshal(text, &one) == nil && one != nil {
		return []int32{*one}
	}
	var more []int32
	if json.Unmarshal(text, &more) == nil {
		return more
	}
	return nil
}

// parseTemplate finds the chat template in tokenizer_config.json: a text, or a list of named ones,
// of which "default" is meant, or else the first.
func parseTemplate(text []byte) (string, error) {
	var settings struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		return "", fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if settings.Template == nil {
		return "", nil
	}
	var one string // stays empty for null
	if json.Unmarshal(settings.Template, &one) == nil {
		return one, nil
	}
	var named []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(settings.Template, &named); err != nil {
		return "", fmt.Errorf("%w: chat_template is neither a text nor a list of named ones: %w", ErrConfig, err)
	}
	for _, n := range named {
		if n.Name == "default" {
			return n.Template, nil
		}
	}
	if len(named) > 0 {
		return named[0].Template, nil
	}
	return "", nil
}
