package hardware

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// cpuinfo parses proc/cpuinfo into one map of lower-case keys per processor.
func (r *reader) cpuinfo() []map[string]string {
	var all []map[string]string
	r.lines("proc/cpuinfo", ":", func(_ int, key, value string) {
		key = strings.ToLower(key)
		if key == "processor" {
			if _, err := strconv.Atoi(value); err == nil && len(all) < cpuLimit {
				all = append(all, map[string]string{})
			}
		}
		if len(all) > 0 {
			all[len(all)-1][key] = value
		}
	})
	return all
}

// arch gives Go's name for the architecture.
func (r *reader) arch(cpuinfo []map[string]string) string {
	switch machine := r.word("proc/sys/kernel/arch"); machine { // since Linux 6.1
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	case "":
	default:
		return machine
	}
	if len(cpuinfo) > 0 {
		if cpuinfo[0]["vendor_id"] != "" && cpuinfo[0]["flags"] != "" {
			return "amd64"
		}
		if cpuinfo[0]["cpu implementer"] != "" {
			return "arm64"
		}
	}
	return "unknown"
}

func (r *reader) cpu(cpuinfo []map[string]string) CPU {
	var c CPU
	if len(cpuinfo) > 0 {
		first := cpuinfo[0]
		c.Model, c.Vendor = first["model name"], first["vendor_id"]
		if id := first["cpu implementer"]; id != "" {
			c.Vendor = armVendor(id)
			if c.Model == "" {
				c.Model = armModel(id, first["cpu part"])
			}
		}
		flags := first["flags"]
		if flags == "" {
			flags = first["features"] // arm64's word
		}
		c.Features = slices.Compact(slices.Sorted(slices.Values(strings.Fields(strings.ToLower(flags)))))
	}
	online := r.online(cpuinfo)
	c.Threads = len(online)
	c.Sockets, c.Cores = r.topology(online, cpuinfo)
	c.Usable = r.allowed(online)
	c.Caches = r.caches(online)
	c.MHz = r.megahertz(online, cpuinfo)
	c.Nodes = r.nodes()
	return c
}

// online lists the processors in use, in order.
func (r *reader) online(cpuinfo []map[string]string) []int {
	const file = "sys/devices/system/cpu/online"
	set, err := cpuList(r.word(file))
	if err != nil {
		r.warn(file, err)
	}
	if len(set) == 0 {
		set = make(map[int]bool)
		for _, c := range cpuinfo {
			if n, err := strconv.Atoi(c["processor"]); err == nil && n >= 0 && n < cpuLimit {
				set[n] = true
			}
		}
	}
	ids := make([]int, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// topology counts sockets and cores; 0 where the tree does not tell.
func (r *reader) topology(online []int, cpuinfo []map[string]string) (sockets, cores int) {
	packages, siblings := map[string]bool{}, map[string]bool{}
	for _, id := range online {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology", id)
		if p := r.word(path.Join(dir, "physical_package_id")); p != "" {
			packages[p] = true
		}
		s := r.word(path.Join(dir, "core_cpus_list"))
		if s == "" {
			s = r.word(path.Join(dir, "thread_siblings_list")) // its name before Linux 5.3
		}
		if s != "" {
			siblings[s] = true
		}
	}
	if len(siblings) == 0 {
		for _, c := range cpuinfo {
			if c["core id"] != "" {
				packages[c["physical id"]] = true
				siblings[c["physical id"]+"/"+c["core id"]] = true
			}
		}
	}
	return len(packages), len(siblings)
}

// allowed counts the processors this process may be scheduled on.
func (r *reader) allowed(online []int) int {
	n := len(online)
	r.lines("proc/self/status", ":", func(line int, key, value string) {
		if key != "Cpus_allowed_list" {
			return
		}
		set, err := cpuList(value)
		if err != nil {
			r.warn(fmt.Sprintf("proc/self/status:%d", line), err)
			return
		}
		n = 0
		for _, id := range online {
			if set[id] {
				n++
			}
		}
	})
	return n
}

func (r *reader) caches(online []int) []Cache {
	type instance struct {
		Cache
		shared string
	}
	seen := map[instance]bool{}
	for _, id := range online {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/cache", id)
		for _, name := range r.names(dir, "index[0-9]*") {
			one := path.Join(dir, name)
			level, ok := r.number(path.Join(one, "level"))
			size, sized := r.size(path.Join(one, "size"))
			if !ok || !sized || level < 1 || level > 9 {
				continue
			}
			line, _ := r.number(path.Join(one, "coherency_line_size"))
			seen[instance{
				Cache{Level: int(level), Kind: strings.ToLower(r.word(path.Join(one, "type"))), Bytes: size, Line: int(line)},
				r.word(path.Join(one, "shared_cpu_list")),
			}] = true
		}
	}
	count := map[Cache]int{}
	for i := range seen {
		count[i.Cache]++
	}
	var caches []Cache
	for c, n := range count {
		c.Count = n
		caches = append(caches, c)
	}
	slices.SortFunc(caches, func(a, b Cache) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Line, b.Line))
	})
	return caches
}

// size reads a size with the kernel's suffix: "32768K".
func (r *reader) size(name string) (int64, bool) {
	text := r.word(name)
	if text == "" {
		return 0, false
	}
	unit := int64(1)
	digits := text
	switch text[len(text)-1] {
	case 'K':
		unit, digits = 1<<10, text[:len(text)-1]
	case 'M':
		unit, digits = 1<<20, text[:len(text)-1]
	case 'G':
		unit, digits = 1<<30, text[:len(text)-1]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<50)/unit {
		r.warn(name, fmt.Errorf("%q is no size", clip(text)))
		return 0, false
	}
	return n * unit, true
}

// megahertz is the highest rated frequency of any processor, else the highest it runs at now.
func (r *reader) megahertz(online []int, cpuinfo []map[string]string) *float64 {
	var top float64
	for _, id := range online {
		if khz, ok := r.number(fmt.Sprintf("sys/devices/system/cpu/cpu%d/cpufreq/cpuinfo_max_freq", id)); ok {
			top = max(top, float64(khz)/1e3)
		}
	}
	if top == 0 {
		for _, c := range cpuinfo {
			if mhz, err := strconv.ParseFloat(c["cpu mhz"], 64); err == nil {
				top = max(top, mhz)
			}
		}
	}
	if !(top > 0 && top < 1e6) { // NaN, infinity and the absurd are unknown
		return nil
	}
	return &top
}

func (r *reader) nodes() []Node {
	const dir = "sys/devices/system/node"
	var nodes []Node
	for _, name := range r.names(dir, "node[0-9]*") {
		id, err := strconv.Atoi(strings.TrimPrefix(name, "node"))
		if err != nil {
			continue
		}
		n := Node{ID: id, CPUs: r.word(path.Join(dir, name, "cpulist"))}
		file := path.Join(dir, name, "meminfo")
		r.lines(file, ":", func(line int, key, value string) {
			if strings.HasSuffix(key, " MemTotal") { // "Node 0 MemTotal"
				n.Bytes = r.kilobytes(fmt.Sprintf("%s:%d", file, line), value)
			}
		})
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return nodes
}

// armVendor names the implementer in MIDR_EL1 (Arm ARM, D19.2.122).
func armVendor(implementer string) string {
	switch implementer {
	case "0x41":
		return "ARM"
	case "0x42":
		return "Broadcom"
	case "0x43":
		return "Cavium"
	case "0x46":
		return "Fujitsu"
	case "0x48":
		return "HiSilicon"
	case "0x4e":
		return "NVIDIA"
	case "0x51":
		return "Qualcomm"
	case "0x61":
		return "Apple"
	case "0xc0":
		return "Ampere"
	}
	return "implementer " + clip(implementer)
}

// armModel names Arm's own server cores by part number (each core's Technical Reference Manual,
// MIDR_EL1); others are given by number.
func armModel(implementer, part string) string {
	if implementer == "0x41" {
		switch part {
		case "0xd03":
			return "Cortex-A53"
		case "0xd08":
			return "Cortex-A72"
		case "0xd0b":
			return "Cortex-A76"
		case "0xd0c":
			return "Neoverse-N1"
		case "0xd40":
			return "Neoverse-V1"
		case "0xd49":
			return "Neoverse-N2"
		case "0xd4f":
			return "Neoverse-V2"
		}
	}
	if part == "" {
		return ""
	}
	return armVendor(implementer) + " part " + clip(part)
}
