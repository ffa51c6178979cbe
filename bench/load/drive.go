package load

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// Drive calls do for requests 0 to n-1 when they are due and waits for all calls to return. Under
// a closed pattern request i is due when its asker is free for it; under an open one at its
// time after Drive began, and do runs on a goroutine of its own: calls overlap as
// far as answers are slower than arrivals. A Replay of fewer times sends no more than those.
//
// do returns false to stop: no further request starts. So does the end of ctx, whose error
// Drive then returns; calls under way get ctx and end in their own time. sent counts the
// calls made.
func Drive(ctx context.Context, p Pattern, n int, do func(ctx context.Context, i int, due time.Time) bool) (sent int, err error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	if p.Open() {
		sent = arrive(ctx, p.Due(), n, do)
	} else {
		sent = loop(ctx, min(p.Askers(), n), n, do)
	}
	return sent, ctx.Err()
}

// loop has askers take the next request each as soon as they are free.
func loop(ctx context.Context, askers, n int, do func(context.Context, int, time.Time) bool) int {
	var next, sent atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			for !stop.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				sent.Add(1)
				if !do(ctx, i, time.Now()) {
					stop.Store(true)
				}
			}
		})
	}
	all.Wait()
	return int(sent.Load())
}

// arrive starts each request at its time.
func arrive(ctx context.Context, due iter.Seq[time.Duration], n int, do func(context.Context, int, time.Time) bool) int {
	var all sync.WaitGroup
	defer all.Wait()
	// Closed by the first do that wants no more, so that the wait for a distant arrival ends.
	stopped := make(chan struct{})
	var once sync.Once

	start := time.Now()
	i := 0
	for offset := range due {
		if i >= n || !sleep(ctx, stopped, time.Until(start.Add(offset))) {
			break
		}
		request := i // i moves on before the goroutine reads it
		all.Go(func() {
			if !do(ctx, request, start.Add(offset)) {
				once.Do(func() { close(stopped) })
			}
		})
		i++
	}
	return i
}

// sleep waits for d and says whether to go on.
func sleep(ctx context.Context, stopped <-chan struct{}, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-stopped:
			return false
		case <-ctx.Done():
			return false
		}
	}
	// With d past, or both ready at once, the end of the run goes first.
	select {
	case <-stopped:
		return false
	default:
		return ctx.Err() == nil
	}
}
