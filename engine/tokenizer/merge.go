package tokenizer

// merger holds the work space of one merge; it is reused from word to word.
type merger struct {
	syms []sym
	rank []uint32 // of the pair that begins at i

	next, prev []int32 // the list of live syms, for long texts only
	to         []sym   // what the pair at i becomes
	heap       []uint64
}

// heapFrom is the length from which a heap is used instead of looking at every pair for each
// merge. On English text the two were measured to take the same time from 24 to 128 bytes,
// where fetching ranks from memory outweighs both; from there on the second grows quadratically.
const heapFrom = 64

// merge joins neighbours in m.syms, best rank first and leftmost among equals, until no pair
// merges. The result is m.syms.
func (m *merger) merge(p *pairs) {
	if len(m.syms) < 2 {
		return
	}
	if len(m.syms) >= heapFrom {
		m.mergeHeap(p)
		return
	}
	s := m.syms
	r := m.rank[:0]
	for i := range len(s) - 1 {
		rank, _ := p.get(s[i], s[i+1])
		r = append(r, rank)
	}
	for {
		best, at := noRank, -1
		for i, x := range r {
			if x < best {
				best, at = x, i
			}
		}
		if at < 0 {
			break
		}
		_, s[at] = p.get(s[at], s[at+1])
		copy(s[at+1:], s[at+2:])
		s = s[:len(s)-1]
		copy(r[at:], r[at+1:])
		r = r[:len(r)-1]
		if at < len(r) {
			r[at], _ = p.get(s[at], s[at+1])
		}
		if at > 0 {
			r[at-1], _ = p.get(s[at-1], s[at])
		}
	}
	m.syms, m.rank = s, r
}

// mergeHeap is merge for long texts: n log n. A heap entry is rank<<32 | position; it is
// stale when the pair at its position has another rank by now.
func (m *merger) mergeHeap(p *pairs) {
	s := m.syms
	n := len(s)
	m.rank = grow(m.rank, n)
	m.next, m.prev, m.to = grow(m.next, n), grow(m.prev, n), grow(m.to, n)
	m.heap = m.heap[:0]
	m.rank[n-1] = noRank
	for i := range n {
		m.next[i], m.prev[i] = int32(i+1), int32(i-1)
		if i < n-1 {
			if m.rank[i], m.to[i] = p.get(s[i], s[i+1]); m.rank[i] != noRank {
				m.heap = append(m.heap, uint64(m.rank[i])<<32|uint64(i))
			}
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	for len(m.heap) > 0 {
		top := m.heap[0]
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
		if last > 1 {
			m.down(0)
		}
		i := int32(top)
		if m.rank[i] != uint32(top>>32) {
			continue
		}
		gone := m.next[i]
		s[i] = m.to[i]
		m.rank[gone] = noRank
		after := m.next[gone]
		m.next[i] = after
		m.rank[i] = noRank
		if int(after) < n {
			m.prev[after] = i
			m.look(p, i, after)
		}
		if before := m.prev[i]; before >= 0 {
			m.look(p, before, i)
		}
	}
	k := 0
	for i := 0; i < n; i = int(m.next[i]) {
		s[k] = s[i]
		k++
	}
	m.syms = s[:k]
}

// look finds out what the pair at i, j is now, and queues it.
func (m *merger) look(p *pairs, i, j int32) {
	m.rank[i], m.to[i] = p.get(m.syms[i], m.syms[j])
	if m.rank[i] == noRank {
		return
	}
	m.heap = append(m.heap, uint64(m.rank[i])<<32|uint64(i))
	h := m.heap
	for c := len(h) - 1; c > 0; {
		up := (c - 1) / 2
		if h[up] <= h[c] {
			break
		}
		h[up], h[c] = h[c], h[up]
		c = up
	}
}

func (m *merger) down(i int) {
	h := m.heap
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// grow returns a slice of length n, reusing s where it is long enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
