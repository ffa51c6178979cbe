//go:build !linux

package hardware

import (
	"context"
	"fmt"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
)

// local asks the operating system.
func local(ctx context.Context) Host {
	h := Host{Virtual: "unknown", GPUs: []GPU{}}
	if info, err := host.InfoWithContext(ctx); err == nil {
		h.Kernel = info.KernelVersion
		if info.VirtualizationRole == "guest" && info.VirtualizationSystem != "" {
			h.Virtual = info.VirtualizationSystem
		}
	} else {
		h.Warnings = append(h.Warnings, fmt.Sprintf("kernel: %v", err))
	}
	if cpus, err := cpu.InfoWithContext(ctx); err == nil && len(cpus) > 0 {
		h.CPU.Model, h.CPU.Vendor = cpus[0].ModelName, cpus[0].VendorID
		if cpus[0].Mhz > 0 {
			h.CPU.MHz = &cpus[0].Mhz
		}
	} else if err != nil {
		h.Warnings = append(h.Warnings, fmt.Sprintf("processor: %v", err))
	}
	if n, err := cpu.CountsWithContext(ctx, true); err == nil {
		h.CPU.Threads = n
	}
	if n, err := cpu.CountsWithContext(ctx, false); err == nil {
		h.CPU.Cores = n
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		total, available := int64(m.Total), int64(m.Available)
		h.Memory = Memory{Total: &total, Available: &available}
	} else {
		h.Warnings = append(h.Warnings, fmt.Sprintf("memory: %v", err))
	}
	return h
}
