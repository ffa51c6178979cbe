package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tokenassay/assay"

// policy says which packages of this module each package may import. The first entry whose
// pattern matches counts; "x/..." is x and all below it, a bare x is x alone. A package that
// no entry matches may not exist.
//
// The imports are parsed here rather than asked of the go command, whose answers the test
// cache would not notice changing.
var policy = []struct {
	pattern string
	allowed []string
}{
	{"engine", nil},
	{"engine/...", []string{"engine/..."}},
	{"hardware/...", []string{"hardware/..."}},
	{"pricing/...", []string{"pricing/...", "engine"}},
	{"tasks/...", []string{"tasks/...", "engine"}},
	{"bench/stat", nil},
	{"bench/...", []string{"bench/...", "engine", "tasks", "hardware/..."}},
	{"results/...", []string{"results/...", "bench/...", "engine", "tasks", "hardware/...", "pricing/..."}},
	{"cmd/...", []string{"..."}},
}

// libraries lists modules that only some packages may use.
var libraries = []struct {
	prefix  string
	allowed []string
}{
	{"github.com/spf13/", []string{"cmd/..."}},
	{"gonum.org/v1/plot", []string{"results/chart"}},
	{"modernc.org/sqlite", []string{"results/store"}},
	{"github.com/vbauerster/mpb", []string{"cmd/..."}},
	{"log", nil},
	{"C", nil},
}

func matches(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(pkg+"/", base)
	}
	return pattern == pkg
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func TestImportPolicy(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "notebooks" || base == "assay-out") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		checkFile(t, filepath.ToSlash(rel), name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were looked at: is this the right tree?", files)
	}
}

func checkFile(t *testing.T, pkg, name string) {
	t.Helper()
	i := slices.IndexFunc(policy, func(p struct {
		pattern string
		allowed []string
	}) bool {
		return matches(p.pattern, pkg)
	})
	if i < 0 {
		t.Errorf("%s: package %s is in no room of the policy", name, pkg)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !matchesAny(policy[i].allowed, ours) {
			t.Errorf("%s: %s may not import %s", name, pkg, ours)
		}
		for _, l := range libraries {
			if (imported == l.prefix || strings.HasPrefix(imported, strings.TrimSuffix(l.prefix, "/")+"/")) && !matchesAny(l.allowed, pkg) {
				t.Errorf("%s: %s may not import %s", name, path.Base(pkg), imported)
			}
		}
	}
}
