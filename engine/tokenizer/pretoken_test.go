package tokenizer

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
)

// regexpTwin is the same pre-tokenizer with its published patterns run by the
// regular-expression engine: the reference for the matchers written by hand.
func regexpTwin(t testing.TB, p pretokenizer) pretokenizer {
	t.Helper()
	for _, pattern := range p.patterns {
		p.regexps = append(p.regexps, regexp2.MustCompile(pattern))
	}
	p.stages = nil
	return p
}

func words(p *pretokenizer, text string) []string {
	var list []string
	p.split(unicodeClasses(), text, func(w string) { list = append(list, w) })
	return list
}

// pieces that make pre-tokenizers disagree: contractions in odd case, runs of white space of
// every kind, digits of many scripts, marks, symbols, bytes that are not UTF-8.
var alphabetSoup = []string{
	"a", "b", "Z", "QU", "the", "é", "ß", "ſ", "K", "ǅ", "ª", "ʰ", "ж", "Ж", "א", "ا", "क", "ि", "中", "か", "カ", "한", "ᄀ", "𐐀", "𝒳", "ⅷ",
	"0", "1", "42", "123", "4567", "٣", "½", "²", "१", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\v", "\f", "\u0085", "\u00a0", "\u2003", "\u2028", "\u3000",
	"'", "’", "'s", "'S", "'ſ", "'t", "'re", "'RE", "'Ve", "'m", "'ll", "'lL", "'d", "'D", "'x", "''", "\"", ".", "...", ",", "!", "?!", "-", "_", "/", "//", "\\", "(", ")",
	"$", "+", "=", "<", ">", "^", "~", "|", "`", "#", "@", "&", "%", "*", "。", "、", "！", "～", "‘", "‟", "€", "→", "🦙", "👩‍🚀", "\u0301", "\u200b", "\u200d", "\ufeff", "\u0000", "\u001b", "\ufffd", "\u0378", "\ue000",
	"\xff", "\xc3", "\xe4\xb8", "Hello", "World", "don't", "x86_64", "iPhone", "HTTPServer", "3.14", "été", "naïve",
}

func soup(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(alphabetSoup[rng.IntN(len(alphabetSoup))])
	}
	return b.String()
}

func compareSplit(t *testing.T, name string, hand, twin *pretokenizer, text string) {
	t.Helper()
	got, want := words(hand, text), words(twin, text)
	if !slices.Equal(got, want) {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		t.Errorf("%s: split of %.300q differs from word %d on:\n got %.200q\nwant %.200q", name, text, i, got[i:min(i+4, len(got))], want[i:min(i+4, len(want))])
	}
	if joined := strings.Join(got, ""); joined != text {
		t.Errorf("%s: the words of %q join to %q", name, text, joined)
	}
}

func TestSplitAgainstPattern(t *testing.T) {
	texts := []string{"", " ", "  ", "\n", " \n", "\n ", "a", "'", "' s", "\u2028\u2028a", "  \u3000\t x", "\r\n\r\n", strings.Repeat(" ", 100) + "x", strings.Repeat("\n \t", 30)}
	for _, name := range []string{"falcon", "llama-spm"} {
		in, _ := vectors(t, name)
		texts = append(texts, in...)
	}
	for _, p := range pretokenizers() {
		if len(p.stages) == 0 {
			continue
		}
		t.Run(p.names[0], func(t *testing.T) {
			twin := regexpTwin(t, p)
			for _, text := range texts {
				compareSplit(t, p.names[0], &p, &twin, text)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range 1500 {
				compareSplit(t, p.names[0], &p, &twin, soup(rng, 1+i%24))
				if t.Failed() {
					return
				}
			}
		})
	}
}

// TestSplitEveryRune puts every rune of the first blocks, and every seventh of the planes that
// follow, between a few neighbours.
func TestSplitEveryRune(t *testing.T) {
	for _, p := range pretokenizers() {
		if len(p.stages) == 0 {
			continue
		}
		twin := regexpTwin(t, p)
		var b strings.Builder
		for r := rune(0); r < 0x20000; r++ {
			if r > 0x3100 && r%7 != 0 || r >= 0xD800 && r < 0xE000 {
				continue
			}
			b.WriteRune(r)
			b.WriteString([]string{" ", "a", "", "1"}[r&3])
			if b.Len() > 4000 {
				compareSplit(t, p.names[0], &p, &twin, b.String())
				b.Reset()
				if t.Failed() {
					return
				}
			}
		}
		compareSplit(t, p.names[0], &p, &twin, b.String())
	}
}

func FuzzSplit(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(soup(rng, 20))
	}
	type pair struct{ hand, twin pretokenizer }
	var pairs []pair
	for _, p := range pretokenizers() {
		if len(p.stages) > 0 {
			pairs = append(pairs, pair{p, regexpTwin(f, p)})
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i := range pairs {
			compareSplit(t, pairs[i].hand.names[0], &pairs[i].hand, &pairs[i].twin, text)
		}
	})
}

func TestUnknownPretokenizer(t *testing.T) {
	_, err := New(Spec{Model: ByteLevel, Pre: "nobody-bpe", Tokens: []string{"a"}, BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1})
	if err == nil || !strings.Contains(err.Error(), `"nobody-bpe"`) || !strings.Contains(err.Error(), "qwen2") {
		t.Errorf("New with an unknown pre-tokenizer: %v, want its name and the known ones", err)
	}
}

func TestPatternPretokenizer(t *testing.T) {
	for _, tt := range []struct {
		name, pre, text string
		want            []string
		bad             bool
	}{
		{name: "one pattern", pre: `regex:["[a-z]+|[0-9]"]`, text: "ab12 cd", want: []string{"ab", "1", "2", " ", "cd"}},
		{name: "two stages", pre: `regex:["\\S+","."]`, text: "ab é\xff", want: []string{"a", "b", " ", "é", "\xff"}},
		{name: "empty matches", pre: `regex:["x*"]`, text: "axxb", want: []string{"a", "xx", "b"}},
		{name: "looks behind", pre: `regex:["(?<=a)b"]`, text: "abb", want: []string{"a", "b", "b"}},
		{name: "no list", pre: `regex:x`, bad: true},
		{name: "no pattern", pre: `regex:["("]`, bad: true},
		{name: "class in a class", pre: `regex:["[a[b]]"]`, bad: true},
		{name: "intersection", pre: `regex:["[a-z&&[^b]]"]`, bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := newPretokenizer(tt.pre)
			if (err != nil) != tt.bad {
				t.Fatalf("newPretokenizer(%q): %v, want an error: %v", tt.pre, err, tt.bad)
			}
			if err != nil {
				return
			}
			if got := words(&p, tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("split of %q = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	text := english(b)
	for _, p := range pretokenizers() {
		if len(p.stages) == 0 {
			continue
		}
		b.Run("pre="+p.names[0], func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			n := 0
			for b.Loop() {
				p.split(unicodeClasses(), text, func(string) { n++ })
			}
		})
	}
}

// english is a public text of several hundred kilobytes.
func english(t testing.TB) string {
	b, err := os.ReadFile(sharedData(t, "evals/gsm8k/test.jsonl"))
	if err != nil {
		t.Skip(err)
	}
	return string(b)
}
