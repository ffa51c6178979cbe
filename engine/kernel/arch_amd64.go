//go:build !purego

package kernel

import "github.com/klauspost/cpuid/v2"

// archTables lists the assembly implementations this CPU and operating system can run, slowest first.
func archTables() []*table {
	var tables []*table
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C) {
		tables = append(tables, &avx2)
	}
	return tables
}
