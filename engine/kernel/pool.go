package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Pool runs loops on several goroutines. Work is handed out in chunks, so a worker that
// loses its CPU to another process delays a loop by one chunk and no more. Workers wait for
// the next loop by spinning for about 50 µs and then park: an idle pool costs nothing.
//
// A Pool may be used from several goroutines. While one loop runs, a second one (also a loop
// started from inside fn) runs on its own goroutine alone.
type Pool struct {
	busy    sync.Mutex // held by the loop that has the workers
	crew    []*worker
	joined  sync.WaitGroup
	closed  bool // guarded by busy
	workers int

	_    [64]byte
	gen  atomic.Uint32 // counts loops; what idle workers watch
	stop atomic.Bool
	_    [56]byte
	// state says who is inside the current loop: bits 0-15 count workers, bit 16 is set while
	// workers may enter, bit 17 when the caller is parked until the count is zero.
	state atomic.Uint32
	fn    func(worker, lo, hi int)
	n     int
	grain int
	_     [32]byte
	next  atomic.Int64 // first index not yet handed out
	_     [56]byte
	left  chan struct{} // the last worker to leave wakes a parked caller
	fault atomic.Pointer[fault]
}

type worker struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [48]byte
}

type fault struct{ value any }

const (
	open    = 1 << 16
	waiting = 1 << 17

	// spins bounds each wait for something that is about to happen; one spin is 4 PAUSEs, some 40 ns.
	// The bound also keeps the loop, which the runtime cannot preempt, short.
	spins = 1000
)

// NewPool starts a pool of the given number of workers, the caller of For among them;
// 0 means GOMAXPROCS. Close it after use.
func NewPool(workers int) *Pool {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, open-1)
	p := &Pool{workers: workers, left: make(chan struct{}, 1)}
	for i := 1; i < workers; i++ {
		w := &worker{wake: make(chan struct{}, 1)}
		p.crew = append(p.crew, w)
		p.joined.Add(1)
		go p.serve(i, w)
	}
	return p
}

// Workers is how many goroutines take part in a loop; worker numbers are below it. A nil Pool has 1.
func (p *Pool) Workers() int {
	if p == nil {
		return 1
	}
	return p.workers
}

// Close ends the workers and waits for them. A closed Pool runs loops on the caller's goroutine.
func (p *Pool) Close() {
	if p == nil {
		return
	}
	p.busy.Lock()
	defer p.busy.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.stop.Store(true)
	p.gen.Add(1)
	p.rouse(len(p.crew))
	p.joined.Wait()
}

// For calls fn for pieces [lo, hi) of at most grain indices that together make up [0, n), on
// all workers, and returns when all calls have. Pieces are taken in ascending order by whoever is
// free. worker is in [0, Workers()) and differs between calls that run at the same time in this
// loop. A panic in fn is raised again on the caller's goroutine. A nil Pool calls fn serially.
func (p *Pool) For(n, grain int, fn func(worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	if p == nil || p.workers == 1 || n <= grain || !p.busy.TryLock() {
		serial(n, grain, fn)
		return
	}
	defer p.busy.Unlock()
	if p.closed {
		serial(n, grain, fn)
		return
	}
	p.fn, p.n, p.grain = fn, n, grain
	p.next.Store(0)
	p.state.Store(open)
	p.gen.Add(1)
	p.rouse(min(len(p.crew), (n-1)/grain))
	defer p.join()
	p.drain(0)
}

func serial(n, grain int, fn func(worker, lo, hi int)) {
	for lo := 0; lo < n; lo += grain {
		fn(0, lo, min(lo+grain, n))
	}
}

// rouse wakes up to n parked workers.
func (p *Pool) rouse(n int) {
	for _, w := range p.crew {
		if n == 0 {
			return
		}
		n--
		if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
}

// drain takes pieces until none is left.
func (p *Pool) drain(worker int) {
	for {
		hi := int(p.next.Add(int64(p.grain)))
		lo := hi - p.grain
		if lo >= p.n {
			return
		}
		p.fn(worker, lo, min(hi, p.n))
	}
}

// join shuts the loop to late comers and waits for those inside: first spinning, since they are
// usually in their last piece, then yielding, then parked.
func (p *Pool) join() {
	p.next.Store(int64(p.n)) // matters when fn panicked here: no further pieces
	for s := p.state.Load(); !p.state.CompareAndSwap(s, s&^open); s = p.state.Load() {
	}
	for i := 0; i < spins && p.state.Load() != 0; i++ {
		pause(4)
	}
	for i := 0; i < 64 && p.state.Load() != 0; i++ {
		runtime.Gosched()
	}
	for s := p.state.Load(); s != 0; s = p.state.Load() {
		if p.state.CompareAndSwap(s, s|waiting) {
			<-p.left
			p.state.Store(0)
			break
		}
	}
	p.fn = nil
	if f := p.fault.Swap(nil); f != nil {
		panic(f.value)
	}
}

func (p *Pool) serve(number int, w *worker) {
	defer p.joined.Done()
	seen := uint32(0)
	for {
		seen = p.await(seen, w)
		if p.stop.Load() {
			return
		}
		if p.enter() {
			p.work(number)
		}
	}
}

// await returns the loop counter once it differs from seen.
func (p *Pool) await(seen uint32, w *worker) uint32 {
	for {
		for range spins {
			if g := p.gen.Load(); g != seen {
				return g
			}
			pause(4)
		}
		w.parked.Store(true)
		// The counter may have moved before parked was set; then nobody sends, unless rouse has
		// just cleared the flag: in that case its token must be taken.
		if p.gen.Load() != seen && w.parked.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
	}
}

// enter counts a worker into the current loop, unless it is over.
func (p *Pool) enter() bool {
	for {
		s := p.state.Load()
		if s&open == 0 {
			return false
		}
		if p.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

func (p *Pool) work(number int) {
	defer func() {
		if v := recover(); v != nil {
			p.fault.CompareAndSwap(nil, &fault{v})
			p.next.Store(int64(p.n))
		}
		if p.state.Add(^uint32(0)) == waiting {
			p.left <- struct{}{}
		}
	}()
	p.drain(number)
}
