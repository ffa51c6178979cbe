package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// floatRows is how many rows of float weights a kernel for cols columns takes at once:
// sums, weights and one activation must fit 16 registers.
func floatRows(cols int) int {
	if cols <= 2 {
		return 4
	}
	return 3
}

// quantRows is the same for blocks of int8, which need more registers between.
func quantRows(cols int) int { return [...]int{0, 4, 2, 1, 1}[cols] }

// stride addresses base + i*step, i in [0, 3]; triple holds 3*step.
func stride(base, step, triple reg.GPVirtual, i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 3:
		return Mem{Base: base, Index: triple, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Index: step, Scale: uint8(i), Disp: disp}
}

// steps loads a stride parameter, and three times it where count says that it is needed.
func steps(param string, count int) (step, triple reg.GPVirtual) {
	step = GP64()
	if count > 1 {
		Load(Param(param), step)
	}
	if count > 3 {
		triple = GP64()
		LEAQ(Mem{Base: step, Index: step, Scale: 2}, triple)
	}
	return step, triple
}

// storeSums folds acc[row][col], 8 lanes each, and stores them at dst[col*dstStride+row]. The order of
// additions is the same for every shape: neighbours, neighbours again, then the two halves.
func storeSums(acc [][]vec, dst reg.GPVirtual) {
	rows, cols := len(acc), len(acc[0])
	step, triple := steps("dstStride", cols)
	for c := range cols {
		at := func(disp int) Mem { return stride(dst, step, triple, c, disp) }
		last := acc[rows-1][c]
		if rows == 1 {
			VMOVSS(fold(last), at(0))
			continue
		}
		VHADDPS(acc[1][c], acc[0][c], acc[0][c])
		if rows > 2 {
			VHADDPS(last, acc[2][c], acc[2][c])
			VHADDPS(acc[2][c], acc[0][c], acc[0][c])
		} else {
			VHADDPS(acc[0][c], acc[0][c], acc[0][c])
		}
		hi := XMM()
		VEXTRACTF128(U8(1), acc[0][c], hi)
		VADDPS(hi, acc[0][c].AsX(), hi)
		switch rows {
		case 4:
			VMOVUPS(hi, at(0))
		default:
			VMOVLPS(hi, at(0))
			if rows == 3 {
				VEXTRACTPS(U8(2), hi, at(8))
			}
		}
	}
}

func accumulators(rows, cols int) [][]vec {
	acc := make([][]vec, rows)
	for r := range acc {
		acc[r] = zero(cols)
	}
	return acc
}

// rowsFloat multiplies tiles of rows weight rows with cols columns, in steps of 8 elements.
func rowsFloat(typ string, rows, cols int) {
	name := fmt.Sprintf("rows%sx%dx%dAVX2", typ, rows, cols)
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride int, w *byte, rowBytes int, tiles int, x *float32, xStride int, steps int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is: for r := range %d*tiles { for c := range %d { for k := range 8*steps { dst[c,r] += w[r,k]*x[c,k] } } };", name, rows, cols), "strides in bytes, steps at least 1")
	dst, w, x, tiles, wp, xp, n := GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("w"), w)
	Load(Param("x"), x)
	Load(Param("tiles"), tiles)
	rowStep, rowTriple := steps("rowBytes", max(rows, 2))
	xStep, xTriple := steps("xStride", cols)
	size := 16
	if typ == "F32" {
		size = 32
	}
	Label("tile")
	acc := accumulators(rows, cols)
	MOVQ(w, wp)
	MOVQ(x, xp)
	Load(Param("steps"), n)
	Label("loop")
	weights := make([]vec, rows)
	for r := range weights {
		weights[r] = YMM()
		m := stride(wp, rowStep, rowTriple, r, 0)
		switch typ {
		case "F32":
			VMOVUPS(m, weights[r])
		case "F16":
			VCVTPH2PS(m, weights[r])
		case "BF16":
			VPMOVZXWD(m, weights[r])
			VPSLLD(U8(16), weights[r], weights[r])
		}
	}
	for c := range cols {
		m := stride(xp, xStep, xTriple, c, 0)
		if rows == 1 {
			VFMADD231PS(m, weights[0], acc[0][c])
			continue
		}
		v := load(m, nil)
		for r := range rows {
			VFMADD231PS(v, weights[r], acc[r][c])
		}
	}
	ADDQ(U8(uint8(size)), wp)
	ADDQ(U8(32), xp)
	DECQ(n)
	JNZ(LabelRef("loop"))
	storeSums(acc, dst)
	ADDQ(U8(uint8(4*rows)), dst)
	nextRows(w, rowStep, rows)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

func nextRows(w, step reg.GPVirtual, rows int) {
	switch rows {
	case 1:
		ADDQ(step, w)
	case 3:
		ADDQ(step, w)
		fallthrough
	case 2:
		LEAQ(Mem{Base: w, Index: step, Scale: 2}, w)
	case 4:
		LEAQ(Mem{Base: w, Index: step, Scale: 4}, w)
	}
}

// rowsQuant multiplies blocks of 32 int8. AVX2 multiplies unsigned by signed bytes: the sign of a Q8 weight
// moves over to the activation; a Q4 weight is taken as 0 to 15, and what 8 times the activations
// come to is subtracted, one eighth in each lane. Neighbours add up within int16, since 2*128*127 < 2^15.
func rowsQuant(typ string, rows, cols int) {
	name := fmt.Sprintf("rows%sx%dx%dAVX2", typ, rows, cols)
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride int, w *byte, rowBytes int, tiles int, q *int8, qStride int, d *float32, dStride int, blocks int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is rows%sGo for %d*tiles rows and %d columns;", name, typ, rows, cols), "strides in bytes, blocks at least 1")
	dst, w, q, d, tiles, wp, n := GP64(), GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("w"), w)
	Load(Param("tiles"), tiles)
	rowStep, rowTriple := steps("rowBytes", max(rows, 2))
	qStep, qTriple := steps("qStride", cols)
	dStep, dTriple := steps("dStride", cols)
	Label("tile")
	acc := accumulators(rows, cols)
	MOVQ(w, wp)
	Load(Param("q"), q)
	Load(Param("d"), d)
	Load(Param("blocks"), n)
	Label("loop")
	type weight struct{ signed, magnitude, scale vec }
	read := func(r int) weight {
		v := weight{YMM(), YMM(), YMM()}
		VPBROADCASTW(stride(wp, rowStep, rowTriple, r, 0), v.scale.AsX())
		VCVTPH2PS(v.scale.AsX(), v.scale)
		quants := stride(wp, rowStep, rowTriple, r, 2)
		if typ == "Q8" {
			VMOVDQU(quants, v.signed)
		} else { // low nibbles in the low half, high nibbles in the high one
			VBROADCASTI128(quants, v.signed)
			VPSRLVQ(nibbleShift(), v.signed, v.signed)
			VPAND(bits(0x0f0f0f0f), v.signed, v.magnitude)
			return v
		}
		VPABSB(v.signed, v.magnitude)
		return v
	}
	type activation struct{ quants, scale, sum vec }
	multiply := func(v weight, x activation, acc vec) {
		t, s := YMM(), YMM()
		if typ == "Q8" {
			VPSIGNB(v.signed, x.quants, t)
			VPMADDUBSW(t, v.magnitude, t)
			VPMADDWD(bits(0x00010001), t, t)
		} else {
			VPMADDUBSW(x.quants, v.magnitude, t)
			VPMADDWD(bits(0x00010001), t, t)
			VPSUBD(x.sum, t, t)
		}
		VCVTDQ2PS(t, t)
		VMULPS(v.scale, x.scale, s)
		VFMADD231PS(s, t, acc)
	}
	column := func(c int) activation {
		x := activation{YMM(), YMM(), YMM()}
		VMOVDQU(stride(q, qStep, qTriple, c, 0), x.quants)
		VBROADCASTSS(stride(d, dStep, dTriple, c, 0), x.scale)
		if typ == "Q4" {
			VPBROADCASTD(stride(d, dStep, dTriple, c, 4), x.sum)
		}
		return x
	}
	if cols == 1 {
		x := column(0)
		for r := range rows {
			multiply(read(r), x, acc[r][0])
		}
	} else {
		for r := range rows {
			v := read(r)
			for c := range cols {
				multiply(v, column(c), acc[r][c])
			}
		}
	}
	size := 34
	if typ == "Q4" {
		size = 18
	}
	ADDQ(U8(uint8(size)), wp)
	ADDQ(U8(32), q)
	ADDQ(U8(8), d)
	DECQ(n)
	JNZ(LabelRef("loop"))
	storeSums(acc, dst)
	ADDQ(U8(uint8(4*rows)), dst)
	nextRows(w, rowStep, rows)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

var shiftTable *Mem

// nibbleShift is the count of VPSRLVQ that brings the nibbles of each half down.
func nibbleShift() Mem {
	if shiftTable == nil {
		m := table("quads_nibble", 0, 0, 0, 0, 4, 0, 4, 0)
		shiftTable = &m
	}
	return *shiftTable
}
