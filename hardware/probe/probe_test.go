package probe

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/tokenassay/assay/hardware"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFigure(t *testing.T) {
	cases := []struct {
		name string
		xs   []float64
		rate bool
		want Figure
	}{
		{"one", []float64{3}, true, Figure{Median: 3, Best: 3, Lo: 3, Hi: 3, N: 1}},
		{"few: the range", []float64{5, 1, 3, 4}, true, Figure{Median: 3.5, Best: 5, Lo: 1, Hi: 5, N: 4}},
		{"time: the shortest is best", []float64{5, 1, 3}, false, Figure{Median: 3, Best: 1, Lo: 1, Hi: 5, N: 3}},
		// Ranks 2 and 9 of 10 hold the median with 97.9%, 3 and 8 would with 89%.
		{"ten", []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, true, Figure{Median: 5.5, Best: 10, Lo: 1, Hi: 10, N: 10}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := *figure(c.xs, c.rate, 0, "")
			if c.name == "ten" {
				if got.Lo > 2 || got.Hi < 9 || got.Median != 5.5 {
					t.Errorf("figure = %+v, want an interval at least from 2 to 9", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("figure = %+v, want %+v", got, c.want)
			}
		})
	}
	if figure(nil, true, 1, "") != nil {
		t.Error("a figure of nothing is not nil")
	}
}

func TestMeasureOnThisMachine(t *testing.T) {
	r, err := Measure(context.Background(), Options{Budget: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Figure{
		"read one": r.ReadBandwidth.One, "read all": r.ReadBandwidth.All,
		"float32 one": r.Arithmetic.Float32.One, "float32 all": r.Arithmetic.Float32.All,
		"int8 one": r.Arithmetic.Int8.One, "int8 all": r.Arithmetic.Int8.All,
	} {
		if f == nil {
			t.Errorf("%s was not measured: %q", name, r.Warnings)
			continue
		}
		if !(f.Lo > 0 && f.Lo <= f.Median && f.Median <= f.Hi && f.Hi <= f.Best && !math.IsInf(f.Best, 0)) || f.N < 5 || f.Kernel == "" {
			t.Errorf("%s = %v: want 0 < lo <= median <= hi <= best, n >= 5", name, f)
		}
	}
	if f := r.CoreLatency; f != nil && !(f.Best > 0 && f.Best <= f.Median && f.Median < 1) {
		t.Errorf("core latency = %v", f)
	}
	if r.Verdict != Clean && r.Verdict != Disturbed && r.Verdict != Unknown {
		t.Errorf("verdict %q", r.Verdict)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Reach
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if *back.ReadBandwidth.One != *r.ReadBandwidth.One || back.Verdict != r.Verdict || back.Took != r.Took {
		t.Errorf("through JSON %+v became %+v", r, back)
	}
}

func TestMeasureStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Measure of a cancelled context: %v", err)
	}
}

func TestBufferSize(t *testing.T) {
	gib := func(n int64) *int64 { n <<= 30; return &n }
	l3 := func(bytes int64, count int) hardware.CPU {
		return hardware.CPU{Usable: 2, Caches: []hardware.Cache{
			{Level: 1, Kind: "data", Bytes: 32 << 10, Count: 2},
			{Level: 3, Kind: "unified", Bytes: bytes, Count: count},
		}}
	}
	cases := []struct {
		name string
		host hardware.Host
		want int
		why  bool
	}{
		{"one cache", hardware.Host{CPU: l3(32<<20, 1), Memory: hardware.Memory{Available: gib(20)}}, 128 << 20, false},
		{"four caches", hardware.Host{CPU: l3(32<<20, 4), Memory: hardware.Memory{Available: gib(20)}}, 512 << 20, false},
		{"small cache", hardware.Host{CPU: l3(1<<20, 1), Memory: hardware.Memory{Available: gib(20)}}, 64 << 20, false},
		{"nothing known", hardware.Host{}, 256 << 20, false},
		{"little memory", hardware.Host{CPU: l3(32<<20, 1), Memory: hardware.Memory{Available: new(int64(256 << 20))}}, 64 << 20, true},
		{"huge caches", hardware.Host{CPU: l3(384<<20, 2), Memory: hardware.Memory{Available: gib(500)}}, 1 << 30, true},
		{"hardly any memory", hardware.Host{CPU: l3(32<<20, 1), Memory: hardware.Memory{Available: new(int64(1 << 19))}}, 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, why := bufferSize(c.host)
			if got != c.want || (why != "") != c.why {
				t.Errorf("bufferSize = %d, %q; want %d, a reason: %v", got, why, c.want, c.why)
			}
		})
	}
}

func TestShareCutsTheBufferWithoutGapOrOverlap(t *testing.T) {
	buf := make([]byte, 11*readBytes+5)
	for _, n := range []int{1, 2, 3, 7} {
		at := 0
		for member := range n {
			s := share(buf, member, n)
			if len(s)%readBytes != 0 || len(s) == 0 || &s[0] != &buf[at] {
				t.Fatalf("share %d of %d: %d bytes, want whole calls from %d", member, n, len(s), at)
			}
			at += len(s)
		}
		if at != 11*readBytes {
			t.Errorf("%d shares cover %d bytes, want %d", n, at, 11*readBytes)
		}
	}
}

func TestReadPressure(t *testing.T) {
	p := ReadPressure(fstest.MapFS{
		"proc/loadavg":      {Data: []byte("7.31 5.20 3.10 5/109 16052\n")},
		"proc/stat":         {Data: []byte("cpu  54798 3091 13422 163556 1095 11 165 1425 0 0\ncpu0 1 2 3 4 5 6 7 8\n")},
		"proc/pressure/cpu": {Data: []byte("some avg10=10.14 avg60=5.65 avg300=6.62 total=161708318\nfull avg10=0.00\n")},
	})
	for name, c := range map[string]struct {
		got  *float64
		want float64
	}{"load": {p.Load1, 7.31}, "steal": {p.Steal, 14.25}, "busy": {p.Busy, 714.87}, "stalled": {p.Stalled, 161.708318}} {
		if c.got == nil || math.Abs(*c.got-c.want) > 1e-9 {
			t.Errorf("%s = %v, want %v", name, c.got, c.want)
		}
	}
	for name, fsys := range map[string]fstest.MapFS{
		"nothing": {},
		"broken": {
			"proc/loadavg":      {Data: []byte("-1 x")},
			"proc/stat":         {Data: []byte("cpu 1 2 3")},
			"proc/pressure/cpu": {Data: []byte("some total=NaN")},
		},
	} {
		if p := ReadPressure(fsys); p != (Pressure{}) {
			t.Errorf("%s: %+v, want all unknown", name, p)
		}
	}
}

func FuzzReadPressure(f *testing.F) {
	f.Add("7.31 5.20", "cpu  54798 3091 13422 163556 1095 0 165 1425 0 0", "some avg10=0 total=16")
	f.Add("", "cpu", "some total=")
	f.Fuzz(func(t *testing.T, load, stat, stalled string) {
		p := ReadPressure(fstest.MapFS{"proc/loadavg": {Data: []byte(load)}, "proc/stat": {Data: []byte(stat)}, "proc/pressure/cpu": {Data: []byte(stalled)}})
		for _, x := range []*float64{p.Load1, p.Steal, p.Busy, p.Stalled} {
			if x != nil && !(*x >= 0 && !math.IsInf(*x, 0)) {
				t.Errorf("%v out of %q, %q, %q", *x, load, stat, stalled)
			}
		}
	})
}

func TestVerdict(t *testing.T) {
	at := func(busy, steal, own float64) Pressure { return Pressure{Busy: &busy, Steal: &steal, Own: &own} }
	second := time.Second
	cases := []struct {
		name          string
		before, after Pressure
		want          string
	}{
		{"alone", at(100, 5, 1), at(102, 5, 3), Clean},
		{"another process", at(100, 5, 1), at(102, 5, 2.5), Disturbed},
		{"another machine", at(100, 5, 1), at(102, 5.1, 3), Disturbed},
		{"within a tick", at(100, 5, 1), at(102.01, 5.01, 3), Clean},
		{"nothing known", Pressure{}, Pressure{}, Unknown},
		{"steal unknown", Pressure{Busy: new(1.0), Own: new(1.0)}, Pressure{Busy: new(3.0), Own: new(3.0)}, Clean},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, why := verdict(c.before, c.after, second, 2)
			if got != c.want || (why != "") != (got == Disturbed) {
				t.Errorf("verdict = %q because %q, want %q", got, why, c.want)
			}
		})
	}
}

func TestPingPongGivesUp(t *testing.T) {
	c := assemble(members(2, 2))
	defer c.disband()
	if len(c.jobs) < 2 {
		t.Skip("one processor has no other to talk to")
	}
	// More rounds than the limit allows for.
	if _, stuck := pingPong(c, 0, 1, 1<<40, 5*time.Millisecond); !stuck {
		t.Error("an endless match ended without being stuck")
	}
}

func TestMembers(t *testing.T) {
	got := members(0, 1<<20)
	if allowed := processors(); len(allowed) > 0 && len(got) != len(allowed) {
		t.Errorf("members(all) = %v, want all of %v", got, allowed)
	}
	if got := members(1, 8); len(got) != 1 {
		t.Errorf("members(1) = %v", got)
	}
}

func TestFigureString(t *testing.T) {
	s := Figure{Median: 2, Best: 3, Lo: 1, Hi: 3, N: 9, Threads: 2, Kernel: "go read"}.String()
	for _, want := range []string{"2", "n=9", "threads=2", "go read"} {
		if !strings.Contains(s, want) {
			t.Errorf("%q lacks %q", s, want)
		}
	}
}
