package store

import (
	"bufio"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/bench"
)

// filled makes a closed store with n outcomes in one run.
func filled(t *testing.T, path string, n int) []bench.Outcome {
	t.Helper()
	s := mustOpen(t, path)
	mustBegin(t, s, "run")
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range n {
		mustPut(t, s, testOutcome("run", i, rng))
	}
	out := mustAll(t, s, "run")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// read opens a file and reads all there is in it.
func read(t *testing.T, path string) ([]bench.Outcome, error) {
	s, err := OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if _, err := s.Runs(t.Context()); err != nil {
		return nil, err
	}
	return all(t.Context(), s, "run")
}

func TestOtherFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE notes (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for _, c := range []struct {
		path string
		want error
	}{
		{write("text.db", []byte(strings.Repeat("this is no database\n", 99))), ErrNotStore},
		{write("short.db", []byte("SQLite format 3\x00and then nothing")), ErrNotStore},
		{foreign, ErrNotStore},
		{dir, ErrNotStore},
	} {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			for name, open := range map[string]func(string) (*Store, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
				s, err := open(c.path)
				if err == nil {
					s.Close()
				}
				if c.path == dir && name == "OpenReadOnly" {
					if err == nil {
						t.Errorf("OpenReadOnly of a directory succeeded")
					}
					continue
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
					t.Errorf("%s: %v, want %v naming the file", name, err, c.want)
				}
			}
			if after, _ := os.ReadFile(c.path); string(after) != string(before) {
				t.Error("opening changed the file")
			}
		})
	}
	empty := write("empty.db", nil)
	if _, err := OpenReadOnly(empty); !errors.Is(err, ErrNotStore) {
		t.Errorf("OpenReadOnly of an empty file: %v, want ErrNotStore", err)
	}
	mustBegin(t, mustOpen(t, empty), "an empty file is filled")
	if _, err := OpenReadOnly(filepath.Join(dir, "absent.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenReadOnly of no file: %v, want not exist", err)
	}
	if _, err := Open(filepath.Join(dir, "no", "folder", "x.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open in no folder: %v, want not exist", err)
	}
}

// Every single flipped bit and every truncation is either harmless or an error; none changes
// what is read, and none panics.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	want := filled(t, path, 25)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.db")
	try := func(t *testing.T, what string, at int, data []byte) (harmless bool) {
		if err := os.WriteFile(broken, data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, broken)
		if err == nil && !cmp.Equal(want, got) {
			t.Errorf("%s at byte %d of %d: outcomes changed without an error", what, at, len(whole))
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Path != broken) {
			t.Errorf("%s at byte %d: %v does not name the file", what, at, err)
		}
		return err == nil
	}
	rng := rand.New(rand.NewPCG(9, 9))
	harmless := 0
	const flips = 250
	for range flips {
		at := rng.IntN(len(whole))
		data := append([]byte(nil), whole...)
		data[at] ^= 1 << rng.IntN(8)
		if try(t, "flip", at, data) {
			harmless++
		}
	}
	if harmless == flips {
		t.Error("no flip was noticed")
	}
	for range 25 {
		at := 1 + rng.IntN(len(whole)-1)
		if try(t, "cut", at, whole[:at]) {
			t.Errorf("a file cut at byte %d of %d was read without an error", at, len(whole))
		}
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	want := filled(t, path, 3)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=lock "+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("child: %q", line)
	}
	s, err := open(t.Context(), path, 20*time.Millisecond)
	if err == nil {
		err = s.Begin(t.Context(), testManifest("another"))
		s.Close()
	}
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("writing to a locked store: %v, want ErrLocked naming the file", err)
	}
	in.Close()
	cmd.Wait()
	if d := cmp.Diff(want, mustAll(t, mustOpen(t, path), "run")); d != "" {
		t.Errorf("outcomes after the lock is gone:\n%s", d)
	}
}

// A full disk, played by a limit on the number of pages: the error says so, what was stored before
// stays, and when there is room again writing goes on.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	filled(t, path, 5)
	s := mustOpen(t, path)
	if _, err := s.write.Exec("PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	stored := mustAll(t, s, "run")
	var err error
	n := len(stored)
	for ; err == nil && n < 10_000; n++ {
		o := testOutcome("run", n, rng)
		if err = s.Put(t.Context(), o); err == nil {
			stored = append(stored, o)
		}
	}
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), path) {
		t.Fatalf("Put on a full disk: %v, want ErrFull naming the file", err)
	}
	if d := cmp.Diff(stored, mustAll(t, s, "run")); d != "" {
		t.Errorf("outcomes on a full disk:\n%s", d)
	}
	if _, err := s.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	o := testOutcome("run", n, rng)
	mustPut(t, s, o)
	if d := cmp.Diff(append(stored, o), mustAll(t, s, "run")); d != "" {
		t.Errorf("outcomes with room again:\n%s", d)
	}
}

func TestReadOnlyStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	want := filled(t, path, 3)
	s, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, err := range map[string]error{
		"Begin":  s.Begin(t.Context(), testManifest("x")),
		"Put":    s.Put(t.Context(), want[0]),
		"Finish": s.Finish(t.Context(), "run", time.Now()),
	} {
		if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrReadOnly naming the file", name, err)
		}
	}
}

// Whatever is in the file, opening and reading it ends with outcomes or an error.
func FuzzOpen(f *testing.F) {
	old, err := os.ReadFile("testdata/v1.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(old)
	f.Add(old[:5000])
	f.Add([]byte("SQLite format 3\x00"))
	f.Add([]byte(nil))
	path := filepath.Join(f.TempDir(), "x.db")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := read(t, path)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v is no *Error", err)
		}
	})
}
