package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// A function of slices of equal length, for the sweeps below: args are changed in place, and scalars it returns are appended.
type function struct {
	name string
	args int // number of slices
	call func(t *table, a [][]float32) []float64
	// ulps is how far an implementation may be from the reference, in 2^-23 of the magnitude of the result
	// plus the magnitudes of what is added up; the reasons stand beside each function.
	ulps float64
	// reduces says that the error of a scalar grows with the length.
	reduces bool
	// alias lists slices that may be the same memory as slice 0.
	alias []int
}

func functions() []function {
	none := func(f func(t *table, a [][]float32)) func(*table, [][]float32) []float64 {
		return func(t *table, a [][]float32) []float64 { f(t, a); return nil }
	}
	step := adamStep{0.9, 0.1, 0.95, 0.05, 2.5, 5, 1e-8, 1e-3, 0.1}
	return []function{
		// Exact: one rounding, as in the reference.
		{name: "add", args: 2, call: none(func(t *table, a [][]float32) { t.add(a[0], a[1]) }), alias: []int{1}},
		{name: "mul", args: 2, call: none(func(t *table, a [][]float32) { t.mul(a[0], a[1]) }), alias: []int{1}},
		{name: "scale", args: 1, call: none(func(t *table, a [][]float32) { t.scale(a[0], 0.3) })},
		{name: "mulScale", args: 3, call: none(func(t *table, a [][]float32) { t.mulScale(a[0], a[1], a[2], 1.7) }), alias: []int{1, 2}},
		{name: "softmaxBackward", args: 3, call: none(func(t *table, a [][]float32) { t.softmaxBackward(a[0], a[1], a[2], 0.4) }), alias: []int{1, 2}},
		// One rounding of FMA against two.
		{name: "axpy", args: 2, ulps: 2, call: none(func(t *table, a [][]float32) { t.axpy(a[0], a[1], 1.3) }), alias: []int{1}},
		{name: "normBackward", args: 5, ulps: 16, call: none(func(t *table, a [][]float32) { t.normBackward(a[0], a[1], a[2], a[3], a[4], 0.8, 0.6) })},
		{name: "adamW", args: 4, ulps: 4, call: none(func(t *table, a [][]float32) { positive(a[3]); t.adamW(a[0], a[1], a[2], a[3], step) })},
		// exp is within 2 ulp; silu adds a sum, a quotient and a product.
		{name: "exp", args: 2, ulps: 2, call: none(func(t *table, a [][]float32) { t.exp(a[0], a[1]) }), alias: []int{1}},
		{name: "silu", args: 2, ulps: 5, call: none(func(t *table, a [][]float32) { t.silu(a[0], a[1]) }), alias: []int{1}},
		{name: "siluMul", args: 3, ulps: 8, call: none(func(t *table, a [][]float32) { t.siluMul(a[0], a[1], a[2]) }), alias: []int{1, 2}},
		{name: "siluMulBackward", args: 5, ulps: 16, call: none(func(t *table, a [][]float32) { t.siluMulBackward(a[0], a[1], a[2], a[3], a[4]) }), alias: []int{2, 3, 4}},
		{name: "expSum", args: 2, ulps: 3, reduces: true, alias: []int{1}, call: func(t *table, a [][]float32) []float64 {
			return []float64{float64(t.expSum(a[0], a[1], 2))}
		}},
		// Sums of n terms of magnitude up to 4, in another order.
		{name: "sumExp", args: 1, ulps: 3, reduces: true, call: func(t *table, a [][]float32) []float64 {
			return []float64{float64(t.sumExp(a[0], 2))}
		}},
		{name: "dot", args: 2, ulps: 4, reduces: true, call: func(t *table, a [][]float32) []float64 {
			return []float64{float64(t.dot(a[0], a[1]))}
		}},
		{name: "normSums", args: 3, ulps: 8, reduces: true, call: func(t *table, a [][]float32) []float64 {
			x, y := t.normSums(a[0], a[1], a[2])
			return []float64{float64(x), float64(y)}
		}},
		{name: "sumSquares", args: 1, ulps: 0x1p-20, reduces: true, call: func(t *table, a [][]float32) []float64 {
			return []float64{t.sumSquares(a[0])}
		}},
		{name: "max", args: 1, call: func(t *table, a [][]float32) []float64 { return []float64{float64(t.max(a[0]))} }},
	}
}

func positive(x []float32) {
	for i, v := range x {
		x[i] = float32(math.Abs(float64(v)))
	}
}

// TestElementwise sweeps lengths, offsets from alignment and aliasing, between guard pages, against the reference.
func TestElementwise(t *testing.T) {
	all := lengths()
	if testing.Short() {
		all = all[:40]
	}
	eachImplementation(t, func(t *testing.T) {
		for _, f := range functions() {
			t.Run(f.name, func(t *testing.T) {
				longest := all[len(all)-1] + 3
				var ends, fronts [][]float32
				for range f.args {
					ends = append(ends, guarded[float32](t, longest, false))
					fronts = append(fronts, guarded[float32](t, longest, true))
				}
				for _, n := range all {
					for offset := range 3 {
						var end, front [][]float32
						for i := range f.args {
							// Each slice has another alignment, and its last element stands before the guard page.
							shift := offset * i % 3
							end = append(end, ends[i][longest-n:])
							front = append(front, fronts[i][shift:][:n:n])
						}
						f.check(t, fmt.Sprintf("n=%d offset=%d at the end", n, offset), n, end, -1)
						f.check(t, fmt.Sprintf("n=%d offset=%d at the front", n, offset), n, front, -1)
					}
					for _, k := range f.alias {
						same := slices.Clone(ends)
						for i := range same {
							same[i] = same[i][longest-n:]
						}
						f.check(t, fmt.Sprintf("n=%d, slice 0 is slice %d", n, k), n, same, k)
					}
				}
			})
		}
	})
}

// check runs f over the given memory and compares with the reference run on copies. alias >= 0
// passes that slice as slice 0 too.
func (f *function) check(t *testing.T, name string, n int, memory [][]float32, alias int) {
	t.Helper()
	reference := make([][]float32, f.args)
	args := slices.Clone(memory)
	for i := range args {
		fill(args[i], uint64(i+17*n))
		reference[i] = slices.Clone(args[i])
	}
	if alias >= 0 {
		args[0], reference[0] = args[alias], reference[alias]
	}
	want := f.call(&generic, reference)
	got := f.call(active.Load(), args)
	for k := range want {
		tol := f.ulps * 0x1p-23 * math.Max(1, math.Abs(want[k]))
		if f.reduces {
			tol = f.ulps * 0x1p-23 * (1 + 4*float64(n)/8)
		}
		if !close64(got[k], want[k], tol) {
			t.Fatalf("%s: result %d = %v, want %v ± %v", name, k, got[k], want[k], tol)
		}
	}
	for i := range args {
		for j, w := range reference[i] {
			tol := f.ulps * 0x1p-23 * math.Max(1, math.Abs(float64(w)))
			if !close64(float64(args[i][j]), float64(w), tol) {
				t.Fatalf("%s: slice %d [%d] = %v, want %v ± %v", name, i, j, args[i][j], w, tol)
			}
		}
	}
}

// TestGuardWords checks that nothing outside a slice changes.
func TestGuardWords(t *testing.T) {
	const word = 12345.5
	eachImplementation(t, func(t *testing.T) {
		for _, f := range functions() {
			for _, n := range []int{0, 1, 5, 8, 31, 67} {
				var args, whole [][]float32
				for i := range f.args {
					b := random(n+32, uint64(i))
					for j := range 16 {
						b[j], b[n+16+j] = word, word
					}
					whole, args = append(whole, b), append(args, b[16:16+n])
				}
				f.call(active.Load(), args)
				for i, b := range whole {
					for j := range 16 {
						if b[j] != word || b[n+16+j] != word {
							t.Fatalf("%s: n=%d: slice %d changed outside", f.name, n, i)
						}
					}
				}
			}
		}
	})
}

// special are the values that arithmetic treats apart.
func special() []float32 {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	return []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
		0x1p-130, math.MaxFloat32, -math.MaxFloat32, 88.7, 88.73, 89, 100, -87, -87.4, -88, -100, -103.2, -103.98, -104.5, -200, 1e-30}
}

func TestExpSpecial(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		x := special()
		for i := float32(-105); i < 90; i += 0.0371 {
			x = append(x, i)
		}
		got := make([]float32, len(x))
		Exp(got, x)
		for i, v := range x {
			want := math.Exp(float64(v))
			// 2 ulp of the result, or of the smallest denormals.
			tol := 2 * math.Max(want*0x1p-23, math.SmallestNonzeroFloat32)
			if float64(float32(want)) > math.MaxFloat32 {
				want = math.Inf(1)
			}
			if !close64(float64(got[i]), want, tol) {
				t.Errorf("Exp(%v) = %v, want %v", v, got[i], want)
			}
		}
	})
}

// TestSpecial passes special values at every lane through functions of one operand and compares with the reference.
func TestSpecial(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for shift := range 8 {
			x := append(make([]float32, shift), special()...)
			silu, want := make([]float32, len(x)), make([]float32, len(x))
			SiLU(silu, x)
			siluGo(want, x)
			for i := range x {
				if !close64(float64(silu[i]), float64(want[i]), 5*0x1p-23*math.Max(0x1p-100, math.Abs(float64(want[i])))) {
					t.Errorf("SiLU(%v) = %v, want %v", x[i], silu[i], want[i])
				}
			}
			if got := maximum(x); got != float32(math.Inf(1)) {
				t.Errorf("maximum with +Inf = %v", got)
			}
			if got := Dot(x, x); got == got {
				t.Errorf("Dot with NaN = %v", got)
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cases := []struct {
		name string
		x    []float32
		want []float32
	}{
		{"empty", nil, nil},
		{"one", []float32{-5}, []float32{1}},
		{"masked", []float32{1, -inf, 1, -inf}, []float32{0.5, 0, 0.5, 0}},
		{"large", []float32{1000, 1000, 900}, []float32{0.5, 0.5, 0}},
		{"all masked", []float32{-inf, -inf}, []float32{nan, nan}},
		{"NaN", []float32{1, nan}, []float32{nan, nan}},
		{"+Inf", []float32{1, inf}, []float32{nan, nan}},
		{"nine", []float32{0, 0, 0, 0, 0, 0, 0, 0, 0}, slices.Repeat([]float32{1. / 9}, 9)},
	}
	eachImplementation(t, func(t *testing.T) {
		for _, c := range cases {
			x := slices.Clone(c.x)
			Softmax(x)
			for i := range x {
				if !close64(float64(x[i]), float64(c.want[i]), 1e-6) && !(math.IsInf(float64(c.want[i]), 0)) {
					t.Errorf("%s: Softmax(%v) = %v, want %v", c.name, c.x, x, c.want)
					break
				}
			}
		}
	})
}

func TestLogSumExp(t *testing.T) {
	inf := float32(math.Inf(1))
	eachImplementation(t, func(t *testing.T) {
		for _, c := range []struct {
			x    []float32
			want float64
		}{
			{nil, math.Inf(-1)}, {[]float32{-inf}, math.Inf(-1)}, {[]float32{3}, 3}, {[]float32{0, inf}, math.Inf(1)},
			{[]float32{500, 500}, 500 + math.Ln2}, {[]float32{-500, -inf}, -500}, {[]float32{float32(math.NaN())}, math.NaN()},
			{slices.Repeat([]float32{-2}, 10000), math.Log(10000) - 2},
		} {
			if got := LogSumExp(c.x); !close64(got, c.want, 1e-6*math.Max(1, math.Abs(c.want))) {
				t.Errorf("LogSumExp of %d elements = %v, want %v", len(c.x), got, c.want)
			}
		}
	})
}

func TestArgMax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachImplementation(t, func(t *testing.T) {
		for _, c := range []struct {
			x    []float32
			want int
		}{
			{nil, -1}, {[]float32{nan}, -1}, {[]float32{-inf}, 0}, {[]float32{nan, -1, 5, 5}, 2}, {[]float32{1, inf, inf}, 1},
			{append(make([]float32, 4*piece+1), 1), 4*piece + 1},
		} {
			if got := ArgMax(c.x); got != c.want {
				t.Errorf("ArgMax of %d elements = %d, want %d", len(c.x), got, c.want)
			}
		}
	})
}

func TestRMSNorm(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 64, 259, piece + 3} {
			x, w := random(n, 1), random(n, 2)
			got := make([]float32, n)
			RMSNorm(got, x, w, 1e-5)
			ss := 0.0
			for _, v := range x {
				ss += float64(v) * float64(v)
			}
			for i := range got {
				want := float64(x[i]) / math.Sqrt(ss/float64(n)+1e-5) * float64(w[i])
				if !close64(float64(got[i]), want, 4*0x1p-24*math.Abs(want)) {
					t.Fatalf("n=%d: [%d] = %v, want %v", n, i, got[i], want)
				}
			}
			RMSNorm(x, x, w, 1e-5)
			if !bitEqual(x, got) {
				t.Errorf("n=%d: in place differs", n)
			}
		}
	})
}

func TestRope(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, c := range []struct{ heads, headDim, rot int }{{1, 2, 2}, {3, 8, 8}, {2, 64, 64}, {2, 20, 14}, {1, 6, 0}, {2, 128, 64}, {4, 38, 38}} {
			for _, neox := range []bool{false, true} {
				x := random(c.heads*c.headDim, 5)
				cos, sin, back := make([]float32, c.rot/2), make([]float32, c.rot/2), make([]float32, c.rot/2)
				for i := range cos {
					s, k := math.Sincos(float64(3*i + 1))
					cos[i], sin[i], back[i] = float32(k), float32(s), float32(-s)
				}
				got := slices.Clone(x)
				Rope(got, c.heads, c.headDim, c.rot, cos, sin, neox)
				for h := range c.heads {
					head, turned := x[h*c.headDim:][:c.headDim], got[h*c.headDim:][:c.headDim]
					for i := range c.rot / 2 {
						a, b := 2*i, 2*i+1
						if neox {
							a, b = i, i+c.rot/2
						}
						u, v := float64(head[a]), float64(head[b])
						wantA, wantB := u*float64(cos[i])-v*float64(sin[i]), u*float64(sin[i])+v*float64(cos[i])
						if !close64(float64(turned[a]), wantA, 1e-6) || !close64(float64(turned[b]), wantB, 1e-6) {
							t.Fatalf("%+v neox=%v: pair %d = %v, %v, want %v, %v", c, neox, i, turned[a], turned[b], wantA, wantB)
						}
					}
					if !bitEqual(head[c.rot:], turned[c.rot:]) {
						t.Errorf("%+v neox=%v: dimensions past rot changed", c, neox)
					}
				}
				Rope(got, c.heads, c.headDim, c.rot, cos, back, neox)
				for i := range x {
					if !close64(float64(got[i]), float64(x[i]), 2e-6) {
						t.Fatalf("%+v neox=%v: there and back [%d] = %v, want %v", c, neox, i, got[i], x[i])
					}
				}
			}
		}
	})
}
