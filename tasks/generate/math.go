package generate

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// mathFamilies lists the tasks of the math pack. Numbers may have any number of digits, so all
// arithmetic is exact.
func mathFamilies() []Family {
	return []Family{
		{Pack: "math", Name: "add", Title: "sums of two numbers", MinLevel: 1, MaxLevel: 6, Answer: Number, weight: 1.5, make: makeAdd},
		{Pack: "math", Name: "subtract", Title: "differences of two numbers", MinLevel: 1, MaxLevel: 6, Answer: Number, weight: 1.5, make: makeSubtract},
		{Pack: "math", Name: "multiply", Title: "products of two numbers", MinLevel: 2, MaxLevel: 6, Answer: Number, make: makeMultiply},
		{Pack: "math", Name: "compare", Title: "the largest, or a set rank, of several numbers", MinLevel: 1, MaxLevel: 5, Answer: Number, weight: 0.7, make: makeCompare},
		{Pack: "math", Name: "sequence", Title: "the next number of a sequence", MinLevel: 1, MaxLevel: 5, Answer: Number, weight: 1, make: makeSequence},
		{Pack: "math", Name: "story", Title: "word problems of one to sixteen steps", MinLevel: 1, MaxLevel: 5, Answer: Number, weight: 1.5, make: makeStory},
	}
}

// question writes the form all short questions share.
func question(format string, args ...any) string {
	return "Q: " + fmt.Sprintf(format, args...) + "\nA:"
}

// sumText is the canonical text of a sum, wherever it is asked.
func sumText(a, b string) string {
	if len(a) > len(b) || len(a) == len(b) && a > b {
		a, b = b, a
	}
	return a + " + " + b
}

// addDigits[level] is how many digits the operands have; level 1 draws from [1, 99].
var addDigits = [...]int{1: 2, 2: 3, 3: 5, 4: 9, 5: 16, 6: 32}

func makeAdd(rng *rand.Rand, level int, _ Params) (Item, error) {
	a, b := operand(rng, level), operand(rng, level)
	return Item{
		Canonical: sumText(a.String(), b.String()),
		Prompt:    question("What is %v + %v?", a, b),
		Target:    new(big.Int).Add(a, b).String(),
	}, nil
}

func makeSubtract(rng *rand.Rand, level int, _ Params) (Item, error) {
	a, b := operand(rng, level), operand(rng, level)
	// From level 3 on the difference may be negative.
	if level < 3 && a.Cmp(b) < 0 {
		a, b = b, a
	}
	return Item{
		Canonical: fmt.Sprintf("%v - %v", a, b),
		Prompt:    question("What is %v - %v?", a, b),
		Target:    new(big.Int).Sub(a, b).String(),
	}, nil
}

func operand(rng *rand.Rand, level int) *big.Int {
	if level == 1 {
		return big.NewInt(int64(between(rng, 1, 99)))
	}
	return digits(rng, addDigits[level])
}

// digits draws a number of exactly n digits.
func digits(rng *rand.Rand, n int) *big.Int {
	b := make([]byte, n)
	b[0] = byte('1' + rng.IntN(9))
	for i := 1; i < n; i++ {
		b[i] = byte('0' + rng.IntN(10))
	}
	v, _ := new(big.Int).SetString(string(b), 10)
	return v
}

// multiplyDigits[level] are the digits of the two factors. There is no level 1: one-digit
// products are so few that a held tenth of them says nothing.
var multiplyDigits = [...][2]int{2: {2, 2}, 3: {3, 3}, 4: {4, 5}, 5: {7, 7}, 6: {12, 12}}

func makeMultiply(rng *rand.Rand, level int, _ Params) (Item, error) {
	d := multiplyDigits[level]
	a, b := digits(rng, d[0]), digits(rng, d[1])
	lo, hi := a, b
	if lo.Cmp(hi) > 0 {
		lo, hi = hi, lo
	}
	return Item{
		Canonical: fmt.Sprintf("%v * %v", lo, hi),
		Prompt:    question("What is %v * %v?", a, b),
		Target:    new(big.Int).Mul(a, b).String(),
	}, nil
}

// compareShape[level]: of how many numbers, of how many digits before and behind the point, the number
// of which rank is asked (1 is the largest).
var compareShape = [...]struct{ n, digits, decimals, rank int }{
	1: {2, 2, 0, 1}, 2: {3, 3, 0, 1}, 3: {5, 2, 3, 1}, 4: {12, 4, 0, 3}, 5: {60, 6, 0, 17},
}

func makeCompare(rng *rand.Rand, level int, _ Params) (Item, error) {
	s := compareShape[level]
	type number struct {
		text  string
		value int64 // in units of the last decimal
	}
	var xs []number
	seen := make(map[int64]bool)
	// Numbers share leading digits from level 3 on, so that the first one does not decide.
	base := int64(between(rng, 1, 9))
	for len(xs) < s.n {
		whole := digits(rng, s.digits).Int64()
		if level >= 3 {
			scale := int64(1)
			for range s.digits - 1 {
				scale *= 10
			}
			whole = base*scale + whole%scale
			if s.decimals > 0 {
				whole = base*scale + whole%2
			}
		}
		n := number{text: strconv.FormatInt(whole, 10), value: whole}
		if s.decimals > 0 {
			frac := strings.TrimRight(fmt.Sprintf("%0*d", s.decimals, between(rng, 1, 999)), "0")
			n.text += "." + frac
			padded, _ := strconv.ParseInt(frac+strings.Repeat("0", s.decimals-len(frac)), 10, 64)
			n.value = whole*1000 + padded
		}
		if !seen[n.value] {
			seen[n.value] = true
			xs = append(xs, n)
		}
	}
	texts := make([]string, len(xs))
	for i, x := range xs {
		texts[i] = x.text
	}
	sorted := slices.Clone(xs)
	slices.SortFunc(sorted, func(a, b number) int { return int(b.value - a.value) })
	var prompt string
	switch {
	case s.rank > 1:
		prompt = question("Which number is the %s largest: %s?", ordinal(s.rank), strings.Join(texts, ", "))
	case s.n == 2:
		prompt = question("Which is larger, %s or %s?", texts[0], texts[1])
	default:
		prompt = question("Which is the largest: %s?", strings.Join(texts, ", "))
	}
	canonical := slices.Clone(texts)
	slices.Sort(canonical)
	return Item{
		Canonical: fmt.Sprintf("rank %d of %s", s.rank, strings.Join(canonical, " ")),
		Prompt:    prompt,
		Target:    sorted[s.rank-1].text,
	}, nil
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

func makeSequence(rng *rand.Rand, level int, _ Params) (Item, error) {
	var xs []int
	switch level {
	case 1: // arithmetic, rising
		a, d := between(rng, 1, 99), between(rng, 1, 25)
		xs = []int{a, a + d, a + 2*d, a + 3*d, a + 4*d}
	case 2: // arithmetic, falling or rising, three digits
		a, d := between(rng, 300, 999), between(rng, -60, 60)
		if d == 0 {
			d = 61
		}
		xs = []int{a, a + d, a + 2*d, a + 3*d, a + 4*d}
	case 3: // two interleaved arithmetic sequences
		a, d := between(rng, 1, 60), between(rng, 2, 15)
		b, e := between(rng, 1, 60), between(rng, 2, 15)
		xs = []int{a, b, a + d, b + e, a + 2*d, b + 2*e, a + 3*d}
	case 4: // quadratic
		a, d, e := between(rng, 1, 50), between(rng, -20, 40), between(rng, 2, 15)
		for range 7 {
			xs = append(xs, a)
			a, d = a+d, d+e
		}
	case 5: // x(n) = p x(n-1) + q x(n-2) + r
		p, q, r := between(rng, 1, 3), between(rng, -3, 3), between(rng, -20, 20)
		xs = []int{between(rng, 1, 30), between(rng, 1, 30)}
		for len(xs) < 10 {
			n := len(xs)
			xs = append(xs, p*xs[n-1]+q*xs[n-2]+r)
		}
	}
	shown := make([]string, len(xs)-1)
	for i := range shown {
		shown[i] = strconv.Itoa(xs[i])
	}
	text := strings.Join(shown, ", ")
	return Item{
		Canonical: "after " + text,
		Prompt:    question("What comes next: %s?", text),
		Target:    strconv.Itoa(xs[len(xs)-1]),
	}, nil
}
