package kernel

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFor(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		p := NewPool(workers)
		for _, n := range []int{0, 1, 2, 7, 100, 1001} {
			for _, grain := range []int{0, 1, 3, 64, 5000} {
				seen := make([]atomic.Int32, n)
				busy := make([]atomic.Bool, workers)
				p.For(n, grain, func(worker, lo, hi int) {
					if !busy[worker].CompareAndSwap(false, true) {
						t.Errorf("worker %d twice at once", worker)
					}
					if hi-lo > max(grain, 1) || lo >= hi {
						t.Errorf("piece [%d, %d) of grain %d", lo, hi, grain)
					}
					for i := lo; i < hi; i++ {
						seen[i].Add(1)
					}
					busy[worker].Store(false)
				})
				for i := range seen {
					if c := seen[i].Load(); c != 1 {
						t.Fatalf("workers %d n %d grain %d: index %d done %d times", workers, n, grain, i, c)
					}
				}
			}
		}
		p.Close()
		p.Close()
		ran := 0
		p.For(10, 2, func(_, lo, hi int) { ran += hi - lo })
		if ran != 10 {
			t.Errorf("closed pool did %d of 10", ran)
		}
	}
}

// TestForOthers has several goroutines share a pool, and loops inside loops.
func TestForOthers(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	var total atomic.Int64
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 200 {
				p.For(20, 1, func(_, lo, hi int) {
					p.For(5, 1, func(_, lo, hi int) { total.Add(int64(hi - lo)) })
				})
			}
		})
	}
	wait.Wait()
	if got := total.Load(); got != 4*200*20*5 {
		t.Errorf("%d of %d", got, 4*200*20*5)
	}
}

// TestForParks lets workers fall asleep between loops, which is where a wake-up could be lost.
func TestForParks(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	var total atomic.Int64
	for i := range 100 {
		p.For(12, 1, func(_, lo, hi int) { total.Add(int64(hi - lo)) })
		if i%10 == 0 {
			for _, w := range p.crew {
				for !w.parked.Load() {
					time.Sleep(50 * time.Microsecond)
				}
			}
		}
	}
	if total.Load() != 1200 {
		t.Errorf("%d of 1200", total.Load())
	}
}

func TestForPanics(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	for i := range 50 {
		got := func() (v any) {
			defer func() { v = recover() }()
			p.For(100, 1, func(_, lo, _ int) {
				if lo == 2*i {
					panic("piece")
				}
			})
			return nil
		}()
		if got != "piece" {
			t.Fatalf("recovered %v", got)
		}
	}
	done := 0
	p.For(1, 1, func(_, lo, hi int) { done++ })
	if done != 1 {
		t.Error("pool unusable after a panic")
	}
}

func TestNilPool(t *testing.T) {
	var p *Pool
	sum := 0
	p.For(10, 3, func(worker, lo, hi int) { sum += hi - lo + 100*worker })
	if sum != 10 || p.Workers() != 1 {
		t.Errorf("sum %d, workers %d", sum, p.Workers())
	}
	p.Close()
}
