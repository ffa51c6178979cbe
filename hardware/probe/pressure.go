package probe

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// ReadPressure reads how busy the Linux machine is whose /proc lies at proc in fsys. What is not
// there is nil; Own is not in that tree.
func ReadPressure(fsys fs.FS) Pressure {
	var p Pressure
	if text, err := fs.ReadFile(fsys, "proc/loadavg"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			p.Load1 = float(fields[0], 1)
		}
	}
	if text, err := fs.ReadFile(fsys, "proc/stat"); err == nil {
		line, _, _ := strings.Cut(string(text), "\n")
		p.Busy, p.Steal = processorTimes(line)
	}
	if text, err := fs.ReadFile(fsys, "proc/pressure/cpu"); err == nil {
		line, _, _ := strings.Cut(string(text), "\n")
		if _, total, ok := strings.Cut(line, "total="); ok && strings.HasPrefix(line, "some ") {
			p.Stalled = float(strings.TrimSpace(total), 1e-6)
		}
	}
	return p
}

// Ticks of /proc/stat per second: USER_HZ, fixed at 100 in the kernel's interface on all
// architectures Go runs on.
const ticks = 100

// processorTimes parses "cpu  user nice system idle iowait irq softirq steal …" (proc_stat(5)).
func processorTimes(line string) (busy, steal *float64) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return nil, nil
	}
	var sum float64
	for _, i := range []int{1, 2, 3, 6, 7} {
		t := float(fields[i], 1.0/ticks)
		if t == nil {
			return nil, nil
		}
		sum += *t
	}
	return &sum, float(fields[8], 1.0/ticks)
}

// float parses a number that is not negative.
func float(text string, unit float64) *float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0 && x < 1e18) {
		return nil
	}
	x *= unit
	return &x
}

// More than these shares of the processors' time taken by others makes a measurement disturbed.
// Steal hits without warning in the middle of a sample; other processes mostly make room.
const (
	stealShare  = 0.01
	othersShare = 0.05
)

// verdict judges what happened between two readings on a number of processors, and says who took
// how much of their time where that disturbed the measurement.
func verdict(before, after Pressure, took time.Duration, processors int) (verdict, why string) {
	capacity := took.Seconds() * float64(processors)
	if capacity <= 0 || before.Busy == nil || after.Busy == nil || before.Own == nil || after.Own == nil {
		return Unknown, ""
	}
	others := max(0, (*after.Busy-*before.Busy)-(*after.Own-*before.Own))
	var stolen float64
	if before.Steal != nil && after.Steal != nil {
		stolen = *after.Steal - *before.Steal
	}
	// The tick counts in whole hundredths of a second per processor.
	if others <= othersShare*capacity+float64(processors)/ticks && stolen <= stealShare*capacity+1.0/ticks {
		return Clean, ""
	}
	return Disturbed, fmt.Sprintf("of the processors' time, other processes took %.1f%% and other machines on the same host %.1f%%", 100*others/capacity, 100*stolen/capacity)
}
