package chat

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// toJSON is the tojson filter as transformers define it: Python's json.dumps with
// ensure_ascii=False, so ", " and ": " between things, nothing escaped for HTML, and an
// indent on request. Keys of Go maps come out sorted.
func toJSON(_ *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	w := jsonWriter{indent: -1}
	if v, ok := args.KwArgs["indent"]; ok && v.IsInteger() {
		w.indent = min(max(v.Integer(), 0), 16)
	}
	if err := w.value(in, 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(w.b.String())
}

type jsonWriter struct {
	b      strings.Builder
	indent int // spaces a level; -1: all on one line
}

// maxJSONDepth bounds values inside values; a list that holds itself has no end.
const maxJSONDepth = 100

func (w *jsonWriter) value(v *exec.Value, depth int) error {
	switch {
	case depth > maxJSONDepth:
		return fmt.Errorf("%w: %w: tojson of values nested more than %d deep", ErrTemplate, ErrLimit, maxJSONDepth)
	case v.IsNil():
		w.b.WriteString("null")
	case v.IsBool():
		w.b.WriteString(strconv.FormatBool(v.Bool()))
	case v.IsInteger():
		w.b.WriteString(strconv.Itoa(v.Integer()))
	case v.IsFloat():
		w.b.WriteString(pythonFloat(v.Float()))
	case v.IsString():
		w.text(v.String())
	case v.IsDict():
		items := pairsOf(v)
		return w.list('{', '}', len(items), depth, func(i int) error {
			w.text(items[i].Key.String())
			w.b.WriteString(": ")
			return w.value(items[i].Value, depth+1)
		})
	case v.IsList():
		return w.list('[', ']', v.Len(), depth, func(i int) error { return w.value(v.Index(i), depth+1) })
	default:
		return fmt.Errorf("%w: tojson of a %T", ErrTemplate, v.Interface())
	}
	return nil
}

// pairsOf returns what a dictionary holds: one that a template wrote in its own order, a Go
// map sorted by key.
func pairsOf(v *exec.Value) []*exec.Pair {
	switch d := v.Interface().(type) {
	case exec.Dict:
		return d.Pairs
	case *exec.Dict:
		return d.Pairs
	}
	items := v.Items()
	slices.SortStableFunc(items, func(a, b *exec.Pair) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	return items
}

// list writes n elements between two brackets.
func (w *jsonWriter) list(open, end byte, n, depth int, element func(int) error) error {
	w.b.WriteByte(open)
	for i := range n {
		switch {
		case i > 0 && w.indent < 0:
			w.b.WriteString(", ")
		case i > 0:
			w.b.WriteByte(',')
		}
		w.line(depth + 1)
		if err := element(i); err != nil {
			return err
		}
	}
	if n > 0 {
		w.line(depth)
	}
	w.b.WriteByte(end)
	return nil
}

func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat(" ", w.indent*depth))
	}
}

// text writes a string with the escapes Python's json module uses when it may write Unicode.
func (w *jsonWriter) text(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r < ' ':
			if i := strings.IndexRune("\b\f\n\r\t", r); i >= 0 {
				w.b.WriteByte('\\')
				w.b.WriteByte("bfnrt"[i])
			} else {
				fmt.Fprintf(&w.b, `\u%04x`, r)
			}
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

// pythonFloat writes a float as Python's json module does: 1.0, not 1.
func pythonFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	// Python's repr changes to an exponent at 1e16 and below 1e-4.
	form := byte('f')
	if a := math.Abs(x); a >= 1e16 || a != 0 && a < 1e-4 {
		form = 'e'
	}
	s := strconv.FormatFloat(x, form, -1, 64)
	if form == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
