// Package hardware says what a machine is: processor, memory, accelerators, and the limits
// that a container or a hypervisor puts on them.
//
// Detect looks at this machine. Read does the same for a recorded tree of /proc and /sys, so
// that machines nobody has at hand are in the tests. What the machine does not tell is left
// unknown: a nil pointer, an empty text or list, a zero count; never a guess. Packages beneath
// measure what the machine can reach (probe), what it draws (power), and describe
// machines that can be rented (profile).
//
// # Caveats
//
// Under a hypervisor the processor's name, its caches and its topology are what the hypervisor
// chose to show. Host.Virtual says whether there is one.
package hardware

import (
	"fmt"
	"strings"
)

// Host is a machine as it describes itself. Zero counts and sizes mean unknown.
type Host struct {
	OS       string   `json:"os"`               // Go's name: "linux"
	Kernel   string   `json:"kernel,omitempty"` // release, "6.1.0-18-amd64"
	Arch     string   `json:"arch"`             // Go's name: "amd64"
	CPU      CPU      `json:"cpu"`
	Memory   Memory   `json:"memory"`
	GPUs     []GPU    `json:"gpus"`    // empty: none found
	Virtual  string   `json:"virtual"` // hypervisor ("kvm"), "none" or "unknown"
	Warnings []string `json:"warnings,omitempty"`
}

// CPU is the processors of a machine, taken together.
type CPU struct {
	Model   string `json:"model,omitempty"`  // "AMD EPYC 9654 96-Core Processor"
	Vendor  string `json:"vendor,omitempty"` // "AuthenticAMD", "GenuineIntel", "ARM"
	Sockets int    `json:"sockets,omitempty"`
	Cores   int    `json:"cores,omitempty"`   // in all sockets
	Threads int    `json:"threads,omitempty"` // online, in all cores
	// Usable is how many threads' worth of time this process may use: Threads less
	// what affinity and cgroup quotas take away, at least 1. A quota of one and a half counts as 2.
	Usable   int      `json:"usable,omitempty"`
	Quota    *float64 `json:"quota,omitempty"`    // processors' worth of time the cgroup allows; nil: no limit known
	Features []string `json:"features,omitempty"` // lower case, sorted: "avx2", "avx512_vnni", "asimddp"
	Caches   []Cache  `json:"caches,omitempty"`   // by level, data before instruction
	MHz      *float64 `json:"mhz,omitempty"`      // highest rated, else as running when read
	Nodes    []Node   `json:"nodes,omitempty"`    // NUMA nodes, by number
}

// Cache is one kind of cache.
type Cache struct {
	Level int    `json:"level"`
	Kind  string `json:"kind"`            // "data", "instruction", "unified"
	Bytes int64  `json:"bytes"`           // of one instance
	Count int    `json:"count,omitempty"` // instances in the machine
	Line  int    `json:"line,omitempty"`  // bytes
}

// Node is a NUMA node.
type Node struct {
	ID    int    `json:"id"`
	CPUs  string `json:"cpus,omitempty"` // kernel's list: "0-31,64-95"
	Bytes *int64 `json:"bytes,omitempty"`
}

// Memory is main memory, in bytes.
type Memory struct {
	Total     *int64 `json:"total,omitempty"`
	Available *int64 `json:"available,omitempty"`  // without swapping, when read; no more than Limit leaves
	Limit     *int64 `json:"limit,omitempty"`      // the cgroup's; nil: none known
	HugePages string `json:"huge_pages,omitempty"` // transparent huge pages: "always", "madvise", "never"
}

// GPU is an accelerator.
type GPU struct {
	Vendor string   `json:"vendor,omitempty"` // "NVIDIA", "AMD", "Intel", else the PCI vendor number
	Model  string   `json:"model,omitempty"`
	Bytes  *int64   `json:"bytes,omitempty"`  // of its own memory
	Watts  *float64 `json:"watts,omitempty"`  // drawn when read
	Driver string   `json:"driver,omitempty"` // "nvidia 550.54.15", "amdgpu"
	Source string   `json:"source"`           // "nvidia-smi" or the folder read
}

// LastCache is the size in bytes of the largest instance of the outermost cache; 0 is unknown.
func (c CPU) LastCache() int64 {
	var last Cache
	for _, k := range c.Caches {
		if k.Kind != "instruction" && (k.Level > last.Level || k.Level == last.Level && k.Bytes > last.Bytes) {
			last = k
		}
	}
	return last.Bytes
}

// Has says whether the processor has a feature, by the name in Features.
func (c CPU) Has(feature string) bool {
	for _, f := range c.Features {
		if f == feature {
			return true
		}
	}
	return false
}

// Title is the host in one line: "AMD EPYC, 2 of 2 threads, 23.5 GiB, no GPU found, kvm".
func (h Host) Title() string {
	parts := []string{orUnknown(h.CPU.Model) + " (" + h.Arch + ")"}
	if h.CPU.Threads > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d threads", h.CPU.Usable, h.CPU.Threads))
	}
	if h.Memory.Total != nil {
		parts = append(parts, fmt.Sprintf("%.1f GiB", float64(*h.Memory.Total)/(1<<30)))
	}
	if len(h.GPUs) == 0 {
		parts = append(parts, "no GPU found")
	}
	for _, g := range h.GPUs {
		parts = append(parts, strings.TrimSpace(g.Vendor+" "+g.Model))
	}
	switch h.Virtual {
	case "none":
	case "unknown", "":
		parts = append(parts, "virtualisation unknown")
	default:
		parts = append(parts, "under "+h.Virtual)
	}
	return strings.Join(parts, ", ")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}
