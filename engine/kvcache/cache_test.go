package kvcache

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

var shape = Shape{Layers: 2, KVHeads: 3, HeadDim: 5}

// token writes one position whose numbers depend on what, and reads as what again.
func token(c *Cache, what float32) {
	if err := c.Reserve(1); err != nil {
		panic(err)
	}
	n := c.shape.KVHeads * c.shape.HeadDim
	k, v := make([]float32, n), make([]float32, n)
	for l := range c.shape.Layers {
		for i := range n {
			k[i] = what*1000 + float32(l*100+i)
			v[i] = -k[i]
		}
		c.Put(l, c.Len(), k, v)
	}
	c.Advance(1)
}

// read returns what was written at each position and fails on a number out of place.
func read(t *testing.T, c *Cache) []float32 {
	t.Helper()
	var got []float32
	d := c.shape.HeadDim
	for pos := range c.Len() {
		what := c.Keys(0, 0, pos/PageLen)[pos%PageLen*d] / 1000
		got = append(got, what)
		for l := range c.shape.Layers {
			for h := range c.shape.KVHeads {
				for i := range d {
					want := what*1000 + float32(l*100+h*d+i)
					at := pos%PageLen*d + i
					if k, v := c.Keys(l, h, pos/PageLen)[at], c.Values(l, h, pos/PageLen)[at]; k != want || v != -want {
						t.Fatalf("position %d layer %d head %d number %d: key %v value %v, want ±%v", pos, l, h, i, k, v, want)
					}
				}
			}
		}
	}
	return got
}

// TestAgainstSlices runs random appends, truncations and forks over several caches and
// compares each with a plain slice of what was appended.
func TestAgainstSlices(t *testing.T) {
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, 1))
	caches := []*Cache{New(shape, 300)}
	naive := [][]float32{nil}
	for step := range 400 {
		i := rng.IntN(len(caches))
		c := caches[i]
		switch op := rng.IntN(10); {
		case op < 6:
			for range rng.IntN(90) {
				if c.Len() == c.Cap() {
					break
				}
				what := float32(rng.IntN(4000))
				token(c, what)
				naive[i] = append(naive[i], what)
			}
		case op < 8:
			n := rng.IntN(c.Len() + 1)
			c.Truncate(n)
			naive[i] = slices.Clone(naive[i][:n])
		case op < 9 && len(caches) < 6:
			n := rng.IntN(c.Len() + 1)
			caches = append(caches, c.Fork(n))
			naive = append(naive, slices.Clone(naive[i][:n]))
		default:
			c.Release()
			naive[i] = nil
		}
		for j := range caches {
			if got := read(t, caches[j]); !slices.Equal(got, naive[j]) {
				t.Fatalf("seed %d step %d cache %d: got %v, want %v", seed, step, j, got, naive[j])
			}
		}
	}
}

func TestFull(t *testing.T) {
	c := New(shape, 70)
	for i := range 70 {
		token(c, float32(i))
	}
	before := c.Bytes()
	if err := c.Reserve(1); !errors.Is(err, ErrFull) {
		t.Fatalf("Reserve past capacity: %v", err)
	}
	if err := c.Reserve(0); err != nil {
		t.Fatalf("Reserve(0) of a full cache: %v", err)
	}
	if c.Len() != 70 || c.Bytes() != before {
		t.Fatalf("a refused Reserve changed the cache: %d positions, %d bytes", c.Len(), c.Bytes())
	}
}

func TestMemoryFollowsUse(t *testing.T) {
	c := New(shape, 1<<30) // more than the machine has
	if c.Bytes() != 0 {
		t.Fatalf("an empty cache takes %d bytes", c.Bytes())
	}
	token(c, 1)
	if want := PageLen * shape.PositionBytes(); c.Bytes() != want {
		t.Fatalf("one position takes %d bytes, want a page of %d", c.Bytes(), want)
	}
	if allocs := testing.AllocsPerRun(10, func() {
		if err := c.Reserve(PageLen - 1); err != nil {
			t.Fatal(err)
		}
		c.Truncate(1)
	}); allocs != 0 {
		t.Errorf("reserving within a page allocates %v times", allocs)
	}
}

// TestForksConcurrently lets the race detector see two caches grow on one shared prefix.
func TestForksConcurrently(t *testing.T) {
	base := New(shape, 500)
	for i := range 100 {
		token(base, float32(i))
	}
	forks := []*Cache{base.Fork(100), base.Fork(80), base}
	var wg sync.WaitGroup
	for i, c := range forks {
		wg.Go(func() {
			for j := range 100 {
				token(c, float32(1000*(i+1)+j))
				c.Fork(c.Len() / 2)
			}
		})
	}
	wg.Wait()
	for i, c := range forks {
		got := read(t, c)
		for j, what := range got[len(got)-100:] {
			if want := float32(1000*(i+1) + j); what != want {
				t.Fatalf("fork %d: %v at %d, want %v", i, what, j, want)
			}
		}
	}
}

func TestBadCallsPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"no layers":          func() { New(Shape{0, 1, 1}, 1) },
		"no capacity":        func() { New(shape, 0) },
		"advance unreserved": func() { New(shape, 10).Advance(1) },
		"truncate to more":   func() { New(shape, 10).Truncate(1) },
		"fork more":          func() { New(shape, 10).Fork(1) },
		"reserve negative":   func() { _ = New(shape, 10).Reserve(-1) },
		"put wrong shape": func() {
			c := New(shape, 10)
			_ = c.Reserve(1)
			c.Put(0, 0, make([]float32, 1), make([]float32, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}
