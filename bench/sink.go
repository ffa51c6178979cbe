package bench

import (
	"context"
	"time"
)

// Sink keeps what a run makes. The Runner calls it from several goroutines but never at the same
// time, and stops at its first error: a run that cannot be kept is not worth making.
type Sink interface {
	// Begin starts a run, or takes up one of that name again: it is also called when a model has
	// been opened or the run ends, with a Manifest that knows more. The latest counts.
	Begin(ctx context.Context, m Manifest) error
	// Put keeps an outcome; a later one with the same Key takes its place. When it returns the
	// outcome must survive the end of this process.
	Put(ctx context.Context, o Outcome) error
	// Finish says that the run ended of itself. It is not called for a run that is cut off.
	Finish(ctx context.Context, run string, end time.Time) error
}

// Stage is what a run is doing.
type Stage string

// The stages, in the order a model goes through them.
const (
	Opening Stage = "opening"
	Warming Stage = "warming up"
	Asking  Stage = "asking"
	Scoring Stage = "scoring"
	Closed  Stage = "closed"
)

// Event is progress. Done counts within a stage of a task, answers first and then judgements;
// Total is how many there will be.
type Event struct {
	Stage      Stage
	Model      string
	Pack, Task string // empty while opening, warming up and closed
	At, Of     int    // which task of how many, over all models; counted from 1
	Done       int
	Total      int
	Last       *Outcome // just stored; nil at the start of a stage
	// TokensPerSec is the output of this task so far over the wall time since its first
	// request was due; 0 while there is none.
	TokensPerSec float64
}

// Summary says how a run went.
type Summary struct {
	Run         string
	Asked       int // requests completed or failed in this process
	Judged      int // outcomes judged in this process
	Kept        int // outcomes of Plan.Prior taken as they were
	Broken      int // outcomes left Unscored: could not be asked or judged
	Interrupted bool
	Notes       []string
	Took        time.Duration
	Manifest    Manifest
}
