package kernel

import (
	"fmt"
	"math"

	"github.com/tokenassay/assay/engine/quant"
)

// Weight is a matrix in the bytes of its file: (rows, cols), row-major, whole blocks in each row.
// It is read only and safe for concurrent use.
type Weight struct {
	typ        quant.Type
	rows, cols int
	rowBytes   int
	data       []byte
}

// NewWeight makes a matrix of data, which it keeps and does not copy. data must hold exactly
// rows*cols elements. The error wraps quant's: unknown or unsupported type, wrong length.
func NewWeight(t quant.Type, rows, cols int, data []byte) (*Weight, error) {
	if rows < 1 || cols < 1 {
		return nil, fmt.Errorf("%v weight of %d x %d: %w", t, rows, cols, quant.ErrLength)
	}
	rowBytes, err := t.RowBytes(cols)
	if err != nil {
		return nil, fmt.Errorf("weight of %d x %d: %w", rows, cols, err)
	}
	if !t.Supported() {
		return nil, fmt.Errorf("%v weight of %d x %d: %w", t, rows, cols, quant.ErrUnsupported)
	}
	if rows > math.MaxInt/rowBytes || len(data) != rows*rowBytes {
		return nil, fmt.Errorf("%v weight of %d x %d in %d bytes, a row takes %d: %w", t, rows, cols, len(data), rowBytes, quant.ErrLength)
	}
	return &Weight{t, rows, cols, rowBytes, data}, nil
}

// Type is how the elements are stored.
func (w *Weight) Type() quant.Type { return w.typ }

// Rows is the number of outputs of a product.
func (w *Weight) Rows() int { return w.rows }

// Cols is the number of inputs of a product.
func (w *Weight) Cols() int { return w.cols }

// Bytes is the size of the matrix.
func (w *Weight) Bytes() int { return len(w.data) }

// Row dequantises row r into dst, which has Cols elements.
func (w *Weight) Row(dst []float32, r int) {
	if r < 0 || r >= w.rows || len(dst) != w.cols {
		panic(fmt.Sprintf("kernel.Weight.Row: row %d of (%d, %d) into %d elements", r, w.rows, w.cols, len(dst)))
	}
	if err := quant.Dequantize(w.typ, dst, w.row(r, r+1)); err != nil {
		panic("kernel.Weight.Row: " + err.Error()) // NewWeight has checked type and lengths
	}
}

// row is the bytes of rows [lo, hi).
func (w *Weight) row(lo, hi int) []byte { return w.data[lo*w.rowBytes : hi*w.rowBytes] }
