package chat

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	structures "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// The library cannot be interrupted, so its own doors are guarded: every block of a template
// that runs, every macro call and every write first asks the budget. Not bounded is what a
// single expression does by itself: a template of a few words can ask for a text of gigabytes
// ("x" * 10**10), and memory for it is taken before any of these doors is passed.
const (
	maxSource  = 256 << 10       // bytes of a template; the longest published ones are near 20 KiB
	maxNesting = 100             // brackets inside brackets: the parser calls itself for each
	maxTime    = 5 * time.Second // a usual template takes under a millisecond
	maxBlocks  = 2_000_000       // blocks run
	maxDepth   = 50              // macro calls inside macro calls
	maxRange   = 100_000         // elements of a range()
	outputBase = 1 << 20         // bytes of output that are always allowed,
	outputPer  = 16              // and so many more for each byte of the messages
)

// checkSource refuses what the parser should not even see.
func checkSource(s string) error {
	if len(s) > maxSource {
		return fmt.Errorf("%w: %w: %d bytes, the most allowed is %d", ErrTemplate, ErrLimit, len(s), maxSource)
	}
	depth, tag := 0, false
	for i := 0; i < len(s); i++ {
		pair := s[i:min(i+2, len(s))]
		switch {
		case pair == "{{" && !tag, pair == "{%" && !tag:
			tag, depth = true, 0
			i++
		case pair == "%}" && tag, pair == "}}" && tag && depth == 0:
			tag = false
			i++
		case tag && strings.IndexByte("([{", s[i]) >= 0:
			if depth++; depth > maxNesting {
				return fmt.Errorf("%w: %w: brackets nested more than %d deep at byte %d", ErrTemplate, ErrLimit, maxNesting, i)
			}
		case tag && strings.IndexByte(")]}", s[i]) >= 0:
			depth = max(0, depth-1)
		}
	}
	return nil
}

// budgetKey is a name no template can write.
const budgetKey = "\x00budget"

// budget is what one rendering may still use.
type budget struct {
	until  time.Time
	blocks int
	output int
	depth  int
	spent  error   // which limit was hit
	raised *string // the words of raise_exception
}

func newBudget(size int) *budget {
	return &budget{until: time.Now().Add(maxTime), blocks: maxBlocks, output: outputBase + outputPer*size}
}

// step pays for one block.
func (b *budget) step() error {
	b.blocks--
	switch {
	case b.spent != nil:
	case b.blocks < 0:
		b.spent = fmt.Errorf("%w: %w: more than %d blocks", ErrTemplate, ErrLimit, maxBlocks)
	case b.blocks%64 == 0 && time.Now().After(b.until):
		b.spent = fmt.Errorf("%w: %w: more than %v", ErrTemplate, ErrLimit, maxTime)
	}
	return b.spent
}

// raise is raise_exception.
func (b *budget) raise(message string) (string, error) {
	if b.raised == nil {
		b.raised = &message
	}
	return "", fmt.Errorf("%w: %s", ErrRefused, message)
}

// limitedWriter stops a rendering that writes too much.
type limitedWriter struct {
	w io.Writer
	b *budget
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if err := w.b.step(); err != nil {
		return 0, err
	}
	if w.b.output -= len(p); w.b.output < 0 {
		w.b.spent = fmt.Errorf("%w: %w: the prompt is too long for these messages", ErrTemplate, ErrLimit)
		return 0, w.b.spent
	}
	return w.w.Write(p)
}

// guarded is a block that asks the budget before it runs.
type guarded struct{ exec.ControlStructure }

func (g guarded) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	value, _ := r.Environment.Context.Get(budgetKey)
	b, ok := value.(*budget)
	if !ok {
		return fmt.Errorf("%w: rendered without a budget", ErrTemplate)
	}
	if err := b.step(); err != nil {
		return err
	}
	if err := g.ControlStructure.Execute(r, tag); err != nil {
		return err
	}
	if m, ok := g.ControlStructure.(*structures.MacroControlStructure); ok {
		return b.guardMacro(r.Environment.Context, m.Name)
	}
	return nil
}

// guardMacro bounds how deep a macro may call itself: the stack of a Go program that overflows
// takes the whole program down.
func (b *budget) guardMacro(ctx *exec.Context, name string) error {
	value, _ := ctx.Get(name)
	call, ok := value.(exec.Macro)
	if !ok {
		return fmt.Errorf("%w: macro %q is a %T", ErrTemplate, name, value)
	}
	ctx.Set(name, exec.Macro(func(args *exec.VarArgs) *exec.Value {
		if err := b.step(); err != nil {
			return exec.AsValue(err)
		}
		if b.depth >= maxDepth {
			b.spent = fmt.Errorf("%w: %w: macro calls nested more than %d deep", ErrTemplate, ErrLimit, maxDepth)
			return exec.AsValue(b.spent)
		}
		b.depth++
		defer func() { b.depth-- }()
		return call(args)
	}))
	return nil
}

// controlStructures lists the blocks a template may use, each guarded. Those that load other
// templates (include, import, extends, block) are left out.
func controlStructures() *exec.ControlStructureSet {
	list := make(map[string]parser.ControlStructureParser)
	for _, name := range []string{"for", "if", "set", "macro", "call", "filter", "raw", "with", "do", "break", "continue"} {
		parse, ok := structures.All.Get(name)
		if !ok {
			continue
		}
		list[name] = func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			node, err := parse(p, args)
			if err != nil {
				return nil, err
			}
			if f, ok := node.(*structures.ForControlStructure); ok && f.Recursive {
				return nil, fmt.Errorf("%w: a recursive loop is not supported", ErrTemplate)
			}
			if run, ok := node.(exec.ControlStructure); ok {
				return guarded{run}, nil
			}
			return node, nil
		}
	}
	list["generation"] = parseGeneration
	return exec.NewControlStructureSet(list)
}

// generation is {% generation %}...{% endgeneration %}, by which transformers mark what the
// assistant said when they make training masks; it renders as what it holds.
type generation struct{ *nodes.Wrapper }

func (g generation) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	return r.ExecuteIfWrapper(g.Wrapper)
}

func parseGeneration(p, _ *parser.Parser) (nodes.ControlStructure, error) {
	body, _, err := p.WrapUntil("endgeneration")
	if err != nil {
		return nil, err
	}
	return guarded{generation{body}}, nil
}

// boundedRange is Jinja's range() as a list. The library's own one feeds a channel from a
// goroutine, which is left behind by a loop that ends early.
func (b *budget) boundedRange(args *exec.VarArgs) *exec.Value {
	var n [3]int
	for i, a := range args.Args {
		if i == len(n) || !a.IsInteger() {
			return exec.AsValue(fmt.Errorf("%w: range takes one to three integers", ErrTemplate))
		}
		n[i] = a.Integer()
	}
	start, stop, step := 0, n[0], 1
	switch len(args.Args) {
	case 0:
		return exec.AsValue(fmt.Errorf("%w: range takes one to three integers", ErrTemplate))
	case 2:
		start, stop = n[0], n[1]
	case 3:
		start, stop, step = n[0], n[1], n[2]
	}
	if step == 0 {
		return exec.AsValue(fmt.Errorf("%w: range with a step of 0", ErrTemplate))
	}
	var list []int
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list) == maxRange {
			b.spent = fmt.Errorf("%w: %w: a range of more than %d", ErrTemplate, ErrLimit, maxRange)
			return exec.AsValue(b.spent)
		}
		list = append(list, i)
	}
	return exec.AsValue(list)
}

// filters are the library's, with tojson replaced.
func filters() *exec.FilterSet {
	set := exec.NewFilterSet(map[string]exec.FilterFunction{}).Update(builtins.Filters)
	return set.Update(exec.NewFilterSet(map[string]exec.FilterFunction{"tojson": toJSON}))
}

// Inherit makes source a loader.
func (s source) Inherit(string) (loaders.Loader, error) { return s, nil }
