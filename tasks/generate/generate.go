// Package generate makes questions from a seed: arithmetic, small programs, the same item in
// several languages, and lookups in contexts of a wanted length.
//
// Every item has a canonical text that says what is asked with names, wording, order and
// language taken away. One tenth of all canonical texts, by their SHA-256, is held for
// evaluation: Eval yields only those, Train never does. A sum held in one task is held in every
// task and in every language.
//
// # Caveats
//
// A long-context prompt is cut to length with the asked model's own token count, so its text,
// though not its ID, question or canonical text, differs from model to model.
package generate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
)

// Family is one kind of question over several levels of difficulty. The zero value makes nothing;
// families come from Families.
type Family struct {
	Pack, Name, Title  string
	MinLevel, MaxLevel int
	Answer             Answer
	Languages          []string // that Params.Language may name; the first is the default; nil means none to choose
	Depths             []float64
	Lengths            func(level int) []int // wanted prompt lengths in tokens; nil where length is not set

	weight float64 // share of the training mixture
	make   func(rng *rand.Rand, level int, p Params) (Item, error)
}

// Answer says what kind of answer a family asks for, and so how it is judged.
type Answer int

// The kinds of answer.
const (
	Number  Answer = iota // one number
	Numbers               // several numbers in order
	Values                // several values in any order, credit for each
	Program               // a function, judged by running it
)

// Params are the choices that are not drawn from the seed.
type Params struct {
	// Tokens is the wanted length of a long-context prompt; 0 takes one of its level's lengths.
	Tokens int
	// Depth in [0, 1] is where in a long context the answer stands; 0 is its beginning.
	Depth float64
	// Count counts tokens; nil estimates one token for four bytes.
	Count func(string) (int, error)
	// Language is a programming language or a language by its ISO 639-1 code; "" is the family's first.
	Language string

	// records sets a long context's size directly and extra its further questions: training only.
	records, extra int
	// train leaves out what only judging needs, and lets the depth be drawn.
	train bool
}

// Item is one question with one right answer.
type Item struct {
	Pack, Task string
	Level      int
	Canonical  string
	Prompt     string // ends so that the answer follows after a space
	Target     string // one right answer
	Language   string
	Group      string            // items of one group ask the same thing
	Meta       map[string]string // what a scorer needs besides Target
	Extra      []QA              // further questions on the same context, in training only
}

// QA is a further question. Prompt follows the newline that ends the answer before it.
type QA struct{ Prompt, Target string }

// ID is stable: equal for equal questions, whatever seed or position drew them.
func (it Item) ID() string {
	sum := sha256.Sum256([]byte(it.Canonical))
	id := it.Task + "-" + strconv.Itoa(it.Level) + "-" + hex.EncodeToString(sum[8:14])
	if it.Language != "" {
		id += "-" + it.Language
	}
	if n := it.Meta["tokens"]; n != "" {
		id += "-" + n + "@" + it.Meta["depth"]
	}
	return id
}

// Families lists all families, pack by pack.
func Families() []Family {
	var all []Family
	all = append(all, mathFamilies()...)
	all = append(all, codeFamilies()...)
	all = append(all, multilingualFamilies()...)
	return append(all, longContextFamilies()...)
}

// Held reports whether an item of this canonical text belongs to the evaluation tenth: the first
// eight bytes of its SHA-256, big-endian, are divisible by ten.
func Held(canonical string) bool {
	sum := sha256.Sum256([]byte(canonical))
	return binary.BigEndian.Uint64(sum[:8])%10 == 0
}

// Make draws one item, held or not. The same rng state, level and params give the same item, and
// with only Language changed the same item in that language.
func (f Family) Make(rng *rand.Rand, level int, p Params) (Item, error) {
	if f.make == nil {
		return Item{}, fmt.Errorf("family %q has no maker", f.Name)
	}
	if level < f.MinLevel || level > f.MaxLevel {
		return Item{}, fmt.Errorf("%s/%s: level %d, want %d to %d", f.Pack, f.Name, level, f.MinLevel, f.MaxLevel)
	}
	if p.Depth < 0 || p.Depth > 1 || p.Depth != p.Depth {
		return Item{}, fmt.Errorf("%s/%s: depth %v is outside [0, 1]", f.Pack, f.Name, p.Depth)
	}
	if len(f.Languages) > 0 {
		if p.Language == "" {
			p.Language = f.Languages[0]
		}
		if !contains(f.Languages, p.Language) {
			return Item{}, fmt.Errorf("%s/%s: language %q, want one of %v", f.Pack, f.Name, p.Language, f.Languages)
		}
	} else {
		p.Language = ""
	}
	it, err := f.make(rng, level, p)
	if err != nil {
		return Item{}, fmt.Errorf("%s/%s level %d: %w", f.Pack, f.Name, level, err)
	}
	it.Pack, it.Task, it.Level, it.Language = f.Pack, f.Name, level, p.Language
	return it, nil
}

// Eval yields n held items, no two of the same canonical text. A family of several languages
// yields each item in all of them, one after another (unless p names one); a family of set lengths goes
// through its lengths and depths (unless p sets Tokens, which then fixes Depth too).
// Fewer than n end in an error: the space of the level is too small.
func Eval(f Family, level int, seed uint64, n int, p Params) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		variants := f.variants(level, p)
		seen := make(map[string]bool)
		made := 0
		// A tenth of all draws is held and few repeat; a thousand draws an item without n found
		// means that the level has fewer than n held items.
		for draw := uint64(0); made < n; draw++ {
			if draw > 1000*uint64(n+10) {
				yield(Item{}, fmt.Errorf("%s/%s level %d has only %d held items, want %d", f.Pack, f.Name, level, made, n))
				return
			}
			probe := variants[0]
			// The canonical text depends neither on the length nor on the tests: find out cheaply.
			if f.Lengths != nil {
				probe.Tokens, probe.records = 0, 1
			}
			probe.train = f.Answer == Program
			it, err := f.Make(f.source(seed, level, draw), level, probe)
			if err != nil {
				yield(Item{}, err)
				return
			}
			if !Held(it.Canonical) || seen[it.Canonical] {
				continue
			}
			seen[it.Canonical] = true
			use := variants
			if f.Lengths != nil {
				k := (len(seen) - 1) % len(variants)
				use = variants[k : k+1]
			}
			for _, v := range use {
				if made == n {
					return
				}
				it, err := f.Make(f.source(seed, level, draw), level, v)
				if !yield(it, err) || err != nil {
					return
				}
				made++
			}
		}
	}
}

// variants lists the params an item is asked with.
func (f Family) variants(level int, p Params) []Params {
	var vs []Params
	switch {
	case f.Lengths != nil && p.Tokens == 0:
		for _, d := range f.Depths {
			for _, n := range f.Lengths(level) {
				v := p
				v.Tokens, v.Depth = n, d
				vs = append(vs, v)
			}
		}
	case f.Answer != Program && p.Language == "" && len(f.Languages) > 0:
		for _, l := range f.Languages {
			v := p
			v.Language = l
			vs = append(vs, v)
		}
	default:
		vs = []Params{p}
	}
	return vs
}

// source gives the random numbers of one draw: a stream of its own for each family, level and draw.
func (f Family) source(seed uint64, level int, draw uint64) *rand.Rand {
	return source(seed, f.Pack+"/"+f.Name+"/"+strconv.Itoa(level), draw)
}

// source hashes a seed, a name and a number into the two words of a PCG.
func source(seed uint64, name string, n uint64) *rand.Rand {
	b := make([]byte, 0, 64)
	b = binary.BigEndian.AppendUint64(b, seed)
	b = binary.BigEndian.AppendUint64(b, n)
	b = append(b, name...)
	sum := sha256.Sum256(b)
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// between draws from [lo, hi].
func between(rng *rand.Rand, lo, hi int) int { return lo + rng.IntN(hi-lo+1) }

// pick draws one of xs.
func pick[T any](rng *rand.Rand, xs []T) T { return xs[rng.IntN(len(xs))] }

func contains(xs []string, x string) bool {
	for _, y := range xs {
		if x == y {
			return true
		}
	}
	return false
}
