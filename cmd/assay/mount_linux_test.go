package main

import (
	"os"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// mayMount tries it.
var mayMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "assay-mount")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		return false
	}
	return syscall.Unmount(dir, 0) == nil
})

func disk(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "disk DIR SIZE")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]))
	ts.Defer(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func readOnly(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 1, "readonly DIR")
	ts.Check(syscall.Mount("", ts.MkAbs(args[0]), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
}
