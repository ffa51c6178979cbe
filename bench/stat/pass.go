package stat

import "fmt"

// PassAtK is the unbiased estimate, for one problem, of the chance that at least one of k
// answers is right, from c right among n ≥ k: 1 - C(n-c, k)/C(n, k), computed as a product
// (Chen et al., arXiv 2107.03374, fig. 3). Average it over problems, clustering by problem.
func PassAtK(n, c, k int) float64 {
	mustDraws("PassAtK", n, c, k)
	if n-c < k {
		return 1
	}
	miss := 1.0
	for i := n - c + 1; i <= n; i++ {
		miss *= 1 - float64(k)/float64(i)
	}
	return 1 - miss
}

// PassAllK is the unbiased estimate, for one problem, of the chance that all of k answers are
// right: C(c, k)/C(n, k), written pass^k (Yao et al., arXiv 2406.12045, §3).
func PassAllK(n, c, k int) float64 {
	mustDraws("PassAllK", n, c, k)
	hit := 1.0
	for i := range k {
		if c-i <= 0 {
			return 0
		}
		hit *= float64(c-i) / float64(n-i)
	}
	return hit
}

func mustDraws(what string, n, c, k int) {
	if k < 1 || n < k || c < 0 || c > n {
		panic(fmt.Sprintf("stat: %s(n=%d, c=%d, k=%d): want 1 <= k <= n and 0 <= c <= n", what, n, c, k))
	}
}
