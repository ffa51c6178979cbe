package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine/gguf"
	"github.com/tokenassay/assay/engine/kernel"
)

// letters is an Encoder of lower-case letters and space: a is 0.
type letters struct{}

func (letters) Encode(text string, _, _ bool) []int32 {
	var tokens []int32
	for _, c := range text {
		tokens = append(tokens, int32(strings.IndexRune(alphabet, c)))
	}
	return tokens
}

const alphabet = "abcdefgh "

// echo asks for a word back.
type echo struct{ seed uint64 }

func (e echo) Batch(step int) iter.Seq2[Example, error] {
	return func(yield func(Example, error) bool) {
		rng := rand.New(rand.NewPCG(e.seed, uint64(step)))
		for {
			word := make([]byte, 1+rng.IntN(3))
			for i := range word {
				word[i] = alphabet[rng.IntN(8)]
			}
			ok := yield(Example{
				Source:   fmt.Sprintf("echo%d", len(word)),
				Segments: []Segment{{Text: string(word) + " "}, {Text: string(word), Learn: true}},
			}, nil)
			if !ok {
				return
			}
		}
	}
}

func echoOptions(steps int) Options {
	return Options{
		Shape: Shape{
			Layers: 2, Hidden: 32, FFN: 64, Heads: 2, KVHeads: 1, HeadDim: 16,
			Vocab: 11, Context: 32, NormEps: 1e-5, RopeTheta: 10000,
		},
		Encoder: letters{}, BOS: 9, EOS: 10,
		Corpus: echo{1}, Seed: 1,
		Schedule: Schedule{Peak: 3e-2, Warmup: 5, Decay: 10, Steps: steps},
		Shards:   3, ShardTokens: 96,
	}
}

func newTrainer(t *testing.T, opt Options, workers int) *Trainer {
	t.Helper()
	pool := kernel.NewPool(workers)
	t.Cleanup(pool.Close)
	tr, err := New(opt, pool)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func steps(t *testing.T, tr *Trainer, n int) Report {
	t.Helper()
	var r Report
	for range n {
		var err error
		if r, err = tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestTrainingLearns(t *testing.T) {
	tr := newTrainer(t, echoOptions(150), 2)
	first := steps(t, tr, 1)
	if want := math.Log(11); math.Abs(first.Loss-want) > 1.5 {
		t.Errorf("first loss %.3f, want near %.3f, that of a guess", first.Loss, want)
	}
	last := steps(t, tr, 149)
	if !(last.Loss < first.Loss/2) {
		t.Errorf("loss went from %.3f to %.3f, want less than half", first.Loss, last.Loss)
	}
	var held []Example
	for e := range (echo{2}).Batch(0) {
		if held = append(held, e); len(held) == 50 {
			break
		}
	}
	accuracy, err := tr.Evaluate(held)
	if err != nil {
		t.Fatal(err)
	}
	if a := accuracy["echo1"]; a.Right != a.Asked || a.Asked == 0 {
		t.Errorf("one-letter words: %d of %d right, want all", a.Right, a.Asked)
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	one, three := newTrainer(t, echoOptions(8), 1), newTrainer(t, echoOptions(8), 3)
	steps(t, one, 8)
	steps(t, three, 8)
	sameBits(t, one, three)
}

func TestResumeIsExact(t *testing.T) {
	whole := newTrainer(t, echoOptions(20), 1)
	steps(t, whole, 20)

	path := filepath.Join(t.TempDir(), "state.gguf")
	first := newTrainer(t, echoOptions(20), 1)
	steps(t, first, 10)
	if err := first.Save(path); err != nil {
		t.Fatal(err)
	}
	second := newTrainer(t, echoOptions(20), 1)
	if err := second.Load(path); err != nil {
		t.Fatal(err)
	}
	steps(t, second, 10)
	sameBits(t, whole, second)
	if whole.TokensSeen() != second.TokensSeen() || second.StepsDone() != 20 {
		t.Errorf("resumed: %d tokens in %d steps, want %d in 20", second.TokensSeen(), second.StepsDone(), whole.TokensSeen())
	}
}

func TestLongerScheduleResumesFromPlateau(t *testing.T) {
	long := newTrainer(t, echoOptions(30), 1)
	steps(t, long, 30)

	path := filepath.Join(t.TempDir(), "state.gguf")
	short := newTrainer(t, echoOptions(20), 1)
	steps(t, short, 10) // the fall of 20 steps would begin at 10
	if err := short.Save(path); err != nil {
		t.Fatal(err)
	}
	longer := newTrainer(t, echoOptions(30), 1)
	if err := longer.Load(path); err != nil {
		t.Fatal(err)
	}
	steps(t, longer, 20)
	sameBits(t, long, longer)
}

func sameBits(t *testing.T, a, b *Trainer) {
	t.Helper()
	for i, part := range a.parts() {
		for j, v := range part.values {
			if w := b.parts()[i].values[j]; math.Float32bits(v) != math.Float32bits(w) {
				t.Fatalf("%s[%d] after step %d: %v, %v: want equal bits", part.name, j, a.step, v, w)
			}
		}
	}
}

func TestRunSavesAndStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.gguf")
	var lines strings.Builder
	tr := newTrainer(t, echoOptions(6), 1)
	if err := tr.Run(t.Context(), Watch{Progress: &lines, Every: 3, State: path}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(lines.String(), "\n"); got != 2 || !strings.Contains(lines.String(), "step 6/6 loss ") {
		t.Errorf("progress of 6 steps:\n%swant lines for 3 and 6", lines.String())
	}
	again := newTrainer(t, echoOptions(6), 1)
	if err := again.Load(path); err != nil || again.StepsDone() != 6 {
		t.Errorf("Load after Run: step %d, %v; want 6", again.StepsDone(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := newTrainer(t, echoOptions(6), 1)
	if err := stopped.Run(ctx, Watch{}); err != context.Canceled && !strings.Contains(fmt.Sprint(err), "canceled") {
		t.Errorf("Run with a cancelled context: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.gguf")
	tr := newTrainer(t, echoOptions(2), 1)
	steps(t, tr, 1)
	if err := tr.Save(good); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.gguf")
	if err := os.WriteFile(cut, data[:len(data)-500], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		change     func(*Options)
		want       string
	}{
		{"absent", good + "x", func(*Options) {}, "no such file"},
		{"truncated", cut, func(*Options) {}, "cut.gguf"},
		{"another seed", good, func(o *Options) { o.Seed = 2 }, "other options"},
		{"another shape", good, func(o *Options) { o.Shape.Layers = 3 }, "other options"},
		{"another batch", good, func(o *Options) { o.Shards = 4 }, "other options"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := echoOptions(2)
			tt.change(&opt)
			tr := newTrainer(t, opt, 1)
			before := slices.Clone(tr.weights.flat)
			err := tr.Load(tt.path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load: %v, want an error with %q", err, tt.want)
			}
			if !slices.Equal(before, tr.weights.flat) || tr.step != 0 {
				t.Error("Load changed the trainer although it failed")
			}
		})
	}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"no layers", func(o *Options) { o.Shape.Layers = 0 }, "layers is 0"},
		{"heads", func(o *Options) { o.Shape.Heads, o.Shape.KVHeads = 3, 2 }, "3 heads are no multiple of 2"},
		{"odd head", func(o *Options) { o.Shape.HeadDim = 15 }, "odd"},
		{"huge", func(o *Options) { o.Shape.Layers, o.Shape.Hidden = 1<<20, 1<<20 }, "parameters"},
		{"no corpus", func(o *Options) { o.Corpus = nil }, "no corpus"},
		{"end outside", func(o *Options) { o.EOS = 11 }, "vocabulary of 11"},
		{"long sequences", func(o *Options) { o.MaxTokens = 33 }, "33 tokens"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := echoOptions(2)
			tt.change(&opt)
			if _, err := New(opt, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// finite is a corpus that breaks its promise; tooLong one without a usable example.
type finite struct{}

func (finite) Batch(int) iter.Seq2[Example, error] { return func(func(Example, error) bool) {} }

type tooLong struct{}

func (tooLong) Batch(int) iter.Seq2[Example, error] {
	return func(yield func(Example, error) bool) {
		for yield(Example{Segments: []Segment{{Text: strings.Repeat("a", 40), Learn: true}}}, nil) {
		}
	}
}

// broken is a corpus that cannot go on.
type broken struct{}

func (broken) Batch(int) iter.Seq2[Example, error] {
	return func(yield func(Example, error) bool) { yield(Example{}, errors.New("out of words")) }
}

func TestBadCorpora(t *testing.T) {
	for _, tt := range []struct {
		name   string
		corpus Corpus
		want   string
	}{
		{"finite", finite{}, "endless"},
		{"broken", broken{}, "step 0: out of words"},
		{"too long", tooLong{}, "longer than 32 tokens"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := echoOptions(2)
			opt.Corpus = tt.corpus
			tr := newTrainer(t, opt, 1)
			if _, err := tr.Step(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Step: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestScheduleRate(t *testing.T) {
	s := Schedule{Peak: 1, Warmup: 4, Decay: 5, Steps: 20}
	for _, tt := range []struct {
		step int
		want float64
	}{{0, 0.25}, {3, 1}, {4, 1}, {15, 1}, {16, 0.8}, {19, 0.2}, {20, 0}, {99, 0}} {
		if got := s.Rate(tt.step); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("Rate(%d) = %v, want %v", tt.step, got, tt.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	opt := echoOptions(2)
	opt.Shape = Shape{Layers: 1, Hidden: 2, FFN: 2, Heads: 1, KVHeads: 1, HeadDim: 2, Vocab: 11, Context: 4, NormEps: 1e-5, RopeTheta: 10}
	opt.MaxTokens = 0
	tr, err := New(opt, nil)
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "state.gguf")
	if err := tr.Save(path); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Parse(data)
		if err != nil {
			return
		}
		tr, err := New(opt, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(tr.weights.flat)
		if err := tr.load(file); err != nil && (tr.step != 0 || !slices.Equal(before, tr.weights.flat)) {
			t.Errorf("load failed (%v) and changed the trainer", err)
		}
	})
}
