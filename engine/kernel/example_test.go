package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tokenassay/assay/engine/kernel"
	"github.com/tokenassay/assay/engine/quant"
)

func ExampleMatMul() {
	var data []byte
	for _, v := range []float32{1, 2, 3, 4, 5, 6} {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	w, err := kernel.NewWeight(quant.F32, 2, 3, data) // rows 1 2 3 and 4 5 6
	if err != nil {
		panic(err)
	}
	pool := kernel.NewPool(0)
	defer pool.Close()
	x := []float32{1, 1, 1, 1, 0, -1} // two rows of activations
	dst := make([]float32, 2*2)
	kernel.MatMul(pool, dst, w, x, 2, nil)
	fmt.Println(dst)
	// Output: [6 15 -2 -2]
}

func ExampleGemm() {
	a := []float32{1, 2, 3, 4} // (2, 2)
	b := []float32{1, 0, 1, 1} // (2, 2), taken transposed
	c := []float32{10, 10, 10, 10}
	kernel.Gemm(nil, false, true, 2, 2, 2, a, b, 1, c)
	fmt.Println(c)
	// Output: [11 13 13 17]
}
