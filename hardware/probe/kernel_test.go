package probe

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
)

// fast gives the loops chosen for this processor, and skips where they are the plain ones, whose
// comparison with themselves shows nothing. ASSAY_REQUIRE_KERNEL=avx2 makes that a failure.
func fast(t *testing.T) kernel {
	t.Helper()
	k := kernels()
	if want := os.Getenv("ASSAY_REQUIRE_KERNEL"); want != "" && k.name != want {
		t.Fatalf("kernel %q, ASSAY_REQUIRE_KERNEL asks for %q", k.name, want)
	}
	if k.name == plain.name {
		t.Skip("this processor has only the plain loops")
	}
	return k
}

func TestReadAgreesWithPlain(t *testing.T) {
	k := fast(t)
	rng := rand.New(rand.NewPCG(5, 6))
	buf := make([]byte, 8192+64)
	for i := range buf {
		buf[i] = byte(rng.Uint32())
	}
	before := bytes.Clone(buf)
	for _, n := range []int{256, 512, 768, 1024, 8192} {
		for _, offset := range []int{0, 1, 7, 31, 32, 63} {
			p := buf[offset : offset+n]
			if got, want := k.read(p), readGo(p); got != want {
				t.Errorf("read of %d bytes at %d = %#x, want %#x", n, offset, got, want)
			}
		}
	}
	if !bytes.Equal(buf, before) {
		t.Error("read wrote into its buffer")
	}
}

// TestReadSeesEveryWord turns each bit of one word after another: a loop that skips a vector would
// measure a bandwidth it does not have.
func TestReadSeesEveryWord(t *testing.T) {
	for _, k := range []kernel{plain, kernels()} {
		p := make([]byte, 1024)
		for i := range p {
			p[i] = 1
			if got := k.read(p); got != 1<<(i%8*8) {
				t.Fatalf("%s: read with byte %d set = %#x, want %#x", k.name, i, got, uint64(1)<<(i%8*8))
			}
			p[i] = 0
		}
	}
}

func TestFMAAgreesWithPlain(t *testing.T) {
	k := fast(t)
	for _, n := range []int{1, 2, 3, 111} {
		var got, want [96]float32
		for i := range got {
			got[i] = float32(i * 3) // small whole numbers and halves: every sum is exact
			want[i] = got[i]
		}
		k.fma(n, 0.5, -3, &got)
		fmaGo(n, 0.5, -3, &want)
		if got != want {
			t.Errorf("fma %d times = %v, want %v", n, got, want)
		}
		if want[5] != 15-1.5*float32(n) {
			t.Errorf("fmaGo %d times: acc[5] = %v, want %v", n, want[5], 15-1.5*float32(n))
		}
	}
}

func TestDotAgreesWithPlain(t *testing.T) {
	k := fast(t)
	rng := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 2, 121} {
		var a [32]uint8
		var b [32]int8
		var got, want [64]int32
		for i := range a {
			a[i], b[i] = uint8(rng.Uint32()), int8(rng.Uint32())
		}
		// Both ends of where a pair of products saturates 16 bits.
		a[0], a[1], b[0], b[1] = 255, 255, 127, 127
		a[4], a[5], b[4], b[5] = 255, 255, -128, -128
		for i := range got {
			got[i] = int32(i)
			want[i] = got[i]
		}
		k.dot(n, &a, &b, &got)
		dotGo(n, &a, &b, &want)
		if got != want {
			t.Errorf("dot %d times = %v, want %v", n, got, want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	buf := make([]byte, readBytes)
	for _, k := range []kernel{plain, kernels()} {
		b.Run("kernel="+k.name, func(b *testing.B) {
			b.SetBytes(readBytes)
			for b.Loop() {
				k.read(buf)
			}
		})
	}
}
