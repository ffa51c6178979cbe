//go:build unix

package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A file and folder that may only be read: reading works, writing says why not. Root may write
// anywhere, so as root the other process runs as nobody.
func TestReadOnlyFolder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("starts itself through /proc/self/exe")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	filled(t, path, 3)
	for d := dir; d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = "/"
	cmd.Env = []string{childEnv + "=read-only " + path}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{": true ", "runs: 1\n", "create: true ", "read-only"} {
		if !strings.Contains(text, want) {
			t.Errorf("child said nothing with %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "false") {
		t.Errorf("a refusal is not ErrReadOnly:\n%s", text)
	}
}
