package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// exitHarness is the exit status of a child that could not confine itself; stderr says why.
const exitHarness = 125

// begunFD is the pipe the child lets go of by replacing itself with the interpreter, which
// is when the program begins.
const begunFD = 3

// specEnv carries the childSpec. It is gone from the environment a program sees.
const specEnv = "ASSAY_SANDBOX_SPEC"

type childSpec struct {
	Dir      string   `json:"dir"`
	Argv     []string `json:"argv"`
	Limits   Limits   `json:"limits"`
	Landlock bool     `json:"landlock"`
	OwnSpace bool     `json:"own_space"` // whether the interpreter's own address space is as large as this process's
}

// confinedChild takes away this process's own abilities, step by step, and then becomes the
// interpreter. It returns an exit status only when that went wrong.
func confinedChild() int {
	// Landlock and exec act on one thread: the one that calls them.
	runtime.LockOSThread()
	var spec childSpec
	if err := json.Unmarshal([]byte(os.Getenv(specEnv)), &spec); err != nil {
		return harnessFault("spec", err)
	}
	syscall.CloseOnExec(begunFD)
	var size uint64
	if spec.OwnSpace {
		var err error
		if size, err = addressSpace(); err != nil {
			return harnessFault("address space", err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return harnessFault("no_new_privs", err)
	}
	if spec.Landlock {
		if err := restrictFiles(spec.Dir); err != nil {
			return harnessFault("landlock", err)
		}
	}
	if err := refuseCalls(dangerousCalls); err != nil {
		return harnessFault("seccomp", err)
	}
	if err := restrictResources(spec.Limits, size); err != nil {
		return harnessFault("rlimits", err)
	}
	env := []string{"PATH=/usr/bin:/bin", "HOME=" + spec.Dir, "TMPDIR=" + spec.Dir, "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "GOMAXPROCS=1"}
	err := syscall.Exec(spec.Argv[0], spec.Argv, env)
	return harnessFault(spec.Argv[0], err)
}

func harnessFault(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return exitHarness
}

// dangerousCalls are system calls that no test program needs.
var dangerousCalls = []string{
	"socket", "socketpair", "ptrace", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf",
	"perf_event_open", "keyctl", "add_key", "request_key", "io_uring_setup", "userfaultfd",
	"process_vm_readv", "process_vm_writev", "kexec_load", "init_module", "finit_module", "delete_module",
}

// refuseCalls lets the named system calls fail with EPERM, in all threads and for ever.
func refuseCalls(names []string) error {
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: names}},
		},
	})
}

// restrictResources sets the limits, last of all: with little address space or few processes
// left the Go runtime could not finish what comes before. size is what the interpreter
// itself reserves and the program is not charged for.
func restrictResources(l Limits, size uint64) error {
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	for _, r := range []struct {
		what  int
		limit uint64
	}{
		{unix.RLIMIT_CPU, seconds},
		{unix.RLIMIT_FSIZE, 16 << 20},
		{unix.RLIMIT_NOFILE, 64},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NPROC, uint64(l.Processes)},
		{unix.RLIMIT_AS, size + uint64(l.Memory)},
	} {
		if err := unix.Setrlimit(r.what, &unix.Rlimit{Cur: r.limit, Max: r.limit}); err != nil {
			return err
		}
	}
	return nil
}

// addressSpace is this process's size in bytes: the Go runtime reserves far more than it uses.
func addressSpace() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages uint64
	if _, err := fmt.Fscan(strings.NewReader(string(text)), &pages); err != nil {
		return 0, fmt.Errorf("/proc/self/statm: %w", err)
	}
	return pages * uint64(os.Getpagesize()), nil
}
