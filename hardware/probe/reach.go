// Package probe measures what a machine can reach: how fast its cores read memory, how many
// multiply-adds they do, and how long a word takes from one core to another. The three are
// the ceilings that a model's speed is read against: decoding is bound by reading the weights,
// prefill by arithmetic, and placement of the cores decides how well they share.
//
// # Caveats
//
// Figures are of the kernels named in them, written for the instruction sets AVX2 and FMA where the
// processor has them and in plain Go elsewhere; wider units (AVX-512, AMX) may reach more.
// Measure keeps every usable core busy and should run alone: Reach.Verdict says whether it did.
package probe

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Reach is what a machine was measured to reach. A nil Figure was not measured; Warnings say why.
type Reach struct {
	ReadBandwidth Pair          `json:"read_bandwidth"` // bytes per second, read from main memory
	Arithmetic    Arithmetic    `json:"arithmetic"`
	CoreLatency   *Figure       `json:"core_latency,omitempty"` // seconds per round trip of a cache line between two threads
	BufferBytes   int64         `json:"buffer_bytes,omitempty"` // read by ReadBandwidth, all threads together
	Started       time.Time     `json:"started"`
	Took          time.Duration `json:"took_ns"`
	Before        Pressure      `json:"before"`
	After         Pressure      `json:"after"`
	Verdict       string        `json:"verdict"` // Clean, Disturbed or Unknown
	Warnings      []string      `json:"warnings,omitempty"`
}

// Verdicts on whether the machine was the probe's own while it ran.
const (
	Clean     = "clean"
	Disturbed = "disturbed"
	Unknown   = "unknown"
)

// Arithmetic is throughput with all operands in registers, in operations per second; a
// multiply-add counts as two.
type Arithmetic struct {
	Float32 Pair `json:"float32"`
	// Int8 is multiply-adds of bytes by the instructions every AVX2 machine has
	// (VPMADDUBSW, VPMADDWD, VPADDD); those with VNNI do up to twice as many.
	Int8 Pair `json:"int8"`
}

// Pair is one figure by a single thread and by all usable threads at once.
type Pair struct {
	One *Figure `json:"one,omitempty"`
	All *Figure `json:"all,omitempty"`
}

// Figure is a repeated measurement in base units.
type Figure struct {
	Median  float64 `json:"median"`
	Best    float64 `json:"best"` // the highest rate, or the shortest time
	Lo      float64 `json:"lo"`   // with Hi: an interval for the median
	Hi      float64 `json:"hi"`
	N       int     `json:"n"` // repeats
	Threads int     `json:"threads"`
	Kernel  string  `json:"kernel"` // what was run: "avx2 read", "go read"
}

// String writes median, interval and n in base units.
func (f Figure) String() string {
	return fmt.Sprintf("%.4g [%.4g, %.4g] best %.4g n=%d threads=%d (%s)", f.Median, f.Lo, f.Hi, f.Best, f.N, f.Threads, f.Kernel)
}

// figure summarises repeats; rate says that more is better. The interval for the median runs
// between order statistics: ranks n/2 ∓ 1.96·√n/2, the normal approximation of the binomial,
// widened to whole ranks. For n below 6 no pair of them reaches 95%, and the interval is the range.
func figure(xs []float64, rate bool, threads int, kernel string) *Figure {
	if len(xs) == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	median := s[n/2]
	if n%2 == 0 {
		median = (s[n/2-1] + s[n/2]) / 2
	}
	half := 1.96 * math.Sqrt(float64(n)) / 2
	lo := max(0, int(math.Floor(float64(n)/2-half))-1)
	hi := min(n-1, int(math.Ceil(float64(n)/2+half)))
	if n < 6 {
		lo, hi = 0, n-1
	}
	best := s[0]
	if rate {
		best = s[n-1]
	}
	return &Figure{Median: median, Best: best, Lo: s[lo], Hi: s[hi], N: n, Threads: threads, Kernel: kernel}
}

// Pressure is how much of the machine others were taking. Nil is unknown.
type Pressure struct {
	Load1   *float64 `json:"load1,omitempty"`           // mean runnable tasks over the last minute
	Steal   *float64 `json:"steal_seconds,omitempty"`   // processor time the hypervisor gave to others, since boot
	Busy    *float64 `json:"busy_seconds,omitempty"`    // processor time used by anyone in this machine, since boot
	Own     *float64 `json:"own_seconds,omitempty"`     // processor time used by this process
	Stalled *float64 `json:"stalled_seconds,omitempty"` // time in which some task waited for a processor, since boot
}
