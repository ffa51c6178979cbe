// Package checkpoint shows a model in any file format as one thing: configuration, named tensors,
// vocabulary and chat template.
//
// Read are GGUF files, Hugging Face folders (config.json, tokenizer.json, safetensors) and
// llama2.c's version 0 files. Whatever the source, tensors have GGUF's canonical names and
// layout: Llama's queries and keys lie with rotated pairs interleaved, vectors are F32.
//
// A checkpoint is checked when it is opened: settings that would be computed wrongly are
// refused, and every tensor the configuration calls for is there in the right shape.
//
// # Caveats
//
// Tensor data may lie in mapped memory: they are read only, have no alignment, and are gone
// after Close.
package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// The formats a checkpoint comes from.
const (
	FormatGGUF        = "gguf"
	FormatHuggingFace = "huggingface"
	FormatLlama2C     = "llama2.c"
	FormatMemory      = "memory"
)

// ErrFormat is returned for a file or folder that is no checkpoint this package reads.
var ErrFormat = errors.New("not a model this program can read")

// Checkpoint is a whole model. Any number of goroutines may read it; Close must come after them.
type Checkpoint struct {
	Path         string // of the file or folder; empty for New
	Format       string // one of the Format constants
	Name         string
	Config       Config
	Vocab        tokenizer.Spec // without Tokens where the model has no vocabulary
	ChatTemplate string         // Jinja source; empty where there is none

	tensors []Tensor
	index   map[string]int // canonical name to index into tensors
	files   []string       // that hold the weights
	closers []func() error

	mu     sync.Mutex
	digest string // empty until asked for
}

// Tensor is one named array of weights.
type Tensor struct {
	Name  string // GGUF's canonical name
	Type  quant.Type
	Shape []int  // row-major: (rows, columns) or (elements)
	Data  []byte // whole blocks of Type, row after row
}

// Rows and Cols see a vector as one row.
func (t Tensor) Rows() int {
	if len(t.Shape) < 2 {
		return 1
	}
	return t.Shape[0]
}

// Cols is the length of a row.
func (t Tensor) Cols() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// Elements is the product of the shape.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Floats returns the weights as float32, in row-major order. The error wraps quant.ErrUnsupported
// for types without a conversion.
func (t Tensor) Floats() ([]float32, error) {
	out := make([]float32, t.Elements())
	if err := quant.Dequantize(t.Type, out, t.Data); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return out, nil
}

// Open reads the model at path: a GGUF file, a Hugging Face folder or a llama2.c file.
func Open(path string) (*Checkpoint, error) {
	format, err := detect(path)
	if err != nil {
		return nil, err
	}
	switch format {
	case FormatHuggingFace:
		return openHuggingFace(path)
	case FormatGGUF:
		return openGGUF(path)
	}
	return openLlama2C(path)
}

// New makes a checkpoint of tensors in memory, named canonically. It checks that they fit cfg.
// vocab may be without tokens. The tensors' data are not copied.
func New(cfg Config, vocab tokenizer.Spec, chatTemplate string, tensors []Tensor) (*Checkpoint, error) {
	c := &Checkpoint{Format: FormatMemory, Config: cfg, Vocab: vocab, ChatTemplate: chatTemplate}
	if err := c.settle(tensors); err != nil {
		return nil, err
	}
	return c, nil
}

// Close gives back what Open mapped. It may be called more than once.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.closers {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// Tensor finds a tensor by its canonical name.
func (c *Checkpoint) Tensor(name string) (Tensor, bool) {
	i, ok := c.index[name]
	if !ok {
		return Tensor{}, false
	}
	return c.tensors[i], true
}

// Tensors returns all tensors in canonical order: embedding, layers, output.
func (c *Checkpoint) Tensors() []Tensor { return slices.Clone(c.tensors) }

// detect finds the format of what lies at path from its content.
func detect(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return FormatHuggingFace, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var head [4]byte
	n, _ := f.ReadAt(head[:], 0) // a short file has no magic
	switch {
	case string(head[:n]) == "GGUF":
		return FormatGGUF, nil
	case strings.EqualFold(filepath.Ext(path), ".bin"):
		return FormatLlama2C, nil
	case strings.EqualFold(filepath.Ext(path), ".safetensors"):
		return "", &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w: give the folder with config.json beside this file", ErrFormat)}
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w: begins with %q; known are GGUF files, Hugging Face folders and llama2.c .bin files", ErrFormat, head[:n])}
}

// settle checks configuration and tensors, makes vectors F32, puts the tensors into canonical
// order and pads the vocabulary to the rows of the embedding.
func (c *Checkpoint) settle(tensors []Tensor) error {
	if err := c.Config.Check(); err != nil {
		return err
	}
	have := make(map[string][]int, len(tensors))
	index := make(map[string]int, len(tensors))
	for i, t := range tensors {
		if _, dup := have[t.Name]; dup {
			return fmt.Errorf("%w: %q occurs twice", ErrTensor, t.Name)
		}
		have[t.Name] = t.Shape
		index[t.Name] = i
	}
	params := c.Config.params()
	if err := c.Config.fit(params, func(p param) string { return p.name }, have); err != nil {
		return err
	}
	c.index = make(map[string]int, len(params))
	for i, p := range params {
		t, err := settleTensor(tensors[index[p.name]])
		if err != nil {
			return fmt.Errorf("tensor %q: %w", p.name, err)
		}
		c.tensors = append(c.tensors, t)
		c.index[p.name] = i
	}
	return padVocab(&c.Vocab, c.Config.Vocab)
}

// settleTensor checks the length of the data and makes vectors F32.
func settleTensor(t Tensor) (Tensor, error) {
	row, err := t.Type.RowBytes(t.Cols())
	if err != nil {
		return t, err
	}
	if want := row * t.Rows(); len(t.Data) != want {
		return t, fmt.Errorf("%w: %d bytes of data, %v %v takes %d", ErrTensor, len(t.Data), t.Type, t.Shape, want)
	}
	if len(t.Shape) > 1 || t.Type == quant.F32 {
		return t, nil
	}
	return convert(t, quant.F32)
}

// convert returns t in another type, all in new memory.
func convert(t Tensor, to quant.Type) (Tensor, error) {
	cols, rows := t.Cols(), t.Rows()
	from, err := t.Type.RowBytes(cols)
	if err != nil {
		return t, err
	}
	size, err := to.RowBytes(cols)
	if err != nil {
		return t, err
	}
	out := make([]byte, size*rows)
	row := make([]float32, cols)
	for r := range rows {
		if err := quant.Dequantize(t.Type, row, t.Data[r*from:(r+1)*from]); err != nil {
			return t, err
		}
		if err := quant.Quantize(to, out[r*size:(r+1)*size], row); err != nil {
			return t, fmt.Errorf("row %d: %w", r, err)
		}
	}
	t.Type, t.Data = to, out
	return t, nil
}
