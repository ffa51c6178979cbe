// Command _asm writes the assembly of engine/kernel. From engine/kernel:
//
//	go generate
//
// runs it once per instruction set. Each file of this package emits one group of functions.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	set := flag.String("set", "avx2", "instruction set to write: avx2")
	ConstraintExpr("!purego")
	flag.Parse()
	switch *set {
	case "avx2":
		elementwise()
		reductions()
		rotations()
		quantize()
		for cols := 1; cols <= 4; cols++ {
			for _, rows := range []int{1, floatRows(cols)} {
				for _, t := range []string{"F32", "F16", "BF16"} {
					rowsFloat(t, rows, cols)
				}
			}
		}
		for cols := 1; cols <= 4; cols++ {
			rowsQuant("Q8", 1, cols)
			rowsQuant("Q4", 1, cols)
			if r := quantRows(cols); r > 1 {
				rowsQuant("Q8", r, cols)
				rowsQuant("Q4", r, cols)
			}
		}
		for rows := 1; rows <= 6; rows++ {
			gemm(rows, false)
			gemm(rows, true)
		}
		packing()
		pause()
	default:
		panic("instruction set " + *set)
	}
	Generate()
}
