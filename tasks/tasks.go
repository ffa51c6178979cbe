// Package tasks says what is asked of a model and how the answer is judged.
//
// A Pack is a set of tasks, a Task makes samples and owns a Scorer, a Sample is one question.
// Nothing here asks a model anything: package bench does, and holds the clock.
package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tokenassay/assay/engine"
)

// Pack is a named, versioned set of tasks. A change that can change a score changes Version.
type Pack struct {
	Name    string // "math"
	Version string // "1"
	Title   string
	License string // of the items
	Source  string // where the items come from
	Tasks   []Task
}

// Task is one kind of question.
type Task struct {
	Name      string // "add", unique in its pack
	Level     int    // difficulty the samples are made at; 0 where the task has no levels
	Samples   func(ctx context.Context, ask Ask) iter.Seq2[Sample, error]
	Prompt    func(Sample) []engine.Message
	Scorer    Scorer
	Repeats   int      // times each sample is asked; 0 means once
	MaxTokens int      // of each answer
	Stop      []string // ends an answer of a model without chat template; chat models end by themselves
}

// Ask says which samples are wanted.
type Ask struct {
	Seed uint64
	N    int // at most; 0 means all there are (generated tasks: 100)
	// Count counts text in the asked model's own tokens. Tasks of a set length need it and
	// yield ErrNoCounter where it is nil.
	Count func(text string) (int, error)
	// Context is how many tokens the model can hold, prompt and answer together; 0 is unknown.
	// Samples longer than that are left out: see TooLong.
	Context int
}

// TooLong is yielded in place of a task's samples of one length, once for each length, when
// they do not fit the model. It is no failure: the samples that fit follow it.
type TooLong struct {
	Task            string
	Tokens, Context int // of the prompt and its answer; what the model can hold
}

// Error says what was not asked and why.
func (e *TooLong) Error() string {
	return fmt.Sprintf("%s: not asked at %d tokens: the model holds %d", e.Task, e.Tokens, e.Context)
}

// Remark is yielded beside a task's samples: what a reader of their results must know, such as
// that they are asked otherwise than the protocol has it. It is no failure.
type Remark struct{ Text string }

// Error returns the text.
func (r *Remark) Error() string { return r.Text }

// Sample is one question. ID is stable: the same seed and N give the same IDs.
type Sample struct {
	ID      string            `json:"id"`
	Input   string            `json:"input"`
	Choices []string          `json:"choices,omitempty"`
	Target  string            `json:"target"`
	Group   string            `json:"group,omitempty"` // cluster for standard errors; "" is a cluster of its own
	Meta    map[string]string `json:"meta,omitempty"`
}

// Scorer judges outputs. It must be safe for concurrent use.
type Scorer interface {
	// Score judges an output. An error means the output could not be judged,
	// never that it is wrong.
	Score(ctx context.Context, s Sample, output string) (Score, error)
}

// ScorerFunc lets a function be a Scorer.
type ScorerFunc func(ctx context.Context, s Sample, output string) (Score, error)

// Score calls f.
func (f ScorerFunc) Score(ctx context.Context, s Sample, output string) (Score, error) {
	return f(ctx, s, output)
}

// Score is a judgement.
type Score struct {
	Value   float64 `json:"value"` // in [0, 1]
	Verdict Verdict `json:"verdict"`
	Answer  string  `json:"answer,omitempty"` // what was read out of the output
	Why     string  `json:"why,omitempty"`    // one line for a person
}

// Verdict sorts outcomes. Only Unscored says nothing about the model.
type Verdict string

// The verdicts.
const (
	Correct   Verdict = "correct"
	Partial   Verdict = "partial"
	Incorrect Verdict = "incorrect"
	NoAnswer  Verdict = "no answer" // nothing that could be an answer was found
	Refused   Verdict = "refused"
	Unscored  Verdict = "unscored" // the harness could not ask or judge
)

// ErrNoCounter is yielded by tasks of a set length when Ask.Count is nil.
var ErrNoCounter = errors.New("the model cannot count its tokens, so prompts of a set length cannot be made")
