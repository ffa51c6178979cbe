package sample

// candidate is a token that may be chosen.
type candidate struct {
	logit float32
	id    int32
}

// better orders candidates: greater logit first, then lower id. No two are equal.
func better(a, b candidate) bool {
	return a.logit > b.logit || a.logit == b.logit && a.id < b.id
}

// kBest appends the k best of all to h, which is empty, as a heap with the worst of them in
// front. 0 < k <= len(all).
func kBest(h, all []candidate, k int) []candidate {
	for _, c := range all {
		if len(h) < k {
			h = append(h, c)
			for i := len(h) - 1; i > 0; {
				up := (i - 1) / 2
				if !better(h[up], h[i]) {
					break
				}
				h[up], h[i] = h[i], h[up]
				i = up
			}
			continue
		}
		if !better(c, h[0]) {
			continue
		}
		h[0] = c
		for i := 0; ; {
			child := 2*i + 1
			if child >= k {
				break
			}
			if child+1 < k && better(h[child], h[child+1]) {
				child++
			}
			if !better(h[i], h[child]) {
				break
			}
			h[i], h[child] = h[child], h[i]
			i = child
		}
	}
	return h
}

// selectNth returns the candidate that n others are better than, reordering c (Hoare's
// quickselect). 0 <= n < len(c).
func selectNth(c []candidate, n int) candidate {
	for len(c) > 1 {
		at := partition(c)
		switch {
		case n == at:
			return c[at]
		case n < at:
			c = c[:at]
		default:
			c, n = c[at+1:], n-at-1
		}
	}
	return c[0]
}

// selectMass returns the last of the best whose weights sum to mass or more: quickselect that
// counts weight instead of heads. Where all together fall short of mass it is the worst one.
func selectMass(c []candidate, mass float64, weight func(candidate) float64) candidate {
	for len(c) > 1 {
		at := partition(c)
		sum := 0.0
		for _, x := range c[:at] {
			sum += weight(x)
		}
		if sum >= mass {
			c = c[:at]
			continue
		}
		if mass -= sum + weight(c[at]); mass <= 0 || at == len(c)-1 {
			return c[at]
		}
		c = c[at+1:]
	}
	return c[0]
}

// partition puts one candidate where it belongs, the better ones before and the worse ones
// after it, and returns the place.
func partition(c []candidate) int {
	n := len(c)
	p := median(0, n/2, n-1, c)
	if n > 64 { // Tukey's ninther, against unlucky inputs
		e := n / 8
		p = median(median(0, e, 2*e, c), median(n/2-e, n/2, n/2+e, c), median(n-1-2*e, n-1-e, n-1, c), c)
	}
	c[p], c[n-1] = c[n-1], c[p]
	pivot, at := c[n-1], 0
	for i := range n - 1 {
		if better(c[i], pivot) {
			c[i], c[at] = c[at], c[i]
			at++
		}
	}
	c[at], c[n-1] = c[n-1], c[at]
	return at
}

// median returns that of the indices i, j, k whose candidate is between the two others.
func median(i, j, k int, c []candidate) int {
	if better(c[j], c[i]) {
		i, j = j, i
	}
	if better(c[k], c[j]) {
		j = k
		if better(c[j], c[i]) {
			j = i
		}
	}
	return j
}
