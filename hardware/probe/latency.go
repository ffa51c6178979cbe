package probe

import (
	"runtime"
	"sync/atomic"
	"time"
)

// pingPong is the mean time of a round trip of one cache line between members a and b of a crew:
// a writes an odd number, b answers with the next even one. stuck is true where the
// other side did not answer within the limit, its processor being taken.
func pingPong(c *crew, a, b, rounds int, limit time.Duration) (perRound time.Duration, stuck bool) {
	// The line holds the ball alone: neighbours on it would be moved along.
	var court struct {
		_    [64]byte
		ball atomic.Uint64
		_    [64]byte
	}
	var took time.Duration
	var lost atomic.Bool
	// Each side gives up when the limit has passed or the other has given up.
	wait := func(want uint64, end time.Time) bool {
		for spins := 1; court.ball.Load() != want; spins++ {
			if spins%4096 == 0 {
				if lost.Load() || time.Now().After(end) {
					lost.Store(true)
					return false
				}
				runtime.Gosched()
			}
		}
		return true
	}
	end := time.Now().Add(limit)
	c.pair(a, b,
		func() {
			// The first few rounds find the other side awake.
			const warm = 64
			var start time.Time
			for i := range uint64(rounds + warm) {
				if i == warm {
					start = time.Now()
				}
				court.ball.Store(2*i + 1)
				if !wait(2*i+2, end) {
					return
				}
			}
			took = time.Since(start)
		},
		func() {
			for i := range uint64(rounds + 64) {
				if !wait(2*i+1, end) {
					return
				}
				court.ball.Store(2*i + 2)
			}
		})
	return took / time.Duration(rounds), lost.Load()
}

// pair has two members do different jobs at once.
func (c *crew) pair(a, b int, first, second func()) {
	c.jobs[a] <- first
	c.jobs[b] <- second
	<-c.done[a]
	<-c.done[b]
}
