//go:build !purego

package kernel

type gemmTile func(c *float32, ldc int, a *float32, lda int, b *float32, k int, accumulate bool)

// gemmAVX2 and gemmPackedAVX2 hold the kernels for 1 to 6 rows of A, in place and packed.
var (
	gemmAVX2       = [7]gemmTile{nil, gemm1AVX2, gemm2AVX2, gemm3AVX2, gemm4AVX2, gemm5AVX2, gemm6AVX2}
	gemmPackedAVX2 = [7]gemmTile{nil, gemmPacked1AVX2, gemmPacked2AVX2, gemmPacked3AVX2, gemmPacked4AVX2, gemmPacked5AVX2, gemmPacked6AVX2}
)

// packAVX2 copies whole rows of a panel; a narrower panel takes the slow road.
func packAVX2(dst, b []float32, ldb, k, n int) {
	if n < 16 {
		packGo(dst, b, ldb, k, n)
		return
	}
	packRowsAVX2(&dst[0], &b[0], 4*ldb, k)
}

// packTAVX2 transposes 16 rows of B by blocks of 8 x 8; what does not fill a block is copied one by one.
func packTAVX2(dst, b []float32, ldb, k, n int) {
	if n < 16 {
		packTGo(dst, b, ldb, k, n)
		return
	}
	whole := k &^ 7
	if whole > 0 {
		packTransposedAVX2(&dst[0], &b[0], 4*ldb, whole/8)
		packTransposedAVX2(&dst[8], &b[8*ldb], 4*ldb, whole/8)
	}
	for j := range n {
		for i := whole; i < k; i++ {
			dst[16*i+j] = b[j*ldb+i]
		}
	}
}

func packTilesAVX2(dst, a []float32, lda, k, tiles int) {
	packSixesAVX2(&dst[0], &a[0], 4*lda, k, tiles)
}

// panelAVX2 runs down one panel of B. Where C is narrower than the panel, tiles are computed beside it.
func panelAVX2(c []float32, ldc int, a []float32, lda int, packed bool, b []float32, k, m, n int, accumulate bool, beside []float32) {
	kernels := &gemmAVX2
	if packed {
		kernels = &gemmPackedAVX2
	}
	for i := 0; i < m; i += 6 {
		rows := min(6, m-i)
		at := i * lda
		if packed {
			at = i * k
		}
		if n == 16 {
			kernels[rows](&c[i*ldc], 4*ldc, &a[at], 4*lda, &b[0], k, accumulate)
			continue
		}
		kernels[rows](&beside[0], 4*16, &a[at], 4*lda, &b[0], k, false)
		for r := range rows {
			row, sums := c[(i+r)*ldc:][:n], beside[16*r:]
			if accumulate {
				addGo(row, sums)
			} else {
				copy(row, sums)
			}
		}
	}
}
