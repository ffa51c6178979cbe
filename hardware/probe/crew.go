package probe

import (
	"runtime"
	"time"
)

// crew is a set of goroutines, each on an operating system thread of its own that stays on one
// processor, so that what they measure is those processors and not the scheduler's mood.
type crew struct {
	jobs []chan func()
	done []chan span
}

// span is when one member worked.
type span struct{ start, end time.Time }

// assemble starts a member for each processor, pinned to it where the system allows.
func assemble(cpus []int) *crew {
	c := &crew{}
	for _, cpu := range cpus {
		jobs, done := make(chan func()), make(chan span)
		c.jobs, c.done = append(c.jobs, jobs), append(c.done, done)
		go func() {
			defer close(done)
			// Never unlocked: a thread bound to one processor must not go back to the runtime,
			// and ends with its goroutine instead.
			runtime.LockOSThread()
			pin(cpu)
			for job := range jobs {
				s := span{start: time.Now()}
				job()
				s.end = time.Now()
				done <- s
			}
		}()
	}
	return c
}

// disband ends the members and waits for them.
func (c *crew) disband() {
	for i := range c.jobs {
		close(c.jobs[i])
		for range c.done[i] {
		}
	}
}

// together has the first n members do a job each at once, and returns the time from when the first
// began until the last was done: waking them is not counted.
func (c *crew) together(n int, job func(member int)) time.Duration {
	for i := range n {
		c.jobs[i] <- func() { job(i) }
	}
	var all span
	for i := range n {
		s := <-c.done[i]
		if i == 0 || s.start.Before(all.start) {
			all.start = s.start
		}
		if i == 0 || s.end.After(all.end) {
			all.end = s.end
		}
	}
	return max(all.end.Sub(all.start), 1)
}

// repeats collects samples until the share of time is used up: at least five, so that a median means
// something, and no more than a hundred.
func repeats(share time.Duration, stop func() bool, sample func() float64) []float64 {
	const least, most = 5, 100
	var xs []float64
	end := time.Now().Add(share)
	for len(xs) < most && !stop() && (len(xs) < least || time.Now().Before(end)) {
		xs = append(xs, sample())
	}
	return xs
}
