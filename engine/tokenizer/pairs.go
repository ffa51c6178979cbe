package tokenizer

import "math/bits"

// A sym is a unit of the merge: a token id; an id past the vocabulary for a merge result that
// is no token; or, below zero, a rune or byte that is no token (see runeSym and byteSym).
type sym int32

// runeSym is the sym of a rune that is no token, byteSym that of a byte that is no token or
// no UTF-8. The two ranges do not meet.
func runeSym(r rune) sym { return -2 - sym(r) }
func byteSym(b byte) sym { return -2 - 0x110000 - sym(b) }

// raw returns the bytes of a sym below zero.
func (x sym) raw(buf []byte) []byte {
	if v := -2 - x; v < 0x110000 {
		return append(buf, string(rune(v))...)
	} else {
		return append(buf, byte(v-0x110000))
	}
}

// noRank is the rank of a pair that does not merge.
const noRank = ^uint32(0)

// pairs maps two neighbouring syms to the rank of their merge and its result. It is a hash
// table with open addressing, because it is read several times for every byte of new text; a slot
// holds everything, so that a look costs one cache line.
type pairs struct {
	slots []pairSlot // a power of two of them, at most half in use
	shift uint
	n     int
}

type pairSlot struct {
	key  uint64 // left<<32 | right
	rank uint32 // noRank: the slot is empty
	to   sym
}

func newPairs(n int) *pairs {
	log := max(4, bits.Len(uint(2*n)))
	p := &pairs{slots: make([]pairSlot, 1<<log), shift: uint(64 - log)}
	for i := range p.slots {
		p.slots[i].rank = noRank
	}
	return p
}

// slot returns the pair's place, or the empty one where it would go.
func (p *pairs) slot(key uint64) *pairSlot {
	mask := len(p.slots) - 1
	// Fibonacci hashing: 2^64 divided by the golden ratio.
	for i := int(key * 0x9E3779B97F4A7C15 >> p.shift); ; i = (i + 1) & mask {
		if s := &p.slots[i&mask]; s.key == key || s.rank == noRank {
			return s
		}
	}
}

func pairKey(l, r sym) uint64 { return uint64(uint32(l))<<32 | uint64(uint32(r)) }

func (p *pairs) get(l, r sym) (rank uint32, to sym) {
	s := p.slot(pairKey(l, r))
	return s.rank, s.to
}

// add puts a pair in; a pair that is there already keeps its rank, the better one.
func (p *pairs) add(l, r sym, rank uint32, to sym) {
	if 2*(p.n+1) > len(p.slots) {
		old := p.slots
		*p = *newPairs(len(old))
		for _, s := range old {
			if s.rank != noRank {
				p.add(sym(uint32(s.key>>32)), sym(uint32(s.key)), s.rank, s.to)
			}
		}
	}
	if s := p.slot(pairKey(l, r)); s.rank == noRank {
		*s = pairSlot{pairKey(l, r), rank, to}
		p.n++
	}
}
