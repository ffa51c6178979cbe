package mapped_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenassay/assay/engine/internal/mapped"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "x", "some text\x00 with a zero"} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := mapped.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(f.Data) != text {
			t.Errorf("Data = %q, want %q", f.Data, text)
		}
		for range 2 {
			if err := f.Close(); err != nil || f.Data != nil {
				t.Errorf("Close: %v, Data %q", err, f.Data)
			}
		}
	}
	if err := (*mapped.File)(nil).Close(); err != nil {
		t.Errorf("Close of nil: %v", err)
	}
	var place *fs.PathError
	if _, err := mapped.Open(dir); !errors.Is(err, mapped.ErrNotRegular) || !errors.As(err, &place) || place.Path != dir {
		t.Errorf("Open of a folder: %v", err)
	}
	if _, err := mapped.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
}
