package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// quantize turns blocks of 32 floats into int8 and a scale. Magnitudes are compared as integers, which
// puts NaN above infinity above all numbers.
func quantize() {
	TEXT("quantizeAVX2", NOSPLIT, "func(q *int8, d, x *float32, blocks int)")
	Pragma("noescape")
	Doc("quantizeAVX2 is quantizeGo over the given number of blocks, at least one.")
	q, d, x, n := GP64(), GP64(), GP64(), GP64()
	Load(Param("q"), q)
	Load(Param("d"), d)
	Load(Param("x"), x)
	Load(Param("blocks"), n)
	order := YMM()
	VMOVDQU(table("lanes_unpack", 0, 4, 1, 5, 2, 6, 3, 7), order)
	Label("block")
	var v [4]vec
	top := YMM()
	for i := range v {
		v[i] = YMM()
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v[i])
	}
	t := YMM()
	for i := range v {
		if i == 0 {
			VANDPS(bits(math.MaxInt32), v[i], top)
			continue
		}
		VANDPS(bits(math.MaxInt32), v[i], t)
		VPMAXSD(t, top, top)
	}
	VPERM2F128(U8(1), top, top, t)
	VPMAXSD(t, top, top)
	VPSHUFD(U8(0x4e), top, t)
	VPMAXSD(t, top, top)
	VPSHUFD(U8(0xb1), top, t)
	VPMAXSD(t, top, top)
	// inv = min(127/top, MaxFloat32): for a block of zeros it multiplies zeros.
	inv, scale, diff := YMM(), YMM(), XMM()
	VMOVUPS(float(127), inv)
	VDIVPS(top, inv, inv)
	VMINPS(float(math.MaxFloat32), inv, inv)
	VMOVUPS(float(127), t)
	VDIVPS(t, top, scale)
	VCVTPS2PH(U8(0), scale.AsX(), scale.AsX())
	VCVTPH2PS(scale.AsX(), scale.AsX())
	VSUBSS(scale.AsX(), scale.AsX(), diff)
	VADDSS(diff, scale.AsX(), diff) // an infinity becomes NaN
	VMOVSS(diff, Mem{Base: d})
	for i := range v {
		VMULPS(inv, v[i], v[i])
		VCVTPS2DQ(v[i], v[i])
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], order, v[0])
	VMOVDQU(v[0], Mem{Base: q})
	pairs, half := YMM(), XMM()
	VMOVDQU(bits(0x01010101), pairs)
	VPMADDUBSW(v[0], pairs, pairs)
	VPMADDWD(bits(0x00010001), pairs, pairs)
	VEXTRACTI128(U8(1), pairs, half)
	VPADDD(pairs.AsX(), half, half)
	VPSHUFD(U8(0x4e), half, pairs.AsX())
	VPADDD(pairs.AsX(), half, half)
	VPSHUFD(U8(0xb1), half, pairs.AsX())
	VPADDD(pairs.AsX(), half, half)
	VMOVD(half, Mem{Base: d, Disp: 4})
	ADDQ(U32(128), x)
	ADDQ(U8(32), q)
	ADDQ(U8(8), d)
	DECQ(n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
