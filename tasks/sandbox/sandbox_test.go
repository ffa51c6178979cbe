package sandbox

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	Main()
	goleak.VerifyTestMain(m)
}

func start(t *testing.T) *Box {
	t.Helper()
	b, err := Start(t.Context())
	if errors.Is(err, ErrUnsupported) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestJavaScript(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		name, source, stdin string
		stdout, stderr      string // stderr: contained
		exit                int
	}{
		{"prints", `console.log("a", 1+1, [1,2], {a: 1}, null); print(true)`, "", "a 2 [1,2] {\"a\":1} null\ntrue\n", "", 0},
		{"modern syntax", `class A { #x = 3; get x() { return this.#x } }; const {x} = new A(); const f = (...a) => [...a, x]; console.log(f(1,2).map(v => v ** 2).join())`, "", "1,4,9\n", "", 0},
		{"input", `console.log(stdin.split("\n").length)`, "a\nb\nc", "3\n", "", 0},
		{"syntax error", `function (`, "", "", "SyntaxError", 1},
		{"exception", `null.x`, "", "", "TypeError", 1},
		{"assert", `console.assert(1 === 2, "one is not two")`, "", "", "one is not two", 1},
		{"endless recursion", `function f() { f() } f()`, "", "", "", 1},
		{"no require", `require("fs")`, "", "", "ReferenceError", 1},
		{"no process", `process.exit(3)`, "", "", "ReferenceError", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := b.Run(t.Context(), Program{Language: JavaScript, Source: c.source, Stdin: c.stdin}, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Stdout != c.stdout || res.Exit != c.exit || !strings.Contains(res.Stderr, c.stderr) {
				t.Errorf("Run(%q) = %+v; want stdout %q, stderr with %q, exit %d", c.source, res, c.stdout, c.stderr, c.exit)
			}
		})
	}
}

// TestAttacks tries what a hostile program would. Each must end within its limits and
// reach nothing.
func TestAttacks(t *testing.T) {
	b := start(t)
	limits := Limits{Wall: time.Second, Memory: 128 << 20, Output: 4 << 10}
	refused := func(t *testing.T, r Result) {
		if r.Exit == 0 || !strings.Contains(r.Stderr, "Error") {
			t.Errorf("not refused: %+v", r)
		}
	}
	timedOut := func(t *testing.T, r Result) {
		if !r.TimedOut {
			t.Errorf("no time-out: %+v", r)
		}
	}
	for _, c := range []struct {
		name   string
		lang   Language
		source string
		check  func(*testing.T, Result)
	}{
		{"js loop", JavaScript, `while (true) {}`, timedOut},
		{"js flood", JavaScript, `while (true) console.log("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`, func(t *testing.T, r Result) {
			if !r.OutputTruncated || len(r.Stdout) > 4<<10 {
				t.Errorf("flood: truncated %v, %d bytes", r.OutputTruncated, len(r.Stdout))
			}
		}},
		{"js memory", JavaScript, `const a = []; while (true) a.push(new Array(100000).fill(1.5))`, func(t *testing.T, r Result) {
			if !r.MemoryExceeded && !r.TimedOut {
				t.Errorf("memory: %+v", r)
			}
		}},
		{"py passwd", Python, `print(open("/etc/passwd").read())`, refused},
		{"py own home", Python, `import os; print(os.listdir("/root"))`, refused},
		{"py write usr", Python, `open("/usr/x", "w")`, refused},
		{"py write tmp", Python, `open("/tmp/evil", "w")`, refused},
		{"py network", Python, `import socket; socket.create_connection(("127.0.0.1", 80), 1)`, refused},
		{"py proc", Python, `import os; print(os.listdir("/proc"))`, refused},
		{"py kill all", Python, `import os; os.kill(-1, 9)`, refused},
		{"py memory", Python, `x = "a" * (1 << 30)`, func(t *testing.T, r Result) {
			if !r.MemoryExceeded {
				t.Errorf("memory: %+v", r)
			}
		}},
		{"py disk", Python, `open("big", "wb").write(b"x" * (1 << 25))`, func(t *testing.T, r Result) {
			if r.Exit == 0 {
				t.Errorf("wrote 32 MB: %+v", r)
			}
		}},
		{"py loop", Python, `while True: pass`, timedOut},
		{"py sleep", Python, `import time; time.sleep(60)`, timedOut},
		{"py fork bomb", Python, "import os, time\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\nexcept OSError: os._exit(7)", func(t *testing.T, r Result) {
			if r.Exit != 7 && !r.TimedOut {
				t.Errorf("fork bomb: %+v", r)
			}
		}},
		{"py own folder", Python, `open("ok", "w").write("1"); print(open("ok").read())`, func(t *testing.T, r Result) {
			if r.Stdout != "1\n" {
				t.Errorf("own folder: %+v", r)
			}
		}},
		{"py libraries", Python, `import json, re, math, collections, itertools, heapq, functools, typing; print(math.comb(5, 2))`, func(t *testing.T, r Result) {
			if r.Stdout != "10\n" {
				t.Errorf("libraries: %+v", r)
			}
		}},
		{"py environment", Python, `import os; print(sorted(k for k in os.environ if "ASSAY" in k))`, func(t *testing.T, r Result) {
			if r.Stdout != "[]\n" {
				t.Errorf("environment: %+v", r)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slices.Contains(b.Languages(), c.lang) {
				t.Skip(b.Describe())
			}
			res, err := b.Run(t.Context(), Program{Language: c.lang, Source: c.source}, limits)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, res)
		})
	}
}

func TestWeakerLayers(t *testing.T) {
	b := start(t)
	for _, l := range []layers{{}, {Landlock: true}, {Namespaces: true}} {
		t.Run(l.String(), func(t *testing.T) {
			res, err := b.run(t.Context(), Program{Language: JavaScript, Source: `print("ok")`}, Limits{}, l)
			if err != nil || res.Stdout != "ok\n" {
				t.Errorf("run = %+v, %v", res, err)
			}
		})
	}
}

// A temporary folder of root's own is one that nobody, as whom root runs programs, cannot enter.
func TestPrivateTempFolder(t *testing.T) {
	start(t) // where nothing can be confined at all, there is nothing to test
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", private)
	b, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	res, err := b.Run(t.Context(), Program{Language: JavaScript, Source: `console.log("ran")`}, Limits{})
	if err != nil || res.Stdout != "ran\n" {
		t.Errorf("Run with a private temporary folder = %+v, %v", res, err)
	}
	if left, err := os.ReadDir(private); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

func TestConcurrent(t *testing.T) {
	b := start(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := strings.Repeat("x", i) + "\n"
			res, err := b.Run(t.Context(), Program{Language: JavaScript, Source: `console.log("x".repeat(stdin.length))`, Stdin: strings.Repeat("y", i)}, Limits{})
			if err != nil || res.Stdout != want {
				t.Errorf("run %d = %+v, %v; want %q", i, res, err, want)
			}
		})
	}
	wg.Wait()
}

func TestCancelAndClose(t *testing.T) {
	b := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.Run(ctx, Program{Language: JavaScript, Source: `while (true) {}`}, Limits{Wall: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled Run: %v; want deadline exceeded", err)
	}
	if res, err := b.Run(t.Context(), Program{Language: JavaScript, Source: `print(1)`}, Limits{}); err != nil || res.Stdout != "1\n" {
		t.Errorf("after a cancelled run: %+v, %v", res, err)
	}
	if _, err := b.Run(t.Context(), Program{Language: "cobol"}, Limits{}); !errors.Is(err, ErrLanguage) {
		t.Errorf("cobol: %v; want ErrLanguage", err)
	}
	b.Close()
	if _, err := b.Run(t.Context(), Program{Language: JavaScript}, Limits{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v; want ErrClosed", err)
	}
}

func BenchmarkRun(b *testing.B) {
	box, err := Start(b.Context())
	if err != nil {
		b.Skip(err)
	}
	defer box.Close()
	for _, lang := range box.Languages() {
		b.Run("language="+string(lang), func(b *testing.B) {
			for b.Loop() {
				if _, err := box.Run(b.Context(), Program{Language: lang, Source: "print(1)"}, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
