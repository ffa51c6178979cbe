package store

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/tasks"
)

var writeOld = flag.Bool("write-v1", false, "write testdata/v1.db: only ever for a schema that was never released")

// oldOutcomes are what testdata/v1.db holds.
func oldOutcomes() []bench.Outcome {
	rng := rand.New(rand.NewPCG(1, 2))
	var out []bench.Outcome
	for i := range 4 {
		o := testOutcome("old", i, rng)
		o.Output = fmt.Sprint("answer ", i)
		o.Meta = map[string]string{"depth": "0.5"}
		if i > 0 {
			o.Score = &tasks.Score{Value: 1, Verdict: tasks.Correct, Answer: "7", Why: "equal"}
		}
		out = append(out, o)
	}
	return out
}

// A file that an earlier version of this program wrote stays readable, as it is and brought up
// to date.
func TestOldSchema(t *testing.T) {
	const old = "testdata/v1.db"
	if *writeOld {
		os.Remove(old)
		s := mustOpen(t, old)
		mustBegin(t, s, "old")
		mustPut(t, s, oldOutcomes()...)
		if err := errors.Join(s.Finish(t.Context(), "old", time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "v1.db")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, path)
	if d := cmp.Diff(oldOutcomes(), mustAll(t, s, "old")); d != "" {
		t.Errorf("outcomes of an old file (-want +got):\n%s", d)
	}
	m, err := s.Manifest(t.Context(), "old")
	if err != nil || m.Seed != testManifest("").Seed || len(m.Models) != 2 || m.Models[0].Name != "tiny" || m.Finished.IsZero() {
		t.Errorf("manifest of an old file: %+v, %v", m, err)
	}
	mustPut(t, s, testOutcome("old", 99, rand.New(rand.NewPCG(1, 1))))
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	filled(t, path, 1)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, 1)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for name, open := range map[string]func(string) (*Store, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
		_, err := open(path)
		if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "version 7") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrNewer naming version and file", name, err)
		}
	}
}

// versions counts the migrations, so they must be numbered from 1 without gaps.
func TestMigrationsAreNumbered(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("migrations: %v, %v", names, err)
	}
	for i, n := range names {
		if want := fmt.Sprintf("migrations/%05d_", i+1); !strings.HasPrefix(n, want) {
			t.Errorf("migration %d is %s, want %s…", i+1, n, want)
		}
	}
}
