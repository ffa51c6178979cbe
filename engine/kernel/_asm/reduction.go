package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func zero(n int) []vec {
	var v []vec
	for range n {
		r := YMM()
		VXORPS(r, r, r)
		v = append(v, r)
	}
	return v
}

// fold adds the lanes of a to one number in lane 0 of the result.
func fold(a vec) reg.VecVirtual {
	lo, hi := XMM(), XMM()
	VHADDPS(a, a, a)
	VHADDPS(a, a, a)
	VEXTRACTF128(U8(1), a, hi)
	VMOVAPS(a.AsX(), lo)
	VADDSS(hi, lo, lo)
	return lo
}

func reductions() {
	dot()
	sumSquares()
	maximum()
	expSum("expSumAVX2", "for i := range n { dst[i] = exp(x[i]-top); s += dst[i] }", true)
	expSum("sumExpAVX2", "for i := range n { s += exp(x[i]-top) }", false)
	normSums()
}

// dot keeps four sums of 8 lanes, enough for the latency of FMA.
func dot() {
	p, n, _ := begin("dotAVX2", "for i := range n { s += a[i]*b[i] }", list("a", "b"), nil, " float32")
	acc := zero(4)
	a, b := p["a"], p["b"]
	Label("loop32")
	CMPQ(n, U8(32))
	JLT(LabelRef("few"))
	for k, s := range acc {
		x := load(Mem{Base: a, Disp: 32 * k}, nil)
		VFMADD231PS(Mem{Base: b, Disp: 32 * k}, x, s)
	}
	ADDQ(U32(128), a)
	ADDQ(U32(128), b)
	SUBQ(U8(32), n)
	JMP(LabelRef("loop32"))
	Label("few")
	loop(n, func(i reg.GPVirtual, mask *vec) {
		x := load(Mem{Base: a, Index: i, Scale: 1}, mask)
		y := load(Mem{Base: b, Index: i, Scale: 1}, mask)
		VFMADD231PS(y, x, acc[0])
	})
	VADDPS(acc[1], acc[0], acc[0])
	VADDPS(acc[3], acc[2], acc[2])
	VADDPS(acc[2], acc[0], acc[0])
	Store(fold(acc[0]), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func sumSquares() {
	p, n, _ := begin("sumSquaresAVX2", "for i := range n { s += float64(x[i])*float64(x[i]) }", list("x"), nil, " float64")
	acc := zero(4)
	x := p["x"]
	Label("loop16")
	CMPQ(n, U8(16))
	JLT(LabelRef("few"))
	for k, s := range acc {
		v := YMM()
		VCVTPS2PD(Mem{Base: x, Disp: 16 * k}, v)
		VFMADD231PD(v, v, s)
	}
	ADDQ(U8(64), x)
	SUBQ(U8(16), n)
	JMP(LabelRef("loop16"))
	Label("few")
	loop(n, func(i reg.GPVirtual, mask *vec) {
		v := load(Mem{Base: x, Index: i, Scale: 1}, mask)
		hi, lo, d := XMM(), YMM(), YMM()
		VEXTRACTF128(U8(1), v, hi)
		VCVTPS2PD(v.AsX(), lo)
		VFMADD231PD(lo, lo, acc[0])
		VCVTPS2PD(hi, d)
		VFMADD231PD(d, d, acc[1])
	})
	VADDPD(acc[1], acc[0], acc[0])
	VADDPD(acc[3], acc[2], acc[2])
	VADDPD(acc[2], acc[0], acc[0])
	hi, lo := XMM(), XMM()
	VHADDPD(acc[0], acc[0], acc[0])
	VEXTRACTF128(U8(1), acc[0], hi)
	VMOVAPD(acc[0].AsX(), lo)
	VADDSD(hi, lo, lo)
	Store(lo, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func maximum() {
	p, n, _ := begin("maxAVX2", "s = -Inf; for i := range n { if x[i] > s { s = x[i] } }", list("x"), nil, " float32")
	low := float(float32(math.Inf(-1)))
	acc := []vec{YMM(), YMM(), YMM(), YMM()}
	for _, s := range acc {
		VMOVUPS(low, s)
	}
	x := p["x"]
	Label("loop32")
	CMPQ(n, U8(32))
	JLT(LabelRef("few"))
	for k, s := range acc {
		// Of a NaN and a number, VMAXPS takes the operand written first: s.
		v := load(Mem{Base: x, Disp: 32 * k}, nil)
		VMAXPS(s, v, s)
	}
	ADDQ(U32(128), x)
	SUBQ(U8(32), n)
	JMP(LabelRef("loop32"))
	Label("few")
	loop(n, func(i reg.GPVirtual, mask *vec) {
		v := load(Mem{Base: x, Index: i, Scale: 1}, mask)
		if mask != nil {
			t := YMM()
			VMOVUPS(low, t)
			VBLENDVPS(*mask, v, t, v)
		}
		VMAXPS(acc[0], v, acc[0])
	})
	VMAXPS(acc[1], acc[0], acc[0])
	VMAXPS(acc[3], acc[2], acc[2])
	VMAXPS(acc[2], acc[0], acc[0])
	hi, s := XMM(), XMM()
	VEXTRACTF128(U8(1), acc[0], hi)
	VMAXPS(acc[0].AsX(), hi, hi)
	VPERMILPS(U8(0x4e), hi, s)
	VMAXPS(hi, s, hi)
	VPERMILPS(U8(0xb1), hi, s)
	VMAXPS(hi, s, hi)
	Store(hi, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// expSum stores the exponentials only where kept.
func expSum(name, doc string, kept bool) {
	streams := list("dst", "x")
	if !kept {
		streams = list("x")
	}
	p, n, s := begin(name, doc, streams, list("top"), " float32")
	acc := zero(1)[0]
	loop(n, func(i reg.GPVirtual, mask *vec) {
		v := load(Mem{Base: p["x"], Index: i, Scale: 1}, mask)
		VSUBPS(s[0], v, v)
		exponential(v)
		if kept {
			store(v, Mem{Base: p["dst"], Index: i, Scale: 1}, mask)
		}
		if mask != nil {
			VANDPS(*mask, v, v)
		}
		VADDPS(v, acc, acc)
	})
	Store(fold(acc), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func normSums() {
	p, n, _ := begin("normSumsAVX2", "for i := range n { xx += x[i]*x[i]; gx += dy[i]*w[i]*x[i] }", list("x", "dy", "w"), nil, " (xx, gx float32)")
	acc := zero(2)
	loop(n, func(i reg.GPVirtual, mask *vec) {
		x := load(Mem{Base: p["x"], Index: i, Scale: 1}, mask)
		g := load(Mem{Base: p["dy"], Index: i, Scale: 1}, mask)
		w := load(Mem{Base: p["w"], Index: i, Scale: 1}, mask)
		VMULPS(w, g, g)
		VFMADD231PS(x, x, acc[0])
		VFMADD231PS(g, x, acc[1])
	})
	Store(fold(acc[0]), ReturnIndex(0))
	Store(fold(acc[1]), ReturnIndex(1))
	VZEROUPPER()
	RET()
}
