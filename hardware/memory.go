package hardware

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

func (r *reader) memory() Memory {
	var m Memory
	const file = "proc/meminfo"
	r.lines(file, ":", func(line int, key, value string) {
		place := fmt.Sprintf("%s:%d", file, line)
		switch key {
		case "MemTotal":
			m.Total = r.kilobytes(place, value)
		case "MemAvailable":
			m.Available = r.kilobytes(place, value)
		}
	})
	// "always [madvise] never": the one in brackets is in force.
	if _, rest, ok := strings.Cut(r.word("sys/kernel/mm/transparent_hugepage/enabled"), "["); ok {
		if mode, _, ok := strings.Cut(rest, "]"); ok {
			m.HugePages = clip(mode)
		}
	}
	return m
}

// kilobytes parses "24684092 kB" into bytes.
func (r *reader) kilobytes(place, text string) *int64 {
	digits, ok := strings.CutSuffix(text, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if !ok || err != nil || n < 0 || n > 1<<50 {
		r.warn(place, fmt.Errorf("%q is no number of kB", clip(text)))
		return nil
	}
	n <<= 10
	return &n
}

// limits narrows the host by the cgroup of the reading process, version 2 or 1.
func (r *reader) limits(h *Host) {
	quota, memory, used := r.cgroup()
	if quota > 0 {
		h.CPU.Quota = &quota
		whole := int(quota)
		if float64(whole) < quota {
			whole++
		}
		if h.CPU.Usable == 0 || whole < h.CPU.Usable {
			h.CPU.Usable = max(1, whole)
		}
	}
	if memory == nil {
		return
	}
	if h.Memory.Total != nil && *memory >= *h.Memory.Total {
		return // a limit above what there is limits nothing
	}
	h.Memory.Limit = memory
	left := *memory
	if used != nil {
		left = max(0, *memory-*used)
	}
	if h.Memory.Available == nil || left < *h.Memory.Available {
		h.Memory.Available = &left
	}
}

// cgroup finds the tightest processor quota (0: none), and the tightest memory limit (nil: none) with
// what of it is in use, among the process's own group and all groups above it.
func (r *reader) cgroup() (quota float64, memory, used *int64) {
	tighter := func(q float64) {
		if q > 0 && (quota == 0 || q < quota) {
			quota = q
		}
	}
	limit := func(l int64, ok bool, usage func() *int64) {
		if ok && l > 0 && (memory == nil || l < *memory) {
			memory, used = &l, usage()
		}
	}
	for text := range strings.SplitSeq(string(r.bytes("proc/self/cgroup")), "\n") {
		// "0::/user.slice" (version 2) or "4:cpu,cpuacct:/docker/…" (version 1)
		fields := strings.SplitN(text, ":", 3)
		if len(fields) != 3 {
			continue
		}
		controllers, group := fields[1], fields[2]
		if controllers == "" {
			for _, root := range []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"} {
				for dir := range ancestors(root, group) {
					tighter(r.quotaV2(path.Join(dir, "cpu.max")))
					l, ok := r.limitV2(path.Join(dir, "memory.max"))
					limit(l, ok, func() *int64 { return r.inUse(dir, "memory.current", "inactive_file") })
				}
			}
			continue
		}
		root := path.Join("sys/fs/cgroup", controllers)
		for name := range strings.SplitSeq(controllers, ",") {
			switch name {
			case "cpu":
				for dir := range ancestors(root, group) {
					q, ok := r.number(path.Join(dir, "cpu.cfs_quota_us"))
					p, okP := r.number(path.Join(dir, "cpu.cfs_period_us"))
					if ok && okP && q > 0 && p > 0 { // -1 is no limit
						tighter(float64(q) / float64(p))
					}
				}
			case "memory":
				for dir := range ancestors(root, group) {
					l, ok := r.number(path.Join(dir, "memory.limit_in_bytes"))
					// Version 1 writes "no limit" as the largest whole page below 2⁶³.
					limit(l, ok && l < 1<<60, func() *int64 { return r.inUse(dir, "memory.usage_in_bytes", "total_inactive_file") })
				}
			}
		}
	}
	return quota, memory, used
}

// ancestors yields group's folder under root and those above it up to root. Inside a container
// the path in proc/self/cgroup may be the host's and not exist here; root then holds the
// container's own group.
func ancestors(root, group string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		// Cleaned as an absolute path, "/../.." cannot climb out of root.
		group = path.Clean("/" + group)
		for depth := 0; depth < 64; depth++ {
			if !yield(path.Join(root, group)) || group == "/" {
				return
			}
			group = path.Dir(group)
		}
	}
}

// quotaV2 reads "150000 100000" (microseconds of time per period) or "max 100000".
func (r *reader) quotaV2(file string) float64 {
	fields := strings.Fields(r.word(file))
	if len(fields) != 2 || fields[0] == "max" {
		return 0
	}
	q, errQ := strconv.ParseInt(fields[0], 10, 64)
	p, errP := strconv.ParseInt(fields[1], 10, 64)
	if errQ != nil || errP != nil || q <= 0 || p <= 0 {
		r.warn(file, fmt.Errorf("%q is no quota and period", clip(strings.Join(fields, " "))))
		return 0
	}
	return float64(q) / float64(p)
}

func (r *reader) limitV2(file string) (int64, bool) {
	if r.word(file) == "max" {
		return 0, false
	}
	return r.number(file)
}

// inUse is a group's memory less the file pages it would give back first: what Kubernetes calls
// its working set.
func (r *reader) inUse(dir, usageFile, cached string) *int64 {
	n, ok := r.number(path.Join(dir, usageFile))
	if !ok {
		return nil
	}
	r.lines(path.Join(dir, "memory.stat"), " ", func(_ int, key, value string) {
		if c, err := strconv.ParseInt(value, 10, 64); err == nil && key == cached && c >= 0 && c <= n {
			n -= c
		}
	})
	return &n
}
