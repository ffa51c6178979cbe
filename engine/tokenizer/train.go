package tokenizer

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"slices"
)

// Train makes a byte-level BPE vocabulary of size tokens from a corpus: the 256 bytes, then
// the merges, then specials as control tokens, in that order. pre names the pre-tokenizer
// that splits words, in training and in use. Specials found in the corpus are cut out, not learned.
//
// The same corpus gives the same vocabulary: words keep the order of their first occurrence, and
// of equally frequent pairs the one whose parts are the older tokens is merged first. A corpus too poor for
// size is an error. The Spec's ids (BOS, EOS, ...) are -1; Find tells where the specials are.
//
// The algorithm is Sennrich et al., "Neural Machine Translation of Rare Words with Subword
// Units", ACL 2016, section 3.2, with pair counts kept up to date word by word.
func Train(corpus iter.Seq[string], size int, pre string, specials ...string) (Spec, error) {
	p, err := newPretokenizer(pre)
	if err != nil {
		return Spec{}, err
	}
	merges := size - 256 - len(specials)
	if merges < 0 || size > 1<<24 {
		return Spec{}, fmt.Errorf("%w: a vocabulary of %d tokens cannot hold 256 bytes and %d specials", ErrSpec, size, len(specials))
	}
	spec := Spec{Model: ByteLevel, Pre: pre, BOS: -1, EOS: -1, EOT: -1, UNK: -1, PAD: -1}
	tr := trainer{id: make(map[string]int32), where: make(map[[2]int32][]int32), count: make(map[[2]int32]int)}
	order, id := alphabet()
	for i, b := range order {
		tr.token = append(tr.token, string([]byte{b}))
		tr.id[tr.token[i]] = int32(i)
	}
	cutSpecials := newAdded(specialSpec(specials))
	words := make(map[string]int)
	for text := range corpus {
		for text != "" {
			at, n, _ := cutSpecials.find(text, true)
			p.split(unicodeClasses(), text[:at], func(w string) {
				if i, ok := words[w]; ok {
					tr.words[i].count++
					return
				}
				syms := make([]int32, len(w))
				for i := range len(w) {
					syms[i] = id[w[i]]
				}
				w = string([]byte(w)) // keep the word, not the text around it
				words[w] = len(tr.words)
				tr.words = append(tr.words, trainWord{syms: syms, count: 1})
			})
			text = text[at+n:]
		}
	}
	tr.begin()
	for len(tr.token) < 256+merges {
		pair, ok := tr.best()
		if !ok {
			return Spec{}, fmt.Errorf("%w: the corpus has pairs for %d tokens, not for %d", ErrSpec, len(tr.token)+len(specials), size)
		}
		spec.Merges = append(spec.Merges, toStandIns(tr.token[pair[0]])+" "+toStandIns(tr.token[pair[1]]))
		tr.merge(pair)
	}
	for _, raw := range tr.token {
		spec.Tokens = append(spec.Tokens, toStandIns(raw))
		spec.Types = append(spec.Types, Normal)
	}
	for _, s := range specials {
		if s == "" || spec.Find(s) >= 0 {
			return Spec{}, fmt.Errorf("%w: special token %q is empty or there already", ErrSpec, s)
		}
		spec.Tokens = append(spec.Tokens, s)
		spec.Types = append(spec.Types, Control)
	}
	return spec, nil
}

// alphabet returns the bytes in the order of their stand-ins, which puts '!' first as
// GPT-2's own vocabulary does, and the token id of each byte.
func alphabet() (order []byte, id [256]int32) {
	order = make([]byte, 256)
	for b := range order {
		order[b] = byte(b)
	}
	slices.SortFunc(order, func(a, b byte) int { return cmp.Compare(standIn(a), standIn(b)) })
	for i, b := range order {
		id[b] = int32(i)
	}
	return order, id
}

func specialSpec(specials []string) *Spec {
	s := &Spec{Tokens: specials}
	for range specials {
		s.Types = append(s.Types, Control)
	}
	return s
}

type trainWord struct {
	syms  []int32
	count int
}

// trainer holds every distinct word as tokens, and for each pair of neighbours how often it
// occurs and in which words (a word may be listed that no longer has the pair).
type trainer struct {
	token []string // bytes of each token
	id    map[string]int32
	words []trainWord
	count map[[2]int32]int
	where map[[2]int32][]int32
	queue pairQueue
}

// begin counts all pairs.
func (tr *trainer) begin() {
	for i, w := range tr.words {
		for j := 1; j < len(w.syms); j++ {
			tr.note([2]int32{w.syms[j-1], w.syms[j]}, w.count, int32(i))
		}
	}
	for pair, n := range tr.count {
		tr.queue = append(tr.queue, counted{n, pair})
	}
	heap.Init(&tr.queue)
}

// note adds n occurrences of pair in a word.
func (tr *trainer) note(pair [2]int32, n int, word int32) {
	tr.count[pair] += n
	if l := tr.where[pair]; len(l) == 0 || l[len(l)-1] != word {
		tr.where[pair] = append(l, word)
	}
}

// best takes the most frequent pair from the queue. Counts in the queue may be out of date:
// too high ones are put back, and every increase queues the pair anew.
func (tr *trainer) best() (pair [2]int32, ok bool) {
	for len(tr.queue) > 0 {
		top := heap.Pop(&tr.queue).(counted)
		n := tr.count[top.pair]
		if n == top.n && n > 0 {
			return top.pair, true
		}
		if n > 0 && n < top.n {
			heap.Push(&tr.queue, counted{n, top.pair})
		}
	}
	return pair, false
}

// merge makes pair a token and replaces it in all words, left to right. Another pair may have
// made the same token before ("ab" "c" and "a" "bc"): then there is a merge but no new token.
func (tr *trainer) merge(pair [2]int32) {
	text := tr.token[pair[0]] + tr.token[pair[1]]
	made, ok := tr.id[text]
	if !ok {
		made = int32(len(tr.token))
		tr.token = append(tr.token, text)
		tr.id[text] = made
	}
	grown := make(map[[2]int32]bool)
	for _, wi := range tr.where[pair] {
		w := &tr.words[wi]
		if !holds(w.syms, pair) {
			continue
		}
		for j := 1; j < len(w.syms); j++ {
			tr.count[[2]int32{w.syms[j-1], w.syms[j]}] -= w.count
		}
		k := 0
		for j := 0; j < len(w.syms); j++ {
			x := w.syms[j]
			if j+1 < len(w.syms) && x == pair[0] && w.syms[j+1] == pair[1] {
				x = made
				j++
			}
			w.syms[k] = x
			k++
		}
		w.syms = w.syms[:k]
		for j := 1; j < k; j++ {
			p := [2]int32{w.syms[j-1], w.syms[j]}
			if p[0] == made || p[1] == made {
				tr.note(p, w.count, wi)
				grown[p] = true
			} else {
				tr.count[p] += w.count
			}
		}
	}
	delete(tr.where, pair)
	delete(tr.count, pair)
	for p := range grown {
		heap.Push(&tr.queue, counted{tr.count[p], p})
	}
}

func holds(syms []int32, pair [2]int32) bool {
	for j := 1; j < len(syms); j++ {
		if syms[j-1] == pair[0] && syms[j] == pair[1] {
			return true
		}
	}
	return false
}

type counted struct {
	n    int
	pair [2]int32
}

// pairQueue is a heap, most frequent pair first, then the pair of older tokens.
type pairQueue []counted

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.n != b.n {
		return a.n > b.n
	}
	if a.pair[0] != b.pair[0] {
		return a.pair[0] < b.pair[0]
	}
	return a.pair[1] < b.pair[1]
}
func (q *pairQueue) Push(x any) { *q = append(*q, x.(counted)) }
func (q *pairQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
