package local

import (
	"runtime"
	"slices"

	"github.com/tokenassay/assay/engine/kvcache"
	"github.com/tokenassay/assay/engine/model"
)

// probeRows is how many positions of a log-probability job give logits in one step. More
// are no faster, and each takes 4 bytes times the vocabulary.
const probeRows = 32

// scheduler puts jobs into slots and runs them step by step. All of it belongs to one
// goroutine.
type scheduler struct {
	e       *Engine
	slots   []*slot
	active  []*slot // with a job, in order of admission
	waiting []*job  // for a slot, in order of arrival
	runs    []*model.Run
	clock   uint64 // counts admissions
}

// slot is the place of one sequence.
type slot struct {
	cache  *kvcache.Cache
	tokens []int32 // what cache holds
	job    *job    // nil: idle, and cache waits for a prompt that begins like it
	used   uint64  // clock of the last admission
	run    model.Run
}

func newScheduler(e *Engine) *scheduler {
	s := &scheduler{e: e}
	for range e.opt.Slots {
		s.slots = append(s.slots, &slot{cache: e.model.NewCache(e.opt.Context)})
	}
	return s
}

// serve runs jobs until the engine is closed.
func (s *scheduler) serve() {
	for {
		if len(s.active)+len(s.waiting) == 0 {
			select {
			case j := <-s.e.submit:
				s.waiting = append(s.waiting, j)
			case <-s.e.closing:
				return
			}
		}
		if s.gather() {
			for _, j := range s.waiting {
				j.finish(ErrClosed)
			}
			for _, sl := range s.active {
				sl.job.finish(ErrClosed)
			}
			return
		}
		s.admit()
		s.step()
	}
}

// gather takes in the jobs that arrived during the last step, and reports whether the
// engine is closing.
func (s *scheduler) gather() (closing bool) {
	for {
		select {
		case <-s.e.closing:
			return true
		case j := <-s.e.submit:
			s.waiting = append(s.waiting, j)
		default:
			return false
		}
	}
}

// admit drops the jobs nobody waits for and puts waiting ones into idle slots.
func (s *scheduler) admit() {
	s.active = slices.DeleteFunc(s.active, func(sl *slot) bool {
		if sl.job.gone.Load() {
			sl.job = nil
		}
		return sl.job == nil
	})
	s.waiting = slices.DeleteFunc(s.waiting, func(j *job) bool { return j.gone.Load() })
	for len(s.waiting) > 0 && len(s.active) < len(s.slots) {
		j := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		sl := s.place(j)
		s.clock++
		sl.job, sl.used = j, s.clock
		s.active = append(s.active, sl)
	}
}

// place finds an idle slot for j and leaves in it the longest beginning of j's tokens that
// any slot holds, busy ones included. At least the last token of the prompt is always
// computed, since its logits are wanted.
func (s *scheduler) place(j *job) *slot {
	var source, idle *slot // the longest match; the slot idle for longest
	n := 0                 // tokens matched
	for _, sl := range s.slots {
		if m := min(common(sl.tokens, j.tokens), j.from); m > n {
			source, n = sl, m
		}
		if sl.job == nil && (idle == nil || sl.used < idle.used) {
			idle = sl
		}
	}
	// A match that would cut off more than it keeps goes to the oldest slot instead, so that
	// requests sharing a short beginning do not destroy each other's long ones.
	if source != nil && source.job == nil && 2*n >= len(source.tokens) {
		idle = source
	}
	if source == nil || source == idle {
		idle.cache.Truncate(n)
		idle.tokens = idle.tokens[:n]
	} else {
		idle.cache = source.cache.Fork(n)
		idle.tokens = append(idle.tokens[:0], source.tokens[:n]...)
	}
	j.mu.Lock()
	j.cached = n
	j.mu.Unlock()
	return idle
}

// step makes one Forward for all active slots: what each has to append, of prompts no more
// than Options.Prefill tokens in all, oldest first.
func (s *scheduler) step() {
	if len(s.active) == 0 {
		return
	}
	budget := s.e.opt.Prefill
	s.runs = s.runs[:0]
	for _, sl := range s.active {
		j, have := sl.job, len(sl.tokens)
		n := len(j.tokens) - have
		if n > 1 {
			n = min(n, budget)
			// Where every position's logits are wanted, only so many positions.
			n = min(n, max(0, j.from-have)+probeRows)
			budget -= n
		}
		sl.run.Tokens = j.tokens[have : have+n]
		sl.run.Cache = sl.cache
		sl.run.Logits = max(0, have+n-max(have, j.from))
		if n > 0 {
			s.runs = append(s.runs, &sl.run)
		}
	}
	if err := s.e.model.Forward(s.e.pool, s.runs...); err != nil {
		// Every run was checked before, so this is a fault of the engine; no slot is to be trusted.
		for _, sl := range s.active {
			sl.job.finish(err)
			sl.job, sl.tokens = nil, sl.tokens[:0]
			sl.cache.Truncate(0)
		}
		s.active = s.active[:0]
		return
	}
	s.active = slices.DeleteFunc(s.active, func(sl *slot) bool { return sl.hear() })
	// The goroutines that emit have just become ready. Where every processor is busy with a
	// worker of the pool or this goroutine, they would wait for a preemption, up to 10 ms.
	runtime.Gosched()
}

// hear hands the logits of the last step to the slot's job, and reports whether the slot is
// idle now.
func (sl *slot) hear() (idle bool) {
	j, n := sl.job, len(sl.run.Tokens)
	sl.tokens = append(sl.tokens, sl.run.Tokens...)
	sl.run.Tokens = nil
	if n == 0 || sl.run.Logits == 0 {
		return false
	}
	first := len(sl.tokens) - sl.run.Logits
	for i, logits := range sl.run.Out {
		next, done := j.take(j, first+i, logits)
		if done {
			sl.job = nil
			j.finish(nil)
			return true
		}
		if next >= 0 {
			j.tokens = append(j.tokens, next)
		}
	}
	j.wake()
	return false
}

// common is the length of the longest common beginning of a and b.
func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
