package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/tokenassay/assay/engine/quant"
)

// eachImplementation runs f for every implementation. One that this CPU or build lacks is skipped,
// or fails where ASSAY_REQUIRE_KERNELS is 1.
func eachImplementation(t *testing.T, f func(t *testing.T)) {
	for _, name := range wanted {
		t.Run(name, func(t *testing.T) {
			restore, err := Use(name)
			if err != nil {
				if os.Getenv("ASSAY_REQUIRE_KERNELS") == "1" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			t.Cleanup(restore)
			f(t)
		})
	}
}

// fill gives x values between -2 and 2.
func fill(x []float32, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 99))
	for i := range x {
		x[i] = 4*rng.Float32() - 2
	}
}

func random(n int, seed uint64) []float32 {
	x := make([]float32, n)
	fill(x, seed)
	return x
}

func randomWeight(t testing.TB, typ quant.Type, rows, cols int, seed uint64) *Weight {
	t.Helper()
	rowBytes, err := typ.RowBytes(cols)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, rows*rowBytes)
	if err := quant.Quantize(typ, data, random(rows*cols, seed)); err != nil {
		t.Fatal(err)
	}
	w, err := NewWeight(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// close64 reports whether got is within tol of want, NaN and infinities being equal to themselves.
func close64(got, want, tol float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(got) == math.IsNaN(want) && (math.IsNaN(want) || got == want)
	}
	return math.Abs(got-want) <= tol
}

func bitEqual(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// lengths sweeps every remainder of the vector loops, and the places where calls are cut.
func lengths() []int {
	var n []int
	for i := range 71 {
		n = append(n, i)
	}
	return append(n, 127, 128, 129, 255, 256, 257, 1000, piece-1, piece, piece+1, 4*piece+13)
}

func TestUse(t *testing.T) {
	before := Implementation()
	restore, err := Use("generic")
	if err != nil {
		t.Fatal(err)
	}
	if Implementation() != "generic" {
		t.Errorf("Implementation() = %q after Use(generic)", Implementation())
	}
	restore()
	if Implementation() != before {
		t.Errorf("Implementation() = %q after restore, want %q", Implementation(), before)
	}
	if _, err := Use("abacus"); err == nil {
		t.Error("Use(abacus): no error")
	}
}

// oracle is C = beta*C + op(A) op(B) in float64, and for each element the sum of magnitudes, which rounding errors scale with.
func oracle(ta, tb bool, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) (sum, size []float64) {
	at := func(x []float32, ld, i, j int, trans bool) float64 {
		if trans {
			i, j = j, i
		}
		return float64(x[i*ld+j])
	}
	for i := range m {
		for j := range n {
			s, z := 0.0, 0.0
			if beta != 0 {
				s = float64(beta) * float64(c[i*ldc+j])
				z = math.Abs(s)
			}
			for p := range k {
				v := at(a, lda, i, p, ta) * at(b, ldb, p, j, tb)
				s, z = s+v, z+math.Abs(v)
			}
			sum, size = append(sum, s), append(size, z)
		}
	}
	return sum, size
}

func TestGemm(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {1, 16, 8}, {6, 16, 4}, {7, 17, 5}, {5, 15, 3}, {12, 32, 256}, {13, 33, 257}, {97, 31, 70},
		{100, 260, 33}, {2, 300, 520}, {192, 16, 1}, {3, 1, 600}, {64, 64, 64}, {6, 16, 0}, {0, 5, 5}, {5, 0, 5}, {11, 48, 9}}
	eachImplementation(t, func(t *testing.T) {
		p := NewPool(3)
		defer p.Close()
		const most = 300 * 700 // elements of the largest operand
		pages := [][]float32{guarded[float32](t, most, false), guarded[float32](t, most, false), guarded[float32](t, most, false)}
		// fenced is memory for a matrix that ends with its last row, before a guard page; each call takes the next pages.
		fenced := func(ld, rows, cols int, trans bool) []float32 {
			if trans {
				rows, cols = cols, rows
			}
			n := max(0, (rows-1)*ld+cols)
			if rows == 0 || cols == 0 {
				n = 0
			}
			x := pages[0][most-n:]
			pages = append(pages[1:], pages[0])
			return x
		}
		for _, shape := range shapes {
			m, n, k := shape[0], shape[1], shape[2]
			for variant := range 4 {
				ta, tb := variant&1 != 0, variant&2 != 0
				for _, beta := range []float32{0, 1, -0.5} {
					for _, gap := range []int{0, 3} {
						if gap > 0 && beta != -0.5 {
							continue
						}
						name := fmt.Sprintf("m=%d n=%d k=%d ta=%v tb=%v beta=%v gap=%d", m, n, k, ta, tb, beta, gap)
						lda, ldb, ldc := k+gap, n+gap, n+gap
						if ta {
							lda = m + gap
						}
						if tb {
							ldb = k + gap
						}
						a, b := fenced(lda, m, k, ta), fenced(ldb, k, n, tb)
						one := fenced(ldc, m, n, false)
						fill(a, 1)
						fill(b, 2)
						c := random(len(one), 3)
						copy(one, c)
						want, size := oracle(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc)
						many := slices.Clone(c)
						if beta == 0 {
							for i := range m * n {
								one[i/n*ldc+i%n], many[i/n*ldc+i%n] = float32(math.NaN()), 7
							}
						}
						GemmStrided(nil, ta, tb, m, n, k, a, lda, b, ldb, beta, one, ldc)
						GemmStrided(p, ta, tb, m, n, k, a, lda, b, ldb, beta, many, ldc)
						if !bitEqual(one, many) {
							t.Fatalf("%s: differs between 1 and 3 workers", name)
						}
						for i := range m {
							for j := range min(ldc, len(one)-i*ldc) {
								got := one[i*ldc+j]
								if j >= n {
									if got != c[i*ldc+j] {
										t.Fatalf("%s: gap after row %d overwritten", name, i)
									}
									continue
								}
								// k+2 roundings, each of half a unit of 2^-23 of the partial sums.
								tol := size[i*n+j] * float64(k+2) * 0x1p-24
								if !close64(float64(got), want[i*n+j], tol) {
									t.Fatalf("%s: C[%d,%d] = %v, want %v ± %v", name, i, j, got, want[i*n+j], tol)
								}
							}
						}
					}
				}
			}
		}
	})
}
