package probe

import (
	"encoding/binary"
	"math"
)

// kernel is a set of loops that each exhaust one resource of a core. Calls stay below 0.2 ms: an
// assembly loop cannot be preempted, and a longer one would hold up the garbage collector and
// with it every goroutine of the process.
type kernel struct {
	name string
	// read returns the exclusive or of all little-endian words of p; len(p) is a positive
	// multiple of 256.
	read func(p []byte) uint64
	// fma adds x·y, fused, to each of acc n > 0 times.
	fma func(n int, x, y float32, acc *[96]float32)
	// dot adds, n > 0 times, to each acc[8j+l] the sum of a[i]·b[i] over i in [4l, 4l+4). Products
	// are added in pairs that saturate at 16 bits, as VPMADDUBSW does.
	dot func(n int, a *[32]uint8, b *[32]int8, acc *[64]int32)
}

// Sizes of one call: bytes read, and n of fma and dot. At a tenth of the speed of a present
// core each still ends within 0.2 ms.
const (
	readBytes = 128 << 10
	fmaCount  = 2000
	dotCount  = 1500

	fmaOps = 96 * 2     // operations per iteration of fma
	dotOps = 8 * 32 * 2 // operations per iteration of dot
)

var plain = kernel{name: "go", read: readGo, fma: fmaGo, dot: dotGo}

func readGo(p []byte) uint64 {
	var a, b, c, d uint64
	for len(p) >= 32 {
		a ^= binary.LittleEndian.Uint64(p)
		b ^= binary.LittleEndian.Uint64(p[8:])
		c ^= binary.LittleEndian.Uint64(p[16:])
		d ^= binary.LittleEndian.Uint64(p[24:])
		p = p[32:]
	}
	return a ^ b ^ c ^ d
}

// fmaGo rounds twice where the hardware rounds once, which shows only in results that do not fit
// 24 bits. Products of float32 are exact in float64.
func fmaGo(n int, x, y float32, acc *[96]float32) {
	p := float64(x) * float64(y)
	for range n {
		for i := range acc {
			acc[i] = float32(float64(acc[i]) + p)
		}
	}
}

func dotGo(n int, a *[32]uint8, b *[32]int8, acc *[64]int32) {
	for range n {
		for i := range acc {
			lane := i % 8 * 4
			var sum int32
			for half := lane; half < lane+4; half += 2 {
				pair := int32(a[half])*int32(b[half]) + int32(a[half+1])*int32(b[half+1])
				sum += min(max(pair, math.MinInt16), math.MaxInt16)
			}
			acc[i] += sum
		}
	}
}
