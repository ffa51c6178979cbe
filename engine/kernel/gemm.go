package kernel

import (
	"fmt"
	"sync"
)

// gemmTable is the inner part of a matrix product: C tiles of rows x cols.
type gemmTable struct {
	rows, cols int
	// pack copies k rows of n <= cols columns of B, ldb apart, to dst[k][cols], filled up with zeros.
	pack func(dst, b []float32, ldb, k, n int)
	// packT is pack for a transposed B: n rows of k values, ldb apart.
	packT func(dst, b []float32, ldb, k, n int)
	// packTiles copies whole tiles of a transposed A, k rows lda apart, to [tile][k][rows].
	packTiles func(dst, a []float32, lda, k, tiles int)
	// panel adds (accumulate) or stores the product of m rows of A and one packed panel of B
	// into m rows of n <= cols columns of C. The value of A at (i, k) is a[i*rowStep+k*kStep]
	// unless packed, when a holds tiles of rows rows, the last one fewer: [tile][k][rows].
	// beside has room for one tile.
	panel func(c []float32, ldc int, a []float32, lda int, packed bool, b []float32, k, m, n int, accumulate bool, beside []float32)
}

const (
	// gemmK is how much of k is summed in registers at once, at most: a panel of B, 16 columns, takes 24 KB,
	// most of the smallest first-level cache. Sizes from 384 to 768 could not be told apart on Zen 3.
	// It fixes the order of summation.
	gemmK = 384
	// gemmRows and gemmCols are the rows and columns of C in a piece of work; at gemmK that
	// is 144 KB of A, to stay in the second-level cache. Whole tiles of 4 and 6 rows fit gemmRows.
	gemmRows = 96
	gemmCols = 256
	// gemmSerial is the number of multiplications below which a product stays on one goroutine: 2 µs.
	gemmSerial = 100 << 10
)

// gemmJob is a product in progress with its packed operands; jobs are reused.
type gemmJob struct {
	t              *gemmTable
	transA, transB bool
	m, n           int
	a, b, c        []float32
	lda, ldb, ldc  int
	k0, k          int // the part [k0, k0+k) of the summation in progress
	accumulate     bool
	bPacked        []float32 // (n/cols, k, cols)
	aPacked        []float32 // tiles (k, rows), only where A is transposed
	beside         []float32 // (workers, rows, cols)
	packBody       func(worker, lo, hi int)
	multiplyBody   func(worker, lo, hi int)
}

var gemmJobs = sync.Pool{New: func() any {
	j := new(gemmJob)
	j.packBody, j.multiplyBody = j.pack, j.multiply
	return j
}}

// Gemm computes C = beta*C + op(A) op(B) in float32, where op(A) is (m, k), op(B) is (k, n), C is (m, n),
// all row-major and contiguous; transA says that a holds (k, m), transB that b holds (n, k). With
// beta 0, C is not read. c must not overlap a or b. The result is bit-equal whatever p is.
// Safe for concurrent use.
func Gemm(p *Pool, transA, transB bool, m, n, k int, a, b []float32, beta float32, c []float32) {
	if m < 0 || n < 0 || k < 0 || len(a) != m*k || len(b) != k*n || len(c) != m*n {
		panic(fmt.Sprintf("kernel.Gemm: m %d, n %d, k %d: a %d, b %d, c %d elements", m, n, k, len(a), len(b), len(c)))
	}
	lda, ldb := k, n
	if transA {
		lda = m
	}
	if transB {
		ldb = k
	}
	GemmStrided(p, transA, transB, m, n, k, a, lda, b, ldb, beta, c, n)
}

// GemmStrided is Gemm over rows that stand lda, ldb and ldc elements apart: a head's part of a wider
// matrix needs no copy. The last row of each operand need not be followed by a gap.
func GemmStrided(p *Pool, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	checkMatrix("A", a, lda, m, k, transA)
	checkMatrix("B", b, ldb, k, n, transB)
	checkMatrix("C", c, ldc, m, n, false)
	if m == 0 || n == 0 {
		return
	}
	// With beta 0 the first part of the sum is stored over whatever C holds.
	if k == 0 || (beta != 0 && beta != 1) {
		scaleRows(c, ldc, m, n, beta)
	}
	if k == 0 {
		return
	}
	if m*n*k < gemmSerial {
		p = nil
	}
	j := gemmJobs.Get().(*gemmJob)
	j.t = &active.Load().gemm
	j.transA, j.transB, j.m, j.n = transA, transB, m, n
	j.a, j.b, j.c, j.lda, j.ldb, j.ldc = a, b, c, lda, ldb, ldc
	j.run(p, k, beta != 0)
	j.a, j.b, j.c = nil, nil, nil
	gemmJobs.Put(j)
}

func checkMatrix(name string, x []float32, ld, rows, cols int, trans bool) {
	if trans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 || ld < cols || (rows > 0 && cols > 0 && len(x) < (rows-1)*ld+cols) {
		panic(fmt.Sprintf("kernel.Gemm: %s as (%d, %d), rows %d apart, in %d elements", name, rows, cols, ld, len(x)))
	}
}

// scaleRows multiplies C by beta; by 0 it stores zeros, so that NaN does not survive.
func scaleRows(c []float32, ldc, m, n int, beta float32) {
	for i := range m {
		row := c[i*ldc:][:n]
		if beta == 0 {
			clear(row)
		} else {
			Scale(row, beta)
		}
	}
}

func (j *gemmJob) run(p *Pool, k int, accumulate bool) {
	t := j.t
	panels := (j.n + t.cols - 1) / t.cols
	groups := 0 // of rows of a transposed A
	if j.transA {
		groups = (j.m + gemmRows - 1) / gemmRows
	}
	parts := (k + gemmK - 1) / gemmK
	depth := ((k+parts-1)/parts + 7) &^ 7 // equal parts, in whole blocks of packT
	j.bPacked = grow(j.bPacked, panels*t.cols*depth)
	j.aPacked = grow(j.aPacked, min(groups, 1)*j.m*depth)
	j.beside = grow(j.beside, p.Workers()*t.rows*t.cols)
	for j.k0 = 0; j.k0 < k; j.k0 += depth {
		j.k = min(depth, k-j.k0)
		j.accumulate = accumulate || j.k0 > 0
		p.For(panels+groups, 2, j.packBody)
		p.For(j.pieces(), 1, j.multiplyBody)
	}
}

func (j *gemmJob) pieces() int {
	return ((j.m + gemmRows - 1) / gemmRows) * ((j.n + gemmCols - 1) / gemmCols)
}

// pack packs panels of B and, counted after them, groups of rows of a transposed A.
func (j *gemmJob) pack(_, lo, hi int) {
	t := j.t
	panels := (j.n + t.cols - 1) / t.cols
	for i := lo; i < hi; i++ {
		if i >= panels {
			j.packA(i - panels)
			continue
		}
		n := min(t.cols, j.n-i*t.cols)
		dst := j.bPacked[i*t.cols*j.k:][:t.cols*j.k]
		if j.transB {
			t.packT(dst, j.b[i*t.cols*j.ldb+j.k0:], j.ldb, j.k, n)
		} else {
			t.pack(dst, j.b[j.k0*j.ldb+i*t.cols:], j.ldb, j.k, n)
		}
	}
}

// packA copies the rows of op(A) that one piece of C needs to tiles [k][rows].
func (j *gemmJob) packA(group int) {
	i := group * gemmRows
	end := min(i+gemmRows, j.m)
	src := j.a[j.k0*j.lda:]
	if whole := (end - i) / j.t.rows; whole > 0 {
		j.t.packTiles(j.aPacked[i*j.k:], src[i:], j.lda, j.k, whole)
		i += whole * j.t.rows
	}
	if rows := end - i; rows > 0 {
		dst := j.aPacked[i*j.k:]
		for k := range j.k {
			copy(dst[k*rows:][:rows], src[k*j.lda+i:])
		}
	}
}

// multiply computes pieces of C, gemmRows x gemmCols each. A piece keeps its rows of A in the
// second-level cache and one panel of B in the first.
func (j *gemmJob) multiply(worker, lo, hi int) {
	t := j.t
	beside := j.beside[worker*t.rows*t.cols:][:t.rows*t.cols]
	across := (j.n + gemmCols - 1) / gemmCols
	for piece := lo; piece < hi; piece++ {
		i0, n0 := piece/across*gemmRows, piece%across*gemmCols
		m := min(gemmRows, j.m-i0)
		for p := n0; p < min(n0+gemmCols, j.n); p += t.cols {
			b := j.bPacked[p*j.k:][:t.cols*j.k]
			c := j.c[i0*j.ldc+p:]
			n := min(t.cols, j.n-p)
			if j.transA {
				t.panel(c, j.ldc, j.aPacked[i0*j.k:], 0, true, b, j.k, m, n, j.accumulate, beside)
			} else {
				t.panel(c, j.ldc, j.a[i0*j.lda+j.k0:], j.lda, false, b, j.k, m, n, j.accumulate, beside)
			}
		}
	}
}
