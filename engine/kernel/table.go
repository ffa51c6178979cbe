package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// A table is one implementation of everything that is worth writing more than once.
// The wrappers in vector.go, train.go, matmul.go and gemm.go check lengths and cut work into
// calls of at most about 0.1 ms, so that no call holds up the garbage collector.
//
// Functions of several slices take the length from the first one.
type table struct {
	name string

	dot        func(a, b []float32) float32
	sumSquares func(x []float32) float64
	max        func(x []float32) float32                   // NaN is passed over; -Inf when nothing is left
	axpy       func(dst, x []float32, a float32)           // dst += a*x
	add        func(dst, a []float32)                      // dst += a
	mul        func(dst, a []float32)                      // dst *= a
	scale      func(dst []float32, s float32)              // dst *= s
	exp        func(dst, x []float32)                      // dst = e^x
	expSum     func(dst, x []float32, top float32) float32 // dst = e^(x-top), returns the sum
	sumExp     func(x []float32, top float32) float32      // Σ e^(x-top)
	silu       func(dst, x []float32)                      // dst = x/(1+e^-x)
	siluMul    func(dst, gate, up []float32)               // dst = silu(gate)*up

	mulScale func(dst, x, w []float32, s float32)  // dst = x*w*s
	rope     func(x []float32, cos, sin []float32) // interleaved pairs of one head
	ropeNeox func(x []float32, cos, sin []float32) // halves of one head

	siluMulBackward func(dgate, dup, dy, gate, up []float32)
	normSums        func(x, dy, w []float32) (xx, dyw float32)       // Σx², Σ dy*w*x
	normBackward    func(dx, dw, dy, x, w []float32, inv, c float32) // dx += inv*dy*w - c*x, dw += inv*dy*x
	softmaxBackward func(dx, dy, y []float32, s float32)             // dx = y*(dy-s)
	adamW           func(w, g, m, v []float32, c adamStep)

	quantize func(q []int8, d []block, x []float32) // blocks of 32 to Q8_0
	// columns is how many rows of activations the next functions take at once; weights that
	// have reached the first cache serve all of them.
	columns  int
	rowsF32  floatRows
	rowsF16  floatRows
	rowsBF16 floatRows
	rowsQ8   quantRows
	rowsQ4   quantRows

	gemm gemmTable
}

// floatRows computes dst[c*dstStride+r] = Σ_k w[r,k]*x[c,k] for r in [0, rows) and c in [0, cols),
// cols in [1, columns]. w holds rows of rowBytes bytes; x has rows of k floats.
// The order of summation is the same for every r and c and any rows and cols.
type floatRows func(dst []float32, dstStride int, w []byte, rowBytes, rows int, x []float32, k, cols int)

// quantRows is floatRows over activations quantised to Q8_0: q has rows of k values,
// d rows of k/32 blocks.
type quantRows func(dst []float32, dstStride int, w []byte, rowBytes, rows int, q []int8, d []block, k, cols int)

// block is what belongs to 32 int8 of quantised activations: their scale, and their sum, by which
// a kernel may multiply unsigned weights and subtract the offset afterwards.
type block struct {
	scale float32
	sum   int32
}

// adamStep is what AdamW needs beyond its slices. bias1 and bias2 are 1/(1-beta^step).
type adamStep struct {
	beta1, rest1, beta2, rest2, bias1, bias2, eps, lr, decay float32
}

// active is the implementation in use. Kernels read it once per call.
var active atomic.Pointer[table]

// chosen is the doubt about ASSAY_KERNEL, nil when it was obeyed or not set.
var chosen = func() error {
	all := available()
	active.Store(all[len(all)-1])
	name := os.Getenv("ASSAY_KERNEL")
	if name == "" {
		return nil
	}
	if _, err := Use(name); err != nil {
		return fmt.Errorf("ASSAY_KERNEL: %w; using %q", err, active.Load().name)
	}
	return nil
}()

// available lists what this CPU can run, slowest first.
func available() []*table {
	return append([]*table{&generic}, archTables()...)
}

// Implementations names what this CPU can run, slowest first; "generic" is always there.
func Implementations() []string {
	var names []string
	for _, t := range available() {
		names = append(names, t.name)
	}
	return names
}

// Implementation names the one in use.
func Implementation() string { return active.Load().name }

// ChoiceError tells why the implementation named by ASSAY_KERNEL is not in use; nil if it is, or none was named.
func ChoiceError() error { return chosen }

// Use makes the named implementation the one in use, for the whole process, and returns
// what puts the former one back. It is for tests and for reproducing a result; calls that
// run at the same time may use either.
func Use(name string) (restore func(), err error) {
	all := available()
	i := slices.IndexFunc(all, func(t *table) bool { return t.name == name })
	if i < 0 {
		return nil, fmt.Errorf("kernel implementation %q: this build and CPU have %s", name, strings.Join(Implementations(), ", "))
	}
	old := active.Swap(all[i])
	return func() { active.Store(old) }, nil
}
