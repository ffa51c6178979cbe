// Package kvcache keeps the attention keys and values of a sequence's past tokens: append,
// truncate, and fork by prefix.
//
// A Cache is a list of pages, each holding PageLen positions of every layer. Pages are
// allocated when the sequence reaches them, so that a cache made for a long context costs
// only what has been used of it, and growing never moves what is there. Fork shares pages
// between caches and copies one only when it is about to be written.
//
// # Caveats
//
// A Cache has one owner: no two calls on it may overlap. Caches that share pages through
// Fork may be used concurrently with each other. The slices that Keys and Values return
// are views, good until the next Reserve, Truncate or Fork of this cache.
package kvcache

import (
	"errors"
	"fmt"
)

// PageLen is how many positions a page holds. At 64 a page of one head of 64 numbers is
// 16 KiB: several of the rows attention reads in sequence, and little waste in short caches.
const PageLen = 64

// ErrFull is returned, wrapped with the sizes, by Reserve when the capacity does not suffice.
var ErrFull = errors.New("key-value cache is full")

// Shape is the part of a model that decides how large a position is.
type Shape struct {
	Layers, KVHeads, HeadDim int
}

// PositionBytes is the memory one position takes, keys and values of all layers.
func (s Shape) PositionBytes() int64 {
	return int64(s.Layers) * 2 * int64(s.KVHeads) * int64(s.HeadDim) * 4
}

// Cache holds the keys and values of one sequence.
type Cache struct {
	shape    Shape
	capacity int // positions
	length   int // positions, ≤ capacity
	pages    []*page
}

// page holds PageLen positions. data: (layers, 2, kvHeads, PageLen, headDim), row-major,
// where 0 of the second axis are the keys and 1 the values. Keys lie head by head because
// attention reads one head of all positions in sequence.
type page struct {
	data []float32
	// shared says that another cache may hold this page too, so that nobody may write it.
	// It is set while the page has one owner and never cleared; that is why it needs no lock.
	shared bool
}

// New returns an empty cache for at most capacity positions. It panics on a size below 1,
// which no loaded model has.
func New(shape Shape, capacity int) *Cache {
	if shape.Layers < 1 || shape.KVHeads < 1 || shape.HeadDim < 1 || capacity < 1 {
		panic(fmt.Sprintf("kvcache: shape %+v with capacity %d", shape, capacity))
	}
	return &Cache{shape: shape, capacity: capacity}
}

// Shape returns the shape the cache was made for.
func (c *Cache) Shape() Shape { return c.shape }

// Len is how many positions are filled.
func (c *Cache) Len() int { return c.length }

// Cap is how many positions the cache may ever hold.
func (c *Cache) Cap() int { return c.capacity }

// Bytes is the memory the cache's pages take. Pages shared with other caches count in each.
func (c *Cache) Bytes() int64 {
	return int64(len(c.pages)) * PageLen * c.shape.PositionBytes()
}

// Reserve makes the n positions after Len writable and leaves Len as it is. It returns
// ErrFull when the capacity does not suffice, and then changes nothing.
func (c *Cache) Reserve(n int) error {
	if n < 0 {
		panic(fmt.Sprintf("kvcache: reserve %d positions", n))
	}
	if n > c.capacity-c.length {
		return fmt.Errorf("%d positions beside %d of %d: %w", n, c.length, c.capacity, ErrFull)
	}
	if n == 0 {
		return nil
	}
	first, last := c.length/PageLen, (c.length+n-1)/PageLen
	for i := first; i <= last; i++ {
		switch {
		case i == len(c.pages):
			c.pages = append(c.pages, c.shape.newPage())
		case c.pages[i].shared:
			own := c.shape.newPage()
			// Only the first page to be written can hold positions to keep.
			if i == first && c.length%PageLen != 0 {
				copy(own.data, c.pages[i].data)
			}
			c.pages[i] = own
		}
	}
	return nil
}

// Advance counts the first n reserved positions, now written, as filled.
func (c *Cache) Advance(n int) {
	if n < 0 || c.length+n > c.capacity || c.length+n > len(c.pages)*PageLen {
		panic(fmt.Sprintf("kvcache: advance by %d at %d with %d pages, capacity %d", n, c.length, len(c.pages), c.capacity))
	}
	c.length += n
}

// Truncate forgets the positions in [n, Len). Pages are kept for what comes next, except
// those another cache may hold.
func (c *Cache) Truncate(n int) {
	if n < 0 || n > c.length {
		panic(fmt.Sprintf("kvcache: truncate %d positions to %d", c.length, n))
	}
	c.length = n
	keep := (n + PageLen - 1) / PageLen
	for i := keep; i < len(c.pages); i++ {
		if c.pages[i].shared {
			c.pages[i] = nil
			continue
		}
		c.pages[keep], keep = c.pages[i], keep+1
	}
	clear(c.pages[keep:])
	c.pages = c.pages[:keep]
}

// Release forgets everything and gives the pages up to the garbage collector.
func (c *Cache) Release() {
	c.length, c.pages = 0, nil
}

// Fork returns a cache of the same capacity that holds the positions [0, n) of this one.
// Nothing is copied until either cache writes to the page where they part.
func (c *Cache) Fork(n int) *Cache {
	if n < 0 || n > c.length {
		panic(fmt.Sprintf("kvcache: fork %d of %d positions", n, c.length))
	}
	f := &Cache{shape: c.shape, capacity: c.capacity, length: n}
	for _, p := range c.pages[:(n+PageLen-1)/PageLen] {
		if !p.shared { // a page with two owners is not written, not even with the same value
			p.shared = true
		}
		f.pages = append(f.pages, p)
	}
	return f
}

// Keys returns page i of one head's keys in one layer: (PageLen, headDim), row-major,
// position i*PageLen first. Positions from Len on are writable after Reserve.
func (c *Cache) Keys(layer, head, i int) []float32 { return c.rows(layer, 0, head, i) }

// Values returns the same page of the values.
func (c *Cache) Values(layer, head, i int) []float32 { return c.rows(layer, 1, head, i) }

func (c *Cache) rows(layer, kind, head, i int) []float32 {
	n := PageLen * c.shape.HeadDim
	at := ((layer*2+kind)*c.shape.KVHeads + head) * n
	return c.pages[i].data[at : at+n : at+n]
}

// Put stores the key and value of every head at one reserved position: k and v are
// (kvHeads, headDim), row-major.
func (c *Cache) Put(layer, pos int, k, v []float32) {
	d := c.shape.HeadDim
	if len(k) != c.shape.KVHeads*d || len(v) != len(k) {
		panic(fmt.Sprintf("kvcache: put %d and %d numbers into %d heads of %d", len(k), len(v), c.shape.KVHeads, d))
	}
	i, at := pos/PageLen, pos%PageLen*d
	for h := range c.shape.KVHeads {
		copy(c.Keys(layer, h, i)[at:at+d], k[h*d:])
		copy(c.Values(layer, h, i)[at:at+d], v[h*d:])
	}
}

func (s Shape) newPage() *page {
	return &page{data: make([]float32, s.Layers*2*s.KVHeads*PageLen*s.HeadDim)}
}
