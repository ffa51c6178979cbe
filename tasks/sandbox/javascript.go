package sandbox

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dop251/goja"
)

// runJavaScript interprets source and returns its exit status: 0, or 1 after an uncaught
// exception, which is printed to stderr. Time and memory are the confined process's concern.
//
// The program sees the language itself, print, console and stdin (a string); nothing else.
func runJavaScript(source, stdin string, stdout, stderr io.Writer) int {
	vm := goja.New()
	vm.SetMaxCallStackSize(10_000)
	printer := func(w io.Writer) func(goja.FunctionCall) goja.Value {
		return func(call goja.FunctionCall) goja.Value {
			words := make([]string, len(call.Arguments))
			for i, a := range call.Arguments {
				words[i] = display(vm, a)
			}
			fmt.Fprintln(w, strings.Join(words, " "))
			return goja.Undefined()
		}
	}
	console := vm.NewObject()
	for _, name := range []string{"log", "info", "debug"} {
		must(console.Set(name, printer(stdout)))
	}
	for _, name := range []string{"error", "warn", "trace"} {
		must(console.Set(name, printer(stderr)))
	}
	// Published JavaScript test suites check with console.assert; here a failed one counts.
	must(console.Set("assert", func(call goja.FunctionCall) goja.Value {
		if !call.Argument(0).ToBoolean() {
			msg := "console.assert failed"
			if len(call.Arguments) > 1 {
				msg = call.Arguments[1].String()
			}
			panic(vm.NewGoError(errors.New(msg)))
		}
		return goja.Undefined()
	}))
	must(vm.Set("console", console))
	must(vm.Set("print", printer(stdout)))
	must(vm.Set("stdin", stdin))

	if _, err := vm.RunScript("program.js", source); err != nil {
		var ex *goja.Exception
		if errors.As(err, &ex) {
			fmt.Fprintln(stderr, "Uncaught "+ex.String())
		} else {
			fmt.Fprintln(stderr, err)
		}
		return 1
	}
	return 0
}

// display shows objects as JSON and everything else as String() does.
func display(vm *goja.Runtime, v goja.Value) string {
	if o, ok := v.(*goja.Object); ok {
		if _, callable := goja.AssertFunction(o); !callable && o.ClassName() != "Error" {
			if text, err := vm.RunString("JSON.stringify"); err == nil {
				if f, ok := goja.AssertFunction(text); ok {
					if s, err := f(goja.Undefined(), o); err == nil && !goja.IsUndefined(s) {
						return s.String()
					}
				}
			}
		}
	}
	return v.String()
}

// must is for setting globals of a new interpreter, which can fail only by a mistake here.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
