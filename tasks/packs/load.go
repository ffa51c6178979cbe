package packs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/score"
)

// Bounds on what Load takes into memory.
const (
	maxLine = 4 << 20   // bytes of one line
	maxFile = 512 << 20 // bytes of one file, unpacked
)

// ErrFormat is wrapped where a file is none that Load knows.
var ErrFormat = errors.New("neither a pack directory nor GSM8K, MGSM or HumanEval")

// Load reads a pack: a directory with a pack.yaml, or a file of GSM8K (.jsonl), MGSM (.tsv, named mgsm_xx.tsv
// for language xx) or HumanEval (.jsonl), each also packed with gzip. Errors name file and line.
func Load(path string, opt Options) (tasks.Pack, error) {
	info, err := os.Stat(path)
	if err != nil {
		return tasks.Pack{}, err
	}
	if info.IsDir() {
		return loadDirectory(path, opt)
	}
	f, err := os.Open(path)
	if err != nil {
		return tasks.Pack{}, err
	}
	defer f.Close()
	return read(f, path, opt)
}

// read recognises a data set by its content and reads it.
func read(r io.Reader, path string, opt Options) (tasks.Pack, error) {
	in := bufio.NewReader(r)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return tasks.Pack{}, fmt.Errorf("%s: %w", path, err)
		}
		defer z.Close()
		in = bufio.NewReader(z)
	}
	lines := &lineReader{in: in, path: path}
	first, err := lines.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s: the file is empty", path)
		}
		return tasks.Pack{}, err
	}
	lines.again = true
	var keys map[string]json.RawMessage
	if json.Unmarshal(first, &keys) == nil {
		has := func(names ...string) bool {
			for _, n := range names {
				if _, ok := keys[n]; !ok {
					return false
				}
			}
			return true
		}
		switch {
		case has("task_id", "prompt", "entry_point", "test"):
			return readHumanEval(lines, opt)
		case has("question", "answer"):
			return readGSM8K(lines, opt)
		}
		return tasks.Pack{}, fmt.Errorf("%s:1: %w: a line of JSON with other keys", path, ErrFormat)
	}
	name := filepath.Base(path)
	name = strings.TrimSuffix(name, ".gz")
	if language, ok := strings.CutPrefix(name, "mgsm_"); ok && strings.HasSuffix(language, ".tsv") {
		return readMGSM(lines, strings.TrimSuffix(language, ".tsv"), opt)
	}
	if bytes.IndexByte(first, '\t') >= 0 {
		return tasks.Pack{}, fmt.Errorf("%s: %w: a file of MGSM is named mgsm_xx.tsv for its language xx", path, ErrFormat)
	}
	return tasks.Pack{}, fmt.Errorf("%s:1: %w", path, ErrFormat)
}

// lineReader reads lines of bounded length from a file of bounded size, and counts them.
type lineReader struct {
	in    *bufio.Reader
	path  string
	line  int // of the line last read, from 1
	size  int64
	text  []byte
	again bool // the last line is read once more
}

// next returns the next line without its end; valid until the call after. The error at the end is io.EOF, all others name the place.
func (l *lineReader) next() ([]byte, error) {
	if l.again {
		l.again = false
		return l.text, nil
	}
	l.text = l.text[:0]
	l.line++
	for {
		part, err := l.in.ReadSlice('\n')
		l.text = append(l.text, part...)
		l.size += int64(len(part))
		switch {
		case len(l.text) > maxLine:
			return nil, l.errorf("line is longer than %d bytes", maxLine)
		case l.size > maxFile:
			return nil, l.errorf("file is larger than %d bytes", int64(maxFile))
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.text) == 0:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, l.errorf("%w", err)
		}
		if l.line == 1 {
			l.text = bytes.TrimPrefix(l.text, []byte("\ufeff"))
		}
		l.text = bytes.TrimRight(l.text, "\r\n")
		return l.text, nil
	}
}

// errorf puts file and line before a message.
func (l *lineReader) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{l.path, l.line}, args...)...)
}

// all calls take for each line that is not blank.
func (l *lineReader) all(take func(line []byte) error) error {
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := take(line); err != nil {
			return l.errorf("%w", err)
		}
	}
}

// collection gathers samples and refuses what is there twice.
type collection struct {
	samples []tasks.Sample
	ids     map[string]int // ID to its line
	inputs  map[string]int // input to its line; nil: the same input may come twice
}

func newCollection() *collection {
	return &collection{ids: make(map[string]int), inputs: make(map[string]int)}
}

func (c *collection) add(line int, s tasks.Sample) error {
	if before, ok := c.ids[s.ID]; ok {
		return fmt.Errorf("id %q is already in line %d", s.ID, before)
	}
	c.ids[s.ID] = line
	if c.inputs != nil {
		if before, ok := c.inputs[s.Input]; ok {
			return fmt.Errorf("the same question is already in line %d", before)
		}
		c.inputs[s.Input] = line
	}
	c.samples = append(c.samples, s)
	return nil
}

// inOrder yields the first samples of a file, as other harnesses' limits do.
func inOrder(samples []tasks.Sample) func(context.Context, tasks.Ask) iter.Seq2[tasks.Sample, error] {
	return func(ctx context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
		return func(yield func(tasks.Sample, error) bool) {
			for i, s := range samples {
				if ask.N > 0 && i == ask.N {
					return
				}
				if err := ctx.Err(); err != nil {
					yield(tasks.Sample{}, err)
					return
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// chosen is the scorer the options name, or the data set's own.
func chosen(opt Options, own string) (tasks.Scorer, error) {
	if opt.Scorer != "" {
		own = opt.Scorer
	}
	return score.Named(own, opt.Runner)
}
