package load

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

func take(p Pattern, n int) (times []time.Duration) {
	for t := range p.Due() {
		if len(times) == n {
			break
		}
		times = append(times, t)
	}
	return times
}

func TestDue(t *testing.T) {
	cases := []struct {
		name string
		p    Pattern
		want []time.Duration
	}{
		{"constant", Constant(4), []time.Duration{0, 250 * ms, 500 * ms, 750 * ms, 1000 * ms}},
		{"a third of a second", Constant(3), []time.Duration{0, 333333333, 666666667, 1000000000, 1333333333}},
		{"at once", AtOnce(), []time.Duration{0, 0, 0, 0, 0}},
		{"replay", Replay([]time.Duration{0, 0, 7 * ms}), []time.Duration{0, 0, 7 * ms}},
		{"closed", Closed(3), nil},
		{"once in an age", Constant(1e-12), []time.Duration{0, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := take(c.p, 5); !slices.Equal(got, c.want) {
				t.Errorf("Due of %v = %v, want %v", c.p, got, c.want)
			}
		})
	}
}

func TestConstantDoesNotDrift(t *testing.T) {
	times := take(Constant(3), 3_000_001)
	if got := times[3_000_000]; got != 1_000_000*time.Second {
		t.Errorf("the three-millionth request at three per second is due at %v, want a million seconds", got)
	}
}

func TestPoissonIsExponential(t *testing.T) {
	const n, rate = 20000, 50.0
	times := take(Poisson(rate, 11), n)
	var gaps []float64
	last := time.Duration(0)
	for _, at := range times {
		gaps = append(gaps, (at-last).Seconds()*rate)
		last = at
	}
	slices.Sort(gaps)
	// Kolmogorov and Smirnov's distance to 1 - exp(-x): below 1.63/√n in 99 of 100 cases, and the seed is fixed.
	var far float64
	for i, g := range gaps {
		want := 1 - math.Exp(-g)
		far = max(far, math.Abs(want-float64(i)/n), math.Abs(want-float64(i+1)/n))
	}
	if far > 1.63/math.Sqrt(n) {
		t.Errorf("gaps are %.4f away from exponential, want at most %.4f", far, 1.63/math.Sqrt(n))
	}
	if slices.Equal(take(Poisson(rate, 11), 9), take(Poisson(rate, 12), 9)) || !slices.Equal(take(Poisson(rate, 11), 9), times[:9]) {
		t.Error("seeds do not choose the times")
	}
}

func TestValidate(t *testing.T) {
	for name, p := range map[string]Pattern{
		"negative askers": Closed(-1), "no rate": Constant(0), "negative rate": Poisson(-1, 0), "NaN": Constant(math.NaN()),
		"infinite": Poisson(math.Inf(1), 0), "no times": Replay(nil), "before the start": Replay([]time.Duration{-1}), "not in order": Replay([]time.Duration{2, 1}),
	} {
		if err := p.Validate(); !errors.Is(err, ErrPattern) {
			t.Errorf("%s: Validate = %v, want ErrPattern", name, err)
		}
		if _, err := Drive(t.Context(), p, 1, func(context.Context, int, time.Time) bool { t.Errorf("%s: driven", name); return true }); !errors.Is(err, ErrPattern) {
			t.Errorf("%s: Drive = %v, want ErrPattern", name, err)
		}
	}
	for _, p := range []Pattern{{}, Closed(0), Closed(9), Constant(0.1), Poisson(3, 1), AtOnce(), Replay([]time.Duration{0, 0, 5})} {
		if err := p.Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// call is one call Drive made, relative to its start.
type call struct{ due, began time.Duration }

func drive(ctx context.Context, p Pattern, n int, took func(i int) time.Duration, stopAfter int) (calls map[int]call, most, sent int, err error) {
	var mu sync.Mutex
	calls = map[int]call{}
	now := 0
	start := time.Now()
	sent, err = Drive(ctx, p, n, func(ctx context.Context, i int, due time.Time) bool {
		mu.Lock()
		calls[i] = call{due.Sub(start), time.Since(start)}
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(took(i))
		mu.Lock()
		defer mu.Unlock()
		now--
		return stopAfter < 0 || i < stopAfter
	})
	return calls, most, sent, err
}

func TestDriveClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two askers; the first request takes 25 ms, others 10: 0 | 1 2 | 3 …
		calls, most, sent, err := drive(t.Context(), Closed(2), 5, func(i int) time.Duration {
			if i == 0 {
				return 25 * ms
			}
			return 10 * ms
		}, -1)
		if err != nil || sent != 5 || most != 2 {
			t.Fatalf("sent %d, at most %d at once, %v; want 5, 2", sent, most, err)
		}
		var due []time.Duration
		for i := range 5 {
			if calls[i].due != calls[i].began {
				t.Errorf("request %d due at %v, began at %v: closed requests are due when they go out", i, calls[i].due, calls[i].began)
			}
			due = append(due, calls[i].due)
		}
		slices.Sort(due) // which asker takes the first request is up to the scheduler
		// The slow request may be either of the first two; times are the same.
		if want := []time.Duration{0, 0, 10 * ms, 20 * ms, 25 * ms}; !slices.Equal(due, want) {
			t.Errorf("due %v, want %v", due, want)
		}
	})
}

func TestDriveOpenKeepsItsTimesWhateverTheAnswersTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, most, sent, err := drive(t.Context(), Constant(100), 6, func(int) time.Duration { return time.Hour }, -1)
		if err != nil || sent != 6 || most != 6 {
			t.Fatalf("sent %d, at most %d at once, %v; want all six under way together", sent, most, err)
		}
		for i := range 6 {
			if want := time.Duration(i) * 10 * ms; calls[i].due != want || calls[i].began != want {
				t.Errorf("request %d: %+v, want due and begun at %v", i, calls[i], want)
			}
		}
	})
}

func TestDriveReplayEndsWithItsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, sent, err := drive(t.Context(), Replay([]time.Duration{ms, 2 * ms}), 9, func(int) time.Duration { return 0 }, -1)
		if err != nil || sent != 2 {
			t.Errorf("sent %d, %v; want the two there are times for", sent, err)
		}
	})
}

func TestDriveStops(t *testing.T) {
	for name, p := range map[string]Pattern{"closed": Closed(1), "constant": Constant(100), "replay": Replay([]time.Duration{0, 10 * ms, 20 * ms, time.Hour})} {
		t.Run(name+"/when told", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, _, sent, err := drive(t.Context(), p, 100, func(int) time.Duration { return ms }, 2)
				if err != nil || sent != 3 || time.Since(start) > time.Second {
					t.Errorf("sent %d in %v, %v; want three, and no wait for the next", sent, time.Since(start), err)
				}
			})
		})
		t.Run(name+"/with its context", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 25*ms)
				defer cancel()
				_, _, sent, err := drive(ctx, p, 100, func(int) time.Duration { return 10 * ms }, -1)
				if !errors.Is(err, context.DeadlineExceeded) || sent != 3 {
					t.Errorf("sent %d, %v; want three and the context's error", sent, err)
				}
			})
		})
	}
}

func TestParseReadsWhatStringWrites(t *testing.T) {
	for _, p := range []Pattern{{}, Closed(7), Constant(2.5), Poisson(0.125, 99), AtOnce(), Replay([]time.Duration{0, 1500 * ms, 2 * time.Second})} {
		got, err := Parse(p.String(), 1)
		if err != nil || got.String() != p.String() || !slices.Equal(take(got, 4), take(p, 4)) || got.Askers() != p.Askers() {
			t.Errorf("Parse(%q) = %v, %v", p, got, err)
		}
	}
	if p, err := Parse("poisson:3", 5); err != nil || p.String() != "poisson:3:5" {
		t.Errorf("Parse without a seed = %v, %v; want the default's", p, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"closed:4", "constant:2", "poisson:2.5:7", "at-once", "replay:0s,1.5s", "closed:0", "constant:NaN", "poisson:1e999", "replay:", "x", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text, 3)
		if err != nil {
			if !errors.Is(err, ErrPattern) {
				t.Errorf("Parse(%q): %v does not wrap ErrPattern", text, err)
			}
			return
		}
		again, err := Parse(p.String(), 4)
		if err != nil || again.String() != p.String() {
			t.Errorf("Parse(%q) is %q, which reads as %v, %v", text, p, again, err)
		}
		last := time.Duration(0)
		for _, due := range take(p, 50) {
			if due < last {
				t.Errorf("%v: %v comes after %v", p, due, last)
			}
			last = due
		}
	})
}
