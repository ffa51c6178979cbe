package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGenerate runs the generator beside a copy of its sources and compares with the committed files.
// It skips where the generator's modules are not at hand, or fails there if ASSAY_REQUIRE_ASMGEN is 1.
func TestGenerate(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the generator")
	}
	required := os.Getenv("ASSAY_REQUIRE_ASMGEN") == "1"
	root := t.TempDir()
	dir := filepath.Join(root, "_asm")
	if err := os.CopyFS(dir, os.DirFS("_asm")); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) ([]byte, error) {
		c := exec.Command("go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		if !required {
			c.Env = append(c.Env, "GOPROXY=off") // a test must not download
		}
		return c.CombinedOutput()
	}
	if out, err := command("list", "-deps", "."); err != nil {
		if required {
			t.Fatalf("generator's modules: %v\n%s", err, out)
		}
		t.Skipf("generator's modules: %v", err)
	}
	source, err := os.ReadFile("generate.go")
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for line := range strings.Lines(string(source)) {
		args, ok := strings.CutPrefix(line, "//go:generate go run -C _asm ")
		if !ok {
			continue
		}
		runs++
		if out, err := command(append([]string{"run"}, strings.Fields(args)...)...); err != nil {
			t.Fatalf("go run %s: %v\n%s", args, err, out)
		}
	}
	written, err := filepath.Glob(filepath.Join(root, "*_amd64.*"))
	if err != nil || runs == 0 || len(written) != 2*runs {
		t.Fatalf("%d runs wrote %v (%v)", runs, written, err)
	}
	for _, file := range written {
		name := filepath.Base(file)
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// A checkout may have turned line ends.
		if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
			t.Errorf("%s is stale: go generate ./engine/kernel", name)
		}
	}
}
