package generate

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/digests.txt")

// evalItems draws n evaluation items or fails.
func evalItems(t *testing.T, f Family, level int, seed uint64, n int, p Params) []Item {
	t.Helper()
	var items []Item
	for it, err := range Eval(f, level, seed, n, p) {
		if err != nil {
			t.Fatalf("Eval(%s/%s, level %d, seed %d, n %d): %v", f.Pack, f.Name, level, seed, n, err)
		}
		items = append(items, it)
	}
	return items
}

func TestEvalIsHeldAndDistinct(t *testing.T) {
	for _, f := range Families() {
		for level := f.MinLevel; level <= f.MaxLevel; level++ {
			n := 200
			if f.Lengths != nil && level > 2 {
				n = 10
			}
			if f.Lengths != nil && level > 4 {
				n = 1 // the shorter length: 64k tokens take a while
			}
			items := evalItems(t, f, level, 7, n, Params{})
			if len(items) != n {
				t.Errorf("%s/%s level %d: %d items, want %d", f.Pack, f.Name, level, len(items), n)
			}
			ids := make(map[string]bool)
			canonical := make(map[string]int)
			for _, it := range items {
				if !Held(it.Canonical) {
					t.Errorf("%s/%s level %d: %q is not held", f.Pack, f.Name, level, it.Canonical)
				}
				if ids[it.ID()] {
					t.Errorf("%s/%s level %d: ID %s twice", f.Pack, f.Name, level, it.ID())
				}
				ids[it.ID()] = true
				canonical[it.Canonical]++
				if it.Target == "" || strings.Contains(it.Target, "\n") || !strings.HasSuffix(it.Prompt, "\nA:") {
					t.Errorf("%s: target %q, prompt %q", it.ID(), it.Target, it.Prompt)
				}
			}
			want := n
			if f.Pack == "multilingual" {
				want = (n + len(f.Languages) - 1) / len(f.Languages)
			}
			if len(canonical) != want {
				t.Errorf("%s/%s level %d: %d distinct items, want %d", f.Pack, f.Name, level, len(canonical), want)
			}
		}
	}
}

// TestTrainNeverShowsEvaluation draws far more than a family's small spaces hold.
func TestTrainNeverShowsEvaluation(t *testing.T) {
	type source struct{ canonical, prompt map[string]string }
	eval := source{make(map[string]string), make(map[string]string)}
	for _, f := range Families() {
		for level := f.MinLevel; level <= 2; level++ {
			for seed := range uint64(3) {
				for _, it := range evalItems(t, f, level, seed, 120, Params{}) {
					eval.canonical[it.Canonical] = it.ID()
					eval.prompt[it.Prompt] = it.ID()
				}
			}
		}
	}
	seen := make(map[string]int)
	n := 0
	for it, err := range Train(3, Mixture{Records: 12}) {
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := eval.canonical[it.Canonical]; ok {
			t.Fatalf("seed 3, item %d: %q is evaluation item %s", n, it.Canonical, id)
		}
		if id, ok := eval.prompt[it.Prompt]; ok {
			t.Fatalf("seed 3, item %d: prompt %q is that of evaluation item %s", n, it.Prompt, id)
		}
		if Held(it.Canonical) {
			t.Fatalf("seed 3, item %d: %q is held", n, it.Canonical)
		}
		seen[it.Pack+"/"+it.Task]++
		if n++; n == 200_000 {
			break
		}
	}
	for _, f := range Families() {
		if name := f.Pack + "/" + f.Name; (seen[name] == 0) != (f.weight == 0) {
			t.Errorf("%s: trained %d times at weight %v", name, seen[name], f.weight)
		}
	}
}

// TestQuestionsShareTheirContextsFate: whichever record of a context is asked for first, the context is
// held or not as a whole, so a further question in training cannot show a held one.
func TestQuestionsShareTheirContextsFate(t *testing.T) {
	rs := []record{{"moon", "42"}, {"sun", "17"}, {"sea", "93"}, {"sky", "55"}}
	want := recordText(rs)
	for range len(rs) {
		rs = append(rs[1:], rs[0])
		if got := recordText(rs); got != want {
			t.Errorf("recordText(%v) = %q, want %q", rs, got, want)
		}
	}
}

func TestCanonicalForgetsOrderWordingAndLanguage(t *testing.T) {
	families := make(map[string]Family)
	for _, f := range Families() {
		families[f.Pack+"/"+f.Name] = f
	}
	shared := make(map[string]map[string]bool)
	for _, name := range []string{"math/add", "math/story", "multilingual/sum"} {
		shared[name] = make(map[string]bool)
		for i := range uint64(20000) {
			it, err := families[name].Make(source(5, name, i), 1, Params{})
			if err != nil {
				t.Fatal(err)
			}
			shared[name][it.Canonical] = true
		}
	}
	for _, name := range []string{"math/story", "multilingual/sum"} {
		both := 0
		for c := range shared[name] {
			if strings.Contains(c, "+") && shared["math/add"][c] {
				both++
			}
		}
		if both < 2000 {
			t.Errorf("%s shares %d sums with math/add, want most of 4950", name, both)
		}
	}
	for i, tt := range []struct{ a, b, want string }{
		{"9", "10", "9 + 10"}, {"10", "9", "9 + 10"}, {"31", "30", "30 + 31"}, {"7", "7", "7 + 7"},
	} {
		if got := sumText(tt.a, tt.b); got != tt.want {
			t.Errorf("%d: sumText(%s, %s) = %q, want %q", i, tt.a, tt.b, got, tt.want)
		}
	}
	for _, f := range Families() {
		if f.Languages == nil {
			continue
		}
		for level := f.MinLevel; level <= f.MaxLevel; level++ {
			first, err := f.Make(source(1, "x", 0), level, Params{Language: f.Languages[0]})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range f.Languages[1:] {
				it, err := f.Make(source(1, "x", 0), level, Params{Language: l})
				if err != nil {
					t.Fatal(err)
				}
				if it.Canonical != first.Canonical || it.Prompt == first.Prompt {
					t.Errorf("%s/%s level %d: %s %q and %s %q", f.Pack, f.Name, level, f.Languages[0], first.Canonical, l, it.Canonical)
				}
				if f.Pack == "multilingual" && (it.Target != first.Target || it.Group != first.Group || it.Group == "") {
					t.Errorf("%s/%s level %d: targets %q and %q, groups %q and %q", f.Pack, f.Name, level, first.Target, it.Target, first.Group, it.Group)
				}
			}
		}
	}
}

func TestSameSeedSameItems(t *testing.T) {
	for _, f := range Families() {
		a := evalItems(t, f, f.MinLevel, 11, 40, Params{})
		b := evalItems(t, f, f.MinLevel, 11, 25, Params{})
		for i := range b {
			if a[i].ID() != b[i].ID() || a[i].Prompt != b[i].Prompt {
				t.Errorf("%s/%s: item %d of 40 is %s, of 25 is %s", f.Pack, f.Name, i, a[i].ID(), b[i].ID())
			}
		}
		c := evalItems(t, f, f.MinLevel, 12, 25, Params{})
		same := 0
		for i := range c {
			if c[i].Prompt == a[i].Prompt {
				same++
			}
		}
		if same > 5 {
			t.Errorf("%s/%s: %d of 25 items are the same under another seed", f.Pack, f.Name, same)
		}
	}
}

// TestDigests pins what the generators make. When it fails on purpose, the version of the pack in tasks/packs
// has to rise: its scores are no longer comparable.
func TestDigests(t *testing.T) {
	var b strings.Builder
	for _, f := range Families() {
		for level := f.MinLevel; level <= f.MaxLevel; level++ {
			n := 20
			if f.Lengths != nil {
				n = max(1, 10>>level)
			}
			h := sha256.New()
			for _, it := range evalItems(t, f, level, 1, n, Params{}) {
				fmt.Fprintf(h, "%q %q %q\n", it.ID(), it.Prompt, it.Target)
			}
			fmt.Fprintf(&b, "%s/%s level %d: %x\n", f.Pack, f.Name, level, h.Sum(nil)[:8])
		}
	}
	path := filepath.Join("testdata", "digests.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Errorf("line %d: made %q, want %q", i+1, got[min(i, len(got)-1)], line)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	add, kv := Families()[0], longContextFamilies()[0]
	for _, tt := range []struct {
		name  string
		f     Family
		level int
		p     Params
		want  string
	}{
		{"no family", Family{Name: "none"}, 1, Params{}, "no maker"},
		{"level 0", add, 0, Params{}, "level 0, want 1 to 6"},
		{"level 7", add, 7, Params{}, "level 7, want 1 to 6"},
		{"depth", kv, 1, Params{Depth: 1.5}, "depth 1.5"},
		{"too short", kv, 1, Params{Tokens: 3}, "the shortest prompt has"},
		{"too many records", kv, 6, Params{Tokens: 4_000_000}, "more than the"},
		{"counter", kv, 1, Params{Count: func(string) (int, error) { return 0, errors.New("no vocabulary") }}, "no vocabulary"},
		{"constant counter", kv, 1, Params{Count: func(string) (int, error) { return 7, nil }}, "token count go from"},
		{"language", codeFamilies()[0], 1, Params{Language: "cobol"}, `language "cobol"`},
	} {
		_, err := tt.f.Make(rand.New(rand.NewPCG(1, 2)), tt.level, tt.p)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
	for name, m := range map[string]Mixture{
		"no family":   {Weights: map[string]float64{"math/guess": 1}},
		"not trained": {Weights: map[string]float64{"math/multiply": 1}},
	} {
		n := 0
		for _, err := range Train(1, m) {
			if n++; err == nil {
				t.Errorf("%s: Train yields an item", name)
				break
			}
		}
		if n != 1 {
			t.Errorf("%s: %d yields, want one error", name, n)
		}
	}
	space := Family{Pack: "p", Name: "tiny", MinLevel: 1, MaxLevel: 1, make: func(rng *rand.Rand, _ int, _ Params) (Item, error) {
		return Item{Canonical: fmt.Sprint(rng.IntN(30))}, nil
	}}
	var last error
	for _, err := range Eval(space, 1, 1, 20, Params{}) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "held items, want 20") {
		t.Errorf("a space of 30 items: %v, want too few held", last)
	}
}

func FuzzMake(f *testing.F) {
	f.Add(uint64(1), 0, 1, 100, 0.5)
	f.Add(uint64(9), 12, 6, 64, 1.0)
	f.Add(uint64(3), 14, 3, 3000, 0.0)
	families := Families()
	f.Fuzz(func(t *testing.T, seed uint64, k, level, tokens int, depth float64) {
		fam := families[uint(k)%uint(len(families))]
		if tokens > 20000 {
			tokens %= 20000
		}
		it, err := fam.Make(source(seed, "fuzz", 0), level, Params{Tokens: tokens, Depth: depth})
		if err != nil {
			return
		}
		if it.Target == "" || strings.ContainsAny(it.Target, "\n") || !strings.HasSuffix(it.Prompt, "A:") || it.Canonical == "" {
			t.Errorf("seed %d %s/%s level %d: %+v", seed, fam.Pack, fam.Name, level, it)
		}
	})
}
