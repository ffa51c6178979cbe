package power

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }

func tree() fstest.MapFS {
	return fstest.MapFS{
		"sys/class/powercap/intel-rapl:0/name":                     file("package-0"),
		"sys/class/powercap/intel-rapl:0/energy_uj":                file("900"),
		"sys/class/powercap/intel-rapl:0/max_energy_range_uj":      file("999"),
		"sys/class/powercap/intel-rapl:0:0/name":                   file("core"),
		"sys/class/powercap/intel-rapl:0:0/energy_uj":              file("400"),
		"sys/class/powercap/intel-rapl:0:0/max_energy_range_uj":    file("999"),
		"sys/class/powercap/intel-rapl:0:1/name":                   file("dram"),
		"sys/class/powercap/intel-rapl:0:1/energy_uj":              file("5000000"),
		"sys/class/powercap/intel-rapl:0:1/max_energy_range_uj":    file("262143328850"),
		"sys/class/powercap/intel-rapl:1/name":                     file("psys"),
		"sys/class/powercap/intel-rapl:1/energy_uj":                file("7"),
		"sys/class/powercap/intel-rapl:1/max_energy_range_uj":      file("999"),
		"sys/class/powercap/intel-rapl-mmio:0/name":                file("package-0"),
		"sys/class/powercap/intel-rapl-mmio:0/energy_uj":           file("900"),
		"sys/class/powercap/intel-rapl-mmio:0/max_energy_range_uj": file("999"),
	}
}

func TestJoulesFollowsCountersAroundTheirEnd(t *testing.T) {
	fsys := tree()
	m, err := Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Zones(), []string{"package-0", "dram"}; !slices.Equal(got, want) {
		t.Fatalf("Zones() = %q, want %q: parts and duplicates would count twice", got, want)
	}
	steps := []struct {
		package0, dram uint64
		want           float64 // joules since Open
	}{
		{900, 5000000, 0},
		{999, 5000000, 99e-6},           // the last value before the end
		{0, 5000000, 100e-6},            // one step on: the first value again
		{899, 5000000, 999e-6},          // almost once around
		{899, 7500000, 999e-6 + 2.5},    // memory alone
		{898, 7500000, 1998e-6 + 2.5},   // once around less one
		{898, 17500000, 1998e-6 + 12.5}, // and on
	}
	for i, s := range steps {
		fsys["sys/class/powercap/intel-rapl:0/energy_uj"] = file(strconv.FormatUint(s.package0, 10))
		fsys["sys/class/powercap/intel-rapl:0:1/energy_uj"] = file(strconv.FormatUint(s.dram, 10))
		got, ok := m.Joules()
		if !ok || math.Abs(got-s.want) > 1e-9 {
			t.Errorf("step %d: Joules() = %v, %v, want %v", i, got, ok, s.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	without := func(names ...string) fstest.MapFS {
		fsys := tree()
		for name := range fsys {
			for _, n := range names {
				if strings.Contains(name, n) {
					delete(fsys, name)
				}
			}
		}
		return fsys
	}
	with := func(name, text string) fstest.MapFS {
		fsys := tree()
		fsys["sys/class/powercap/"+name] = file(text)
		return fsys
	}
	cases := map[string]struct {
		fsys fs.FS
		says string
	}{
		"no powercap":     {fstest.MapFS{}, "sys/class/powercap"},
		"no package":      {without("intel-rapl:"), "no counter"},
		"no counter file": {without("intel-rapl:0/energy_uj"), "energy_uj"},
		"no range":        {without("intel-rapl:0/max_energy"), "max_energy_range_uj"},
		"not permitted":   {forbidding{tree(), "sys/class/powercap/intel-rapl:0/energy_uj"}, "permission"},
		"not a number":    {with("intel-rapl:0/energy_uj", "12x"), "12x"},
		"negative":        {with("intel-rapl:0/energy_uj", "-1"), "-1"},
		"beyond 63 bits":  {with("intel-rapl:0/max_energy_range_uj", "18446744073709551615"), "18446744073709551615"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := Open(c.fsys)
			if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, %v: want an error that wraps ErrUnknown and says %q", m, err, c.says)
			}
		})
	}
}

func TestJoulesStaysUnknownAfterABadReading(t *testing.T) {
	for name, bad := range map[string]string{"no number": "?", "beyond the end": "1000"} {
		t.Run(name, func(t *testing.T) {
			fsys := tree()
			m, err := Open(fsys)
			if err != nil {
				t.Fatal(err)
			}
			fsys["sys/class/powercap/intel-rapl:0/energy_uj"] = file(bad)
			if j, ok := m.Joules(); ok {
				t.Errorf("Joules() = %v, true with a counter of %q", j, bad)
			}
			fsys["sys/class/powercap/intel-rapl:0/energy_uj"] = file("950")
			if j, ok := m.Joules(); ok {
				t.Errorf("Joules() = %v, true: what was drawn meanwhile is not known", j)
			}
			if !errors.Is(m.Err(), ErrUnknown) {
				t.Errorf("Err() = %v, want ErrUnknown", m.Err())
			}
		})
	}
}

type forbidding struct {
	fs.FS
	name string
}

func (f forbidding) Open(name string) (fs.File, error) {
	if name == f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.FS.Open(name)
}
