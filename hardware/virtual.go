package hardware

import (
	"strings"
)

// virtual names the hypervisor beneath a recorded tree: "none" only where the processor says
// that there is none.
func (r *reader) virtual(cpuinfo []map[string]string) string {
	if kind := r.word("sys/hypervisor/type"); kind != "" {
		return clip(strings.ToLower(kind)) // "xen"
	}
	if name := r.virtualByVendor(); name != "" {
		return name
	}
	// A guest kernel offers its hypervisor's clock, whatever the firmware calls itself.
	clocks := r.word("sys/devices/system/clocksource/clocksource0/available_clocksource")
	for clock := range strings.FieldsSeq(clocks) {
		switch {
		case clock == "kvm-clock":
			return "kvm"
		case strings.HasPrefix(clock, "hyperv"):
			return "hyperv"
		case clock == "xen":
			return "xen"
		}
	}
	if len(cpuinfo) == 0 || cpuinfo[0]["flags"] == "" {
		return "unknown" // only x86 has the flag looked for next
	}
	for flag := range strings.FieldsSeq(cpuinfo[0]["flags"]) {
		if flag == "hypervisor" {
			return "hypervisor"
		}
	}
	return "none"
}

// virtualByVendor goes by what the firmware calls the machine (SMBIOS type 1).
func (r *reader) virtualByVendor() string {
	vendor, product := r.word("sys/class/dmi/id/sys_vendor"), r.word("sys/class/dmi/id/product_name")
	switch {
	case strings.Contains(product, ".metal"):
		return "none" // bare machines of a vendor whose others are virtual
	case vendor == "QEMU", vendor == "Amazon EC2", vendor == "Google", vendor == "DigitalOcean", vendor == "Hetzner" && product == "vServer":
		return "kvm"
	case strings.HasPrefix(vendor, "VMware"):
		return "vmware"
	case vendor == "innotek GmbH":
		return "virtualbox"
	case vendor == "Microsoft Corporation" && product == "Virtual Machine":
		return "hyperv"
	case vendor == "Xen":
		return "xen"
	}
	return ""
}
