package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// columns of outcomes between seq and crc, in the order of encode and decode.
var columns = [...]string{
	"run", "model", "pack", "task", "sample", "repeat",
	"verdict", "value", "level", "grp", "stop", "due",
	"sent_ns", "first_ns", "last_ns", "done_ns",
	"input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "joules",
	"meta", "messages", "target", "output", "reasoning", "gaps_ns",
	"answer", "why", "err", "warnings",
}

// keyColumns of them are the key.
const keyColumns = 6

// timeLayout has a fixed width, so that the order of texts is the order of times.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// encode returns o's columns as SQLite's own types: string, int64, float64, nil.
func encode(o bench.Outcome) ([]any, error) {
	for _, k := range []string{o.Run, o.Model, o.Pack, o.Task, o.Sample} {
		if !utf8.ValidString(k) {
			return nil, fmt.Errorf("key %q is not valid UTF-8", k)
		}
	}
	due, err := encodeTime(o.Due)
	if err != nil {
		return nil, fmt.Errorf("due: %w", err)
	}
	var verdict, value, answer, why, joules any
	if sc := o.Score; sc != nil {
		if math.IsNaN(sc.Value) || math.IsInf(sc.Value, 0) {
			return nil, fmt.Errorf("score %v is not a number in [0, 1]", sc.Value)
		}
		verdict, value, answer, why = valid(string(sc.Verdict)), sc.Value, valid(sc.Answer), valid(sc.Why)
	}
	if o.Joules != nil {
		if math.IsNaN(*o.Joules) || math.IsInf(*o.Joules, 0) {
			return nil, fmt.Errorf("energy %v J is not a number", *o.Joules)
		}
		joules = *o.Joules
	}
	var docs [4]any
	for i, v := range []struct {
		nil bool
		doc any
	}{{o.Meta == nil, o.Meta}, {o.Messages == nil, o.Messages}, {o.Gaps == nil, o.Gaps}, {o.Warnings == nil, o.Warnings}} {
		if v.nil {
			continue
		}
		text, err := json.Marshal(v.doc)
		if err != nil {
			return nil, err
		}
		docs[i] = string(text)
	}
	return []any{
		o.Run, o.Model, o.Pack, o.Task, o.Sample, int64(o.Repeat),
		verdict, value, int64(o.Level), valid(o.Group), valid(string(o.Stop)), due,
		int64(o.Sent), int64(o.First), int64(o.Last), int64(o.Done),
		int64(o.Usage.Input), int64(o.Usage.CachedInput), int64(o.Usage.Output), int64(o.Usage.Reasoning), joules,
		docs[0], docs[1], valid(o.Target), valid(o.Output), valid(o.Reasoning), docs[2],
		answer, why, valid(o.Err), docs[3],
	}, nil
}

// decode is encode's inverse. row holds what the driver scanned.
func decode(row []any) (bench.Outcome, error) {
	var o bench.Outcome
	r := rowReader{row: row}
	o.Run, o.Model, o.Pack, o.Task, o.Sample, o.Repeat = r.text(), r.text(), r.text(), r.text(), r.text(), r.int()
	verdict, judged := r.textOrNull()
	value, _ := r.realOrNull()
	o.Level, o.Group, o.Stop = r.int(), r.text(), engine.StopReason(r.text())
	o.Due = r.time()
	o.Sent, o.First, o.Last, o.Done = r.duration(), r.duration(), r.duration(), r.duration()
	o.Usage = engine.Usage{Input: r.int(), CachedInput: r.int(), Output: r.int(), Reasoning: r.int()}
	if j, ok := r.realOrNull(); ok {
		o.Joules = &j
	}
	r.doc(&o.Meta)
	r.doc(&o.Messages)
	o.Target, o.Output, o.Reasoning = r.text(), r.text(), r.text()
	r.doc(&o.Gaps)
	answer, _ := r.textOrNull()
	why, _ := r.textOrNull()
	if judged {
		o.Score = &tasks.Score{Value: value, Verdict: tasks.Verdict(verdict), Answer: answer, Why: why}
	}
	o.Err = r.text()
	r.doc(&o.Warnings)
	return o, r.err
}

// rowReader takes the columns of a row one after the other and keeps the first error.
type rowReader struct {
	row []any
	i   int
	err error
}

func (r *rowReader) next() any { v := r.row[r.i]; r.i++; return v }

func (r *rowReader) fail(v any, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: column %s holds %T, not %s", ErrCorrupt, columns[r.i-1], v, want)
	}
}

func (r *rowReader) text() string {
	v := r.next()
	s, ok := v.(string)
	if !ok {
		r.fail(v, "text")
	}
	return s
}

func (r *rowReader) textOrNull() (string, bool) {
	if r.row[r.i] == nil {
		r.next()
		return "", false
	}
	return r.text(), true
}

func (r *rowReader) realOrNull() (float64, bool) {
	switch v := r.next().(type) {
	case nil:
		return 0, false
	case float64:
		return v, true
	default:
		r.fail(v, "a number")
		return 0, false
	}
}

func (r *rowReader) int64() int64 {
	v := r.next()
	n, ok := v.(int64)
	if !ok {
		r.fail(v, "an integer")
	}
	return n
}

func (r *rowReader) int() int                { return int(r.int64()) }
func (r *rowReader) duration() time.Duration { return time.Duration(r.int64()) }

func (r *rowReader) time() time.Time {
	s := r.text()
	t, err := time.Parse(timeLayout, s)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: column %s: %w", ErrCorrupt, columns[r.i-1], err)
	}
	return t
}

// doc reads a JSON column into v, which stays nil where the column is NULL.
func (r *rowReader) doc(v any) {
	s, ok := r.textOrNull()
	if !ok {
		return
	}
	if err := json.Unmarshal([]byte(s), v); err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: column %s: %w", ErrCorrupt, columns[r.i-1], err)
	}
}

// valid replaces each invalid byte by U+FFFD, one for one as encoding/json does
// (strings.ToValidUTF8 would replace a run of them by one).
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func encodeTime(t time.Time) (string, error) {
	u := t.UTC()
	if y := u.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("year %d lies outside 0 to 9999", y)
	}
	return u.Format(timeLayout), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of values, each written as a letter for its type and, for text, its
// length, so that no two different rows are the same bytes.
func checksum(values ...any) int64 {
	h := crc32.New(castagnoli)
	var b [9]byte
	put := func(kind byte, n uint64) {
		b[0] = kind
		binary.LittleEndian.PutUint64(b[1:], n)
		h.Write(b[:])
	}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			put('n', 0)
		case int64:
			put('i', uint64(v))
		case float64:
			put('r', math.Float64bits(v))
		case string:
			put('t', uint64(len(v)))
			h.Write([]byte(v))
		default:
			panic(fmt.Sprintf("store: checksum of %T", v))
		}
	}
	return int64(h.Sum32())
}
