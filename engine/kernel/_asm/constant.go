package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// vectors are the constants written so far, by their 32-bit pattern.
var vectors = map[uint32]Mem{}

// bits is a constant of 8 equal 32-bit lanes in memory.
func bits(v uint32) Mem {
	if m, ok := vectors[v]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("lanes_%08x", v), RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	vectors[v] = m
	return m
}

// float is a constant of 8 equal floats in memory.
func float(v float32) Mem { return bits(math.Float32bits(v)) }

var maskTable *Mem

// masks is 8 lanes of ones followed by 8 of zeros: loaded 4*(8-n) bytes in, it selects n lanes.
func masks() Mem {
	if maskTable == nil {
		m := GLOBL("lanes_mask", RODATA|NOPTR)
		for i := range 16 {
			v := uint32(0)
			if i < 8 {
				v = math.MaxUint32
			}
			DATA(4*i, U32(v))
		}
		maskTable = &m
	}
	return *maskTable
}

// table puts values into memory, 4 bytes each.
func table(name string, values ...uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, v := range values {
		DATA(4*i, U32(v))
	}
	return m
}
