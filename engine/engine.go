// Package engine is the vocabulary for asking a language model something and hearing the answer.
//
// It holds no engine. engine/local runs a checkpoint on this machine; anything else that
// implements Generator is asked and timed in exactly the same way.
package engine

import (
	"context"
	"errors"
)

// A Generator turns a request into text. Engines that serve one request at a time queue
// concurrent calls; every engine must be safe for concurrent use.
type Generator interface {
	Info() Info

	// Generate answers req. emit, which may be nil, gets each piece in order, on the calling
	// goroutine, as soon as the piece exists; the Response repeats the whole text.
	// A cancelled ctx ends generation early and returns ctx's error with what exists so far.
	Generate(ctx context.Context, req Request, emit func(Chunk)) (Response, error)
}

// LogProber is an optional ability: the log-probability, in nats, of each token of text
// given all that stands before it.
type LogProber interface {
	LogProbs(ctx context.Context, prompt, text string) ([]float64, error)
}

// TokenCounter is an optional ability: how many of the model's own tokens text is,
// without the tokens a template or a beginning-of-sequence mark would add.
type TokenCounter interface {
	CountTokens(text string) (int, error)
}

// Info says what a Generator is. A zero number or empty string means unknown.
type Info struct {
	Name       string // as leaderboards show it
	Family     string // architecture, by the name GGUF uses: "llama", "qwen3"
	Parameters int64
	Quant      string // "F16", "Q8_0": the type of most weights
	Bytes      int64  // of weights
	Context    int    // tokens, prompt and answer together
	Vocab      int    // tokens
	Chat       bool   // whether Messages are rendered by a chat template
	Local      bool   // whether the weights run on this machine
	Digest     string // SHA-256 of the weights, hexadecimal
}

// Role says who speaks in a Message.
type Role string

// The roles chat templates know.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
}

// Request asks for a continuation. Exactly one of Messages and Prompt is set.
type Request struct {
	// Messages are rendered by the model's chat template. A model without one
	// sees their contents joined by newlines.
	Messages []Message
	// Prompt is given to the model as it stands.
	Prompt string

	MaxTokens int      // of output, reasoning included; 0 means up to the end of the context
	Stop      []string // texts that end the answer and are left out of it
	Sampling  Sampling
}

// Sampling says how the next token is chosen. The zero value is greedy.
type Sampling struct {
	Temperature float64 // 0 is greedy, and then nothing below has effect
	TopK        int     // 0 is off
	TopP        float64 // 0 and 1 are off
	MinP        float64 // 0 is off
	Seed        uint64
}

// Chunk is a piece of an answer: whole runes of valid UTF-8, or empty where tokens
// were produced that make no text yet.
type Chunk struct {
	Text      string
	Tokens    int  // how many tokens this piece took; 0 is unknown
	Reasoning bool // whether the piece belongs to the think section
}

// StopReason says why an answer ended.
type StopReason string

// The reasons an answer ends.
const (
	StopEnd     StopReason = "end"     // the model's own end token
	StopText    StopReason = "stop"    // one of Request.Stop
	StopLength  StopReason = "length"  // MaxTokens
	StopContext StopReason = "context" // the context is full
	StopCancel  StopReason = "cancel"  // the caller's ctx
)

// Response is a whole answer.
type Response struct {
	Text      string
	Reasoning string // the think section, where the model has one
	Usage     Usage
	Stop      StopReason
}

// Usage counts tokens. CachedInput is part of Input, Reasoning is part of Output.
type Usage struct {
	Input       int `json:"input"`
	CachedInput int `json:"cached_input"`
	Output      int `json:"output"`
	Reasoning   int `json:"reasoning"`
}

// Add returns the sum of two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.Input + v.Input, u.CachedInput + v.CachedInput, u.Output + v.Output, u.Reasoning + v.Reasoning}
}

// Errors a Generator returns, wrapped with the details.
var (
	ErrContextExceeded = errors.New("prompt exceeds the model's context")
	ErrBadRequest      = errors.New("bad request")
)
