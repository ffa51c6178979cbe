package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// packing emits the copies that bring B into panels of 16 columns.
func packing() {
	TEXT("packRowsAVX2", NOSPLIT, "func(dst, b *float32, ldb int, k int)")
	Pragma("noescape")
	Doc("packRowsAVX2 is: for i := range k { copy(dst[16*i:], b[i*ldb:][:16]) }; ldb in bytes, k at least 1")
	dst, b, ldb, k := GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("b"), b)
	Load(Param("ldb"), ldb)
	Load(Param("k"), k)
	Label("loop")
	lo, hi := YMM(), YMM()
	VMOVUPS(Mem{Base: b}, lo)
	VMOVUPS(Mem{Base: b, Disp: 32}, hi)
	VMOVUPS(lo, Mem{Base: dst})
	VMOVUPS(hi, Mem{Base: dst, Disp: 32})
	ADDQ(ldb, b)
	ADDQ(U8(64), dst)
	DECQ(k)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()

	TEXT("packSixesAVX2", NOSPLIT, "func(dst, a *float32, lda int, k int, tiles int)")
	Pragma("noescape")
	Doc("packSixesAVX2 is: for i := range k { for t := range tiles { copy(dst[(t*k+i)*6:], a[i*lda+6*t:][:6]) } };", "lda in bytes, k and tiles at least 1")
	to, a, step, n := GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), to)
	Load(Param("a"), a)
	Load(Param("lda"), step)
	Load(Param("k"), n)
	far := GP64() // from tile to tile
	IMUL3Q(U8(24), n, far)
	Label("row")
	from, at, left := GP64(), GP64(), GP64()
	MOVQ(a, from)
	MOVQ(to, at)
	Load(Param("tiles"), left)
	Label("six")
	four, two := XMM(), XMM()
	VMOVUPS(Mem{Base: from}, four)
	VMOVSD(Mem{Base: from, Disp: 16}, two)
	VMOVUPS(four, Mem{Base: at})
	VMOVSD(two, Mem{Base: at, Disp: 16})
	ADDQ(U8(24), from)
	ADDQ(far, at)
	DECQ(left)
	JNZ(LabelRef("six"))
	ADDQ(step, a)
	ADDQ(U8(24), to)
	DECQ(n)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()

	TEXT("packTransposedAVX2", NOSPLIT, "func(dst, b *float32, ldb int, blocks int)")
	Pragma("noescape")
	Doc("packTransposedAVX2 is: for i := range 8*blocks { for j := range 8 { dst[16*i+j] = b[j*ldb+i] } }; ldb in bytes, blocks at least 1")
	dst, b, ldb, k = GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("b"), b)
	Load(Param("ldb"), ldb)
	Load(Param("blocks"), k)
	triple, low := GP64(), GP64()
	LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, triple)
	Label("block")
	LEAQ(Mem{Base: b, Index: ldb, Scale: 4}, low)
	// Rows j and j+4 share a register, one in each half, so that no lane has to cross over later.
	var v, t [8]vec
	for i := range v {
		v[i], t[i] = YMM(), YMM()
	}
	for i := range 8 {
		r, half := i%4, 16*(i/4)
		VMOVUPS(stride(b, ldb, triple, r, half), v[i].AsX())
		VINSERTF128(U8(1), stride(low, ldb, triple, r, half), v[i], v[i])
	}
	for h := 0; h < 8; h += 4 { // columns h to h+3
		VUNPCKLPS(v[h+1], v[h], t[h])
		VUNPCKHPS(v[h+1], v[h], t[h+1])
		VUNPCKLPS(v[h+3], v[h+2], t[h+2])
		VUNPCKHPS(v[h+3], v[h+2], t[h+3])
		VUNPCKLPD(t[h+2], t[h], v[h])
		VUNPCKHPD(t[h+2], t[h], v[h+1])
		VUNPCKLPD(t[h+3], t[h+1], v[h+2])
		VUNPCKHPD(t[h+3], t[h+1], v[h+3])
	}
	for i := range 8 {
		VMOVUPS(v[i], Mem{Base: dst, Disp: 64 * i})
	}
	ADDQ(U8(32), b)
	ADDQ(U32(512), dst)
	DECQ(k)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
