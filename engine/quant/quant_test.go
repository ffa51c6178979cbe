package quant_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine/quant"
)

var converted = []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0, quant.Q4_0}

// TestTypes compares block sizes with bits per weight as llama.cpp's README and quantize tool
// state them, which is another source than the structs the table was made from.
func TestTypes(t *testing.T) {
	bits := map[string]float64{
		"F32": 32, "F16": 16, "BF16": 16, "F64": 64, "I8": 8, "I16": 16, "I32": 32, "I64": 64,
		"Q4_0": 4.5, "Q4_1": 5, "Q5_0": 5.5, "Q5_1": 6, "Q8_0": 8.5, "Q8_1": 9,
		"Q2_K": 2.625, "Q3_K": 3.4375, "Q4_K": 4.5, "Q5_K": 5.5, "Q6_K": 6.5625, "Q8_K": 9.125,
		"IQ1_S": 1.5625, "IQ1_M": 1.75, "IQ2_XXS": 2.0625, "IQ2_XS": 2.3125, "IQ2_S": 2.5625,
		"IQ3_XXS": 3.0625, "IQ3_S": 3.4375, "IQ4_NL": 4.5, "IQ4_XS": 4.25, "TQ1_0": 1.6875, "TQ2_0": 2.0625,
		"MXFP4": 4.25, "NVFP4": 4.5, "Q1_0": 1.125, "Q2_0": 2.25,
		"Q4_0_4_4": 4.5, "Q4_0_4_8": 4.5, "Q4_0_8_8": 4.5, "IQ4_NL_4_4": 4.5, "IQ4_NL_4_8": 4.5, "IQ4_NL_8_8": 4.5,
	}
	known := 0
	for id := range quant.Type(100) {
		if !id.Known() {
			if id.BlockSize() != 0 || id.BlockBytes() != 0 || !strings.HasPrefix(id.String(), "type ") {
				t.Errorf("unknown %v has block (%d, %d)", id, id.BlockSize(), id.BlockBytes())
			}
			continue
		}
		known++
		if got, want := 8*float64(id.BlockBytes())/float64(id.BlockSize()), bits[id.String()]; got != want {
			t.Errorf("%v has %v bits per weight, want %v", id, got, want)
		}
		for _, name := range []string{id.String(), strings.ToLower(id.String())} {
			if got, err := quant.Parse(name); got != id || err != nil {
				t.Errorf("Parse(%q) = %v, %v, want %v", name, got, err, id)
			}
		}
	}
	if known != len(bits) {
		t.Errorf("%d types are known, want %d", known, len(bits))
	}
	if _, err := quant.Parse("Q9_9"); !errors.Is(err, quant.ErrUnknown) {
		t.Errorf("Parse(Q9_9): %v", err)
	}
}

func TestRowBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		t    quant.Type
		cols int
		want int
		err  error
	}{
		{"none", quant.Q4_K, 0, 0, nil},
		{"one block", quant.Q4_K, 256, 144, nil},
		{"row", quant.Q8_0, 4096, 4352, nil},
		{"part of a block", quant.Q8_0, 33, 0, quant.ErrLength},
		{"negative", quant.F32, -1, 0, quant.ErrLength},
		{"overflow", quant.F64, math.MaxInt/8 + 1, 0, quant.ErrLength},
		{"unknown", quant.Type(4), 32, 0, quant.ErrUnknown},
	} {
		if got, err := c.t.RowBytes(c.cols); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v.RowBytes(%d) = %d, %v, want %d, %v", c.name, c.t, c.cols, got, err, c.want, c.err)
		}
	}
}

// TestF16 holds every one of the 65536 numbers against arithmetic in float64.
func TestF16(t *testing.T) {
	for h := range 1 << 16 {
		sign := 1 - 2*float64(h>>15)
		exp, man := h>>10&31, float64(h&0x3ff)
		want := sign * math.Ldexp(1+man/1024, exp-15)
		switch {
		case exp == 0:
			want = sign * math.Ldexp(man, -24)
		case exp == 31 && man == 0:
			want = math.Inf(int(sign))
		case exp == 31:
			want = math.NaN()
		}
		f := quant.F16ToF32(uint16(h))
		if got := float64(f); got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (h>>15 == 1) {
			t.Fatalf("F16ToF32(%#04x) = %v, want %v", h, got, want)
		}
		back := quant.F32ToF16(f)
		if exp == 31 && man != 0 {
			if back&0x7e00 != 0x7e00 {
				t.Fatalf("F32ToF16(NaN of %#04x) = %#04x is no quiet NaN", h, back)
			}
		} else if back != uint16(h) {
			t.Fatalf("F32ToF16(%v) = %#04x, want %#04x", f, back, h)
		}
	}
}

// TestF16Rounding looks around the middle between all neighbours: the number just below it, the
// middle itself and the number just above.
func TestF16Rounding(t *testing.T) {
	for h := range uint16(0x7c00) {
		lo := float64(quant.F16ToF32(h))
		hi := 65536.0 // what follows 65504 in the rounding, where infinity stands
		if h+1 < 0x7c00 {
			hi = float64(quant.F16ToF32(h + 1))
		}
		mid := float32((lo + hi) / 2)
		even := h + h&1
		for _, c := range []struct {
			f    float32
			want uint16
		}{
			{math.Nextafter32(mid, 0), h}, {mid, even}, {math.Nextafter32(mid, math.MaxFloat32), h + 1},
		} {
			if got := quant.F32ToF16(c.f); got != c.want {
				t.Fatalf("F32ToF16(%v) = %#04x, want %#04x", c.f, got, c.want)
			}
			if got := quant.F32ToF16(-c.f); got != c.want|0x8000 {
				t.Fatalf("F32ToF16(%v) = %#04x, want %#04x", -c.f, got, c.want|0x8000)
			}
		}
	}
}

func TestBF16Rounding(t *testing.T) {
	for _, c := range []struct {
		name string
		bits uint32
		want uint16
	}{
		{"exact", 0x3f800000, 0x3f80},
		{"below the middle", 0x3f807fff, 0x3f80},
		{"middle, even below", 0x3f808000, 0x3f80},
		{"above the middle", 0x3f808001, 0x3f81},
		{"middle, odd below", 0x3f818000, 0x3f82},
		{"carry into the exponent", 0x3fffffff, 0x4000},
		{"overflow", 0x7f7fffff, 0x7f80},
		{"infinity", 0xff800000, 0xff80},
		{"NaN with low bits only", 0x7f800001, 0x7fc0},
		{"negative zero", 0x80000000, 0x8000},
		{"subnormal", 0x00018000, 0x0002},
	} {
		if got := quant.F32ToBF16(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("%s: F32ToBF16(%#08x) = %#04x, want %#04x", c.name, c.bits, got, c.want)
		}
	}
	for h := range 1 << 16 {
		f := quant.BF16ToF32(uint16(h))
		if f == f && quant.F32ToBF16(f) != uint16(h) {
			t.Fatalf("F32ToBF16(BF16ToF32(%#04x)) = %#04x", h, quant.F32ToBF16(f))
		}
	}
}

// TestBlocks has blocks worked out by hand from the text of ggml's reference functions.
func TestBlocks(t *testing.T) {
	row := func(set map[int]float32) []float32 {
		x := make([]float32, 32)
		for i, v := range set {
			x[i] = v
		}
		return x
	}
	for _, c := range []struct {
		name  string
		t     quant.Type
		x     []float32
		scale uint16
		q     map[int]byte // by position after the scale; others are rest
		rest  byte
	}{
		{"Q8_0 zero", quant.Q8_0, row(nil), 0, nil, 0},
		// d = 1: halves go away from zero
		{"Q8_0 halves", quant.Q8_0, row(map[int]float32{0: 127, 1: 0.5, 2: -0.5, 3: 1.5, 4: -2.5, 31: -127}), 0x3c00,
			map[int]byte{0: 127, 1: 1, 2: 0xff, 3: 2, 4: 0xfd, 31: 0x81}, 0},
		// The inverse is of the unrounded d = 1/127: 0.5 becomes 63.5 and so 64.
		{"Q8_0 scale before rounding", quant.Q8_0, row(map[int]float32{7: 1, 8: 0.5}), 0x2008, map[int]byte{7: 127, 8: 64}, 0},
		{"Q4_0 zero, which over -8 is negative", quant.Q4_0, row(nil), 0x8000, nil, 0x88},
		// The largest is +8: d = -1, and its nibble is 0; -8 would be 16 and is cut to 15.
		{"Q4_0 positive", quant.Q4_0, row(map[int]float32{0: 8, 1: -8, 16: 1, 17: -7}), 0xbc00,
			map[int]byte{0: 0x70, 1: 0xff}, 0x88},
		// The first of equal magnitude decides the sign.
		{"Q4_0 first of two", quant.Q4_0, row(map[int]float32{3: -8, 4: 8, 19: 0.5, 20: -0.5}), 0x3c00,
			map[int]byte{3: 0x90, 4: 0x8f}, 0x88},
	} {
		t.Run(c.name, func(t *testing.T) {
			size, err := c.t.RowBytes(len(c.x))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, size)
			if err := quant.Quantize(c.t, got, c.x); err != nil {
				t.Fatal(err)
			}
			if d := uint16(got[0]) | uint16(got[1])<<8; d != c.scale {
				t.Errorf("scale is %#04x, want %#04x", d, c.scale)
			}
			for i, b := range got[2:] {
				want, ok := c.q[i]
				if !ok {
					want = c.rest
				}
				if b != want {
					t.Errorf("quant %d is %#02x, want %#02x", i, b, want)
				}
			}
		})
	}
}

// TestRequantize: what a type can say exactly, it says again in the same way.
func TestRequantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, typ := range converted {
		const n = 32 * 50
		size, err := typ.RowBytes(n)
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64()) * float32(math.Exp2(float64(i/32%20-10)))
		}
		a := make([]byte, size)
		if err := quant.Quantize(typ, a, x); err != nil {
			t.Fatal(err)
		}
		if err := quant.Dequantize(typ, y, a); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		if err := quant.Quantize(typ, b, y); err != nil {
			t.Fatal(err)
		}
		z := make([]float32, n)
		if err := quant.Dequantize(typ, z, b); err != nil {
			t.Fatal(err)
		}
		for i := range z {
			// The scale of a block is rounded again, so blocks agree but for its last bit.
			if d := math.Abs(float64(z[i] - y[i])); d > math.Abs(float64(y[i]))*0x1p-10 {
				t.Fatalf("%v: element %d: %v became %v, then %v", typ, i, x[i], y[i], z[i])
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	with := func(v float32) []float32 {
		x := make([]float32, 64)
		x[41] = v
		return x
	}
	for _, c := range []struct {
		name string
		t    quant.Type
		x    []float32
		n    int // bytes; -1 for the right number
		err  error
	}{
		{"short buffer", quant.Q8_0, with(1), 67, quant.ErrLength},
		{"long buffer", quant.F16, with(1), 130, quant.ErrLength},
		{"part of a block", quant.Q4_0, with(1)[:40], 18, quant.ErrLength},
		{"no conversion", quant.Q4_K, make([]float32, 256), -1, quant.ErrUnsupported},
		{"unknown type", quant.Type(5), with(1), 64, quant.ErrUnknown},
		{"NaN in Q8_0", quant.Q8_0, with(nan), -1, quant.ErrRange},
		{"infinity in Q4_0", quant.Q4_0, with(-inf), -1, quant.ErrRange},
		{"scale beyond F16 in Q8_0", quant.Q8_0, with(1e38), -1, quant.ErrRange},
		{"scale beyond F16 in Q4_0", quant.Q4_0, with(-1e38), -1, quant.ErrRange},
		{"beyond F16", quant.F16, with(65520), -1, quant.ErrRange},
		{"beyond BF16", quant.BF16, with(math.MaxFloat32), -1, quant.ErrRange},
		{"infinity in F16", quant.F16, with(inf), -1, nil},
		{"largest of F16", quant.F16, with(65519), -1, nil},
		{"subnormal in Q8_0", quant.Q8_0, with(math.SmallestNonzeroFloat32), -1, nil},
		{"subnormal in Q4_0", quant.Q4_0, with(math.SmallestNonzeroFloat32), -1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.n
			if n < 0 {
				var err error
				if n, err = c.t.RowBytes(len(c.x)); err != nil {
					t.Fatal(err)
				}
			}
			err := quant.Quantize(c.t, make([]byte, n), c.x)
			if !errors.Is(err, c.err) {
				t.Errorf("Quantize: %v, want %v", err, c.err)
			}
			if c.err == quant.ErrRange && !strings.Contains(err.Error(), "element 41") {
				t.Errorf("Quantize: %v does not name element 41", err)
			}
			if c.err == nil || c.err == quant.ErrRange {
				return
			}
			if err := quant.Dequantize(c.t, c.x, make([]byte, n)); !errors.Is(err, c.err) {
				t.Errorf("Dequantize: %v, want %v", err, c.err)
			}
		})
	}
}

func BenchmarkDequantize(b *testing.B) {
	for _, typ := range converted {
		b.Run("type="+typ.String(), func(b *testing.B) {
			x := make([]float32, 4096)
			size, err := typ.RowBytes(len(x))
			if err != nil {
				b.Fatal(err)
			}
			data := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := quant.Dequantize(typ, x, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
