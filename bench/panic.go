package bench

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// PanicError is a panic in an engine, scorer or task, caught so that one question cannot end a run.
type PanicError struct {
	Value any    // what was panicked with
	Stack string // the innermost calls, "function (file:line)", joined by " < "
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v: %s", e.Value, e.Stack) }

// Unwrap gives the panicked error, if it is one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

const stackLines = 6

// contain calls f and returns a panic in it as an error. One on another goroutine cannot be caught.
func contain(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: stack()}
		}
	}()
	return f()
}

// stack names the calls that led to a panic, the runtime's own left out.
func stack() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var calls []string
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			calls = append(calls, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		}
		if !more || len(calls) == stackLines {
			return strings.Join(calls, " < ")
		}
	}
}
