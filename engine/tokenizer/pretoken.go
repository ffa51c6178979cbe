package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// A pretokenizer splits text into the words that merges never cross. Several patterns make
// stages: each splits the pieces of the one before; what a pattern does not match stays
// as a piece of its own.
type pretokenizer struct {
	names    []string // as tokenizer.ggml.pre writes them
	patterns []string // the published ones, in order
	stages   []cut    // the same, by hand; empty: the patterns are run as they are
	whole    bool     // a word that is a token is that token, whatever the merges say

	regexps []*regexp2.Regexp // compiled patterns, where there are no stages
}

// The published patterns, written as tokenizer.json files write them.
// Source: the tokenizer.json of the models named, and llama.cpp's src/llama-vocab.cpp.
const (
	patGPT2      = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`
	patLlama3    = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patQwen2     = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patQwen35    = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patGPT4o     = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patTekken    = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patDeepSeek3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
	patBailing   = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	patSeed      = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`
	patBloom     = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
)

// Character classes of DeepSeek's patterns: cased letters, punctuation, and CJK and Hangul.
var (
	casedLetters = newRuneSet(
		'A', 'Z', 'a', 'z', 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x1BA, 0x1BC, 0x1BF, 0x1C4, 0x293,
		0x295, 0x2AF, 0x370, 0x373, 0x376, 0x377, 0x37B, 0x37D, 0x37F, 0x37F, 0x386, 0x386, 0x388, 0x38A,
		0x38C, 0x38C, 0x38E, 0x3A1, 0x3A3, 0x3F5, 0x3F7, 0x481, 0x48A, 0x52F, 0x531, 0x556, 0x10A0, 0x10C5,
		0x13A0, 0x13F5, 0x13F8, 0x13FD, 0x1C90, 0x1CBA, 0x1CBD, 0x1CBF, 0x1D00, 0x1D2B, 0x1D6B, 0x1D77,
		0x1D79, 0x1D9A, 0x1E00, 0x1F15, 0x1F18, 0x1F1D, 0x1F20, 0x1F45, 0x1F48, 0x1F4D, 0x1F50, 0x1F57,
		0x1F59, 0x1F59, 0x1F5B, 0x1F5B, 0x1F5D, 0x1F5D, 0x1F5F, 0x1F7D, 0x1F80, 0x1FB4, 0x1FB6, 0x1FBC,
		0x1FBE, 0x1FBE, 0x1FC2, 0x1FC4, 0x1FC6, 0x1FCC, 0x1FD0, 0x1FD3, 0x1FD6, 0x1FDB, 0x1FE0, 0x1FEC,
		0x1FF2, 0x1FF4, 0x1FF6, 0x1FFC, 0x2102, 0x2102, 0x2107, 0x2107, 0x210A, 0x2113, 0x2115, 0x2115,
		0x2119, 0x211D, 0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212A, 0x212D, 0x212F, 0x2134,
		0x2139, 0x2139, 0x213C, 0x213F, 0x2145, 0x2149, 0x214E, 0x214E, 0x2183, 0x2184, 0x2C00, 0x2C7B,
		0x2C7E, 0x2CE4, 0x2CEB, 0x2CEE, 0x2CF2, 0x2CF3, 0xA640, 0xA66D, 0xA680, 0xA69B, 0xA722, 0xA76F,
		0xA771, 0xA787, 0xA78B, 0xA78E, 0xAB70, 0xABBF, 0xFB00, 0xFB06, 0xFB13, 0xFB17, 0xFF21, 0xFF3A,
		0xFF41, 0xFF5A, 0x10400, 0x1044F, 0x104B0, 0x104D3, 0x104D8, 0x104FB, 0x10C80, 0x10CB2, 0x10CC0,
		0x10CF2, 0x118A0, 0x118DF, 0x1E900, 0x1E943)
	widePunct = newRuneSet('!', '/', ':', '~', 0x2018, 0x201F, 0x3000, 0x3002, 0xFF01, 0xFF0F, 0xFF1A, 0xFF5E)
	cjkHangul = newRuneSet(0x800, 0x9FA5, 0xAC00, 0xD7FF)
	hanKana   = newRuneSet(0x3040, 0x30FF, 0x4E00, 0x9FA5)
)

// pretokenizers lists the known ones. Names that split alike share an entry.
func pretokenizers() []pretokenizer {
	cjk := "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
	return []pretokenizer{
		{
			names:    []string{"default"},
			patterns: []string{`[\p{P}\$\+<=>\^~\|]+`, patGPT2, `\p{N}+`, `[0-9][0-9][0-9]`},
			stages:   []cut{pieces(punctuation(false)), cutGPT2, pieces(matchNumbers), pieces(matchDigits3)},
		}, {
			names:    []string{"gpt-2", "phi-2", "mpt", "olmo", "jais", "modern-bert", "exaone4", "gigachat"},
			patterns: []string{patGPT2},
			stages:   []cut{cutGPT2},
		}, {
			names:    []string{"llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"},
			patterns: []string{patLlama3},
			stages:   []cut{cutWords(3, letter)},
			whole:    true,
		}, {
			names:    []string{"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"},
			patterns: []string{patLlama3},
			stages:   []cut{cutWords(3, letter)},
		}, {
			names:    []string{"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "grok-2"},
			patterns: []string{patQwen2},
			stages:   []cut{cutWords(1, letter)},
		}, {
			names:    []string{"qwen35"},
			patterns: []string{patQwen35},
			stages:   []cut{cutWords(1, letter|mark)},
		}, {
			names: []string{"deepseek-llm"},
			patterns: []string{"[\r\n]", `\s?[` + casedLetters.pattern() + `]+`,
				"\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", `\s+$`, cjk, `\p{N}+`},
			stages: []cut{pieces(matchLineEnd), pieces(spacedSet(casedLetters)), pieces(spacedSet(widePunct)),
				cutTrailingSpace, pieces(matchSet(cjkHangul)), pieces(matchNumbers)},
		}, {
			names:    []string{"deepseek-coder"},
			patterns: []string{"[\r\n]", `\s?\p{L}+`, `\s?\p{P}+`, cjk, `\p{N}`},
			stages: []cut{pieces(matchLineEnd), pieces(spaced(letter)), pieces(spaced(punct)),
				pieces(matchSet(cjkHangul)), pieces(matchNumber)},
		}, {
			names:    []string{"deepseek-v3", "hunyuan-dense"},
			patterns: []string{`\p{N}{1,3}`, "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", patDeepSeek3},
			stages:   []cut{pieces(matchNumbers3), pieces(matchSet(hanKana)), pieces(matchDeepSeek3)},
		}, {
			names:    []string{"falcon"},
			patterns: []string{"[\\p{P}\\$\\+<=>\\^~\\|`]+", patGPT2, `[0-9][0-9][0-9]`},
			stages:   []cut{pieces(punctuation(true)), cutGPT2, pieces(matchDigits3)},
		}, {
			names:    []string{"starcoder", "smollm", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
			patterns: []string{`\p{N}`, patGPT2},
			stages:   []cut{pieces(matchNumber), cutGPT2},
		}, {
			names:    []string{"gpt-4o", "llama4"},
			patterns: []string{patGPT4o},
			stages:   []cut{cutCased(3, true)},
		}, {
			names:    []string{"tekken"},
			patterns: []string{patTekken},
			stages:   []cut{cutCased(1, false)},
			whole:    true,
		},
		{names: []string{"bailingmoe"}, patterns: []string{patBailing}},
		{names: []string{"seed-coder"}, patterns: []string{patSeed}},
		{names: []string{"bloom", "poro-chat", "gpt3-finnish"}, patterns: []string{patBloom}},
		{names: []string{"viking"}, patterns: []string{patBloom, `\p{N}`}},
	}
}

// PreNames lists the pre-tokenizers New knows, sorted.
func PreNames() []string {
	var names []string
	for _, p := range pretokenizers() {
		names = append(names, p.names...)
	}
	slices.Sort(names)
	return names
}

// regexPre begins a Spec.Pre that holds patterns instead of a name.
const regexPre = "regex:"

// newPretokenizer finds the pre-tokenizer that Spec.Pre names; an empty name is "default",
// as it is for GGUF files from before the key existed.
func newPretokenizer(pre string) (pretokenizer, error) {
	if list, ok := strings.CutPrefix(pre, regexPre); ok {
		var patterns []string
		if err := json.Unmarshal([]byte(list), &patterns); err != nil {
			return pretokenizer{}, fmt.Errorf("%w: pre-tokenizer patterns %.80q: %w", ErrSpec, list, err)
		}
		return compile(pretokenizer{names: []string{pre}, patterns: patterns})
	}
	if pre == "" {
		pre = "default"
	}
	for _, p := range pretokenizers() {
		if slices.Contains(p.names, pre) {
			if len(p.stages) == 0 {
				return compile(p)
			}
			return p, nil
		}
	}
	return pretokenizer{}, fmt.Errorf("%w: unknown pre-tokenizer %q; known are %s", ErrSpec, pre, strings.Join(PreNames(), ", "))
}

// patternTime bounds one search with a pattern from a file, which may backtrack for ever.
const patternTime = 2 * time.Second

// compile runs the patterns themselves.
func compile(p pretokenizer) (pretokenizer, error) {
	for _, pattern := range p.patterns {
		if len(pattern) > 1<<16 {
			return p, fmt.Errorf("%w: a pre-tokenizer pattern of %d bytes", ErrSpec, len(pattern))
		}
		if err := foreign(pattern); err != nil {
			return p, fmt.Errorf("%w: pre-tokenizer pattern %.80q: %w", ErrSpec, pattern, err)
		}
		re, err := regexp2.Compile(pattern)
		if err != nil {
			return p, fmt.Errorf("%w: pre-tokenizer pattern %.80q: %w", ErrSpec, pattern, err)
		}
		re.MatchTimeout = patternTime
		p.regexps = append(p.regexps, re)
	}
	return p, nil
}

// foreign reports syntax that means something else to Oniguruma, for which tokenizer.json
// files are written, than to the engine here, and would compile all the same.
func foreign(pattern string) error {
	depth := false // inside a character class
	for i := 0; i < len(pattern); i++ {
		switch b := pattern[i]; {
		case b == '\\':
			i++
		case !depth:
			if b == '[' {
				depth = true
				if strings.HasPrefix(pattern[i+1:], "^") {
					i++
				}
				if strings.HasPrefix(pattern[i+1:], "]") {
					i++
				}
			}
		case b == ']':
			depth = false
		case b == '[':
			return fmt.Errorf("a character class inside another, at byte %d, is not supported", i)
		case b == '&' && strings.HasPrefix(pattern[i+1:], "&"):
			return fmt.Errorf("an intersection of character classes, at byte %d, is not supported", i)
		}
	}
	return nil
}

// split calls word with each word of s, in order; together they are s.
func (p *pretokenizer) split(c *classes, s string, word func(string)) {
	if len(p.stages) > 0 {
		splitCuts(c, p.stages, s, word)
	} else {
		splitRegexps(p.regexps, s, word)
	}
}

func splitCuts(c *classes, stages []cut, s string, word func(string)) {
	if len(stages) == 0 {
		word(s)
		return
	}
	for len(s) > 0 {
		n := stages[0](c, s)
		splitCuts(c, stages[1:], s[:n], word)
		s = s[n:]
	}
}

// splitRegexps is the same for compiled patterns. The engine counts runes, in which a byte
// that is not UTF-8 is one. A search that runs out of time leaves the rest as one piece: no text is lost.
func splitRegexps(stages []*regexp2.Regexp, s string, word func(string)) {
	if len(stages) == 0 {
		if s != "" {
			word(s)
		}
		return
	}
	done, at, runes := 0, 0, 0 // bytes given on; byte and rune reached
	advance := func(rune int) int {
		for ; runes < rune && at < len(s); runes++ {
			_, w := utf8.DecodeRuneInString(s[at:])
			at += w
		}
		return at
	}
	// A partial split after a time-out is still a split, so the error has nothing to add.
	_ = stages[0].FindRunesMatches([]rune(s), 0, func(m regexp2.MatchView) bool {
		index, length, _ := m.GroupRange(0)
		if length == 0 {
			return true
		}
		start := advance(index)
		end := advance(index + length)
		if start > done {
			splitRegexps(stages[1:], s[done:start], word)
		}
		splitRegexps(stages[1:], s[start:end], word)
		done = end
		return true
	})
	if done < len(s) {
		splitRegexps(stages[1:], s[done:], word)
	}
}
