package quant_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/tokenassay/assay/engine/quant"
)

// FuzzQuantize: whatever the numbers, a row is either refused or becomes numbers within half a
// step of them; the step is the greatest magnitude of a block of 32 over 127 or 8.
func FuzzQuantize(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x3f})
	f.Add([]byte{0, 0, 0x80, 0x7f, 1, 0, 0, 0})
	f.Add(binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1e-38)))
	f.Fuzz(func(t *testing.T, text []byte) {
		x := make([]float32, (len(text)/4+31)/32*32)
		for i := range len(text) / 4 {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(text[4*i:]))
		}
		for _, c := range []struct {
			t    quant.Type
			step float64
		}{{quant.Q8_0, 0.5 / 127}, {quant.Q4_0, 1. / 8}} {
			size, err := c.t.RowBytes(len(x))
			if err != nil {
				t.Fatal(err)
			}
			data, y := make([]byte, size), make([]float32, len(x))
			if quant.Quantize(c.t, data, x) != nil {
				continue
			}
			if err := quant.Dequantize(c.t, y, data); err != nil {
				t.Fatal(err)
			}
			for i := range x {
				amax := 0.
				for _, v := range x[i/32*32:][:32] {
					amax = max(amax, math.Abs(float64(v)))
				}
				// A scale in F16 is off by 2^-11 of itself, or by 2^-25 where it is tiny; a quant is up to 127.
				limit := amax*c.step + amax*0x1p-11 + 128*0x1p-25
				if d := math.Abs(float64(y[i]) - float64(x[i])); !(d <= limit*1.001) {
					t.Errorf("%v: element %d: %v became %v, limit %v", c.t, i, x[i], y[i], limit)
				}
			}
		}
	})
}
