//go:build !linux

package sandbox

import (
	"fmt"
	"os/exec"
	"runtime"
)

func platform() error {
	return fmt.Errorf("%s has none of the confinement this package uses (Linux namespaces, Landlock, seccomp)", runtime.GOOS)
}

func detach(*exec.Cmd) {}

// Main takes over when this process was started as launcher or as confined child, which
// does not happen on this platform.
func Main() {}
