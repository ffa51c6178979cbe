package local

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tokenassay/assay/engine"
)

// job is one call on its way through the scheduler.
type job struct {
	// tokens is the sequence so far: the prompt, and what take added to it. After the job is
	// submitted it belongs to the scheduler.
	tokens []int32
	// from is the first index of tokens whose logits are wanted, and all after it are.
	from int
	// take gets the logits that follow tokens[i], in order of i, on the scheduler's goroutine.
	// It returns the next token of the sequence, or -1 where there is none to add, and whether
	// the job is done.
	take func(j *job, i int, logits []float32) (next int32, done bool)

	gone atomic.Bool // the caller waits no longer

	mu     sync.Mutex
	chunks []engine.Chunk // not collected yet
	cached int            // how many of tokens were found in a slot
	done   bool
	err    error
	ready  chan struct{} // capacity 1: something changed

	spare []engine.Chunk // the caller's, to be swapped for chunks
}

func newJob(tokens []int32, from int, take func(*job, int, []float32) (int32, bool)) *job {
	return &job{tokens: tokens, from: from, take: take, ready: make(chan struct{}, 1)}
}

// say queues a chunk for the caller, who is told when the step is over.
func (j *job) say(c engine.Chunk) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.chunks = append(j.chunks, c)
}

// finish ends the job.
func (j *job) finish(err error) {
	j.mu.Lock()
	j.done, j.err = true, err
	j.mu.Unlock()
	j.wake()
}

func (j *job) wake() {
	select {
	case j.ready <- struct{}{}:
	default:
	}
}

// collect returns the chunks since the last call, good until the next.
func (j *job) collect() (chunks []engine.Chunk, cached int, done bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	chunks = j.chunks
	j.chunks, j.spare = j.spare[:0], chunks
	return chunks, j.cached, j.done, j.err
}

// run takes j through the scheduler and calls each with its chunks, on the calling
// goroutine. It returns as soon as ctx is cancelled; the scheduler drops the job by itself
// after the step it is in. cached is how many tokens were reused.
func (e *Engine) run(ctx context.Context, j *job, each func(engine.Chunk)) (cached int, err error) {
	defer j.gone.Store(true) // also when each panics
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	select {
	case <-e.closing:
		return 0, ErrClosed
	default:
	}
	select {
	case e.submit <- j:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-e.closing:
		return 0, ErrClosed
	}
	for {
		select {
		case <-j.ready:
		case <-ctx.Done():
			return cached, ctx.Err()
		}
		chunks, reused, done, err := j.collect()
		cached = reused
		for _, c := range chunks {
			if err := ctx.Err(); err != nil {
				return cached, err
			}
			each(c)
		}
		if done {
			return cached, err
		}
	}
}
