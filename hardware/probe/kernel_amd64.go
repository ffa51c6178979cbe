//go:build !purego

package probe

import "github.com/klauspost/cpuid/v2"

// readAVX2 is readGo: eight vectors under way per iteration.
//
//go:noescape
func readAVX2(p *byte, n int) uint64

// fmaAVX2 is fmaGo: twelve chains hide a latency of four cycles at up to three per cycle.
//
//go:noescape
func fmaAVX2(n int, x, y float32, acc *[96]float32)

// dotAVX2 is dotGo: eight chains through VPMADDUBSW, VPMADDWD and VPADDD.
//
//go:noescape
func dotAVX2(n int, a *[32]uint8, b *[32]int8, acc *[64]int32)

// kernels picks the fastest loops this processor has.
func kernels() kernel {
	if !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		return plain
	}
	return kernel{
		name: "avx2",
		read: func(p []byte) uint64 { return readAVX2(&p[0], len(p)) },
		fma:  fmaAVX2,
		dot:  dotAVX2,
	}
}
