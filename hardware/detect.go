package hardware

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// Detect looks at this machine. It asks the processor itself, the operating system, and,
// where installed, nvidia-smi, which it gives three seconds. What cannot be found out is left
// unknown with a line in Warnings; the only error is ctx's.
func Detect(ctx context.Context) (Host, error) {
	h := local(ctx)
	h.OS, h.Arch = runtime.GOOS, runtime.GOARCH
	askProcessor(&h, cpuid.CPU)
	if h.CPU.Usable == 0 {
		h.CPU.Usable = runtime.NumCPU() // affinity only, where no quota can be read
	}
	gpus, err := nvidia(ctx)
	if err != nil {
		h.Warnings = append(h.Warnings, err.Error())
	}
	if len(gpus) > 0 {
		// The driver's own tool knows more than the device tree does.
		others := slices.DeleteFunc(h.GPUs, func(g GPU) bool { return g.Vendor == "NVIDIA" })
		h.GPUs = slices.Concat(gpus, others)
	}
	return h, ctx.Err()
}

// askProcessor fills in what CPUID (on arm64, the feature registers) tells and the system did not.
func askProcessor(h *Host, c cpuid.CPUInfo) {
	cpu := &h.CPU
	if cpu.Model == "" {
		cpu.Model = strings.TrimSpace(c.BrandName)
	}
	if cpu.Vendor == "" {
		cpu.Vendor = c.VendorString
	}
	if len(cpu.Features) == 0 {
		for _, f := range c.FeatureSet() {
			cpu.Features = append(cpu.Features, featureName(f))
		}
		slices.Sort(cpu.Features)
	}
	if cpu.Threads == 0 {
		cpu.Threads = max(0, c.LogicalCores)
	}
	if cpu.Cores == 0 {
		cpu.Cores = max(0, c.PhysicalCores)
	}
	if len(cpu.Caches) == 0 {
		for _, k := range []Cache{
			{Level: 1, Kind: "data", Bytes: int64(c.Cache.L1D)},
			{Level: 1, Kind: "instruction", Bytes: int64(c.Cache.L1I)},
			{Level: 2, Kind: "unified", Bytes: int64(c.Cache.L2)},
			{Level: 3, Kind: "unified", Bytes: int64(c.Cache.L3)},
		} {
			if k.Bytes > 0 {
				k.Line = c.CacheLine
				cpu.Caches = append(cpu.Caches, k)
			}
		}
	}
	if cpu.MHz == nil && c.Hz > 0 {
		mhz := float64(max(c.Hz, c.BoostFreq)) / 1e6
		cpu.MHz = &mhz
	}
	// CPUID's own word for the hypervisor is better than what can be guessed from files.
	if name := hypervisor(c.HypervisorVendorString); name != "" {
		h.Virtual = name
	} else if c.VM() && (h.Virtual == "unknown" || h.Virtual == "") {
		h.Virtual = "hypervisor"
	}
}

// featureName turns cpuid's names into the kernel's: "AVX512VNNI" into "avx512_vnni".
func featureName(id string) string {
	switch id {
	case "FMA3":
		return "fma"
	case "CX16":
		return "cx16"
	case "SSE3":
		return "pni"
	case "SSE4":
		return "sse4_1"
	case "SSE42":
		return "sse4_2"
	case "AESNI":
		return "aes"
	case "CLMUL":
		return "pclmulqdq"
	case "RDRAND", "RDSEED":
		return strings.ToLower(id)
	case "AVXVNNI":
		return "avx_vnni"
	case "AMXTILE":
		return "amx_tile"
	case "AMXINT8":
		return "amx_int8"
	case "AMXBF16":
		return "amx_bf16"
	}
	name := strings.ToLower(id)
	if rest, ok := strings.CutPrefix(name, "avx512"); ok {
		switch rest {
		case "f", "dq", "cd", "bw", "vl", "er", "pf":
		case "ifma":
			return "avx512ifma"
		case "vbmi":
			return "avx512vbmi"
		default:
			return "avx512_" + rest // vnni, bf16, fp16, vbmi2, bitalg, vpopcntdq
		}
	}
	return name
}

// hypervisor names the product behind a CPUID signature (leaf 0x40000000).
func hypervisor(signature string) string {
	switch strings.TrimRight(signature, "\x00 ") {
	case "KVMKVMKVM", "Linux KVM Hv":
		return "kvm"
	case "Microsoft Hv":
		return "hyperv"
	case "VMwareVMware":
		return "vmware"
	case "XenVMMXenVMM":
		return "xen"
	case "VBoxVBoxVBox":
		return "virtualbox"
	case "TCGTCGTCGTCG":
		return "qemu"
	case "bhyve bhyve ":
		return "bhyve"
	case "ACRNACRNACRN":
		return "acrn"
	case " QNXQVMBSQG", "QNXQVMBSQG":
		return "qnx"
	}
	return ""
}
