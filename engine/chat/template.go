// Package chat turns messages into the prompt a model was trained on, and takes the think
// section out of its answer.
//
// A model's chat template is a Jinja program that came with the weights, so it is treated as
// untrusted: it reads no files, its work and output are bounded in time and size (see limits.go
// for what cannot be bounded), and its errors come back as errors.
package chat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"

	"github.com/tokenassay/assay/engine"
)

var (
	// ErrTemplate is wrapped where a template cannot be read or run.
	ErrTemplate = errors.New("chat template")
	// ErrRefused is wrapped where the template itself refuses the messages, by raise_exception;
	// the error carries its words.
	ErrRefused = errors.New("the chat template refuses the messages")
	// ErrLimit is wrapped where a template works too long or writes too much.
	ErrLimit = errors.New("limit exceeded")
)

// Template is a parsed chat template. It is safe for concurrent use.
type Template struct {
	source   string
	bos, eos string
	set      *exec.ControlStructureSet
}

// New parses a template. bos and eos are the texts of the model's special tokens, which
// templates know as bos_token and eos_token.
func New(template, bos, eos string) (*Template, error) {
	if err := checkSource(template); err != nil {
		return nil, err
	}
	t := &Template{source: template, bos: bos, eos: eos, set: controlStructures()}
	_, err := t.parse()
	return t, err
}

// parse makes a fresh program. The library's macros and loops keep state in the parsed tree
// and its environment, so no two renderings share one; parsing takes well below a millisecond.
func (t *Template) parse() (program *exec.Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the parser gave up: %v", ErrTemplate, r)
		}
	}()
	cfg := config.New()
	// Hugging Face's transformers set these two for chat templates.
	cfg.TrimBlocks = true
	cfg.LeftStripBlocks = true
	program, err = exec.NewTemplate(templateName, cfg, source(t.source), &exec.Environment{
		Context:           exec.EmptyContext(),
		Filters:           filters(),
		Tests:             builtins.Tests,
		ControlStructures: t.set,
		Methods:           methods(),
	})
	if err != nil {
		// The library's outermost error repeats the whole source.
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return program, nil
}

// Render writes the prompt for msgs. addGenerationPrompt ends it where the assistant's answer
// begins. The error wraps ErrRefused, ErrLimit or ErrTemplate.
func (t *Template) Render(msgs []engine.Message, addGenerationPrompt bool) (prompt string, err error) {
	program, err := t.parse()
	if err != nil {
		return "", err
	}
	turns := make(list, len(msgs))
	size := 0
	for i, m := range msgs {
		// A Dict, not a map: tojson of a message shows its keys in this order.
		turns[i] = &exec.Dict{Pairs: []*exec.Pair{
			{Key: exec.AsValue("role"), Value: exec.AsValue(string(m.Role))},
			{Key: exec.AsValue("content"), Value: exec.AsValue(m.Content)},
		}}
		size += len(m.Content)
	}
	b := newBudget(size)
	data := exec.NewContext(map[string]any{
		budgetKey:               b,
		"messages":              turns,
		"add_generation_prompt": addGenerationPrompt,
		"bos_token":             t.bos,
		"eos_token":             t.eos,
		"tools":                 nil,
		"documents":             nil,
		"raise_exception":       b.raise,
		"strftime_now":          strftimeNow,
		"range":                 b.boundedRange,
		"namespace":             builtinFunction("namespace"),
		"dict":                  builtinFunction("dict"),
		"joiner":                builtinFunction("joiner"),
		"cycler":                builtinFunction("cycler"),
	})
	defer func() {
		if r := recover(); r != nil {
			prompt, err = "", fmt.Errorf("%w: rendering stopped: %v", ErrTemplate, r)
		}
	}()
	var out bytes.Buffer
	err = program.Execute(&limitedWriter{w: &out, b: b}, data)
	switch {
	case b.raised != nil:
		return "", fmt.Errorf("%w: %s", ErrRefused, *b.raised)
	case b.spent != nil:
		return "", b.spent
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return out.String(), nil
}

func builtinFunction(name string) any {
	f, _ := builtins.GlobalFunctions.Get(name)
	return f
}

// today is the date templates see. It is fixed, so that a benchmark's prompts are the same
// every day; Llama 3.2's own template falls back to the same one.
var today = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

// strftimeNow formats the fixed date by C's strftime codes, as far as dates need them.
func strftimeNow(format string) string {
	codes := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002", 'F': "2006-01-02", 'T': "15:04:05", 'Z': "MST", 'z': "-0700",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, ok := codes[format[i]]; {
		case ok:
			b.WriteString(today.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteString(format[i-1 : i+1])
		}
	}
	return b.String()
}

// templateName is the only name the loader knows.
const templateName = "chat template"

// source is a loader of one template: nothing else can be reached, no file above all.
type source string

func (s source) Read(name string) (io.Reader, error) {
	if name != templateName {
		return nil, fmt.Errorf("%w: %q is out of reach", ErrTemplate, name)
	}
	return strings.NewReader(string(s)), nil
}

func (s source) Resolve(name string) (string, error) { return name, nil }
