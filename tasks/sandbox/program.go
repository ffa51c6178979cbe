// Package sandbox runs programs that a model wrote: no network, no files but a folder of
// their own, and limits on time, memory, processes and output.
//
// A Box is a small launcher process, started before any model is loaded so that starting
// programs stays cheap, which starts one confined child for each program:
//
//  1. new user, process, network, mount, IPC and host-name namespaces, as user nobody;
//  2. Landlock: reads system libraries only, writes its own folder only;
//  3. no_new_privs and a seccomp filter that refuses sockets, tracing, mounting and the like;
//  4. resource limits, and the end of the whole process namespace when time is up.
//
// JavaScript runs in an interpreter inside that child, so it needs nothing installed, and
// has no function to reach files, network or processes in the first place. Where the system
// has no namespaces or no Landlock it still runs under the rest, and Describe says so.
// Python needs /usr/bin/python3 and all four layers.
//
// # Caveats
//
// Linux only. The program that uses a Box must call Main first thing in its main function,
// and a test binary in TestMain, because launcher and child are that program started again.
package sandbox

import (
	"errors"
	"time"
)

// Language is a programming language a Box may run.
type Language string

// The languages.
const (
	JavaScript Language = "javascript"
	Python     Language = "python"
)

// Program is what to run.
type Program struct {
	Language Language `json:"language"`
	Source   string   `json:"source"`
	Stdin    string   `json:"stdin,omitempty"`
}

// Limits bound one program. A zero field means its default.
type Limits struct {
	Wall      time.Duration `json:"wall"`      // default 3 s, as HumanEval's harness allows
	CPU       time.Duration `json:"cpu"`       // whole seconds, rounded up; default Wall
	Memory    int64         `json:"memory"`    // bytes of address space beyond the interpreter's own; default 512 MiB
	Processes int           `json:"processes"` // default 32
	Output    int64         `json:"output"`    // bytes of stdout and of stderr each; default 256 KiB
}

func (l Limits) withDefaults() Limits {
	if l.Wall <= 0 {
		l.Wall = 3 * time.Second
	}
	if l.CPU <= 0 {
		l.CPU = l.Wall
	}
	if l.Memory <= 0 {
		l.Memory = 512 << 20
	}
	if l.Processes <= 0 {
		l.Processes = 32
	}
	if l.Output <= 0 {
		l.Output = 256 << 10
	}
	return l
}

// Result is what a program did. A program that fails, loops or floods is a result,
// not an error.
type Result struct {
	Stdout          string        `json:"stdout"`
	Stderr          string        `json:"stderr"`
	Exit            int           `json:"exit"` // -1 when it was killed
	Wall            time.Duration `json:"wall"`
	TimedOut        bool          `json:"timed_out"`
	MemoryExceeded  bool          `json:"memory_exceeded"`
	OutputTruncated bool          `json:"output_truncated"`
}

// Errors of this package, wrapped with the reason.
var (
	// ErrUnsupported says that this platform cannot confine programs, so none is run.
	ErrUnsupported = errors.New("cannot sandbox programs on this platform")
	// ErrLanguage says that the Box does not run a language here.
	ErrLanguage = errors.New("language not available in the sandbox")
	// ErrClosed says that the Box was closed, or its launcher died.
	ErrClosed = errors.New("sandbox is closed")
)
