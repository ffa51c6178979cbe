package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/tokenassay/assay/engine/internal/mapped"
	"github.com/tokenassay/assay/engine/quant"
	"github.com/tokenassay/assay/engine/tokenizer"
)

// llama2.c's version 0 file (karpathy/llama2.c, run.c and export.py: legacy_export): a header of
// seven int32, then float32 weights, kind by kind, each over all layers.
const (
	llama2CHeader = 7 * 4
	// What the file does not say, run.c has as constants.
	llama2CEps   = 1e-5
	llama2CTheta = 10000
)

func openLlama2C(path string) (_ *Checkpoint, err error) {
	m, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	cfg, tensors, err := parseLlama2C(m.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	vocab, err := readLlama2CVocab(path, cfg.Vocab)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Format: FormatLlama2C, Name: stem(path), Config: cfg, Vocab: vocab}
	if err := c.settle(tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.files = []string{path}
	c.closers = []func() error{m.Close}
	return c, nil
}

// parseLlama2C checks the header against the size of the file and finds the weights in it.
// Queries and keys are interleaved already, as GGUF wants them.
func parseLlama2C(data []byte) (Config, []Tensor, error) {
	if len(data) < llama2CHeader {
		return Config{}, nil, fmt.Errorf("%w: %d bytes, the header of a llama2.c file takes %d", ErrFormat, len(data), llama2CHeader)
	}
	var h [7]int
	for i := range h {
		h[i] = int(int32(binary.LittleEndian.Uint32(data[4*i:])))
	}
	if uint32(h[0]) == 0x616b3432 { // "ak42", the magic of versions 1 and 2
		return Config{}, nil, fmt.Errorf("%w: llama2.c file of version %d, only version 0 is known", ErrFormat, h[1])
	}
	c := Config{
		Arch: Llama, Hidden: h[0], FFN: h[1], Layers: h[2], Heads: h[3], KVHeads: h[4], Vocab: h[5], Context: h[6],
		NormEps: llama2CEps, RopeTheta: llama2CTheta,
		Tied: h[5] > 0, // a negative number of tokens says that there is an output matrix
	}
	if c.Vocab < 0 {
		c.Vocab = -c.Vocab
	}
	if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
		c.RopeDim = c.HeadDim
		if c.Hidden%c.Heads != 0 {
			return c, nil, fmt.Errorf("header: %w: hidden size %d in %d heads", ErrConfig, c.Hidden, c.Heads)
		}
	}
	if err := c.Check(); err != nil {
		return c, nil, fmt.Errorf("header: %w", err)
	}
	w := weights{data: data, at: llama2CHeader, shapes: map[string][]int{}}
	for name, shape := range c.Shapes() {
		w.shapes[name] = shape
	}
	// float32 throughout: parameters, and two tables of rotary frequencies that run.c skips.
	tables := int64(c.Context) * int64(c.HeadDim)
	if want := llama2CHeader + 4*(c.Parameters()+tables); int64(len(data)) != want {
		return c, nil, fmt.Errorf("%w: %d bytes, the header calls for %d", ErrFormat, len(data), want)
	}

	w.take("token_embd.weight")
	w.layers(c.Layers, "attn_norm.weight")
	w.layers(c.Layers, "attn_q.weight")
	w.layers(c.Layers, "attn_k.weight")
	w.layers(c.Layers, "attn_v.weight")
	w.layers(c.Layers, "attn_output.weight")
	w.layers(c.Layers, "ffn_norm.weight")
	w.layers(c.Layers, "ffn_gate.weight")
	w.layers(c.Layers, "ffn_down.weight")
	w.layers(c.Layers, "ffn_up.weight")
	w.take("output_norm.weight")
	w.at += 4 * int(tables)
	if !c.Tied {
		w.take("output.weight")
	}
	return c, w.tensors, nil
}

// weights walks over the float32 arrays of a file whose size is checked already.
type weights struct {
	data    []byte
	at      int
	shapes  map[string][]int
	tensors []Tensor
}

func (w *weights) take(name string) {
	t := Tensor{Name: name, Type: quant.F32, Shape: w.shapes[name]}
	end := w.at + 4*t.Elements()
	t.Data = w.data[w.at:end:end]
	w.at = end
	w.tensors = append(w.tensors, t)
}

func (w *weights) layers(n int, name string) {
	for i := range n {
		w.take(fmt.Sprintf("blk.%d.%s", i, name))
	}
}

// readLlama2CVocab finds the vocabulary beside the weights: tok<size>.bin, else tokenizer.bin.
func readLlama2CVocab(path string, vocab int) (tokenizer.Spec, error) {
	dir := filepath.Dir(path)
	names := []string{fmt.Sprintf("tok%d.bin", vocab), "tokenizer.bin"}
	for _, name := range names {
		data, err := readFile(dir, name, maxTokenizerBytes)
		if err != nil {
			continue // the last line names what was looked for
		}
		s, err := parseLlama2CVocab(data, vocab)
		if err != nil {
			return s, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
		return s, nil
	}
	return tokenizer.Spec{}, fmt.Errorf("%s: %w: no vocabulary beside it, %s were looked for", path, ErrVocab, strings.Join(names, " and "))
}

// parseLlama2CVocab reads the vocabulary file (tokenizer.py: export): the length of the longest
// token, then for each token its score, its length and its bytes.
func parseLlama2CVocab(data []byte, vocab int) (tokenizer.Spec, error) {
	s := tokenizer.Spec{
		Model: tokenizer.SentencePiece, Pre: "default",
		UNK: 0, BOS: 1, EOS: 2, EOT: -1, PAD: -1, // of every SentencePiece model llama2.c exports
		AddBOS: true, AddSpacePrefix: true,
	}
	// The export writes the bytes 0 to 255 after the three control tokens.
	const firstByte, lastByte = 3, 3 + 255
	if vocab <= lastByte {
		return s, fmt.Errorf("%w: %d tokens, a llama2.c vocabulary has at least %d", ErrVocab, vocab, lastByte+1)
	}
	if len(data) < 4 || (len(data)-4)/8 < vocab {
		return s, fmt.Errorf("%w: %d bytes for %d tokens", ErrVocab, len(data), vocab)
	}
	at := 4
	for id := range vocab {
		if len(data)-at < 8 {
			return s, fmt.Errorf("%w: offset %d: ends before token %d of %d", ErrVocab, at, id, vocab)
		}
		score := math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
		size := int(int32(binary.LittleEndian.Uint32(data[at+4:])))
		if at += 8; size < 0 || size > len(data)-at {
			return s, fmt.Errorf("%w: offset %d: token %d has %d bytes, %d are left", ErrVocab, at-4, id, size, len(data)-at)
		}
		piece, kind := string(data[at:at+size]), tokenizer.Normal
		at += size
		switch {
		case id < firstByte:
			piece = [...]string{"<unk>", "<s>", "</s>"}[id] // written with line breaks around
			kind = [...]tokenizer.TokenType{tokenizer.Unknown, tokenizer.Control, tokenizer.Control}[id]
		case id <= lastByte:
			if piece != fmt.Sprintf("<0x%02X>", id-firstByte) {
				return s, fmt.Errorf("%w: offset %d: token %d is %q, not byte %d", ErrVocab, at-size, id, piece, id-firstByte)
			}
			kind = tokenizer.Byte
		default:
			piece = markSpaces(piece) // the export replaced the mark by a space
		}
		s.Tokens = append(s.Tokens, piece)
		s.Scores = append(s.Scores, score)
		s.Types = append(s.Types, kind)
	}
	if at != len(data) {
		return s, fmt.Errorf("%w: offset %d: %d bytes after the last of %d tokens", ErrVocab, at, len(data)-at, vocab)
	}
	return s, nil
}
