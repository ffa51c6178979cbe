package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func readShared(t testing.TB, name string) []byte {
	b, err := os.ReadFile(sharedData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTinyStories(t *testing.T) {
	s, err := ParseJSON(readShared(t, "models/tinystories-656k/tokenizer.json"), readShared(t, "models/tinystories-656k/tokenizer_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Model != SentencePiece || len(s.Tokens) != 2048 || s.BOS != 1 || s.EOS != 2 || s.UNK != 0 || !s.AddBOS || s.AddEOS || !s.AddSpacePrefix {
		t.Errorf("Spec: model %q, %d tokens, BOS %d, EOS %d, UNK %d, AddBOS %v, AddEOS %v, AddSpacePrefix %v",
			s.Model, len(s.Tokens), s.BOS, s.EOS, s.UNK, s.AddBOS, s.AddEOS, s.AddSpacePrefix)
	}
	tok := mustNew(t, s)
	for _, text := range []string{
		"Once upon a time, there was a little girl named Lily.",
		"She said, \"I'm not happy!\" and ran   away.\nThe end.",
		" leading", "trailing ", "",
	} {
		if got := tok.Decode(tok.Encode(text, true, false)); got != text {
			t.Errorf("Decode(Encode(%q)) = %q", text, got)
		}
	}
	if got := tok.Encode("x", true, false); got[0] != 1 {
		t.Errorf("Encode with special tokens begins with %d, want 1", got[0])
	}
	// Neighbouring runes outside the vocabulary are one unknown token (fuse_unk).
	if got := tok.Encode("aé中b", false, false); countID(got, 0) != 1 {
		t.Errorf("Encode(\"aé中b\") = %v, want one unknown token", got)
	}
	// The merges applied by rank to the whole text, as Hugging Face's BPE does it.
	rank := make(map[[2]string]int)
	for i, m := range s.Merges {
		l, r, _ := splitMerge(m)
		rank[[2]string{l, r}] = i
	}
	text := "The dog saw the big tree and they were happy, but the cat was not."
	part := strings.Split(strings.ReplaceAll(" "+text, " ", "▁"), "")
	for {
		best, at := len(rank), -1
		for i := 1; i < len(part); i++ {
			if r, ok := rank[[2]string{part[i-1], part[i]}]; ok && r < best {
				best, at = r, i
			}
		}
		if at < 0 {
			break
		}
		part[at-1] += part[at]
		part = slices.Delete(part, at, at+1)
	}
	var want []int32
	for _, p := range part {
		want = append(want, s.Find(p))
	}
	if got := tok.Encode(text, false, false); !slices.Equal(got, want) {
		t.Errorf("Encode(%q)\n got %v\nwant %v", text, got, want)
	}
}

func countID(ids []int32, id int32) (n int) {
	for _, x := range ids {
		if x == id {
			n++
		}
	}
	return n
}

// toJSON writes a byte-level Spec as a tokenizer.json.
func toJSON(t testing.TB, s Spec, pre any, pairs bool) []byte {
	vocab := make(map[string]int)
	var added []map[string]any
	for i, text := range s.Tokens {
		if typ := s.Type(int32(i)); typ == Normal {
			vocab[text] = i
		} else {
			added = append(added, map[string]any{"id": i, "content": text, "special": typ == Control})
		}
	}
	var merges any = s.Merges
	if pairs {
		var list [][]string
		for _, m := range s.Merges {
			list = append(list, strings.SplitN(m, " ", 2))
		}
		merges = list
	}
	b, err := json.Marshal(map[string]any{
		"added_tokens":  added,
		"normalizer":    map[string]any{"type": "NFC"},
		"pre_tokenizer": pre,
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type obj = map[string]any

func splitStep(pattern string) obj {
	return obj{"type": "Split", "pattern": obj{"Regex": pattern}, "behavior": "Isolated", "invert": false}
}

func byteLevelStep(regex bool) obj {
	return obj{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex}
}

func sequence(steps ...obj) obj { return obj{"type": "Sequence", "pretokenizers": steps} }

func TestParsePretokenizers(t *testing.T) {
	s := tinySpec(t)
	for _, tt := range []struct {
		name string
		pre  obj
		want string
	}{
		{"gpt-2", byteLevelStep(true), "gpt-2"},
		{"gpt-2 without the type's default", obj{"type": "ByteLevel", "add_prefix_space": false}, "gpt-2"},
		{"llama 3", sequence(splitStep(patLlama3), byteLevelStep(false)), "llama-bpe"},
		{"qwen 2", sequence(splitStep(patQwen2), byteLevelStep(false)), "qwen2"},
		{"gpt-4o", sequence(splitStep(patGPT4o), byteLevelStep(false)), "gpt-4o"},
		{"digits, then gpt-2", sequence(obj{"type": "Digits", "individual_digits": true}, byteLevelStep(true)), "starcoder"},
		{"deepseek v3", sequence(splitStep(`\p{N}{1,3}`), splitStep("[一-龥\u3040-ゟ゠-ヿ]+"), splitStep(patDeepSeek3), byteLevelStep(false)), "deepseek-v3"},
		{"unknown pattern", sequence(splitStep(`\w+`), byteLevelStep(false)), `regex:["\\w+"]`},
		{"literal text", sequence(obj{"type": "Split", "pattern": obj{"String": "a.b"}, "behavior": "Isolated"}, byteLevelStep(false)), `regex:["a\\.b"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pairs := range []bool{false, true} {
				got, err := ParseJSON(toJSON(t, s, tt.pre, pairs), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got.Pre != tt.want || got.Model != ByteLevel || !got.NFC {
					t.Errorf("Pre %q, Model %q, NFC %v; want %q, %q, true", got.Pre, got.Model, got.NFC, tt.want, ByteLevel)
				}
				if !slices.Equal(got.Tokens, s.Tokens) || !slices.Equal(got.Types, s.Types) || !slices.Equal(got.Merges, s.Merges) {
					t.Errorf("tokens, types or merges differ from those written")
				}
				mustNew(t, got)
			}
		})
	}
}

func TestParseConfigAndTemplate(t *testing.T) {
	s := tinySpec(t)
	var file obj
	if err := json.Unmarshal(toJSON(t, s, byteLevelStep(true), false), &file); err != nil {
		t.Fatal(err)
	}
	config := []byte(`{"bos_token": {"content": "<|a|>"}, "eos_token": "<|end|>", "pad_token": null, "add_bos_token": true}`)
	marshal := func() []byte {
		b, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	got, err := ParseJSON(marshal(), config)
	if err != nil {
		t.Fatal(err)
	}
	if got.BOS != s.Find("<|a|>") || got.EOS != s.Find("<|end|>") || got.PAD != -1 || !got.AddBOS || got.AddEOS {
		t.Errorf("from the configuration: BOS %d, EOS %d, PAD %d, AddBOS %v, AddEOS %v", got.BOS, got.EOS, got.PAD, got.AddBOS, got.AddEOS)
	}
	end := s.Find("<|end|>")
	file["post_processor"] = obj{"type": "Sequence", "processors": []obj{{"type": "ByteLevel"}, {
		"type":           "TemplateProcessing",
		"single":         []obj{{"Sequence": obj{"id": "A"}}, {"SpecialToken": obj{"id": "E"}}},
		"special_tokens": obj{"E": obj{"ids": []int32{end}}},
	}}}
	if got, err = ParseJSON(marshal(), config); err != nil {
		t.Fatal(err)
	}
	if got.AddBOS || !got.AddEOS || got.EOS != end {
		t.Errorf("with a template: AddBOS %v, AddEOS %v, EOS %d; the template adds only the end", got.AddBOS, got.AddEOS, got.EOS)
	}
	if _, err = ParseJSON(marshal(), []byte(`{"eos_token": "nobody"}`)); err != nil {
		t.Errorf("an end token that the template overrules: %v", err)
	}
	if _, err = ParseJSON(marshal(), []byte(`{"bos_token": "nobody"}`)); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a token outside the vocabulary: %v", err)
	}
}

func TestParseRefusals(t *testing.T) {
	const vocab = `"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]`
	const level = `"pre_tokenizer": {"type": "ByteLevel"}`
	for _, tt := range []struct {
		name, file  string
		unsupported bool
		want        string
	}{
		{"not JSON", `{`, false, "tokenizer.json"},
		{"word pieces", `{"model": {"type": "WordPiece", "vocab": {}}}`, true, "WordPiece"},
		{"unigram", `{"model": {"type": "Unigram", "vocab": [["a", 0]]}}`, true, "Unigram"},
		{"no model", `{}`, true, "model.type"},
		{"no merges", `{` + level + `, "model": {"type": "BPE", "vocab": {"a": 0}}}`, false, "model.merges"},
		{"no pre-tokenizer", `{"model": {"type": "BPE", ` + vocab + `}}`, true, "neither"},
		{"normalizer", `{"normalizer": {"type": "Lowercase"}, ` + level + `, "model": {"type": "BPE", ` + vocab + `}}`, true, "Lowercase"},
		{"pre-tokenizer", `{"pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "BPE", ` + vocab + `}}`, true, "Whitespace"},
		{"post-processor", `{"post_processor": {"type": "BertProcessing"}, ` + level + `, "model": {"type": "BPE", ` + vocab + `}}`, true, "BertProcessing"},
		{"prefix", `{` + level + `, "model": {"type": "BPE", "continuing_subword_prefix": "##", ` + vocab + `}}`, true, "##"},
		{"absurd id", `{` + level + `, "model": {"type": "BPE", "vocab": {"a": 2000000000}, "merges": []}}`, false, "2000000000"},
		{"negative id", `{` + level + `, "model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}`, false, "-1"},
		{"two of an id", `{"added_tokens": [{"id": 0, "content": "x"}], ` + level + `, "model": {"type": "BPE", ` + vocab + `}}`, false, "id 0"},
		{"unknown token missing", `{` + level + `, "model": {"type": "BPE", "unk_token": "?", ` + vocab + `}}`, false, "unk_token"},
		{"merge of three", `{` + level + `, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b", "c"]]}}`, false, "merges[0]"},
		{"nested without end", `{"normalizer": ` + strings.Repeat(`{"type": "Sequence", "normalizers": [`, 500) + strings.Repeat(`]}`, 500) + `, ` + level + `, "model": {"type": "BPE", ` + vocab + `}}`, false, "normalizer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseJSON([]byte(tt.file), nil)
			if !errors.Is(err, ErrSpec) || errors.Is(err, ErrUnsupported) != tt.unsupported || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseJSON: %v; want ErrSpec with %q, ErrUnsupported: %v", err, tt.want, tt.unsupported)
			}
		})
	}
}

func FuzzParseJSON(f *testing.F) {
	s := tinySpec(f)
	f.Add(toJSON(f, s, byteLevelStep(true), false), []byte(`{"bos_token": "<|a|>", "add_bos_token": true}`))
	f.Add(toJSON(f, s, sequence(splitStep(`\w+|\s`), byteLevelStep(false)), true), []byte(nil))
	f.Add([]byte(`{"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
		"added_tokens": [{"id": 0, "content": "<s>", "special": true, "rstrip": true}],
		"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [0]}}},
		"model": {"type": "BPE", "unk_token": "<s>", "byte_fallback": true, "vocab": {"a": 1, "▁": 2, "▁a": 3, "<0x41>": 4}, "merges": ["▁ a"]}}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, file, config []byte) {
		if bytes.Contains(file, []byte("Regex")) && len(file) > 1<<12 {
			t.Skip("patterns from a file may take seconds each, which is bounded but slow here")
		}
		spec, err := ParseJSON(file, config)
		if err != nil {
			if !errors.Is(err, ErrSpec) {
				t.Errorf("error %v does not wrap ErrSpec", err)
			}
			return
		}
		tok, err := New(spec)
		if err != nil {
			return
		}
		for _, id := range tok.Encode("the cat, 12 \u2028é中\xff <s>a  b", true, true) {
			if id < 0 || int(id) >= tok.Size() {
				t.Errorf("Encode gave id %d of %d", id, tok.Size())
			}
		}
	})
}
