//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// The scripts mount file systems on Linux alone.
func mayMount() bool { return false }

func disk(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("cannot mount here") }

func readOnly(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("cannot mount here") }
