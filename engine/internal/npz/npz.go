// Package npz reads the arrays of NumPy's .npz archives: zip files of .npy arrays.
//
// Read are little-endian float16, float32 and float64 arrays in C order (one-dimensional ones in
// either order, which is the same), all as float32. The formats are described in
// numpy/lib/format.py (NEP 1).
package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/tokenassay/assay/engine/quant"
)

// MaxBytes limits what one archive may unpack to.
const MaxBytes = 16 << 20

// What can be wrong, wrapped with the name of the array.
var (
	ErrFormat      = errors.New("invalid array")
	ErrUnsupported = errors.New("unsupported array")
	ErrSize        = errors.New("archive too large")
)

// Array is one array of numbers.
type Array struct {
	Shape []int // row-major; empty for a scalar
	Data  []float32
}

// Open reads all arrays of the archive at path, by name without ".npy".
func Open(path string) (map[string]Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	arrays, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return arrays, nil
}

// Read reads all arrays of an archive of size bytes.
func Read(r io.ReaderAt, size int64) (map[string]Array, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	arrays := make(map[string]Array)
	left := int64(MaxBytes)
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if _, dup := arrays[name]; dup {
			return nil, fmt.Errorf("%q occurs twice: %w", name, ErrFormat)
		}
		data, err := unpack(f, left)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		}
		left -= int64(len(data))
		if arrays[name], err = parse(data); err != nil {
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	return arrays, nil
}

// unpack reads one member of at most limit bytes, whatever size the archive claims for it.
func unpack(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrSize, MaxBytes)
	}
	return buf.Bytes(), nil
}

// The header is a Python dict literal with exactly these keys, sorted.
var header = regexp.MustCompile(`^\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([0-9, ]*)\),?\s*\}\s*$`)

// parse reads one .npy array: magic, version, size of the header, header, numbers.
func parse(data []byte) (Array, error) {
	const magic = "\x93NUMPY"
	if len(data) < 12 || string(data[:6]) != magic {
		return Array{}, fmt.Errorf("%w: no %q at the start", ErrFormat, magic)
	}
	var size, at int
	switch data[6] {
	case 1:
		size, at = int(binary.LittleEndian.Uint16(data[8:])), 10
	case 2, 3:
		size, at = int(min(math.MaxInt32, binary.LittleEndian.Uint32(data[8:]))), 12
	default:
		return Array{}, fmt.Errorf("%w: version %d", ErrUnsupported, data[6])
	}
	if size > len(data)-at {
		return Array{}, fmt.Errorf("%w: header of %d bytes, %d left", ErrFormat, size, len(data)-at)
	}
	m := header.FindSubmatch(data[at : at+size])
	if m == nil {
		return Array{}, fmt.Errorf("%w: header %.200q", ErrFormat, data[at:at+size])
	}
	descr, body := string(m[1]), data[at+size:]
	shape, elements, err := parseShape(string(m[3]), len(body))
	if err != nil {
		return Array{}, err
	}
	if string(m[2]) == "True" && len(shape) > 1 {
		return Array{}, fmt.Errorf("%w: Fortran order", ErrUnsupported)
	}
	width, ok := map[string]int{"<f2": 2, "<f4": 4, "<f8": 8}[descr]
	if !ok {
		return Array{}, fmt.Errorf("%w: type %.20q", ErrUnsupported, descr)
	}
	if len(body)%width != 0 || len(body)/width != elements {
		return Array{}, fmt.Errorf("%w: %d bytes for shape %v of %s", ErrFormat, len(body), shape, descr)
	}
	out := make([]float32, elements)
	for i := range out {
		switch width {
		case 2:
			out[i] = quant.F16ToF32(binary.LittleEndian.Uint16(body[2*i:]))
		case 4:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
		case 8:
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(body[8*i:])))
		}
	}
	return Array{shape, out}, nil
}

// parseShape reads "3, 4" or "3,"; no array has more elements than its file has bytes.
func parseShape(text string, limit int) (shape []int, elements int, err error) {
	elements = 1
	for field := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(text), ","), ",") {
		field = strings.TrimSpace(field)
		if field == "" && shape == nil && strings.TrimSpace(text) == "" {
			break // (), a scalar
		}
		d, err := strconv.Atoi(field)
		if err != nil || d < 0 || d > 0 && elements > limit/d {
			return nil, 0, fmt.Errorf("%w: shape (%.100s)", ErrFormat, text)
		}
		shape = append(shape, d)
		elements *= d
	}
	return shape, elements, nil
}
