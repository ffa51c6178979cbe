package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/tasks"
)

// A naive model of a store: a slice of outcomes in the order first put, and an index by key.
type naive struct {
	order []bench.Outcome
	index map[bench.Key]int
}

func (n *naive) put(o bench.Outcome) {
	if i, ok := n.index[o.Key]; ok {
		n.order[i] = o
		return
	}
	if n.index == nil {
		n.index = map[bench.Key]int{}
	}
	n.index[o.Key] = len(n.order)
	n.order = append(n.order, o)
}

// A process is killed in mid-write, several times over the same file. What it acknowledged is
// there afterwards; what it had begun and not acknowledged is there wholly or not at all.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	rng := rand.New(rand.NewPCG(2, 6))
	for round := range 4 {
		kill := 20 + rng.IntN(150)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=append "+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := -1
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			if acked = n; acked == kill {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		if acked < kill {
			t.Fatalf("child ended by itself after step %d", acked)
		}
		s := mustOpen(t, path)
		got := mustAll(t, s, "run")
		// The state must be that after some step at or after the last acknowledged one.
		var model naive
		want := -1
		for st := range steps() {
			model.put(st.outcome)
			if st.n >= acked && cmp.Equal(model.order, got) {
				want = st.n
			}
			if want >= 0 || st.n > acked+2 {
				break
			}
		}
		if want < 0 {
			t.Fatalf("round %d: the store is in no state that %d acknowledged steps lead to: %d outcomes", round, acked+1, len(got))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		// The next child starts over: it begins the same run and puts the same outcomes.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// Random operations, closing and reopening between them, against the naive model.
func TestAgainstModel(t *testing.T) {
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, seed))
	path := filepath.Join(t.TempDir(), "x.db")
	s := mustOpen(t, path)
	models := map[string]*naive{}
	for n := range 400 {
		run := fmt.Sprint("run", rng.IntN(3))
		if models[run] == nil {
			mustBegin(t, s, run)
			models[run] = &naive{}
		}
		m := models[run]
		switch op := rng.IntN(20); {
		case op < 12:
			o := testOutcome(run, rng.IntN(60), rng)
			if i, ok := m.index[o.Key]; ok && m.order[i].Score != nil {
				o.Score = m.order[i].Score
			}
			mustPut(t, s, o)
			m.put(o)
		case op < 17 && len(m.order) > 0:
			o := m.order[rng.IntN(len(m.order))]
			o.Score = randomScore(rng)
			mustPut(t, s, o)
			m.put(o)
		case op < 18:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, path)
		default:
			if d := cmp.Diff(m.order, mustAll(t, s, run)); d != "" {
				t.Fatalf("seed %d, operation %d: %s differs (-model +store):\n%s", seed, n, run, d)
			}
		}
	}
}

func randomScore(rng *rand.Rand) *tasks.Score {
	verdicts := []tasks.Verdict{tasks.Correct, tasks.Partial, tasks.Incorrect, tasks.NoAnswer, tasks.Refused}
	return &tasks.Score{Value: rng.Float64(), Verdict: verdicts[rng.IntN(len(verdicts))], Why: fmt.Sprint(rng.IntN(10))}
}
