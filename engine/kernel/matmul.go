package kernel

import (
	"fmt"

	"github.com/tokenassay/assay/engine/quant"
)

const (
	// rowGroup is the largest number of weight rows a kernel takes at once.
	rowGroup = 4
	// pieceBytes is how much of a matrix is handed out at once: it stays in the second-level
	// cache (256 KB and more on every AVX2 core) while all activations pass by.
	pieceBytes = 128 << 10
	// pieceWork is the multiplications below which handing out a piece costs more than it saves.
	pieceWork = 32 << 10
	// callWork bounds one call of a kernel: 1M multiplications take 0.1 ms at 10 per ns.
	callWork = 1 << 20

	q8Block = 32 // elements of a Q8_0 or Q4_0 block
)

// Scratch is memory that MatMul needs beyond its operands. The zero value is ready; it grows to the
// largest product it has seen. It serves one MatMul at a time.
type Scratch struct {
	q []int8  // (n, cols) activations quantised to Q8_0
	d []block // (n, cols/32)

	// The product in progress, and the two loop bodies, made once so that no call allocates.
	dst          []float32
	x            []float32
	w            *Weight
	n            int
	t            *table
	multiplyBody func(worker, lo, hi int)
	quantizeBody func(worker, lo, hi int)
}

// MatMul computes dst[i, r] = Σ_k x[i, k]*w[r, k] for n rows of activations: x is (n, cols) and
// dst (n, rows), row-major, not overlapping. Against F32, F16 and BF16 it multiplies in float32;
// against Q8_0 and Q4_0 it quantises x to blocks of 32 int8 with a binary16 scale, as llama.cpp does,
// and a block that holds a NaN or an infinity, or a value above 8.3e6, makes its row of dst NaN.
// Row i of dst is bit-equal whatever n and p are. s may be nil, at the price of an allocation.
func MatMul(p *Pool, dst []float32, w *Weight, x []float32, n int, s *Scratch) {
	if n < 0 || len(x) != n*w.cols || len(dst) != n*w.rows {
		panic(fmt.Sprintf("kernel.MatMul: weight (%d, %d), n %d: %d activations, %d results", w.rows, w.cols, n, len(x), len(dst)))
	}
	if n == 0 {
		return
	}
	if s == nil {
		s = new(Scratch)
	}
	s.begin(dst, w, x, n)
	if s.quantized() {
		s.d = grow(s.d, n*(w.cols/q8Block))
		s.q = grow(s.q, n*w.cols)
		p.For(n, max(1, pieceWork/w.cols), s.quantizeBody)
	}
	p.For(w.rows, s.rowsPerPiece(p.Workers()), s.multiplyBody)
	s.dst, s.x, s.w = nil, nil, nil
}

// grow returns a slice of n elements of undefined content, b's memory where it suffices.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

func (s *Scratch) begin(dst []float32, w *Weight, x []float32, n int) {
	if s.multiplyBody == nil {
		s.multiplyBody, s.quantizeBody = s.multiply, s.quantize
	}
	s.dst, s.w, s.x, s.n, s.t = dst, w, x, n, active.Load()
}

func (s *Scratch) quantized() bool { return s.w.typ == quant.Q8_0 || s.w.typ == quant.Q4_0 }

// rowsPerPiece cuts a matrix into pieces that fit the cache, that are worth handing out, and of which
// there are several for each worker.
func (s *Scratch) rowsPerPiece(workers int) int {
	rows := min(pieceBytes/s.w.rowBytes, s.w.rows/(4*workers))
	rows = max(rows, pieceWork/(s.w.cols*s.n), 1)
	return (rows + rowGroup - 1) / rowGroup * rowGroup
}

// quantize prepares activations [lo, hi).
func (s *Scratch) quantize(_, lo, hi int) {
	cols, blocks := s.w.cols, s.w.cols/q8Block
	for i := lo; i < hi; i++ {
		s.t.quantize(s.q[i*cols:(i+1)*cols], s.d[i*blocks:(i+1)*blocks], s.x[i*cols:(i+1)*cols])
	}
}

// multiply computes rows [lo, hi) of the matrix for all activations.
func (s *Scratch) multiply(_, lo, hi int) {
	columns := s.t.columns
	step := max(rowGroup, callWork/(columns*s.w.cols)/rowGroup*rowGroup)
	for i := 0; i < s.n; i += columns {
		cols := min(columns, s.n-i)
		for r := lo; r < hi; r += step {
			s.tile(i, cols, r, min(r+step, hi))
		}
	}
}

// tile computes rows [lo, hi) for activations [i, i+cols).
func (s *Scratch) tile(i, cols, lo, hi int) {
	w, t, k := s.w, s.t, s.w.cols
	dst := s.dst[i*w.rows+lo:]
	data := w.row(lo, hi)
	switch w.typ {
	case quant.Q8_0, quant.Q4_0:
		rows := t.rowsQ8
		if w.typ == quant.Q4_0 {
			rows = t.rowsQ4
		}
		blocks := k / q8Block
		rows(dst, w.rows, data, w.rowBytes, hi-lo, s.q[i*k:(i+cols)*k], s.d[i*blocks:(i+cols)*blocks], k, cols)
	case quant.F16:
		t.rowsF16(dst, w.rows, data, w.rowBytes, hi-lo, s.x[i*k:(i+cols)*k], k, cols)
	case quant.BF16:
		t.rowsBF16(dst, w.rows, data, w.rowBytes, hi-lo, s.x[i*k:(i+cols)*k], k, cols)
	default:
		t.rowsF32(dst, w.rows, data, w.rowBytes, hi-lo, s.x[i*k:(i+cols)*k], k, cols)
	}
}
