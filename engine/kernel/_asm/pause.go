package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pause emits what the pool's spinning loops wait with.
func pause() {
	TEXT("pause", NOSPLIT, "func(n uint32)")
	Doc("pause waits for n PAUSE instructions, some 10 ns each, without giving up the CPU")
	n := GP32()
	Load(Param("n"), n)
	Label("again")
	PAUSE()
	SUBL(U8(1), n)
	JNZ(LabelRef("again"))
	RET()
}
