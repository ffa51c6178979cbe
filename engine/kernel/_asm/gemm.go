package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm emits the tile of rows x 16 columns of C: 2*rows sums, two registers of B, two of A in turn.
// Packed, A holds the rows values of each k side by side; otherwise rows stand lda bytes apart.
// Rows of C are prefetched while the sums run: they are otherwise missed at the end.
func gemm(rows int, packed bool) {
	name := fmt.Sprintf("gemm%dAVX2", rows)
	layout := "a[r*lda+i]"
	if packed {
		name = fmt.Sprintf("gemmPacked%dAVX2", rows)
		layout = fmt.Sprintf("a[i*%d+r]", rows)
	}
	TEXT(name, NOSPLIT, "func(c *float32, ldc int, a *float32, lda int, b *float32, k int, accumulate bool)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is: for r := range %d { for j := range 16 { for i := range k { c[r*ldc+j] += %s*b[i*16+j] } } };", name, rows, layout),
		"c starts from zero unless accumulate; lda and ldc in bytes")
	c, ldc, a, b, k, p := GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	Load(Param("c"), c)
	Load(Param("ldc"), ldc)
	Load(Param("a"), a)
	Load(Param("b"), b)
	Load(Param("k"), k)
	lda, lda3, lda5 := GP64(), GP64(), GP64()
	if !packed && rows > 1 {
		Load(Param("lda"), lda)
		LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
		LEAQ(Mem{Base: lda, Index: lda, Scale: 4}, lda5)
	}
	element := func(r, u int) Mem {
		if packed {
			return Mem{Base: a, Disp: 4 * (rows*u + r)}
		}
		m := Mem{Base: a, Disp: 4 * u}
		switch r {
		case 1, 2, 4:
			m.Index, m.Scale = lda, uint8(r)
		case 3:
			m.Index, m.Scale = lda3, 1
		case 5:
			m.Index, m.Scale = lda5, 1
		}
		return m
	}
	eachRow := func(f func(r int)) {
		MOVQ(c, p)
		for r := range rows {
			f(r)
			if r < rows-1 {
				ADDQ(ldc, p)
			}
		}
	}
	eachRow(func(int) {
		PREFETCHT0(Mem{Base: p})
		PREFETCHT0(Mem{Base: p, Disp: 63})
	})
	physical := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	for i := range 2 * rows {
		VXORPS(physical[i], physical[i], physical[i])
	}
	b0, b1 := physical[12], physical[13]
	step := func(u int) {
		VMOVUPS(Mem{Base: b, Disp: 64 * u}, b0)
		VMOVUPS(Mem{Base: b, Disp: 64*u + 32}, b1)
		for r := range rows {
			x := physical[14+r%2]
			VBROADCASTSS(element(r, u), x)
			VFMADD231PS(x, b0, physical[2*r])
			VFMADD231PS(x, b1, physical[2*r+1])
		}
	}
	advance := func(u int) {
		n := 4 * u
		if packed {
			n *= rows
		}
		ADDQ(U8(uint8(n)), a)
		ADDQ(U32(uint32(64*u)), b)
	}
	const unroll = 4
	SUBQ(U8(unroll), k)
	JLT(LabelRef("few"))
	Label("loop")
	for u := range unroll {
		step(u)
	}
	advance(unroll)
	SUBQ(U8(unroll), k)
	JGE(LabelRef("loop"))
	Label("few")
	ADDQ(U8(unroll), k)
	JZ(LabelRef("sums"))
	Label("one")
	step(0)
	advance(1)
	DECQ(k)
	JNZ(LabelRef("one"))
	Label("sums")
	flag := GP8()
	Load(Param("accumulate"), flag)
	TESTB(flag, flag)
	JZ(LabelRef("store"))
	eachRow(func(r int) {
		VADDPS(Mem{Base: p}, physical[2*r], physical[2*r])
		VADDPS(Mem{Base: p, Disp: 32}, physical[2*r+1], physical[2*r+1])
	})
	Label("store")
	eachRow(func(r int) {
		VMOVUPS(physical[2*r], Mem{Base: p})
		VMOVUPS(physical[2*r+1], Mem{Base: p, Disp: 32})
	})
	VZEROUPPER()
	RET()
}
