package kernel

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine/quant"
)

var types = []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0, quant.Q4_0}

// TestMatMul compares with float64 sums over dequantised weights and, for block types, quantised activations.
func TestMatMul(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, typ := range types {
			for _, cols := range []int{1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 64, 70, 96, 255, 256, 257, 320, 1024} {
				if cols%typ.BlockSize() != 0 {
					continue
				}
				for _, rows := range []int{1, 2, 3, 4, 5, 7, 8, 13, 67} {
					w := guardedWeight(t, typ, rows, cols)
					checkMatMul(t, w, 6)
				}
			}
		}
	})
}

// guardedWeight is a matrix whose last byte stands before a guard page, so at any alignment.
func guardedWeight(t *testing.T, typ quant.Type, rows, cols int) *Weight {
	t.Helper()
	w := randomWeight(t, typ, rows, cols, uint64(rows*cols))
	data := guarded[byte](t, w.Bytes(), false)
	copy(data, w.data)
	w, err := NewWeight(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func checkMatMul(t *testing.T, w *Weight, n int) {
	t.Helper()
	rows, cols := w.Rows(), w.Cols()
	x := guarded[float32](t, n*cols, false)
	fill(x, 7)
	dst := guarded[float32](t, n*rows, false)
	var s Scratch
	MatMul(nil, dst, w, x, n, &s)
	used := make([]float64, n*cols)
	for i, v := range x {
		used[i] = float64(v)
	}
	if w.Type().BlockSize() > 1 {
		q, d := make([]int8, n*cols), make([]block, n*cols/q8Block)
		quantizeGo(q, d, x)
		for i := range used {
			used[i] = float64(q[i]) * float64(d[i/q8Block].scale)
		}
	}
	row := make([]float32, cols)
	for r := range rows {
		w.Row(row, r)
		for i := range n {
			want, size := 0.0, 0.0
			for k, v := range row {
				p := float64(v) * used[i*cols+k]
				want, size = want+p, size+math.Abs(p)
			}
			// One rounding of 2^-24 for each addition, and a few for the scales.
			tol := size * float64(cols+6) * 0x1p-24
			if got := dst[i*rows+r]; !close64(float64(got), want, tol) {
				t.Fatalf("%v (%d, %d), n %d: dst[%d,%d] = %v, want %v ± %v", w.Type(), rows, cols, n, i, r, got, want, tol)
			}
		}
	}
}

// TestMatMulBatch demands equality bit for bit of one row at a time, any number of rows, and several workers.
func TestMatMulBatch(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		p := NewPool(4)
		defer p.Close()
		for _, typ := range types {
			for _, size := range [][2]int{{67, 96}, {513, 256}, {5, 2048}, {300, 41}} {
				rows, cols := size[0], size[1]
				if cols%typ.BlockSize() != 0 {
					continue
				}
				w := randomWeight(t, typ, rows, cols, 1)
				const n = 11
				x := random(n*cols, 2)
				alone, together := make([]float32, n*rows), make([]float32, n*rows)
				var s Scratch
				for i := range n {
					MatMul(nil, alone[i*rows:(i+1)*rows], w, x[i*cols:(i+1)*cols], 1, &s)
				}
				for _, batch := range []int{1, 2, 3, 4, 5, n} {
					for _, pool := range []*Pool{nil, p} {
						clear(together)
						for i := 0; i < n; i += batch {
							m := min(batch, n-i)
							MatMul(pool, together[i*rows:(i+m)*rows], w, x[i*cols:(i+m)*cols], m, &s)
						}
						if !bitEqual(alone, together) {
							t.Fatalf("%v (%d, %d): %d at once, %d workers: differs from one at a time", typ, rows, cols, batch, pool.Workers())
						}
					}
				}
			}
		}
	})
}

// TestMatMulNonFinite wants a NaN or infinity to reach the results of its own row and no others.
func TestMatMulNonFinite(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, typ := range types {
			for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
				for at := 0; at < 64; at += 9 {
					w := randomWeight(t, typ, 9, 64, 3)
					x, dst := random(5*64, 4), make([]float32, 5*9)
					x[2*64+at] = bad
					MatMul(nil, dst, w, x, 5, nil)
					for i, v := range dst {
						finite := v-v == 0
						if finite == (i/9 == 2) && !(w.zero(i%9, at)) {
							t.Fatalf("%v: %v at %d: dst[%d,%d] = %v", typ, bad, at, i/9, i%9, v)
						}
					}
				}
			}
		}
	})
}

// zero reports whether element (r, c) is 0.
func (w *Weight) zero(r, c int) bool {
	row := make([]float32, w.cols)
	w.Row(row, r)
	return row[c] == 0
}

func TestQuantize(t *testing.T) {
	blocks := map[string][]float32{
		"zeros":     make([]float32, 32),
		"denormals": slices.Repeat([]float32{1e-42, -3e-42, 2e-42, 0}, 8),
		"tiny":      slices.Repeat([]float32{1e-5, -3e-6, 2e-7, 0}, 8),
		"large":     slices.Repeat([]float32{8e6, -1, 2, 4e6}, 8),
		"too large": slices.Repeat([]float32{1e7, -1, 2, 4e6}, 8),
		"ties":      slices.Repeat([]float32{127, 0.5, 1.5, -2.5}, 8),
		"random":    random(32*9, 1),
	}
	eachImplementation(t, func(t *testing.T) {
		for name, x := range blocks {
			n := len(x)
			q, d := guarded[int8](t, n, false), guarded[block](t, n/32, false)
			in := guarded[float32](t, n, false)
			copy(in, x)
			wantQ, wantD := make([]int8, n), make([]block, n/32)
			quantizeGo(wantQ, wantD, x)
			active.Load().quantize(q, d, in)
			if !slices.EqualFunc(d, wantD, func(a, b block) bool {
				if b.scale != b.scale {
					return a.scale != a.scale // and then the sum has no meaning
				}
				return a == b
			}) {
				t.Errorf("%s: blocks %v, want %v", name, d, wantD)
			}
			if name != "too large" && !slices.Equal(q, wantQ) {
				t.Errorf("%s: quants %v, want %v", name, q, wantQ)
			}
		}
	})
}

func TestMatMulAllocates(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, typ := range types {
		w := randomWeight(t, typ, 300, 512, 1)
		x, dst := random(2*512, 2), make([]float32, 2*300)
		var s Scratch
		if got := testing.AllocsPerRun(20, func() { MatMul(p, dst, w, x, 2, &s) }); got != 0 {
			t.Errorf("%v: %v allocations per product", typ, got)
		}
	}
	a := random(128*64, 1)
	c := make([]float32, 128*30)
	if got := testing.AllocsPerRun(20, func() { Gemm(p, false, true, 128, 30, 64, a, a[:30*64], 0, c) }); got > 2 { // a new job takes 5; the race detector drops some
		t.Errorf("Gemm: %v allocations per product", got)
	}
	if got := testing.AllocsPerRun(20, func() { RMSNorm(a, a, a, 1e-5); Softmax(a); LogSumExp(a); Dot(a, a) }); got != 0 {
		t.Errorf("elementwise: %v allocations", got)
	}
}

func TestNewWeight(t *testing.T) {
	for _, c := range []struct {
		typ        quant.Type
		rows, cols int
		bytes      int
		want       error
	}{
		{quant.F32, 2, 3, 24, nil},
		{quant.F32, 2, 3, 23, quant.ErrLength},
		{quant.Q8_0, 2, 33, 70, quant.ErrLength},
		{quant.Q4_0, 0, 32, 0, quant.ErrLength},
		{quant.Q4_0, -1, 32, 0, quant.ErrLength},
		{quant.F16, math.MaxInt / 2, math.MaxInt / 2, 8, quant.ErrLength},
		{quant.Type(12), 1, 256, 144, quant.ErrUnsupported}, // Q4_K
		{quant.Type(9999), 1, 32, 32, quant.ErrUnknown},
	} {
		name := fmt.Sprintf("NewWeight(%v, %d, %d, %d bytes)", c.typ, c.rows, c.cols, c.bytes)
		if _, err := NewWeight(c.typ, c.rows, c.cols, make([]byte, c.bytes)); !errors.Is(err, c.want) {
			t.Errorf("%s = %v, want %v", name, err, c.want)
		}
	}
}
