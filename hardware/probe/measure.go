package probe

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/tokenassay/assay/hardware"
)

// Options bounds a measurement. The zero value measures everything.
type Options struct {
	Budget  time.Duration  // for all of it, roughly; 0 means 1.2 s
	Threads int            // used where all are asked for; 0 means all this process may use
	Host    *hardware.Host // tells cache and memory sizes; nil: detected
}

// Sizes of the buffer that is read: large enough that caches hold little of it, and no larger than
// can be touched within the budget.
const (
	minBuffer = 64 << 20
	maxBuffer = 1 << 30
)

// Measure measures this machine. It returns what it had when ctx ended, with ctx's error.
// Only one should run at a time; it uses every processor, and up to a quarter of the memory that
// is available.
func Measure(ctx context.Context, opt Options) (Reach, error) {
	host, err := opt.host(ctx)
	if err != nil {
		return Reach{Verdict: Unknown}, err
	}
	budget := opt.Budget
	if budget <= 0 {
		budget = 1200 * time.Millisecond
	}
	cpus := members(opt.Threads, host.CPU.Usable)
	c := assemble(cpus)
	defer c.disband()

	start := time.Now()
	r := Reach{Started: start, Before: pressure()}
	m := &meter{kernel: kernels(), crew: c, stop: func() bool { return ctx.Err() != nil }}
	all := len(cpus)

	// Latency first: two processors that share a cache, or do not, explain the rest.
	if all > 1 {
		r.CoreLatency = m.latency(budget/12, cpus)
		if r.CoreLatency == nil {
			r.Warnings = append(r.Warnings, "core latency unknown: the two processors were never both free")
		}
	}
	size, why := bufferSize(host)
	if why != "" {
		r.Warnings = append(r.Warnings, why)
	}
	if size > 0 {
		buf, release, err := reserve(size)
		if err != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("read bandwidth unknown: %d bytes of memory: %v", size, err))
		} else {
			r.BufferBytes = int64(size)
			m.touch(buf)
			r.ReadBandwidth.One = m.bandwidth(budget/6, buf, 1)
			r.ReadBandwidth.All = m.bandwidth(budget/6, buf, all)
			release()
		}
	}
	r.Arithmetic.Float32 = Pair{One: m.float32s(budget/10, 1), All: m.float32s(budget/10, all)}
	r.Arithmetic.Int8 = Pair{One: m.int8s(budget/10, 1), All: m.int8s(budget/10, all)}

	r.Took = time.Since(start)
	r.After = pressure()
	var taken string
	if r.Verdict, taken = verdict(r.Before, r.After, r.Took, max(host.CPU.Threads, all)); taken != "" {
		r.Warnings = append(r.Warnings, taken)
	}
	return r, ctx.Err()
}

func (o Options) host(ctx context.Context) (hardware.Host, error) {
	if o.Host != nil {
		return *o.Host, nil
	}
	return hardware.Detect(ctx)
}

// members chooses the processors measured, spread evenly over those allowed where fewer are asked
// for: with the first and the last among them, latency is that of the farthest numbers.
func members(threads, usable int) []int {
	allowed := processors()
	if len(allowed) == 0 {
		for i := range runtime.NumCPU() {
			allowed = append(allowed, i)
		}
	}
	n := threads
	if n <= 0 {
		n = usable
	}
	n = min(max(n, 1), len(allowed))
	cpus := make([]int, n)
	for i := range cpus {
		if n > 1 {
			cpus[i] = allowed[i*(len(allowed)-1)/(n-1)]
		} else {
			cpus[i] = allowed[0]
		}
	}
	return cpus
}

// bufferSize is four times all outermost caches together, within bounds and a quarter of the available
// memory; why says where that is too little for a clean figure.
func bufferSize(h hardware.Host) (size int, why string) {
	var caches int64
	for _, k := range h.CPU.Caches {
		if k.Bytes == h.CPU.LastCache() && k.Kind != "instruction" {
			caches = max(caches, k.Bytes*int64(max(1, k.Count)))
		}
	}
	want := max(4*caches, minBuffer)
	if caches == 0 {
		want = 4 * minBuffer // unknown: enough for most
	}
	size64 := min(want, maxBuffer)
	if h.Memory.Available != nil {
		size64 = min(size64, *h.Memory.Available/4)
	}
	if size64 < readBytes*int64(max(1, h.CPU.Usable)) {
		return 0, "read bandwidth unknown: too little memory is available"
	}
	if size64 < want {
		why = fmt.Sprintf("read bandwidth may be too high: %d bytes were read, caches hold %d", size64, caches)
	}
	return int(size64), why
}

// meter measures with one kernel and one crew.
type meter struct {
	kernel kernel
	crew   *crew
	stop   func() bool
	at     int // where in the buffer the next read begins
}

// share cuts a buffer into whole calls for each of n members.
func share(buf []byte, member, n int) []byte {
	calls := len(buf) / readBytes
	return buf[calls*member/n*readBytes : calls*(member+1)/n*readBytes]
}

// touch has every page written, each by the member that will read it: memory that was never written
// is one page of zeros in the cache, and on several nodes the first to write decides where it lies.
func (m *meter) touch(buf []byte) {
	const page = 4096
	n := len(m.crew.jobs)
	m.crew.together(n, func(member int) {
		s := share(buf, member, n)
		for i := 0; i < len(s); i += page {
			s[i] = byte(i/page) | 1
		}
	})
}

// Bytes read per sample by each member: some milliseconds.
const sampleBytes = 32 << 20

func (m *meter) bandwidth(budget time.Duration, buf []byte, n int) *Figure {
	xs := repeats(budget, m.stop, func() float64 {
		var total int
		sizes := make([]int, n)
		took := m.crew.together(n, func(member int) { sizes[member] = m.pass(share(buf, member, n)) })
		for _, s := range sizes {
			total += s
		}
		m.at += sampleBytes
		return float64(total) / took.Seconds()
	})
	return figure(xs, true, n, m.kernel.name+" read")
}

// pass reads sampleBytes of s, or all of it, from where the last sample ended.
func (m *meter) pass(s []byte) int {
	n := min(len(s), sampleBytes)
	for done := 0; done < n; done += readBytes {
		at := (m.at + done) % len(s)
		m.read(s[at : at+readBytes])
	}
	return n
}

// read, multiply and dot are Go functions of their own, not inlined, because their prologue is where
// the scheduler can stop a loop of assembly calls.
//
//go:noinline
func (m *meter) read(p []byte) { m.kernel.read(p) }

//go:noinline
func (m *meter) multiply(acc *[96]float32) { m.kernel.fma(fmaCount, 0x1p-20, 0x1p-10, acc) }

//go:noinline
func (m *meter) dot(a *[32]uint8, b *[32]int8, acc *[64]int32) { m.kernel.dot(dotCount, a, b, acc) }

// calls is how many of one call make a sample of about a millisecond, after one that warms up.
func calls(call func()) int {
	call()
	start := time.Now()
	call()
	return int(min(max(time.Millisecond/max(time.Since(start), 1), 1), 1000))
}

func (m *meter) float32s(budget time.Duration, n int) *Figure {
	count := calls(func() { m.multiply(new([96]float32)) })
	xs := repeats(budget, m.stop, func() float64 {
		took := m.crew.together(n, func(int) {
			var acc [96]float32
			for range count {
				m.multiply(&acc)
			}
		})
		return float64(n) * float64(count) * fmaCount * fmaOps / took.Seconds()
	})
	return figure(xs, true, n, m.kernel.name+" fma float32")
}

func (m *meter) int8s(budget time.Duration, n int) *Figure {
	var a [32]uint8
	var b [32]int8
	for i := range a {
		a[i], b[i] = 1, int8(i%2*2-1) // sums of 1 and -1 never leave 32 bits
	}
	count := calls(func() { m.dot(&a, &b, new([64]int32)) })
	xs := repeats(budget, m.stop, func() float64 {
		took := m.crew.together(n, func(int) {
			var acc [64]int32
			for range count {
				m.dot(&a, &b, &acc)
			}
		})
		return float64(n) * float64(count) * dotCount * dotOps / took.Seconds()
	})
	return figure(xs, true, n, m.kernel.name+" dot int8")
}

// Round trips per sample, and the longest a sample may take: with both processors free it is 0.1 to
// 0.5 ms.
const (
	roundTrips = 500
	roundLimit = 20 * time.Millisecond
)

// latency is between the first and the last member.
func (m *meter) latency(budget time.Duration, cpus []int) *Figure {
	a, b := 0, len(cpus)-1
	end := time.Now().Add(budget)
	xs := repeats(budget, func() bool { return m.stop() || time.Now().After(end.Add(budget)) }, func() float64 {
		for !m.stop() && time.Now().Before(end.Add(budget)) {
			if t, stuck := pingPong(m.crew, a, b, roundTrips, roundLimit); !stuck {
				return t.Seconds()
			}
		}
		return -1
	})
	kept := xs[:0]
	for _, x := range xs {
		if x > 0 {
			kept = append(kept, x)
		}
	}
	return figure(kept, false, 2, fmt.Sprintf("cache line between processors %d and %d", cpus[a], cpus[b]))
}
