package tokenizer

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// naiveTrain recounts every pair for every merge, by the definition.
func naiveTrain(texts []string, merges int, pre string) []string {
	p, err := newPretokenizer(pre)
	if err != nil {
		panic(err)
	}
	order, _ := alphabet()
	age := make(map[string]int)
	for i, b := range order {
		age[string([]byte{b})] = i
	}
	var words [][]string
	for _, text := range texts {
		p.split(unicodeClasses(), text, func(w string) {
			var parts []string
			for i := range len(w) {
				parts = append(parts, w[i:i+1])
			}
			words = append(words, parts)
		})
	}
	var list []string
	for len(age) < 256+merges {
		count := make(map[[2]string]int)
		for _, w := range words {
			for i := 1; i < len(w); i++ {
				count[[2]string{w[i-1], w[i]}]++
			}
		}
		var best [2]string
		for pair, n := range count {
			if c := cmp.Or(cmp.Compare(n, count[best]), cmp.Compare(age[best[0]], age[pair[0]]), cmp.Compare(age[best[1]], age[pair[1]])); count[best] == 0 || c > 0 {
				best = pair
			}
		}
		list = append(list, toStandIns(best[0])+" "+toStandIns(best[1]))
		if _, ok := age[best[0]+best[1]]; !ok {
			age[best[0]+best[1]] = len(age)
		}
		for k, w := range words {
			var merged []string
			for i := 0; i < len(w); i++ {
				if i+1 < len(w) && w[i] == best[0] && w[i+1] == best[1] {
					merged = append(merged, w[i]+w[i+1])
					i++
				} else {
					merged = append(merged, w[i])
				}
			}
			words[k] = merged
		}
	}
	return list
}

func TestTrainAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, pre := range []string{"qwen2", "gpt-2"} {
		for range 5 {
			var texts []string
			for range 30 {
				var b strings.Builder
				for range 40 {
					// Few letters, so that there are ties, repeats and ways to the same token.
					b.WriteString(strings.Repeat(string("abc \n1é"[rng.IntN(7)]), 1+rng.IntN(3)))
				}
				texts = append(texts, b.String())
			}
			s, err := Train(slices.Values(texts), 256+60, pre)
			if err != nil {
				t.Fatal(err)
			}
			if want := naiveTrain(texts, 60, pre); !slices.Equal(s.Merges, want) {
				t.Fatalf("%s: merges\n got %q\nwant %q", pre, s.Merges, want)
			}
			tok := mustNew(t, s)
			for _, text := range texts {
				checkText(t, tok, text)
			}
		}
	}
}

func TestTrainSpecials(t *testing.T) {
	s := tinySpec(t)
	if len(s.Tokens) != 281 || s.Find("<|end|>") != 279 || s.Type(279) != Control {
		t.Errorf("%d tokens, <|end|> at %d of type %d; want 281, 279, %d", len(s.Tokens), s.Find("<|end|>"), s.Type(279), Control)
	}
	with, err := Train(slices.Values([]string{"aaaa<X>bbbb<X>aaaa"}), 258, "qwen2", "<X>")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a a"}; !slices.Equal(with.Merges, want) {
		t.Errorf("merges %q, want %q: a special token is not learned from", with.Merges, want)
	}
}

func TestTrainRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, pre, corpus string
		size              int
		specials          []string
		want              string
	}{
		{"poor corpus", "qwen2", "ab", 300, nil, "257 tokens"},
		{"too small", "qwen2", "ab", 255, nil, "255"},
		{"no room for specials", "qwen2", "ab", 256, []string{"<a>"}, "1 specials"},
		{"pre-tokenizer", "nobody", "ab", 300, nil, "nobody"},
		{"special twice", "qwen2", "ab", 258, []string{"<a>", "<a>"}, "<a>"},
		{"empty special", "qwen2", "ab", 257, []string{""}, "empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Train(slices.Values([]string{tt.corpus}), tt.size, tt.pre, tt.specials...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Train: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// BenchmarkTrain learns from 4 MB of made-up sentences with a vocabulary like a small corpus's.
func BenchmarkTrain(b *testing.B) {
	rng := rand.New(rand.NewPCG(2, 2))
	var docs []string
	size := 0
	for size < 4<<20 {
		var d strings.Builder
		for range 50 {
			fmt.Fprintf(&d, "the %x and %d are %s. ", rng.IntN(1<<20)*rng.IntN(100), rng.IntN(1000), alphabetSoup[rng.IntN(len(alphabetSoup))])
		}
		docs = append(docs, d.String())
		size += d.Len()
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := Train(slices.Values(docs), 1024, "qwen2", "<|end|>"); err != nil {
			b.Fatal(err)
		}
	}
}
