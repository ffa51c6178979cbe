package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// rotations emits both conventions of rotary position embedding.
func rotations() {
	each("ropeNeoxAVX2", "lo[i], hi[i] = lo[i]*cos[i]-hi[i]*sin[i], lo[i]*sin[i]+hi[i]*cos[i]",
		list("lo", "hi"), list("lo", "hi", "cos", "sin"), nil, func(x, _ []vec) []vec {
			lo, hi, c, s := x[0], x[1], x[2], x[3]
			a, b := YMM(), YMM()
			VMULPS(s, hi, a)
			VFMSUB231PS(c, lo, a)
			VMULPS(c, hi, b)
			VFMADD231PS(s, lo, b)
			return []vec{a, b}
		})

	TEXT("ropeAVX2", NOSPLIT, "func(x, cos, sin *float32, n int)")
	Pragma("noescape")
	Doc("ropeAVX2 is: for i := range n { x[2*i], x[2*i+1] = x[2*i]*cos[i]-x[2*i+1]*sin[i], x[2*i]*sin[i]+x[2*i+1]*cos[i] }; n is a multiple of 4")
	x, cos, sin, n := GP64(), GP64(), GP64(), GP64()
	Load(Param("x"), x)
	Load(Param("cos"), cos)
	Load(Param("sin"), sin)
	Load(Param("n"), n)
	twice := YMM()
	VMOVDQU(table("lanes_twice", 0, 0, 1, 1, 2, 2, 3, 3), twice)
	Label("loop4")
	c, s, v, t := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: cos}, c.AsX())
	VMOVUPS(Mem{Base: sin}, s.AsX())
	VPERMPS(c, twice, c)
	VPERMPS(s, twice, s)
	VMOVUPS(Mem{Base: x}, v)
	VPERMILPS(U8(0xb1), v, t)
	VMULPS(s, t, t)
	VFMADDSUB213PS(t, c, v) // even lanes subtract, odd lanes add
	VMOVUPS(v, Mem{Base: x})
	ADDQ(U8(32), x)
	ADDQ(U8(16), cos)
	ADDQ(U8(16), sin)
	SUBQ(U8(4), n)
	JNZ(LabelRef("loop4"))
	VZEROUPPER()
	RET()
}
