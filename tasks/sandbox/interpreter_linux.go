package sandbox

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
)

// The interpreters, as a confined child becomes them. Each finds its program in the
// working directory.
const (
	pythonPath     = "/usr/bin/python3"
	pythonFile     = "program.py"
	javaScriptFile = "program.js"
)

// interpreterArg makes this binary start as the JavaScript interpreter; the argument after
// it is the memory limit in bytes.
const interpreterArg = "__sandbox-javascript"

// interpreterMain is the JavaScript interpreter, confined already. It returns the exit status.
func interpreterMain(args []string) int {
	if len(args) != 1 {
		return harnessFault("arguments", fmt.Errorf("got %q, want the memory limit", args))
	}
	memory, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return harnessFault("memory limit", err)
	}
	source, err := os.ReadFile(javaScriptFile)
	if err != nil {
		return harnessFault("source", err)
	}
	stdin, err := io.ReadAll(os.Stdin)
	if err != nil {
		return harnessFault("stdin", err)
	}
	// Nothing is left to be executed.
	if err := refuseCalls([]string{"execve", "execveat"}); err != nil {
		return harnessFault("seccomp", err)
	}
	// Collect before the hard limit is near, so that garbage is not mistaken for greed.
	debug.SetMemoryLimit(memory * 3 / 4)
	return runJavaScript(string(source), string(stdin), os.Stdout, os.Stderr)
}
