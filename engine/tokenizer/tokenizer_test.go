package tokenizer

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// tinySpec is a small byte-level vocabulary trained here, with two control tokens and a
// user-defined one.
func tinySpec(t testing.TB) Spec {
	t.Helper()
	text := strings.Repeat("the cat sat on the mat; 12 cats and 345 dogs\n don't  care. ", 4)
	s, err := Train(slices.Values([]string{text}), 280, "qwen2", "<|a|>", "<|a|>b", "<|end|>")
	if err != nil {
		t.Fatal(err)
	}
	s.BOS, s.EOS, s.AddBOS = s.Find("<|a|>"), s.Find("<|end|>"), true
	s.Tokens = append(s.Tokens, "[user]")
	s.Types = append(s.Types, UserDefined)
	return s
}

func mustNew(t testing.TB, s Spec) *Tokenizer {
	t.Helper()
	tok, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestAddedTokens(t *testing.T) {
	tok := mustNew(t, tinySpec(t))
	s := tok.Spec()
	a, ab, end, user := s.Find("<|a|>"), s.Find("<|a|>b"), s.Find("<|end|>"), s.Find("[user]")
	x := tok.Encode("x", false, false)[0]
	for _, tt := range []struct {
		name           string
		text           string
		special, parse bool
		want           []int32
	}{
		{"control on request", "x<|end|>x", false, true, []int32{x, end, x}},
		{"the longest at a place", "<|a|>bx", false, true, []int32{ab, x}},
		{"the shorter where the longer ends early", "<|a|>x", false, true, []int32{a, x}},
		{"user-defined always", "x[user]x", false, false, []int32{x, user, x}},
		{"beginning added", "x", true, false, []int32{a, x}},
		{"beginning of nothing", "", true, false, []int32{a}},
		{"nothing", "", false, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tok.Encode(tt.text, tt.special, tt.parse); !slices.Equal(got, tt.want) {
				t.Errorf("Encode(%q, %v, %v) = %v, want %v", tt.text, tt.special, tt.parse, got, tt.want)
			}
		})
	}
	if got := tok.Encode("<|end|>", false, false); slices.Contains(got, end) {
		t.Errorf("a control token was parsed from plain text: %v", got)
	}
	if got := tok.Decode([]int32{a, x, end, user, x}); got != "x[user]x" {
		t.Errorf("Decode with control tokens = %q, want them left out", got)
	}
	if got := string(tok.Piece(end)); got != "<|end|>" {
		t.Errorf("Piece of a control token = %q", got)
	}
	if !tok.IsEnd(end) || tok.IsEnd(x) || tok.IsEnd(-1) {
		t.Errorf("IsEnd: end %v, x %v, -1 %v", tok.IsEnd(end), tok.IsEnd(x), tok.IsEnd(-1))
	}
	for _, id := range []int32{-1, -1 << 31, int32(tok.Size()), 1<<31 - 1} {
		if p := tok.Piece(id); p != nil {
			t.Errorf("Piece(%d) = %q outside the vocabulary", id, p)
		}
		if text := tok.Decode([]int32{id}); text != "" {
			t.Errorf("Decode of %d = %q", id, text)
		}
	}
}

func TestStrip(t *testing.T) {
	s := tinySpec(t)
	end := s.Find("<|end|>")
	s.LStrip, s.RStrip = []int32{end}, []int32{end}
	tok := mustNew(t, s)
	x := tok.Encode("x", false, false)[0]
	if got, want := tok.Encode("x \n<|end|>\t x", false, true), []int32{x, end, x}; !slices.Equal(got, want) {
		t.Errorf("Encode = %v, want %v", got, want)
	}
}

func TestNFC(t *testing.T) {
	s := tinySpec(t)
	s.NFC = true
	tok := mustNew(t, s)
	if got := tok.Decode(tok.Encode("e\u0301te", false, false)); got != "\u00e9te" {
		t.Errorf("Decode(Encode) under NFC = %q", got)
	}
}

// naive merges by looking for the best pair anew each time, by the definition.
func naive(p *pairs, s []sym) []sym {
	s = slices.Clone(s)
	for {
		best, at := noRank, -1
		for i := range max(0, len(s)-1) {
			if r, _ := p.get(s[i], s[i+1]); r < best {
				best, at = r, i
			}
		}
		if at < 0 {
			return s
		}
		_, s[at] = p.get(s[at], s[at+1])
		s = slices.Delete(s, at+1, at+2)
	}
}

func TestMergeAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		p := newPairs(0)
		for i := range 40 {
			rank := uint32(i)
			if i%4 == 0 {
				rank = uint32(rng.IntN(10)) // equal ranks, as scores give
			}
			p.add(sym(rng.IntN(12)), sym(rng.IntN(12)), rank, sym(rng.IntN(12)))
		}
		in := make([]sym, rng.IntN(3*heapFrom))
		for i := range in {
			in[i] = sym(rng.IntN(8)) - 2
		}
		want := naive(p, in)
		var m merger
		m.syms = slices.Clone(in)
		m.merge(p)
		if !slices.Equal(m.syms, want) {
			t.Fatalf("merge of %v = %v, want %v", in, m.syms, want)
		}
		m.syms = slices.Clone(in)
		if len(in) > 1 {
			m.mergeHeap(p)
		}
		if !slices.Equal(m.syms, want) {
			t.Fatalf("mergeHeap of %v = %v, want %v", in, m.syms, want)
		}
	}
}

// bigrams is the SentencePiece reference algorithm as published: of all neighbours whose text
// together is a token, merge the best score first, leftmost among equals.
type bigram struct {
	score       float32
	left, right int
	text        string
}
type bigrams []bigram

func (q bigrams) Len() int      { return len(q) }
func (q bigrams) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q bigrams) Less(i, j int) bool {
	return q[i].score > q[j].score || q[i].score == q[j].score && q[i].left < q[j].left
}
func (q *bigrams) Push(x any) { *q = append(*q, x.(bigram)) }
func (q *bigrams) Pop() any {
	x := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return x
}

func sentencePieceByText(score map[string]float32, text string) []string {
	var part []string
	for _, r := range strings.ReplaceAll(text, " ", string(metaspace)) {
		part = append(part, string(r))
	}
	next := func(i int) int {
		for i++; i < len(part) && part[i] == ""; i++ {
		}
		return i
	}
	var q bigrams
	try := func(i, j int) {
		if i >= 0 && j < len(part) {
			if x, ok := score[part[i]+part[j]]; ok {
				heap.Push(&q, bigram{x, i, j, part[i] + part[j]})
			}
		}
	}
	for i := 1; i < len(part); i++ {
		try(i-1, i)
	}
	for len(q) > 0 {
		b := heap.Pop(&q).(bigram)
		if part[b.left] == "" || part[b.right] == "" || part[b.left]+part[b.right] != b.text {
			continue
		}
		part[b.left], part[b.right] = b.text, ""
		before := b.left - 1
		for before >= 0 && part[before] == "" {
			before--
		}
		try(before, b.left)
		try(b.left, next(b.left))
	}
	return slices.DeleteFunc(part, func(p string) bool { return p == "" })
}

func TestSentencePieceAgainstReference(t *testing.T) {
	for _, name := range []string{"llama-spm", "phi-3"} {
		tok := vocabulary(t, name)
		score, ids := make(map[string]float32), make(map[string]int32)
		for i, text := range tok.Spec().Tokens {
			score[text], ids[text] = tok.Spec().Scores[i], int32(i)
		}
		rng := rand.New(rand.NewPCG(7, 8))
		for i := range 400 {
			text := strings.ToValidUTF8(soup(rng, 1+i%60), "?")
			var want []int32
			for _, p := range sentencePieceByText(score, " "+text) {
				if id, ok := ids[p]; ok {
					want = append(want, id)
					continue
				}
				for _, b := range []byte(p) {
					want = append(want, ids[byteTokenName(b)])
				}
			}
			// Added tokens would be cut out first; the soup has none of theirs.
			if got := tok.Encode(text, false, false); !slices.Equal(got, want) {
				t.Fatalf("%s: Encode(%q)\n got %v\nwant %v", name, text, got, want)
			}
		}
	}
}

func TestSpacePrefix(t *testing.T) {
	tok := vocabulary(t, "llama-spm")
	s := tok.Spec()
	bos, hello, world := s.BOS, s.Find("▁Hello"), s.Find("▁world")
	if got, want := tok.Encode("Hello world", true, false), []int32{bos, hello, world}; !slices.Equal(got, want) {
		t.Errorf("Encode = %v, want %v", got, want)
	}
	if got, want := tok.Encode("<s>Hello<s>world", false, true), []int32{bos, hello, bos, world}; !slices.Equal(got, want) {
		t.Errorf("Encode with control tokens = %v, want %v", got, want)
	}
	s.PrefixOnce = true
	once := mustNew(t, s)
	if got, want := once.Encode("Hello<s>Hello", false, true), []int32{hello, bos, s.Find("Hello")}; !slices.Equal(got, want) {
		t.Errorf("Encode with PrefixOnce = %v, want %v", got, want)
	}
	stream := tok.NewStream()
	if got := stream.Push(hello) + stream.Push(world); got != " Hello world" {
		t.Errorf("a stream gave %q: it must keep the space that parts it from what came before", got)
	}
}

// checkText tests what must hold for any text.
func checkText(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	ids := tok.Encode(text, false, false)
	var raw []byte
	for _, id := range ids {
		raw = append(raw, tok.Piece(id)...)
	}
	want := text
	if tok.spec.Model == SentencePiece {
		want = strings.ReplaceAll(text, string(metaspace), " ")
		if text != "" {
			want = " " + want
		}
	}
	if string(raw) != want {
		t.Errorf("%s: pieces of %q join to %q", tok.spec.Pre, text, raw)
	}
	if tok.spec.Model == SentencePiece {
		want = strings.TrimPrefix(want, " ")
	}
	back := tok.Decode(ids)
	if utf8.ValidString(text) && back != want {
		t.Errorf("Decode(Encode(%q)) = %q", text, back)
	}
	if !utf8.ValidString(back) {
		t.Errorf("Decode(Encode(%q)) = %q is not UTF-8", text, back)
	}
	s := tok.NewStream()
	var b strings.Builder
	for _, id := range ids {
		piece := s.Push(id)
		if !utf8.ValidString(piece) {
			t.Errorf("Push gave %q, not whole runes, in %q", piece, text)
		}
		b.WriteString(piece)
	}
	b.WriteString(s.Flush())
	streamed := b.String()
	if tok.spec.AddSpacePrefix {
		streamed = strings.TrimPrefix(streamed, " ")
	}
	if streamed != back {
		t.Errorf("the stream of %q gave %q, Decode %q", text, streamed, back)
	}
	if again := tok.Encode(text, false, false); !slices.Equal(again, ids) {
		t.Errorf("Encode(%q) = %v, then %v", text, ids, again)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, name := range vocabularies {
		t.Run(name, func(t *testing.T) {
			tok := vocabulary(t, name)
			rng := rand.New(rand.NewPCG(9, 10))
			n := 0
			for i := range 200 {
				text := soup(rng, i%40)
				if sayable(tok, text) {
					checkText(t, tok, text)
					n++
				}
			}
			if n < 50 {
				t.Errorf("only %d texts were tried", n)
			}
		})
	}
}

// sayable reports whether the vocabulary has a token for every byte. Some lack bytes that
// UTF-8 never uses, or write them as user-defined tokens, which are text.
func sayable(tok *Tokenizer, text string) bool {
	if tok.spec.Model != ByteLevel {
		return true
	}
	for i := range len(text) {
		if id := tok.bytes[text[i]]; id < 0 || tok.spec.Type(int32(id)) != Normal {
			return false
		}
	}
	return true
}

func FuzzRoundTrip(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 10 {
		f.Add(soup(rng, 20))
	}
	toks := []*Tokenizer{mustNew(f, tinySpec(f)), mustNew(f, tinyPieces())}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range toks {
			checkText(t, tok, text)
		}
	})
}

// tinyPieces is a small SentencePiece vocabulary with byte tokens.
func tinyPieces() Spec {
	s := Spec{Model: SentencePiece, UNK: 0, BOS: 1, EOS: 2, EOT: -1, PAD: -1, AddSpacePrefix: true}
	add := func(typ TokenType, score float32, texts ...string) {
		for _, text := range texts {
			s.Tokens, s.Types, s.Scores = append(s.Tokens, text), append(s.Types, typ), append(s.Scores, score)
			score--
		}
	}
	add(Unknown, 0, "<unk>")
	add(Control, 0, "<s>", "</s>")
	for b := range 256 {
		add(Byte, 0, byteTokenName(byte(b)))
	}
	add(Normal, -1, "th", "he", "▁t", "▁th", "▁the", "the", "▁▁", "▁▁▁▁", "in", "ing", "é▁") // one with a space inside
	add(Normal, -100, "▁", "a", "e", "g", "h", "i", "n", "t", "é", "中")
	return s
}

func TestConcurrentEncode(t *testing.T) {
	tok := mustNew(t, tinySpec(t))
	rng := rand.New(rand.NewPCG(13, 14))
	texts := make([]string, 50)
	want := make([][]int32, len(texts))
	for i := range texts {
		texts[i] = soup(rng, 30)
		want[i] = tok.Encode(texts[i], true, true)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range texts {
				if got := tok.Encode(text, true, true); !slices.Equal(got, want[i]) {
					t.Errorf("Encode(%q) = %v, want %v", text, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func TestUnusableSpecs(t *testing.T) {
	good := func() Spec { return tinySpec(t) }
	for _, tt := range []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"model", func(s *Spec) { s.Model = "bert" }, `"bert"`},
		{"no tokens", func(s *Spec) { s.Tokens = nil }, "no tokens"},
		{"types", func(s *Spec) { s.Types = s.Types[1:] }, "token types"},
		{"scores", func(s *Spec) { s.Scores = []float32{1} }, "1 scores"},
		{"merge of one", func(s *Spec) { s.Merges = []string{"ab"} }, "merge 0"},
		{"merge of none", func(s *Spec) { s.Merges = []string{""} }, "merge 0"},
		{"special id", func(s *Spec) { s.EOS = int32(len(s.Tokens)) }, "EOS"},
		{"strip id", func(s *Spec) { s.LStrip = []int32{-1} }, "LStrip"},
		{"pieces without scores", func(s *Spec) { s.Model, s.Merges = SentencePiece, nil }, "needs scores"},
		{"merge out of vocabulary", func(s *Spec) { s.Model, s.Merges = SentencePiece, []string{"x y"} }, `"xy"`},
		{"long piece", func(s *Spec) {
			*s = tinyPieces()
			s.Tokens[5] = strings.Repeat("x", longestPiece+1)
		}, "token 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.change(&s)
			_, err := New(s)
			if !errors.Is(err, ErrSpec) || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("New: %v, want ErrSpec with %q", err, tt.want)
			}
		})
	}
}

func TestStandIns(t *testing.T) {
	seen := make(map[rune]bool)
	for b := range 256 {
		r := standIn(byte(b))
		if back, ok := standsFor(r); !ok || back != byte(b) || seen[r] {
			t.Errorf("byte %#x stands as %q, which stands for %#x, %v; used before: %v", b, r, back, ok, seen[r])
		}
		seen[r] = true
	}
	for r := rune(0); r < 0x200; r++ {
		if _, ok := standsFor(r); ok != seen[r] {
			t.Errorf("standsFor(%q) = %v", r, ok)
		}
	}
	for b, want := range map[byte]rune{' ': 'Ġ', '\n': 'Ċ', '!': '!', 0xAD: 'Ń'} {
		if got := standIn(b); got != want {
			t.Errorf("standIn(%#x) = %q, want %q", b, got, want)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	text := english(b)
	for _, name := range vocabularies {
		b.Run("vocab="+name, func(b *testing.B) {
			tok := vocabulary(b, name)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(text, false, false)
			}
		})
	}
	b.Run("vocab=llama-bpe/text=one-word", func(b *testing.B) {
		tok := vocabulary(b, "llama-bpe")
		word := strings.Repeat("ab", 50_000)
		b.SetBytes(int64(len(word)))
		for b.Loop() {
			tok.Encode(word, false, false)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	text := english(b)
	tok := vocabulary(b, "llama-bpe")
	ids := tok.Encode(text, false, false)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Decode(ids)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, name := range []string{"llama-spm", "llama-bpe"} {
		b.Run("vocab="+name, func(b *testing.B) {
			s := vocabulary(b, name).Spec()
			for b.Loop() {
				if _, err := New(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
