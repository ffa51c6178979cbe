// Package profile names machines one does not have at hand: what providers say a rented machine
// is, what it costs by the hour, where they say so and when that was read.
//
// A profile is a nominal specification, never a measurement: what such a machine reaches is
// for hardware/probe to find out on it. Prices are list prices on demand, before tax, storage and traffic.
package profile

import (
	"fmt"
	"slices"
)

// Machine is a machine one can rent. Sizes are in the provider's gigabytes.
type Machine struct {
	Name     string  // "lambda/a10"
	Provider string  // as it calls itself
	GPU      string  // model
	GPUs     int     // of that model
	GPUGB    float64 // memory of each
	Link     string  // how GPUs and host are joined: "SXM", "PCIe", "" where the source does not say
	VCPUs    int
	MemoryGB float64
	// USDPerHour is the decimal text of the price of the whole machine, exact as published:
	// a float could not hold it.
	USDPerHour string
	Source     string // address of the price list
	Checked    string // day it was read, "2026-05-24"
}

// Title is the machine in one line.
func (m Machine) Title() string {
	return fmt.Sprintf("%s: %d × %s (%g GB), %d vCPU, %g GB, $%s/h as of %s", m.Name, m.GPUs, m.GPU, m.GPUGB, m.VCPUs, m.MemoryGB, m.USDPerHour, m.Checked)
}

// Machines lists the profiles, by name. The slice is the caller's own.
func Machines() []Machine {
	const (
		lambda       = "https://lambda.ai/pricing"
		digitalOcean = "https://www.digitalocean.com/pricing/gpu-droplets"
		runPod       = "https://www.runpod.io/pricing"
		day          = "2026-05-24"
	)
	return []Machine{
		{"digitalocean/h200", "DigitalOcean", "NVIDIA HGX H200", 1, 141, "SXM", 24, 240, "3.44", digitalOcean, day},
		{"digitalocean/l40s", "DigitalOcean", "NVIDIA L40S", 1, 48, "PCIe", 8, 64, "1.57", digitalOcean, day},
		{"digitalocean/mi300x", "DigitalOcean", "AMD MI300X", 1, 192, "", 20, 240, "1.99", digitalOcean, day},
		{"lambda/a10", "Lambda", "NVIDIA A10", 1, 24, "PCIe", 30, 226, "1.29", lambda, day},
		{"lambda/a100-40gb", "Lambda", "NVIDIA A100 SXM", 1, 40, "SXM", 30, 220, "1.99", lambda, day},
		{"lambda/b200", "Lambda", "NVIDIA B200 SXM6", 1, 180, "SXM", 26, 360, "6.99", lambda, day},
		{"lambda/gh200", "Lambda", "NVIDIA GH200", 1, 96, "", 64, 432, "2.29", lambda, day},
		{"lambda/h100", "Lambda", "NVIDIA H100 SXM", 1, 80, "SXM", 26, 225, "4.29", lambda, day},
		{"runpod/rtx-4090", "RunPod", "NVIDIA RTX 4090", 1, 24, "PCIe", 6, 41, "0.69", runPod, day},
	}
}

// Find gives the machine of a name.
func Find(name string) (Machine, bool) {
	all := Machines()
	if i := slices.IndexFunc(all, func(m Machine) bool { return m.Name == name }); i >= 0 {
		return all[i], true
	}
	return Machine{}, false
}
