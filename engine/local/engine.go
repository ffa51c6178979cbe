// Package local is the built-in engine: a checkpoint made into an engine.Generator.
//
//  1. A request becomes tokens: messages through the model's chat template, a prompt as it stands.
//  2. One scheduler goroutine owns the slots, each the cache of one sequence. It puts a request
//     into the slot that already holds the longest beginning of it.
//  3. Each step of the scheduler is one Forward over all slots: one token of every answer under
//     way, and a bounded piece of the prompts being read, so that a long prompt does not stop
//     the answers of others. Requests join and leave between steps (continuous batching: Yu et
//     al. 2022, "Orca").
//  4. A sampled token becomes text, is searched for stop texts, and is handed to the goroutine
//     that called Generate, which emits it.
//
// The text of a greedy or seeded answer depends on the request and the weights alone: not on
// threads, slots, other requests, or what a slot held before. Package model sees to that.
package local

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/chat"
	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/model"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// ErrClosed is returned, wrapped, by calls on an Engine that is closed or closed meanwhile.
var ErrClosed = errors.New("the engine is closed")

// Options shape an Engine. The zero value works.
type Options struct {
	Name    string // as leaderboards show it; the checkpoint's where empty
	Threads int    // that compute; 0 means runtime.GOMAXPROCS(0)
	Slots   int    // requests answered at once, later ones wait; 0 means 4
	// Context is how many tokens prompt and answer may have together. 0 means the model's
	// own context, at most 4096. Memory is taken as sequences grow: see Engine.CacheBytes.
	Context int
	Prefill int // most prompt tokens read in one step; 0 means 512
}

const (
	defaultSlots   = 4
	defaultContext = 4096
	defaultPrefill = 512
)

// Engine answers requests with a model on this machine. All methods may be called
// concurrently.
type Engine struct {
	info     engine.Info
	opt      Options // with the defaults filled in
	model    *model.Model
	tok      *tokenizer.Tokenizer
	spec     tokenizer.Spec
	template *chat.Template // nil where the model has none
	badChat  error          // why the model's template is of no use; messages are refused with it

	thinks               bool  // reasoning is to be told from text
	thinkBegin, thinkEnd int32 // -1 where the marks are no tokens of their own

	check *checkpoint.Checkpoint
	owned bool // Close closes check
	pool  *kernel.Pool

	submit  chan *job
	closing chan struct{}
	served  chan struct{} // closed when the scheduler has returned

	mu     sync.Mutex // guards closed and digest
	closed bool
	digest string
	using  sync.WaitGroup // readers of check outside the scheduler
}

var (
	_ engine.Generator    = (*Engine)(nil)
	_ engine.LogProber    = (*Engine)(nil)
	_ engine.TokenCounter = (*Engine)(nil)
)

// Open makes an engine of the checkpoint at path. Close closes the checkpoint too.
func Open(path string, opt Options) (*Engine, error) {
	c, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	e, err := New(c, opt)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	e.owned = true
	return e, nil
}

// New makes an engine of c, which must stay open until the engine is closed.
func New(c *checkpoint.Checkpoint, opt Options) (*Engine, error) {
	opt, err := opt.withDefaults(c.Config.Context)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		opt: opt, check: c, spec: c.Vocab,
		submit: make(chan *job), closing: make(chan struct{}), served: make(chan struct{}),
	}
	if e.tok, err = tokenizer.New(c.Vocab); err != nil {
		return nil, fmt.Errorf("vocabulary of %s: %w", c.Name, err)
	}
	if e.tok.Size() > c.Config.Vocab {
		return nil, fmt.Errorf("vocabulary of %s: %d tokens for a model of %d", c.Name, e.tok.Size(), c.Config.Vocab)
	}
	if e.model, err = model.Load(c); err != nil {
		return nil, err
	}
	if c.ChatTemplate != "" {
		e.template, e.badChat = chat.New(c.ChatTemplate, e.written(c.Vocab.BOS), e.written(c.Vocab.EOS))
	}
	e.thinkBegin, e.thinkEnd = c.Vocab.Find("<think>"), c.Vocab.Find("</think>")
	e.thinks = e.thinkBegin >= 0 || strings.Contains(c.ChatTemplate, "<think>")
	e.info = describe(c, opt)
	if e.info.Bytes < eagerDigest {
		if e.digest, err = c.Digest(context.Background()); err != nil {
			return nil, fmt.Errorf("digest of %s: %w", c.Name, err)
		}
	}
	e.pool = kernel.NewPool(opt.Threads)
	go func() {
		defer close(e.served)
		newScheduler(e).serve()
	}()
	return e, nil
}

func (o Options) withDefaults(context int) (Options, error) {
	if o.Threads < 0 || o.Slots < 0 || o.Context < 0 || o.Prefill < 0 {
		return o, fmt.Errorf("options %+v: a number below zero", o)
	}
	if o.Context > context {
		return o, fmt.Errorf("a context of %d tokens is asked of a model made for %d", o.Context, context)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Slots == 0 {
		o.Slots = defaultSlots
	}
	if o.Context == 0 {
		o.Context = min(context, defaultContext)
	}
	if o.Prefill == 0 {
		o.Prefill = defaultPrefill
	}
	return o, nil
}

// CacheBytes is the memory the keys and values take when every slot's context is full. It
// is taken page by page as sequences grow, not at the start.
func (e *Engine) CacheBytes() int64 {
	return int64(e.opt.Slots) * int64(e.opt.Context) * e.model.Shape().PositionBytes()
}

// CountTokens says how many tokens text is. Special tokens written in it count as text.
func (e *Engine) CountTokens(text string) (int, error) {
	return len(e.tok.Encode(text, false, false)), nil
}

// Close ends calls under way with ErrClosed, waits for the engine's goroutines and gives
// its memory back. It may be called more than once; later calls return nil.
func (e *Engine) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if !first {
		<-e.served
		return nil
	}
	close(e.closing)
	<-e.served
	e.using.Wait()
	e.pool.Close()
	if e.owned {
		return e.check.Close()
	}
	return nil
}

// written returns a token as the vocabulary writes it, "" for none.
func (e *Engine) written(id int32) string {
	if id < 0 || int(id) >= len(e.spec.Tokens) {
		return ""
	}
	return e.spec.Tokens[id]
}
