// Package power reads what a machine draws, where it counts that itself: the energy counters of
// x86 processors (RAPL) that Linux shows under /sys/class/powercap.
//
// # Caveats
//
// The counters cover processor packages and, where the machine has them, memory; not fans, disks,
// power supplies or GPUs. They move about once a millisecond, so an interval of a few
// milliseconds is known to within a few tenths. Since 2020 only root may read them
// (CVE-2020-8694), and virtual machines seldom have any: unknown is the common answer.
package power

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ErrUnknown says that this machine does not tell its energy, and is wrapped with the reason.
var ErrUnknown = errors.New("energy unknown")

// Meter adds up the energy counters of a machine. Its methods may be called concurrently.
type Meter struct {
	fsys fs.FS

	mu    sync.Mutex
	zones []zone
	total float64 // joules since Open
	err   error   // the first reading that went wrong: from then on unknown
}

// zone is one counter, in microjoules.
type zone struct {
	name string // "package-0"
	file string // energy_uj
	size uint64 // values before it starts at 0 again: max_energy_range_uj + 1
	last uint64
}

const root = "sys/class/powercap"

// Open finds the counters in the /sys of fsys (os.DirFS("/") for this machine): those of packages,
// and of memory, which a package's own does not include. Without any, or without the right
// to read them, the error wraps ErrUnknown.
func Open(fsys fs.FS) (*Meter, error) {
	entries, err := fs.ReadDir(fsys, root)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnknown, root, err)
	}
	m := &Meter{fsys: fsys}
	for _, e := range entries {
		// "intel-rapl:0" a package, "intel-rapl:0:1" a part of one; AMD's go by the same names.
		// "intel-rapl-mmio:0" counts the same package a second time.
		if !strings.HasPrefix(e.Name(), "intel-rapl:") {
			continue
		}
		dir := path.Join(root, e.Name())
		name, err := word(fsys, path.Join(dir, "name"))
		if err != nil || !(strings.HasPrefix(name, "package-") || name == "dram") {
			continue // "core" and "uncore" are inside a package, "psys" around it
		}
		z := zone{name: name, file: path.Join(dir, "energy_uj")}
		most, err := number(fsys, path.Join(dir, "max_energy_range_uj"))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		z.size = most + 1
		if z.last, err = number(fsys, z.file); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		m.zones = append(m.zones, z)
	}
	if len(m.zones) == 0 {
		return nil, fmt.Errorf("%w: %s: no counter of a processor package", ErrUnknown, root)
	}
	return m, nil
}

// Zones names what is counted, in the order of the counters: "package-0", "dram".
func (m *Meter) Zones() []string {
	names := make([]string, 0, len(m.zones))
	for _, z := range m.zones {
		names = append(names, z.name)
	}
	return slices.Clip(names)
}

// Joules is the energy drawn since Open. ok is false from the first reading on that went wrong:
// what was drawn meanwhile cannot be known. A counter starts again at its end, after
// some minutes to an hour under load; Joules must be called more often than that.
func (m *Meter) Joules() (joules float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.zones {
		z := &m.zones[i]
		now, err := number(m.fsys, z.file)
		if err != nil {
			m.err = errors.Join(m.err, err)
			break
		}
		if now >= z.size {
			m.err = errors.Join(m.err, fmt.Errorf("%s: %d is beyond the counter's end, %d", z.file, now, z.size-1))
			break
		}
		// In a ring of size values this is the way forward from last to now.
		m.total += float64((now+z.size-z.last)%z.size) / 1e6
		z.last = now
	}
	return m.total, m.err == nil
}

// Err says why Joules is not ok.
func (m *Meter) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnknown, m.err)
}

func word(fsys fs.FS, name string) (string, error) {
	text, err := fs.ReadFile(fsys, name)
	return strings.TrimSpace(string(text)), err
}

// Counters have at most 63 bits: sums of two of them then fit 64.
func number(fsys fs.FS, name string) (uint64, error) {
	text, err := word(fsys, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n == 1<<63-1 {
		return 0, fmt.Errorf("%s: %q is no count of microjoules", name, text)
	}
	return n, nil
}
