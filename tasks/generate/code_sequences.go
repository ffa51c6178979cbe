package generate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

func makeList(rng *rand.Rand, level int, p Params) (Item, error) {
	// Inputs spread over all constants a step can name; empty and single lists are among them.
	inputs := [][]int64{{}, {0}, {5, 3, 9, 1, 7, 2}, {100, 200, 300, 400}}
	for range 4 {
		xs := make([]int64, between(rng, 6, 14))
		for i := range xs {
			xs[i] = int64(between(rng, 0, 600))
		}
		inputs = append(inputs, xs)
	}
	return assemble(rng, level, p, "xs", inputs, drawList)
}

func drawList(rng *rand.Rand, level int) step[[]int64] {
	top, kinds := 499, 5
	if level > 1 {
		top = 99
	}
	if level > 2 {
		top, kinds = 30, 10
	}
	c := int64(between(rng, 2, top))
	s := listStep(rng.IntN(kinds), c)
	s.edge = []int64{c + 1, c, c - 1, 600, 1}
	return s
}

func listStep(kind int, c int64) step[[]int64] {
	switch kind {
	case 0:
		return keep(fmt.Sprintf("greater than %d", c), fmt.Sprintf("x > %d", c), fmt.Sprintf("x > %d", c), func(x int64) bool { return x > c })
	case 1:
		return keep(fmt.Sprintf("less than %d", c), fmt.Sprintf("x < %d", c), fmt.Sprintf("x < %d", c), func(x int64) bool { return x < c })
	case 2:
		return each(fmt.Sprintf("adds %d to each number in %%s", c), fmt.Sprintf("x + %d", c), func(x int64) int64 { return x + c })
	case 3:
		return each(fmt.Sprintf("subtracts %d from each number in %%s", c), fmt.Sprintf("x - %d", c), func(x int64) int64 { return x - c })
	case 4:
		return each(fmt.Sprintf("multiplies each number in %%s by %d", c), fmt.Sprintf("x * %d", c), func(x int64) int64 { return x * c })
	case 5:
		return keep("that are even", "x % 2 === 0", "x % 2 == 0", func(x int64) bool { return x%2 == 0 })
	case 6:
		return step[[]int64]{
			say: "reverses %s",
			key: "reverse",
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{js + ".slice().reverse()", py + "[::-1]", atom, atom}
			},
			result: func(xs []int64) ([]int64, bool) {
				xs = slices.Clone(xs)
				slices.Reverse(xs)
				return xs, true
			},
		}
	case 7:
		return step[[]int64]{
			say: "sorts %s in increasing order",
			key: "sort",
			write: func(e expr) expr {
				js, _ := e.at(atom)
				return expr{js + ".slice().sort((a, b) => a - b)", "sorted(" + e.py + ")", atom, atom}
			},
			result: func(xs []int64) ([]int64, bool) {
				xs = slices.Clone(xs)
				slices.Sort(xs)
				return xs, true
			},
		}
	case 8:
		return step[[]int64]{
			say: fmt.Sprintf("keeps only the first %d numbers of %%s", c),
			key: fmt.Sprintf("first %d", c),
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{fmt.Sprintf("%s.slice(0, %d)", js, c), fmt.Sprintf("%s[:%d]", py, c), atom, atom}
			},
			result: func(xs []int64) ([]int64, bool) { return xs[:min(len(xs), int(c))], true },
		}
	default:
		n := c%3 + 1
		return step[[]int64]{
			say: fmt.Sprintf("drops the first %d numbers of %%s", n),
			key: fmt.Sprintf("drop %d", n),
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{fmt.Sprintf("%s.slice(%d)", js, n), fmt.Sprintf("%s[%d:]", py, n), atom, atom}
			},
			result: func(xs []int64) ([]int64, bool) { return xs[min(len(xs), int(n)):], true },
		}
	}
}

// keep is a filter.
func keep(say, js, py string, ok func(int64) bool) step[[]int64] {
	return step[[]int64]{
		say: "keeps only the numbers in %s " + say,
		key: "keep " + js,
		write: func(e expr) expr {
			j, p := e.at(atom)
			return expr{fmt.Sprintf("%s.filter(x => %s)", j, js), fmt.Sprintf("[x for x in %s if %s]", p, py), atom, atom}
		},
		result: func(xs []int64) ([]int64, bool) {
			out := make([]int64, 0, len(xs))
			for _, x := range xs {
				if ok(x) {
					out = append(out, x)
				}
			}
			return out, true
		},
	}
}

// each is a map. Its text is the same in both languages.
func each(say, text string, f func(int64) int64) step[[]int64] {
	return step[[]int64]{
		say: say,
		key: "each " + text,
		write: func(e expr) expr {
			j, p := e.at(atom)
			return expr{fmt.Sprintf("%s.map(x => %s)", j, text), fmt.Sprintf("[%s for x in %s]", text, p), atom, atom}
		},
		result: func(xs []int64) ([]int64, bool) {
			out := make([]int64, len(xs))
			for i, x := range xs {
				var ok bool
				if out[i], ok = inRange(f(x)); !ok {
					return nil, false
				}
			}
			return out, true
		},
	}
}

func makeString(rng *rand.Rand, level int, p Params) (Item, error) {
	// Among the inputs is every letter, twice, so that a replaced letter shows.
	inputs := []string{"", "a", "Hello World", "the quick brown fox jumps over the lazy dog", "banana", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"}
	for range 3 {
		inputs = append(inputs, pick(rng, nouns)+" "+pick(rng, nouns))
	}
	return assemble(rng, level, p, "s", inputs, drawString)
}

func drawString(rng *rand.Rand, level int) step[string] {
	kinds := 4
	if level > 1 {
		kinds = 6
	}
	if level > 2 {
		kinds = 9
	}
	w, v := pick(rng, nouns), pick(rng, nouns)
	a, b := rune('a'+rng.IntN(26)), rune('a'+rng.IntN(26))
	if a == b {
		b = 'a' + (b-'a'+1)%26
	}
	n := between(rng, 2, 9)
	s := stringStep(rng.IntN(kinds), w, v, a, b, n)
	s.edge = string(a) + w + string(b) // the letters it may replace, and a word to drop letters of
	return s
}

// stringStep makes a step of two words, two letters and a small number.
func stringStep(kind int, w, v string, a, b rune, n int) step[string] {
	switch kind {
	case 0:
		return step[string]{
			say:    fmt.Sprintf("puts %q before %%s", w),
			key:    fmt.Sprintf("%q before", w),
			write:  func(e expr) expr { return joined(e, fmt.Sprintf("%q + ", w), "") },
			result: func(s string) (string, bool) { return short(w + s) },
		}
	case 1:
		return step[string]{
			say:    fmt.Sprintf("puts %q after %%s", w),
			key:    fmt.Sprintf("%q after", w),
			write:  func(e expr) expr { return joined(e, "", fmt.Sprintf(" + %q", w)) },
			result: func(s string) (string, bool) { return short(s + w) },
		}
	case 2:
		return step[string]{
			say:    fmt.Sprintf("puts %q before and %q after %%s", w, v),
			key:    fmt.Sprintf("%q before %q after", w, v),
			write:  func(e expr) expr { return joined(e, fmt.Sprintf("%q + ", w), fmt.Sprintf(" + %q", v)) },
			result: func(s string) (string, bool) { return short(w + s + v) },
		}
	case 3:
		return step[string]{
			say: fmt.Sprintf("replaces every %q in %%s by %q", string(a), string(b)),
			key: fmt.Sprintf("%c to %c", a, b),
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{
					fmt.Sprintf("%s.replaceAll(%q, %q)", js, string(a), string(b)),
					fmt.Sprintf("%s.replace(%q, %q)", py, string(a), string(b)), atom, atom,
				}
			},
			result: func(s string) (string, bool) { return strings.ReplaceAll(s, string(a), string(b)), true },
		}
	case 4:
		return method("turns %s into upper case", "upper", "toUpperCase()", "upper()", strings.ToUpper)
	case 5:
		return step[string]{
			say: "repeats %s " + []string{"two", "three", "four"}[n%3] + " times",
			key: fmt.Sprintf("repeat %d", n%3+2),
			write: func(e expr) expr {
				js, _ := e.at(atom)
				_, py := e.at(tight)
				return expr{fmt.Sprintf("%s.repeat(%d)", js, n%3+2), fmt.Sprintf("%s * %d", py, n%3+2), atom, tight}
			},
			result: func(s string) (string, bool) { return short(strings.Repeat(s, n%3+2)) },
		}
	case 6:
		return method("turns %s into lower case", "lower", "toLowerCase()", "lower()", strings.ToLower)
	case 7:
		return step[string]{
			say: "reverses %s",
			key: "reverse",
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{js + `.split("").reverse().join("")`, py + "[::-1]", atom, atom}
			},
			result: func(s string) (string, bool) {
				b := []byte(s) // all inputs are ASCII
				slices.Reverse(b)
				return string(b), true
			},
		}
	default:
		return step[string]{
			say: fmt.Sprintf("drops the first %d letters of %%s", n),
			key: fmt.Sprintf("drop %d", n),
			write: func(e expr) expr {
				js, py := e.at(atom)
				return expr{fmt.Sprintf("%s.slice(%d)", js, n), fmt.Sprintf("%s[%d:]", py, n), atom, atom}
			},
			result: func(s string) (string, bool) { return s[min(n, len(s)):], true },
		}
	}
}

// joined writes text before and behind e with "+".
func joined(e expr, before, after string) expr {
	js, py := e.at(loose)
	return expr{before + js + after, before + py + after, loose, loose}
}

func method(say, key, js, py string, f func(string) string) step[string] {
	return step[string]{
		say: say,
		key: key,
		write: func(e expr) expr {
			j, p := e.at(atom)
			return expr{j + "." + js, p + "." + py, atom, atom}
		},
		result: func(s string) (string, bool) { return f(s), true },
	}
}

// short bounds a text, so that repetitions of repetitions stay small.
func short(s string) (string, bool) { return s, len(s) <= 2000 }
