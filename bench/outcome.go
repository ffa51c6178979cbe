package bench

import (
	"time"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// Key names an outcome within all runs ever made.
type Key struct {
	Run    string `json:"run"`
	Model  string `json:"model"`
	Pack   string `json:"pack"`
	Task   string `json:"task"`
	Sample string `json:"sample"`
	Repeat int    `json:"repeat"` // counted from 0
}

// Outcome is what happened when one sample was put to one model: the one record that goes
// from here to every table and chart. It is stored first without a Score, then with it,
// under the same Key.
type Outcome struct {
	Key
	Level     int               `json:"level,omitempty"`
	Group     string            `json:"group,omitempty"`
	Meta      map[string]string `json:"meta,omitempty"`
	Messages  []engine.Message  `json:"messages"` // as asked
	Target    string            `json:"target"`
	Output    string            `json:"output"`
	Reasoning string            `json:"reasoning,omitempty"`
	Stop      engine.StopReason `json:"stop"` // empty where no answer was completed; Err says why
	Measurement
	// Wasted counts the tokens of attempts that failed before the one recorded here: paid for, not timed.
	Wasted   engine.Usage `json:"wasted,omitzero"`
	Score    *tasks.Score `json:"score,omitempty"` // nil until judged
	Err      string       `json:"err,omitempty"`   // why it could not be asked or judged; never a wrong answer
	Warnings []string     `json:"warnings,omitempty"`
}

// Measurement holds the raw time stamps of one request, all from one monotonic clock.
type Measurement struct {
	Due time.Time `json:"due"` // wall clock; when the request should have gone out
	// Since Due. A zero First means that no output came.
	Sent  time.Duration   `json:"sent_ns"`
	First time.Duration   `json:"first_ns"`          // first non-empty piece of output
	Last  time.Duration   `json:"last_ns"`           // last non-empty piece of output
	Done  time.Duration   `json:"done_ns"`           // Generate returned
	Gaps  []time.Duration `json:"gaps_ns,omitempty"` // between successive pieces

	Usage engine.Usage `json:"usage"`
	// Joules drawn by the machine during the request; nil is unknown.
	Joules *float64 `json:"joules,omitempty"`
}
