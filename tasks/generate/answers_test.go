package generate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

// The tests here find the answer a second time, from the prompt's text alone.

func everyItem(t *testing.T, f Family, check func(it Item) string) {
	t.Helper()
	for level := f.MinLevel; level <= f.MaxLevel; level++ {
		n := 300
		if f.Lengths != nil {
			n = 40 >> level
		}
		for i := range uint64(n) + 1 {
			it, err := f.Make(source(i, f.Name, 0), level, Params{Depth: float64(i%5) / 4})
			if err != nil {
				t.Fatalf("seed %d: %v", i, err)
			}
			if want := check(it); want != it.Target {
				t.Errorf("seed %d level %d: %s\ntarget %q, found %q", i, level, it.Prompt, it.Target, want)
			}
		}
	}
}

func family(t *testing.T, pack, name string) Family {
	t.Helper()
	for _, f := range Families() {
		if f.Pack == pack && f.Name == name {
			return f
		}
	}
	t.Fatalf("no family %s/%s", pack, name)
	return Family{}
}

func TestMathAnswers(t *testing.T) {
	binary := regexp.MustCompile(`What is (\d+) ([-+*]) (\d+)\?`)
	for _, name := range []string{"add", "subtract", "multiply"} {
		everyItem(t, family(t, "math", name), func(it Item) string {
			m := binary.FindStringSubmatch(it.Prompt)
			a, _ := new(big.Int).SetString(m[1], 10)
			b, _ := new(big.Int).SetString(m[3], 10)
			switch m[2] {
			case "+":
				a.Add(a, b)
			case "-":
				a.Sub(a, b)
			case "*":
				a.Mul(a, b)
			}
			return a.String()
		})
	}
	number := regexp.MustCompile(`\d+(\.\d+)?`)
	everyItem(t, family(t, "math", "compare"), func(it Item) string {
		rank := 1
		text := it.Prompt
		if m := regexp.MustCompile(`the (\d+)(?:st|nd|rd|th) largest:`).FindStringSubmatch(text); m != nil {
			rank, _ = strconv.Atoi(m[1])
			text = text[strings.Index(text, ":")+1:]
			text = text[strings.Index(text, ":"):]
		}
		xs := number.FindAllString(text, -1)
		for _, x := range xs {
			larger := 0
			for _, y := range xs {
				a, _ := new(big.Rat).SetString(x)
				b, _ := new(big.Rat).SetString(y)
				if b.Cmp(a) > 0 {
					larger++
				}
			}
			if larger == rank-1 {
				return x
			}
		}
		return "none"
	})
	f := family(t, "math", "sequence")
	f.MaxLevel = 2 // above, more than one continuation can be argued for; the maker's rule is the reference
	everyItem(t, f, func(it Item) string {
		xs := number.FindAllString(it.Prompt, -1)
		a, _ := strconv.Atoi(xs[2])
		b, _ := strconv.Atoi(xs[3])
		return strconv.Itoa(2*b - a)
	})
}

func TestStoryAnswers(t *testing.T) {
	rules := []struct {
		pattern *regexp.Regexp
		apply   func(have int, m []int) int
	}{
		{regexp.MustCompile(`^\w+ has (\d+) \w+$`), func(_ int, m []int) int { return m[0] }},
		{regexp.MustCompile(`^\w+ (?:gets|buys|finds) (\d+) more$`), func(h int, m []int) int { return h + m[0] }},
		{regexp.MustCompile(`^\w+ (?:loses|sells|gives away) (\d+)$`), func(h int, m []int) int { return h - m[0] }},
		{regexp.MustCompile(`^The number of \w+ is then multiplied by (\d+)$`), func(h int, m []int) int { return h * m[0] }},
		{regexp.MustCompile(`^\w+ finds one more$`), func(h int, _ []int) int { return h + 1 }},
		{regexp.MustCompile(`^\w+ keeps half of them$`), func(h int, _ []int) int { return h / 2 }},
		{regexp.MustCompile(`^\w+ gives (\d+) \w+ to each of (\d+) friends$`), func(h int, m []int) int { return h - m[0]*m[1] }},
	}
	everyItem(t, family(t, "math", "story"), func(it Item) string {
		text := strings.TrimPrefix(it.Prompt, "Q: ")
		text = text[:strings.Index(text, " How many")]
		have := 0
	sentences:
		for _, s := range strings.Split(strings.TrimSuffix(text, "."), ". ") {
			for _, r := range rules {
				if m := r.pattern.FindStringSubmatch(s); m != nil {
					var ns []int
					for _, x := range m[1:] {
						n, _ := strconv.Atoi(x)
						ns = append(ns, n)
					}
					if have = r.apply(have, ns); have < 0 {
						return "negative"
					}
					continue sentences
				}
			}
			return "no rule for " + s
		}
		return strconv.Itoa(have)
	})
}

// TestProgramsPassTheirTests runs the JavaScript targets on their hidden tests.
func TestProgramsPassTheirTests(t *testing.T) {
	for _, f := range codeFamilies() {
		for level := 1; level <= f.MaxLevel; level++ {
			for seed := range uint64(60) {
				it, err := f.Make(source(seed, f.Name, 1), level, Params{})
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				var cases []Case
				if err := json.Unmarshal([]byte(it.Meta["tests"]), &cases); err != nil {
					t.Fatal(err)
				}
				if len(cases) < 8 {
					t.Errorf("%s: only %d tests", it.ID(), len(cases))
				}
				vm := goja.New()
				if _, err := vm.RunString(it.Target); err != nil {
					t.Fatalf("seed %d: %s: %v", seed, it.Target, err)
				}
				for _, c := range cases {
					in, _ := json.Marshal(c.In[0])
					want, _ := json.Marshal(c.Out)
					got, err := vm.RunString(fmt.Sprintf("JSON.stringify(f(%s))", in))
					if err != nil || got.String() != string(want) {
						t.Errorf("seed %d: %s\nf(%s) = %v, %v, want %s", seed, it.Target, in, got, err, want)
					}
				}
			}
		}
	}
}

func TestLongContextAnswers(t *testing.T) {
	split := func(it Item) (lines []string, q string) {
		i := strings.LastIndex(it.Prompt, "\nQ: ")
		return strings.Split(it.Prompt[:i], "\n"), it.Prompt[i+4:]
	}
	table := func(lines []string, separator string) map[string]string {
		m := make(map[string]string)
		for _, l := range lines {
			k, v, ok := strings.Cut(l, separator)
			if _, twice := m[k]; twice || !ok {
				t.Errorf("line %q: key twice or no separator", l)
			}
			m[k] = v
		}
		return m
	}
	between := func(s, before, after string) string {
		_, s, _ = strings.Cut(s, before)
		s, _, _ = strings.Cut(s, after)
		return s
	}
	everyItem(t, family(t, "long-context", "kv"), func(it Item) string {
		lines, q := split(it)
		return table(lines, ": ")[between(q, "value of ", "?")]
	})
	everyItem(t, family(t, "long-context", "gather"), func(it Item) string {
		lines, q := split(it)
		m := table(lines, ": ")
		var vs []string
		for _, k := range strings.Split(strings.Replace(between(q, "values of ", "?"), " and ", ", ", 1), ", ") {
			vs = append(vs, m[k])
		}
		return strings.Join(vs, ", ")
	})
	everyItem(t, family(t, "long-context", "trace"), func(it Item) string {
		lines, q := split(it)
		m := make(map[string]string)
		for _, l := range lines {
			k, v, _ := strings.Cut(l, " = ")
			if got, ok := m[v]; ok {
				v = got // the value as it stands at this line: definitions come first
			}
			m[k] = v
		}
		return m[between(q, "value of ", "?")]
	})
	everyItem(t, family(t, "long-context", "needle"), func(it Item) string {
		lines, q := split(it)
		key := between(q, "number of the ", "?")
		return between(lines[0], "The secret number of the "+key+" is ", ".")
	})
}

// TestLengthAndDepth holds prompts to their wanted length under tokenizers of different grain.
func TestLengthAndDepth(t *testing.T) {
	word := regexp.MustCompile(`[A-Za-z]+|\d|[^A-Za-z\d ]`)
	pieces := regexp.MustCompile(`[A-Za-z]{1,3}|\d|[^A-Za-z\d ]`)
	counters := map[string]func(string) (int, error){
		"estimate": nil,
		"words":    func(s string) (int, error) { return len(word.FindAllStringIndex(s, -1)), nil },
		"pieces":   func(s string) (int, error) { return len(pieces.FindAllStringIndex(s, -1)), nil },
	}
	for name, count := range counters {
		for _, f := range longContextFamilies() {
			for level := 1; level <= 3; level++ {
				for _, want := range contextLengths(level) {
					if f.Name == "trace" && name == "pieces" && want < 100 {
						want = 96 // four statements and the question take more than 64 such pieces at some levels
					}
					for _, depth := range f.Depths {
						it, err := f.Make(source(8, name, uint64(want)), level, Params{Tokens: want, Depth: depth, Count: count})
						if err != nil {
							t.Fatal(err)
						}
						got := (len(it.Prompt) + 3) / 4
						if count != nil {
							got, _ = count(it.Prompt)
						}
						if it.Meta["counted"] != strconv.Itoa(got) {
							t.Errorf("%s says %s tokens, has %d", it.ID(), it.Meta["counted"], got)
						}
						// Half a line is the best a list of lines can do.
						if off := max(got-want, want-got); off > max(want/20, 7) {
							t.Errorf("%s by %s: %d tokens, want %d", it.ID(), name, got, want)
						}
					}
				}
			}
		}
	}
	kv := family(t, "long-context", "kv")
	for _, depth := range kv.Depths {
		it, err := kv.Make(source(4, "depth", 0), 2, Params{Tokens: 500, Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(it.Prompt, "\n")
		lines = lines[:len(lines)-2]
		key := strings.TrimSuffix(strings.TrimPrefix(strings.Split(it.Prompt, "\nQ: ")[1], "What is the value of "), "?\nA:")
		for i, l := range lines {
			if strings.HasPrefix(l, key+": ") {
				if at := float64(i) / float64(len(lines)-1); at < depth-0.02 || at > depth+0.02 {
					t.Errorf("depth %v: the record is line %d of %d", depth, i+1, len(lines))
				}
			}
		}
	}
}
