package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

// pressure reads this machine and this process.
func pressure() Pressure {
	p := ReadPressure(os.DirFS("/"))
	var use unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &use) == nil {
		own := float64(use.Utime.Nano()+use.Stime.Nano()) / 1e9
		p.Own = &own
	}
	return p
}
