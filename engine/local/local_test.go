package local

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/enginetest"
	"github.com/tokenassay/assay/engine/internal/tinymodel"
	"github.com/tokenassay/assay/engine/quant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny opens an engine on a random model, closed at the end of the test.
func tiny(t testing.TB, arch string, opt Options, change ...func(*checkpoint.Checkpoint)) *Engine {
	t.Helper()
	cfg := tinymodel.Config(arch)
	cfg.Tied = false // a tied random model repeats its last token
	c, err := tinymodel.New(cfg, quant.Q8_0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(c)
	}
	e, err := New(c, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestConformance(t *testing.T) {
	for name, opt := range map[string]Options{
		"defaults": {},
		"one slot": {Slots: 1, Threads: 1},
		"narrow":   {Slots: 3, Prefill: 5, Context: 120},
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T) engine.Generator { return tiny(t, "llama", opt) })
		})
	}
}

var prompts = []string{
	"the one and the other",
	"the one and the last",
	"one two three four five six seven eight nine ten",
	"é 漢 \U0001F600",
	"",
	strings.Repeat("the end of the one is in the other. ", 6),
}

// TestSameText asks the same of engines that differ in everything but the model.
func TestSameText(t *testing.T) {
	ask := func(e *Engine, p string, s engine.Sampling) string {
		r, err := e.Generate(t.Context(), engine.Request{Prompt: p, MaxTokens: 30, Sampling: s}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(r.Text, r.Stop, r.Usage.Input, r.Usage.Output)
	}
	for _, sampling := range []engine.Sampling{{}, {Temperature: 1.2, Seed: 7}} {
		var want []string
		for _, p := range prompts { // each on an engine of its own
			want = append(want, ask(tiny(t, "qwen3", Options{Threads: 1, Slots: 1}), p, sampling))
		}
		for name, opt := range map[string]Options{
			"one slot": {Slots: 1}, "three threads": {Threads: 3}, "many slots": {Slots: 8}, "short steps": {Prefill: 3, Slots: 2},
		} {
			t.Run(fmt.Sprintf("%s/temperature=%v", name, sampling.Temperature), func(t *testing.T) {
				e := tiny(t, "qwen3", opt)
				var wg sync.WaitGroup
				for round := range 2 {
					for i, p := range prompts {
						wg.Go(func() {
							if got := ask(e, p, sampling); got != want[i] {
								t.Errorf("round %d, prompt %q: %q, want %q", round, p, got, want[i])
							}
						})
					}
				}
				wg.Wait()
			})
		}
	}
}

// TestPrefixReuse counts what is computed and what is found in a slot.
func TestPrefixReuse(t *testing.T) {
	e := tiny(t, "llama", Options{Slots: 2})
	input := func(p string) int { return len(e.tok.Encode(p, true, true)) }
	ask := func(p string) engine.Response {
		t.Helper()
		r, err := e.Generate(t.Context(), engine.Request{Prompt: p, MaxTokens: 4}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Usage.Input != input(p) {
			t.Errorf("prompt %q: %d tokens of input, want %d", p, r.Usage.Input, input(p))
		}
		return r
	}
	long := strings.Repeat("the one and ", 10)
	first := ask(long + "two")
	if first.Usage.CachedInput != 0 {
		t.Errorf("an empty engine reused %d tokens", first.Usage.CachedInput)
	}
	if again := ask(long + "two"); again.Usage.CachedInput != again.Usage.Input-1 || again.Text != first.Text {
		t.Errorf("the same prompt again: %+v, want all but one token of input reused and the text %q", again, first.Text)
	}
	shared := common(e.tok.Encode(long+"two", true, true), e.tok.Encode(long+"nine", true, true))
	if r := ask(long + "nine"); r.Usage.CachedInput != shared {
		t.Errorf("%d tokens reused, %d are the same", r.Usage.CachedInput, shared)
	}
	// A conversation that goes on finds the answer too, except the last token of it, which was
	// sampled and never computed with.
	r := ask(long + "two")
	next := ask(long + "two" + r.Text + " and")
	if want := input(long + "two"); next.Usage.CachedInput < want-1 {
		t.Errorf("a continued text reused %d tokens, its beginning has %d", next.Usage.CachedInput, want)
	}
	// An unrelated short prompt takes the other slot.
	ask("? ? ?")
	if r := ask(long + "two"); r.Usage.CachedInput < shared {
		t.Errorf("after an unrelated prompt only %d tokens were reused", r.Usage.CachedInput)
	}
}

// TestReuseFromBusySlot forks the cache of an answer still under way.
func TestReuseFromBusySlot(t *testing.T) {
	e := tiny(t, "llama", Options{Slots: 2})
	req := engine.Request{Prompt: strings.Repeat("the one and ", 8), MaxTokens: 20}
	var inner engine.Response
	var err error
	outer, outerErr := e.Generate(t.Context(), req, func(engine.Chunk) {
		if inner.Stop == "" {
			inner, err = e.Generate(t.Context(), req, nil)
		}
	})
	if err != nil || outerErr != nil {
		t.Fatal(err, outerErr)
	}
	if inner.Text != outer.Text || inner.Usage.CachedInput != inner.Usage.Input-1 {
		t.Errorf("beside an answer under way: %+v, want the text %q and all input but one token reused", inner, outer.Text)
	}
}

func TestContextFull(t *testing.T) {
	e := tiny(t, "llama", Options{Context: 40, Slots: 1})
	prompt, n := "", 0
	for n < 35 {
		prompt += " ?"
		n = len(e.tok.Encode(prompt, true, true))
	}
	r, err := e.Generate(t.Context(), engine.Request{Prompt: prompt}, nil)
	if err != nil || r.Stop != engine.StopContext || r.Usage.Input+r.Usage.Output != 40 {
		t.Errorf("%+v, %v; want stop reason context at 40 tokens", r, err)
	}
	r, err = e.Generate(t.Context(), engine.Request{Prompt: prompt, MaxTokens: 40 - n}, nil)
	if err != nil || r.Stop != engine.StopLength {
		t.Errorf("%+v, %v; want stop reason length", r, err)
	}
	for n < 40 {
		prompt += " ?"
		n = len(e.tok.Encode(prompt, true, true))
	}
	if _, err := e.Generate(t.Context(), engine.Request{Prompt: prompt}, nil); !errors.Is(err, engine.ErrContextExceeded) {
		t.Errorf("a prompt of the whole context: %v, want ErrContextExceeded", err)
	}
	if _, err := e.LogProbs(t.Context(), prompt, prompt); !errors.Is(err, engine.ErrContextExceeded) {
		t.Errorf("LogProbs beyond the context: %v, want ErrContextExceeded", err)
	}
}

func TestEmptyPrompt(t *testing.T) {
	if _, err := tiny(t, "llama", Options{}).Generate(t.Context(), engine.Request{MaxTokens: 3}, nil); err != nil {
		t.Errorf("a model with a beginning-of-sequence token: %v", err)
	}
	e := tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.Vocab.BOS, c.Vocab.AddBOS = -1, false })
	_, err := e.Generate(t.Context(), engine.Request{MaxTokens: 3}, nil)
	if !errors.Is(err, engine.ErrBadRequest) || !strings.Contains(err.Error(), "beginning-of-sequence") {
		t.Errorf("a model without one: %v", err)
	}
	if _, err := e.LogProbs(t.Context(), "", "one"); !errors.Is(err, engine.ErrBadRequest) {
		t.Errorf("LogProbs without anything before the text: %v", err)
	}
}

// TestEnd makes every token an end token in turn, so that the greedy answer ends at a known place.
func TestEnd(t *testing.T) {
	var ids []int32
	free := tiny(t, "llama", Options{})
	_, err := free.run(t.Context(), newJob(free.tok.Encode("the one", true, true), 0, func(_ *job, i int, logits []float32) (int32, bool) {
		best := 0
		for k, l := range logits {
			if l > logits[best] {
				best = k
			}
		}
		if i < len(free.tok.Encode("the one", true, true))-1 {
			return -1, false
		}
		ids = append(ids, int32(best))
		return int32(best), len(ids) == 8
	}), func(engine.Chunk) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		first := slices.Index(ids, id)
		e := tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.Vocab.EOS = id })
		r, err := e.Generate(t.Context(), engine.Request{Prompt: "the one", MaxTokens: 8}, nil)
		if err != nil || r.Stop != engine.StopEnd || r.Usage.Output != first+1 {
			t.Errorf("token %d of %v as the end: %+v, %v; want the end after %d tokens", i, ids, r, err, first+1)
		}
	}
}

// TestLogProbs compares with the distribution the sampled tokens came from.
func TestLogProbs(t *testing.T) {
	e := tiny(t, "qwen2", Options{Slots: 1})
	text := strings.Repeat("the one and the other ", 8)
	tokens := e.tok.Encode(text, true, true)
	all, err := e.LogProbs(t.Context(), "", text)
	if err != nil || len(all) != len(tokens)-1 {
		t.Fatalf("%d log-probabilities, %v; the text has %d tokens after the first", len(all), err, len(tokens))
	}
	for cut := 12; cut < len(text); cut += 50 { // any cut gives the tail of the same numbers
		got, err := e.LogProbs(t.Context(), text[:cut], text[cut:])
		if err != nil || len(got) == 0 || !slices.Equal(got, all[len(all)-len(got):]) {
			t.Errorf("cut at %d: %v, %v; want the end of %v", cut, got, err, all)
		}
	}
	// The probabilities of all one-token continuations sum to one.
	ids, sum := e.tok.Encode("the one", true, true), 0.0
	_, err = e.run(t.Context(), newJob(ids, len(ids)-1, func(_ *job, _ int, logits []float32) (int32, bool) {
		var exp float64
		for _, l := range logits {
			exp += math.Exp(float64(l))
		}
		for _, l := range logits {
			sum += math.Exp(float64(l)) / exp
		}
		return -1, true
	}), func(engine.Chunk) {})
	if err != nil || math.Abs(sum-1) > 1e-9 {
		t.Errorf("probabilities sum to %v, %v", sum, err)
	}
	if _, err := e.LogProbs(t.Context(), "the one", ""); !errors.Is(err, engine.ErrBadRequest) {
		t.Errorf("no text: %v, want ErrBadRequest", err)
	}
}

func TestClose(t *testing.T) {
	e := tiny(t, "llama", Options{Slots: 2})
	const callers = 5
	started := make(chan struct{}, callers)
	errs := make(chan error, callers)
	for range callers {
		go func() {
			first := true
			_, err := e.Generate(context.Background(), engine.Request{Prompt: "the one"}, func(engine.Chunk) {
				if first {
					first = false
					started <- struct{}{}
				}
			})
			errs <- err
		}()
	}
	<-started
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for range callers {
		if err := <-errs; err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("Generate during Close: %v", err)
		}
	}
	if _, err := e.Generate(t.Context(), engine.Request{Prompt: "the one"}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Generate after Close: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestOptions(t *testing.T) {
	c, err := tinymodel.New(tinymodel.Config("llama"), quant.F16, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Threads: -1}, {Slots: -1}, {Context: -1}, {Prefill: -1}, {Context: 257}} {
		if e, err := New(c, o); err == nil {
			e.Close()
			t.Errorf("options %+v were accepted", o)
		}
	}
	e := tiny(t, "llama", Options{Name: "mine", Context: 100, Slots: 3})
	i := e.Info()
	if i.Name != "mine" || i.Family != "llama" || i.Context != 100 || i.Vocab != 403 || !i.Local || i.Chat ||
		i.Quant != "Q8_0" || i.Parameters < 1000 || i.Bytes < 1000 || len(i.Digest) != 64 {
		t.Errorf("Info = %+v", i)
	}
	if d, err := e.Digest(t.Context()); err != nil || d != i.Digest {
		t.Errorf("Digest = %q, %v; Info has %q", d, err, i.Digest)
	}
	// 3 slots of 100 tokens; each 2 layers × 2 (key and value) × 2 heads × 16 × 4 bytes.
	if got := e.CacheBytes(); got != 3*100*512 {
		t.Errorf("CacheBytes = %d, want %d", got, 3*100*512)
	}
}
