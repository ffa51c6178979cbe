package safetensors_test

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedData finds public test data: below $ASSAY_SHARED, or in a folder "shared" beside one of
// the folders above. Without it the test is skipped, or fails where CI is set.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	roots := []string{os.Getenv("ASSAY_SHARED")}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; roots[0] == "" && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		path := filepath.Join(root, "data", name)
		if _, err := os.Stat(path); root != "" && err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no public test data %s: set ASSAY_SHARED", name)
	}
	t.Skipf("no public test data %s: set ASSAY_SHARED", name)
	return ""
}
