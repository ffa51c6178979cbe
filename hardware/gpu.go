package hardware

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"time"
)

// gpus lists the accelerators the kernel's drivers show; empty where there is none.
func (r *reader) gpus() []GPU {
	const dir = "sys/class/drm"
	found := []GPU{} // none found is an answer, and JSON's [] says so
	for _, name := range r.names(dir, "card[0-9]*") {
		if strings.Contains(name, "-") {
			continue // "card0-HDMI-A-1": an output of a card
		}
		device := path.Join(dir, name, "device")
		vendor := r.word(path.Join(device, "vendor"))
		if vendor == "" || displayOnly(vendor) {
			continue
		}
		g := GPU{Vendor: pciVendor(vendor), Model: r.word(path.Join(device, "product_name")), Source: device}
		if g.Model == "" {
			if id := r.word(path.Join(device, "device")); id != "" {
				g.Model = "device " + clip(id)
			}
		}
		r.lines(path.Join(device, "uevent"), "=", func(_ int, key, value string) {
			if key == "DRIVER" {
				g.Driver = clip(value)
			}
		})
		if n, ok := r.number(path.Join(device, "mem_info_vram_total")); ok && n > 0 { // amdgpu
			g.Bytes = &n
		}
		for _, hwmon := range r.names(path.Join(device, "hwmon"), "hwmon[0-9]*") {
			// Microwatts (Documentation/hwmon/sysfs-interface.rst).
			if uw, ok := r.number(path.Join(device, "hwmon", hwmon, "power1_average")); ok && uw >= 0 {
				watts := float64(uw) / 1e6
				g.Watts = &watts
			}
		}
		found = append(found, g)
	}
	return r.nvidiaModels(found)
}

// nvidiaModels adds what NVIDIA's driver shows in /proc: names, and cards without a display node.
func (r *reader) nvidiaModels(found []GPU) []GPU {
	const dir = "proc/driver/nvidia/gpus"
	var cards []GPU
	for _, name := range r.names(dir, "*") {
		file := path.Join(dir, name, "information")
		r.lines(file, ":", func(_ int, key, value string) {
			if key == "Model" {
				cards = append(cards, GPU{Vendor: "NVIDIA", Model: strings.TrimPrefix(value, "NVIDIA "), Driver: "nvidia", Source: file})
			}
		})
	}
	if len(cards) == 0 {
		return found
	}
	for _, g := range found {
		if g.Vendor != "NVIDIA" {
			cards = append(cards, g)
		}
	}
	return cards
}

// pciVendor names a PCI vendor number (pcisig.com/membership/member-companies).
func pciVendor(id string) string {
	switch id {
	case "0x10de":
		return "NVIDIA"
	case "0x1002":
		return "AMD"
	case "0x8086":
		return "Intel"
	}
	return clip(id)
}

// displayOnly tells adapters that show a screen and compute nothing: those of hypervisors
// (Bochs, virtio, QXL, Cirrus, VMware, Hyper-V, VirtualBox) and of servers' management chips (ASPEED, Matrox).
func displayOnly(vendor string) bool {
	switch vendor {
	case "0x1234", "0x1af4", "0x1b36", "0x1013", "0x15ad", "0x1414", "0x80ee", "0x1a03", "0x102b":
		return true
	}
	return false
}

// A driver that is loading, or a GPU that fell off the bus, can make nvidia-smi hang.
const nvidiaTimeout = 3 * time.Second

// nvidia asks NVIDIA's own tool. Its absence is no error: there is then nothing to find.
func nvidia(ctx context.Context) ([]GPU, error) {
	tool, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, nvidiaTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "--query-gpu=name,memory.total,power.draw,driver_version", "--format=csv,noheader,nounits")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("nvidia-smi: no answer within %v", nvidiaTimeout)
		}
		return nil, fmt.Errorf("nvidia-smi: %w: %s", err, clip(string(bytes.TrimSpace(out))))
	}
	return parseNvidia(out)
}

var errColumns = errors.New("want name, memory, power, driver")

// parseNvidia reads lines of "NVIDIA H100 80GB HBM3, 81559, 69.34, 550.54.15": MiB and watts.
// A value the card does not tell is written "[N/A]" or "[Not Supported]".
func parseNvidia(out []byte) ([]GPU, error) {
	rows := csv.NewReader(bytes.NewReader(out))
	rows.FieldsPerRecord = -1
	rows.TrimLeadingSpace = true
	rows.LazyQuotes = true
	records, err := rows.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("nvidia-smi: %w", err)
	}
	var gpus []GPU
	for i, f := range records {
		if len(f) != 4 {
			return gpus, fmt.Errorf("nvidia-smi: line %d: %w, got %q", i+1, errColumns, clip(strings.Join(f, ", ")))
		}
		g := GPU{Vendor: "NVIDIA", Model: strings.TrimPrefix(f[0], "NVIDIA "), Source: "nvidia-smi"}
		if mib, err := strconv.ParseInt(strings.TrimSpace(f[1]), 10, 64); err == nil && mib > 0 && mib < 1<<40 {
			n := mib << 20
			g.Bytes = &n
		}
		if watts, err := strconv.ParseFloat(strings.TrimSpace(f[2]), 64); err == nil && watts >= 0 && !math.IsInf(watts, 0) {
			g.Watts = &watts
		}
		if version := strings.TrimSpace(f[3]); version != "" && !strings.HasPrefix(version, "[") {
			g.Driver = "nvidia " + version
		}
		gpus = append(gpus, g)
	}
	return gpus, nil
}
