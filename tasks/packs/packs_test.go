package packs

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/generate"
	"github.com/tokenassay/assay/tasks/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// sharedData finds a file of the public data beside the checkout; without it the test is skipped, or failed under CI.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("ASSAY_SHARED")
	if dir, err := os.Getwd(); root == "" && err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "shared", "data")); err == nil {
				root = filepath.Join(dir, "shared")
				break
			}
		}
	}
	path := filepath.Join(root, "data", name)
	if _, err := os.Stat(path); err != nil || root == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("public data %s is missing", name)
		}
		t.Skipf("public data %s is not here; set ASSAY_SHARED to the folder that holds data/", name)
	}
	return path
}

// quarter counts a token for four bytes.
func quarter(s string) (int, error) { return (len(s) + 3) / 4, nil }

// collect gathers samples and the lengths left out.
func collect(t *testing.T, seq iter.Seq2[tasks.Sample, error]) (samples []tasks.Sample, left []*tasks.TooLong) {
	t.Helper()
	for s, err := range seq {
		var long *tasks.TooLong
		if errors.As(err, &long) {
			left = append(left, long)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return samples, left
}

func TestBuiltin(t *testing.T) {
	for level := 1; level <= 4; level++ {
		packs := Builtin(Options{Level: level})
		if len(packs) != 4 {
			t.Fatalf("level %d: %d packs, want 4", level, len(packs))
		}
		for _, p := range packs {
			if p.Name == "" || p.Version == "" || p.Title == "" || p.License == "" || p.Source == "" || len(p.Tasks) < 3 {
				t.Errorf("level %d: pack %+v lacks something", level, p)
			}
			for _, task := range p.Tasks {
				if task.Level != level || task.MaxTokens == 0 || task.Scorer == nil {
					t.Errorf("%s/%s: level %d, %d tokens, scorer %v", p.Name, task.Name, task.Level, task.MaxTokens, task.Scorer)
				}
				n := 20
				if level > 2 {
					n = 6
				}
				samples, _ := collect(t, task.Samples(t.Context(), tasks.Ask{Seed: 1, N: n, Count: quarter}))
				if len(samples) != n {
					t.Errorf("%s/%s level %d: %d samples, want %d", p.Name, task.Name, level, len(samples), n)
				}
				ids := make(map[string]bool)
				for _, s := range samples {
					ms := task.Prompt(s)
					if s.ID == "" || ids[s.ID] || s.Target == "" || len(ms) != 1 || ms[0].Content != s.Input {
						t.Errorf("%s/%s: sample %+v", p.Name, task.Name, s)
					}
					ids[s.ID] = true
				}
			}
		}
	}
	if packs := Builtin(Options{Level: MaxLevel + 1}); len(packs) != 0 {
		t.Errorf("level %d has packs %v", MaxLevel+1, packs)
	}
	highest := 0
	for _, f := range generate.Families() {
		highest = max(highest, f.MaxLevel)
	}
	if highest != MaxLevel {
		t.Errorf("MaxLevel is %d, families go to %d", MaxLevel, highest)
	}
	if _, err := Find("maths", Options{}); !errors.Is(err, ErrUnknownPack) || !strings.Contains(err.Error(), "long-context") {
		t.Errorf("Find(maths): %v", err)
	}
	if p, err := Find("math", Options{}); err != nil || p.Name != "math" {
		t.Errorf("Find(math) = %v, %v", p.Name, err)
	}
}

// TestOwnTargetsAreRight: whatever is asked, the scorer holds the sample's own answer for right, also in a sentence, and an
// answer to another question for wrong.
func TestOwnTargetsAreRight(t *testing.T) {
	box, err := sandbox.Start(t.Context())
	if err != nil && (!errors.Is(err, sandbox.ErrUnsupported) || os.Getenv("CI") != "") {
		t.Fatal(err)
	}
	opt := Options{Level: 2}
	if err == nil {
		t.Cleanup(func() { box.Close() })
		opt.Runner = box
	}
	for _, p := range Builtin(opt) {
		if p.Name == "code" && opt.Runner == nil {
			continue
		}
		for _, task := range p.Tasks {
			samples, _ := collect(t, task.Samples(t.Context(), tasks.Ask{Seed: 5, N: 9, Count: quarter}))
			for i, s := range samples {
				got, err := task.Scorer.Score(t.Context(), s, " "+s.Target)
				if err != nil || got.Verdict != tasks.Correct {
					t.Errorf("%s/%s: %q to %q: %s (%s), %v", p.Name, task.Name, s.Target, s.Input, got.Verdict, got.Why, err)
				}
				other := samples[(i+1)%len(samples)].Target
				if p.Name == "multilingual" {
					other = samples[(i+8)%len(samples)].Target // the next are the same in another language
				}
				if other == s.Target {
					continue
				}
				got, err = task.Scorer.Score(t.Context(), s, other)
				if err != nil || got.Verdict == tasks.Correct {
					t.Errorf("%s/%s: %q to %q: %s, %v", p.Name, task.Name, other, s.Input, got.Verdict, err)
				}
			}
		}
	}
}

func TestLongContextFitsTheModel(t *testing.T) {
	p, err := Find("long-context", Options{Level: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range p.Tasks {
		for _, tt := range []struct {
			context int
			lengths []string
			left    int
		}{
			{0, []string{"256", "512"}, 0}, {4096, []string{"256", "512"}, 0}, {512, []string{"256"}, 1}, {128, nil, 2},
		} {
			samples, left := collect(t, task.Samples(t.Context(), tasks.Ask{Seed: 1, N: 20, Count: quarter, Context: tt.context}))
			var lengths []string
			cells := make(map[string]int)
			for _, s := range samples {
				n, _ := strconv.Atoi(s.Meta["counted"])
				if tt.context > 0 && n >= tt.context {
					t.Errorf("%s: %d tokens in a context of %d", s.ID, n, tt.context)
				}
				if !slices.Contains(lengths, s.Meta["tokens"]) {
					lengths = append(lengths, s.Meta["tokens"])
				}
				cells[s.Meta["tokens"]+"@"+s.Meta["depth"]]++
			}
			slices.Sort(lengths)
			if !slices.Equal(lengths, tt.lengths) || len(left) != tt.left {
				t.Errorf("%s, context %d: lengths %v and %d left out, want %v and %d", task.Name, tt.context, lengths, len(left), tt.lengths, tt.left)
			}
			for cell, n := range cells {
				if n != 20/len(cells) || len(cells) != 5*len(lengths) {
					t.Errorf("%s, context %d: %d samples at %s, of %d cells", task.Name, tt.context, n, cell, len(cells))
				}
			}
		}
		for _, err := range task.Samples(t.Context(), tasks.Ask{N: 1}) {
			if !errors.Is(err, tasks.ErrNoCounter) {
				t.Errorf("%s without a counter: %v", task.Name, err)
			}
		}
	}
}

func TestCancelledSampling(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, err := Find("math", Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range p.Tasks[0].Samples(ctx, tasks.Ask{N: 5}) {
		if n++; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d yields, want one", n)
	}
}

func TestDescribe(t *testing.T) {
	ds, err := Describe()
	if err != nil || len(ds) != len(builtin) {
		t.Fatalf("%d descriptions, %v", len(ds), err)
	}
	for _, d := range ds {
		for _, task := range d.Tasks {
			if task.Title == "" || task.Example == "" || task.Answer == "" || task.MaxLevel < 5 {
				t.Errorf("%s: %+v", d.Name, task)
			}
		}
	}
}
