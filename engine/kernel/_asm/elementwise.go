package main

import (
	"math"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// loop emits body for 8 elements at a time and once more for the rest with a mask; mask is nil in the first
// case. Elements stand at byte offset i.
func loop(n reg.GPVirtual, body func(i reg.GPVirtual, mask *vec)) {
	i, end := GP64(), GP64()
	XORQ(i, i)
	MOVQ(n, end)
	ANDQ(I8(-8), end)
	SHLQ(U8(2), end)
	JZ(LabelRef("rest"))
	Label("loop8")
	body(i, nil)
	ADDQ(U8(32), i)
	CMPQ(i, end)
	JLT(LabelRef("loop8"))
	Label("rest")
	ANDQ(U8(7), n)
	JZ(LabelRef("end"))
	mask := tailMask(n)
	body(i, &mask)
	Label("end")
}

// tailMask selects the first n lanes, n in [1, 7]. It changes n.
func tailMask(n reg.GPVirtual) vec {
	base := GP64()
	LEAQ(masks(), base)
	NEGQ(n)
	mask := YMM()
	VMOVUPS(Mem{Base: base, Index: n, Scale: 4, Disp: 32}, mask)
	return mask
}

func load(m Mem, mask *vec) vec {
	v := YMM()
	if mask == nil {
		VMOVUPS(m, v)
	} else {
		VMASKMOVPS(m, *mask, v)
	}
	return v
}

func store(v vec, m Mem, mask *vec) {
	if mask == nil {
		VMOVUPS(v, m)
	} else {
		VMASKMOVPS(v, *mask, m)
	}
}

// broadcast loads a float parameter into all lanes.
func broadcast(param string) vec {
	x, y := XMM(), YMM()
	Load(Param(param), x)
	VBROADCASTSS(x, y)
	return y
}

// begin declares a function of slices given by pointers, their length n, and float scalars,
// and loads all of them. doc is the Go loop it replaces.
func begin(name, doc string, slicesOf, scalars []string, result string) (p map[string]reg.GPVirtual, n reg.GPVirtual, s []vec) {
	args := strings.Join(slicesOf, ", ") + " *float32, n int"
	if len(scalars) > 0 {
		args += ", " + strings.Join(scalars, ", ") + " float32"
	}
	TEXT(name, NOSPLIT, "func("+args+")"+result)
	Pragma("noescape")
	Doc(name + " is: " + doc)
	p = map[string]reg.GPVirtual{}
	for _, v := range slicesOf {
		p[v] = GP64()
		Load(Param(v), p[v])
	}
	n = GP64()
	Load(Param("n"), n)
	for _, v := range scalars {
		s = append(s, broadcast(v))
	}
	return p, n, s
}

// each emits a function that computes the elements of out from those of in and the scalars.
func each(name, doc string, out, in, scalars []string, body func(x, s []vec) []vec) {
	all := slices.Clone(out)
	for _, v := range in {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	p, n, s := begin(name, doc, all, scalars, "")
	loop(n, func(i reg.GPVirtual, mask *vec) {
		var x []vec
		for _, v := range in {
			x = append(x, load(Mem{Base: p[v], Index: i, Scale: 1}, mask))
		}
		for k, y := range body(x, s) {
			store(y, Mem{Base: p[out[k]], Index: i, Scale: 1}, mask)
		}
	})
	VZEROUPPER()
	RET()
}

func list(names ...string) []string { return names }

// exponential replaces x by e^x: with n the integer nearest to x/ln 2 and r = x - n ln 2, ln 2 in two parts
// (the first has 9 trailing zero bits, so that n times it is exact), e^x = 2^n e^r, and e^r is its Taylor
// series up to r⁷, off by 5e-9 where |r| ≤ ln 2/2. 2^n is applied as two powers, so that
// results reach from denormals to infinity. NaN stays NaN.
func exponential(x vec) {
	n, p, t := YMM(), YMM(), YMM()
	VMOVUPS(float(89), t) // e^89 is infinite, e^-104 is zero
	VMINPS(x, t, x)       // of a NaN and a number, both take the operand written first: x
	VMOVUPS(float(-104), t)
	VMAXPS(x, t, x)
	VMULPS(float(math.Log2E), x, n)
	VROUNDPS(U8(0), n, n)
	hi := math.Float32frombits(math.Float32bits(math.Ln2) &^ 0x1ff)
	VFNMADD231PS(float(hi), n, x)
	VFNMADD231PS(float(float32(math.Ln2-float64(hi))), n, x)
	VMOVUPS(float(1.0/5040), p)
	for _, c := range []float32{1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1} {
		VFMADD213PS(float(c), x, p)
	}
	VCVTPS2DQ(n, n)
	VPSRAD(U8(1), n, t)
	VPSUBD(t, n, n)
	for _, h := range []vec{t, n} {
		VPADDD(bits(127), h, h)
		VPSLLD(U8(23), h, h)
		VMULPS(h, p, p)
	}
	VMOVAPS(p, x)
}

// sigmoid returns 1/(1+e^-x).
func sigmoid(x vec) vec {
	s := YMM()
	VXORPS(bits(1<<31), x, s)
	exponential(s)
	VADDPS(float(1), s, s)
	one := YMM()
	VMOVUPS(float(1), one)
	VDIVPS(s, one, s)
	return s
}

func elementwise() {
	each("axpyAVX2", "dst[i] += a*x[i]", list("dst"), list("dst", "x"), list("a"), func(x, s []vec) []vec {
		VFMADD231PS(x[1], s[0], x[0])
		return x[:1]
	})
	each("addAVX2", "dst[i] += a[i]", list("dst"), list("dst", "a"), nil, func(x, _ []vec) []vec {
		VADDPS(x[1], x[0], x[0])
		return x[:1]
	})
	each("mulAVX2", "dst[i] *= a[i]", list("dst"), list("dst", "a"), nil, func(x, _ []vec) []vec {
		VMULPS(x[1], x[0], x[0])
		return x[:1]
	})
	each("scaleAVX2", "dst[i] *= s", list("dst"), list("dst"), list("s"), func(x, s []vec) []vec {
		VMULPS(s[0], x[0], x[0])
		return x
	})
	each("mulScaleAVX2", "dst[i] = x[i]*s*w[i]", list("dst"), list("x", "w"), list("s"), func(x, s []vec) []vec {
		VMULPS(s[0], x[0], x[0])
		VMULPS(x[1], x[0], x[0])
		return x[:1]
	})
	each("expAVX2", "dst[i] = exp(x[i])", list("dst"), list("x"), nil, func(x, _ []vec) []vec {
		exponential(x[0])
		return x
	})
	each("siluAVX2", "dst[i] = x[i]/(1+exp(-x[i]))", list("dst"), list("x"), nil, func(x, _ []vec) []vec {
		VMULPS(sigmoid(x[0]), x[0], x[0])
		return x
	})
	each("siluMulAVX2", "dst[i] = gate[i]/(1+exp(-gate[i]))*up[i]", list("dst"), list("gate", "up"), nil, func(x, _ []vec) []vec {
		VMULPS(sigmoid(x[0]), x[0], x[0])
		VMULPS(x[1], x[0], x[0])
		return x[:1]
	})
	each("siluMulBackwardAVX2", "s := 1/(1+exp(-gate[i])); dgate[i], dup[i] = dy[i]*up[i]*s*(1+gate[i]*(1-s)), dy[i]*gate[i]*s",
		list("dgate", "dup"), list("dy", "gate", "up"), nil, func(x, _ []vec) []vec {
			dy, g, u := x[0], x[1], x[2]
			s, t := sigmoid(g), YMM()
			VMULPS(s, dy, dy) // dy*s
			VMULPS(dy, u, u)  // dy*s*up
			VMOVUPS(float(1), t)
			VSUBPS(s, t, t)
			VFMADD213PS(float(1), g, t) // 1+g*(1-s)
			VMULPS(t, u, u)
			VMULPS(g, dy, dy)
			return []vec{u, dy}
		})
	each("normBackwardAVX2", "r := dy[i]*inv; dx[i] += r*w[i] - c*x[i]; dw[i] += r*x[i]",
		list("dx", "dw"), list("dx", "dw", "dy", "x", "w"), list("inv", "c"), func(x, s []vec) []vec {
			dx, dw, r, v, w := x[0], x[1], x[2], x[3], x[4]
			VMULPS(s[0], r, r)
			VMULPS(r, w, w)
			VFNMADD231PS(s[1], v, w)
			VADDPS(w, dx, dx)
			VFMADD231PS(r, v, dw)
			return x[:2]
		})
	each("softmaxBackwardAVX2", "dx[i] = y[i]*(dy[i]-s)", list("dx"), list("dy", "y"), list("s"), func(x, s []vec) []vec {
		VSUBPS(s[0], x[0], x[0])
		VMULPS(x[1], x[0], x[0])
		return x[:1]
	})
	each("adamWAVX2", "m[i] = beta1*m[i] + rest1*grad[i]; v[i] = beta2*v[i] + rest2*grad[i]*grad[i]; w[i] -= lr*(m[i]*bias1/(sqrt(v[i]*bias2)+eps) + decay*w[i])",
		list("w", "m", "v"), list("w", "m", "v", "grad"), list("beta1", "rest1", "beta2", "rest2", "bias1", "bias2", "eps", "lr", "decay"), func(x, s []vec) []vec {
			w, m, v, g := x[0], x[1], x[2], x[3]
			VMULPS(s[0], m, m)
			VFMADD231PS(s[1], g, m)
			VMULPS(g, g, g)
			VMULPS(s[2], v, v)
			VFMADD231PS(s[3], g, v)
			VMULPS(s[5], v, g)
			VSQRTPS(g, g)
			VADDPS(s[6], g, g)
			t := YMM()
			VMULPS(s[4], m, t)
			VDIVPS(g, t, t)
			VFMADD231PS(s[8], w, t)
			VFNMADD231PS(s[7], t, w)
			return x[:3]
		})
}
