package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// Arguments that make this binary start as launcher or as confined child.
const (
	launcherArg = "__sandbox-launcher"
	childArg    = "__sandbox-child"
)

// request and reply are the JSON messages between Box and launcher.
type request struct {
	ID      uint64  `json:"id"`
	Cancel  bool    `json:"cancel,omitempty"`
	Program Program `json:"program"`
	Limits  Limits  `json:"limits"`
	Layers  layers  `json:"layers"`
}

type reply struct {
	ID     uint64 `json:"id"`
	Result Result `json:"result"`
	Err    string `json:"err,omitempty"`
}

// layers says which means of confinement a child uses beyond the ones it always uses.
type layers struct {
	Namespaces bool `json:"namespaces"`
	Landlock   bool `json:"landlock"`
}

func (l layers) String() string {
	parts := []string{"seccomp", "rlimits"}
	if l.Landlock {
		parts = append(parts, "landlock")
	}
	if l.Namespaces {
		parts = append(parts, "namespaces")
	}
	slices.Sort(parts)
	return strings.Join(parts, " + ")
}

// Box runs programs. It is safe for concurrent use.
type Box struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	done   chan struct{} // closed when the launcher is gone
	layers layers
	langs  []Language
	notes  []string

	mu      sync.Mutex
	enc     *json.Encoder
	next    uint64
	waiting map[uint64]chan reply
	closed  bool
}

// Start starts the launcher and tries out what this platform can confine. The error wraps
// ErrUnsupported and says why when it cannot run any language safely.
func Start(ctx context.Context) (*Box, error) {
	if err := platform(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	cmd := exec.Command("/proc/self/exe", launcherArg)
	cmd.Args[0] = os.Args[0]
	cmd.Env = []string{"GOMAXPROCS=2", "TMPDIR=" + os.TempDir()}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox launcher: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox launcher: %w", err)
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("sandbox launcher: %w", err)
	}
	b := &Box{cmd: cmd, stdin: stdin, done: make(chan struct{}), enc: json.NewEncoder(stdin), waiting: map[uint64]chan reply{}}
	go b.read(stdout)
	if err := b.tryOut(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// read hands replies to those who wait for them, until the launcher closes its output.
func (b *Box) read(r io.Reader) {
	dec := json.NewDecoder(r)
	for {
		var rep reply
		if err := dec.Decode(&rep); err != nil {
			break
		}
		b.mu.Lock()
		ch := b.waiting[rep.ID]
		delete(b.waiting, rep.ID)
		b.mu.Unlock()
		if ch != nil {
			ch <- rep
		}
	}
	_ = b.cmd.Wait() // its exit status says nothing that the closed pipe has not said
	close(b.done)
}

// tryOut finds the strongest confinement that works here and checks that it holds.
func (b *Box) tryOut(ctx context.Context) error {
	full := layers{Namespaces: true, Landlock: true}
	var failed []string
	for _, l := range []layers{full, {Landlock: true}, {Namespaces: true}, {}} {
		res, err := b.run(ctx, Program{Language: JavaScript, Source: `console.log(6 * 7)`}, Limits{}, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && res.Stdout == "42\n" {
			b.layers, b.langs = l, []Language{JavaScript}
			break
		}
		why := strings.TrimSpace(res.Stderr)
		if err != nil {
			why = err.Error()
		}
		failed = append(failed, fmt.Sprintf("%s: %s", l, why))
	}
	if len(b.langs) == 0 {
		return fmt.Errorf("%w: %s", ErrUnsupported, strings.Join(failed, "; "))
	}
	b.notes = failed
	if b.layers != full {
		b.notes = append(b.notes, "python: needs every layer of confinement")
		return nil
	}
	// Python can reach the system, so it is offered only after an attempt to do so has failed.
	res, err := b.run(ctx, Program{Language: Python, Source: pythonProbe}, Limits{}, full)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		b.notes = append(b.notes, "python: "+err.Error())
	case res.Stdout != "confined\n":
		b.notes = append(b.notes, "python: "+strings.TrimSpace(res.Stdout+res.Stderr))
	default:
		b.langs = append(b.langs, Python)
	}
	return nil
}

// pythonProbe prints "confined" only where files and network are out of reach.
const pythonProbe = `
import os, socket
held = []
def refused(what, f):
    try:
        f()
    except OSError:
        return
    held.append(what + " was not refused")
refused("reading /etc/passwd", lambda: open("/etc/passwd"))
refused("listing /proc", lambda: os.listdir("/proc"))
refused("writing beside its folder", lambda: open("../x", "w"))
refused("a socket", lambda: socket.socket())
print("; ".join(held) if held else "confined")
`

// Languages lists what this Box runs.
func (b *Box) Languages() []Language { return slices.Clone(b.langs) }

// Describe says in one line how programs are confined, and what is missing here.
func (b *Box) Describe() string {
	names := make([]string, len(b.langs))
	for i, l := range b.langs {
		names[i] = string(l)
	}
	s := strings.Join(names, ", ") + " under " + b.layers.String()
	if len(b.notes) > 0 {
		s += " (" + strings.Join(b.notes, "; ") + ")"
	}
	return s
}

// Run runs p to its end or its limits. An error means that the program could not be run,
// and says nothing about the program.
func (b *Box) Run(ctx context.Context, p Program, l Limits) (Result, error) {
	if !slices.Contains(b.langs, p.Language) {
		return Result{}, fmt.Errorf("%w: %q (have %v)", ErrLanguage, p.Language, b.langs)
	}
	return b.run(ctx, p, l, b.layers)
}

func (b *Box) run(ctx context.Context, p Program, l Limits, with layers) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	ch := make(chan reply, 1)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return Result{}, ErrClosed
	}
	b.next++
	id := b.next
	b.waiting[id] = ch
	err := b.enc.Encode(request{ID: id, Program: p, Limits: l.withDefaults(), Layers: with})
	b.mu.Unlock()
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrClosed, err)
	}
	select {
	case rep := <-ch:
		if rep.Err != "" {
			return rep.Result, fmt.Errorf("sandbox: %s", rep.Err)
		}
		return rep.Result, nil
	case <-ctx.Done():
		b.mu.Lock()
		if !b.closed {
			_ = b.enc.Encode(request{ID: id, Cancel: true}) // a dead launcher needs no cancelling
		}
		b.mu.Unlock()
		return Result{}, ctx.Err()
	case <-b.done:
		return Result{}, fmt.Errorf("%w: the launcher ended", ErrClosed)
	}
}

// Close ends the launcher and every program that still runs. It may be called more than once.
func (b *Box) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		_ = b.stdin.Close() // the launcher ends when its input does
	}
	b.mu.Unlock()
	<-b.done
	return nil
}
