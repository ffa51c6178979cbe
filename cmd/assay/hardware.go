package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/probe"
)

func newHardwareCommand() *cobra.Command {
	var asJSON, skip bool
	cmd := &cobra.Command{
		Use:   "hardware",
		Short: "Say what this machine is and what it can reach",
		Long: `Hardware detects this machine and measures its ceilings: how fast its cores read memory, which
bounds decoding, and how many multiply-adds they do, which bounds prefill.`,
		Example: `  assay hardware
  assay hardware --json --detect-only`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			host, err := hardware.Detect(cmd.Context())
			if err != nil {
				return err
			}
			var reach *probe.Reach
			if !skip {
				r, err := probe.Measure(cmd.Context(), probe.Options{})
				if err != nil {
					return err
				}
				reach = &r
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), struct {
					Host  hardware.Host `json:"host"`
					Reach *probe.Reach  `json:"reach,omitempty"`
				}{host, reach})
			}
			return writeFields(cmd.OutOrStdout(), machineFields(host, reach))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&skip, "detect-only", false, "do not measure")
	return cmd
}

// shownFeatures are the instruction sets that decide which kernels can run, best last.
var shownFeatures = []string{"avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "sve"}

// machineFields says in a few lines what was found; reach may be nil.
func machineFields(h hardware.Host, reach *probe.Reach) [][2]string {
	var sets []string
	for _, name := range shownFeatures {
		if h.CPU.Has(name) {
			sets = append(sets, name)
		}
	}
	var caches []string
	for _, c := range h.CPU.Caches {
		if c.Kind != "instruction" {
			caches = append(caches, fmt.Sprintf("%d × L%d %s", max(1, c.Count), c.Level, humanize.IBytes(uint64(c.Bytes))))
		}
	}
	memory := "unknown"
	if h.Memory.Total != nil {
		memory = humanize.IBytes(uint64(*h.Memory.Total))
		if h.Memory.Available != nil {
			memory += ", " + humanize.IBytes(uint64(*h.Memory.Available)) + " available"
		}
	}
	var gpus []string
	for _, g := range h.GPUs {
		name := strings.TrimSpace(g.Vendor + " " + g.Model)
		if g.Bytes != nil {
			name += " " + humanize.IBytes(uint64(*g.Bytes))
		}
		gpus = append(gpus, name)
	}
	fields := [][2]string{
		{"machine", fmt.Sprintf("%s %s, %s", or(h.OS, "unknown"), or(h.Kernel, ""), or(h.Arch, "unknown"))},
		{"cpu", or(h.CPU.Model, "unknown")},
		{"instructions", or(strings.Join(sets, " "), "none of those with kernels of their own")},
		{"kernels", kernel.Implementation()},
		{"cores", fmt.Sprintf("%s usable of %s", count(h.CPU.Usable), count(h.CPU.Threads))},
		{"caches", or(strings.Join(caches, ", "), "unknown")},
		{"memory", memory},
		{"gpu", or(strings.Join(gpus, ", "), "none found")},
		{"virtualised", or(h.Virtual, "unknown")},
	}
	if reach != nil {
		fields = append(fields,
			[2]string{"memory read", pair(reach.ReadBandwidth, "B/s")},
			[2]string{"float32", pair(reach.Arithmetic.Float32, "FLOP/s")},
			[2]string{"int8", pair(reach.Arithmetic.Int8, "OP/s")},
			[2]string{"while measured", "machine " + reach.Verdict})
		for _, warning := range reach.Warnings {
			fields = append(fields, [2]string{"warning", warning})
		}
	}
	for _, warning := range h.Warnings {
		fields = append(fields, [2]string{"warning", warning})
	}
	return fields
}

// pair shows a ceiling of one thread and of all.
func pair(p probe.Pair, unit string) string {
	if p.All == nil || p.One == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s [%s, %s] by %d threads (n = %d), %s by one",
		humanize.SIWithDigits(p.All.Median, 1, unit), humanize.SIWithDigits(p.All.Lo, 1, unit), humanize.SIWithDigits(p.All.Hi, 1, unit),
		p.All.Threads, p.All.N, humanize.SIWithDigits(p.One.Median, 1, unit))
}

func or(text, absent string) string {
	if text == "" {
		return absent
	}
	return text
}

// count is a number of which 0 means unknown.
func count(n int) string {
	if n == 0 {
		return "unknown"
	}
	return strconv.Itoa(n)
}
