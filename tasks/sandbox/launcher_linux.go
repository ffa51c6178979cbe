package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// nobody is the user a program runs as when the launcher is root.
const nobody = 65534

// platform reports why programs cannot be confined here, or nil.
func platform() error {
	_, err := os.Stat("/proc/self/exe")
	return err
}

// detach keeps the launcher out of the terminal's process group, so that Ctrl-C reaches
// the user's program alone, which then closes the Box in order.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Main takes over when this process was started as launcher or as confined child, and then
// does not return. Call it first thing in main.
func Main() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case launcherArg:
		launch(os.Stdin, os.Stdout)
		os.Exit(0)
	case childArg:
		os.Exit(confinedChild())
	case interpreterArg:
		os.Exit(interpreterMain(os.Args[2:]))
	}
}

// launch serves requests until its input ends, then ends what still runs.
func launch(in io.Reader, out io.Writer) {
	ctx, stop := context.WithCancel(context.Background())
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex // guards enc and running
		enc     = json.NewEncoder(out)
		running = map[uint64]context.CancelFunc{}
	)
	for dec := json.NewDecoder(in); ; {
		var req request
		if err := dec.Decode(&req); err != nil {
			break
		}
		mu.Lock()
		if req.Cancel {
			if cancel := running[req.ID]; cancel != nil {
				cancel()
			}
			mu.Unlock()
			continue
		}
		one, cancel := context.WithCancel(ctx)
		running[req.ID] = cancel
		mu.Unlock()
		wg.Go(func() {
			rep := reply{ID: req.ID}
			var err error
			if rep.Result, err = runConfined(one, req); err != nil {
				rep.Err = err.Error()
			}
			cancel()
			mu.Lock()
			defer mu.Unlock()
			delete(running, req.ID)
			_ = enc.Encode(rep) // a caller that is gone reads no reply
		})
	}
	stop()
	wg.Wait()
}

// tempFolder holds the programs' folders: the temporary folder, or where root has one that
// nobody, as whom root runs programs, cannot enter, another.
func tempFolder() string {
	dir := os.TempDir()
	if os.Getuid() != 0 {
		return dir
	}
	for _, other := range []string{dir, "/tmp", "/var/tmp", "/dev/shm"} {
		if enterable(other) {
			return other
		}
	}
	return dir
}

// enterable reports whether everyone may pass through dir and the folders above it.
func enterable(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		var info os.FileInfo
		if info, err = os.Stat(dir); err == nil && info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return err == nil
}

// runConfined runs one program in a child of its own, in a folder of its own.
func runConfined(ctx context.Context, req request) (Result, error) {
	dir, err := os.MkdirTemp(tempFolder(), "assay-box-")
	if err != nil {
		return Result{}, fmt.Errorf("folder for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	spec := childSpec{Dir: dir, Limits: req.Limits, Landlock: req.Layers.Landlock}
	var file string
	switch req.Program.Language {
	case JavaScript:
		file, spec.Argv = javaScriptFile, []string{"/proc/self/exe", interpreterArg, strconv.FormatInt(req.Limits.Memory, 10)}
		spec.OwnSpace = true
	case Python:
		file, spec.Argv = pythonFile, []string{pythonPath, "-I", "-S", pythonFile}
		if _, err := os.Stat(pythonPath); err != nil {
			return Result{}, fmt.Errorf("python: %w", err)
		}
	default:
		return Result{}, fmt.Errorf("%w: %q", ErrLanguage, req.Program.Language)
	}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(req.Program.Source), 0o644); err != nil {
		return Result{}, fmt.Errorf("writing the program: %w", err)
	}

	uid, gid := os.Getuid(), os.Getgid()
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if uid == 0 {
		uid, gid = nobody, nobody
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: req.Layers.Namespaces}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return Result{}, fmt.Errorf("folder for the program: %w", err)
		}
	}
	if req.Layers.Namespaces {
		attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: gid, Size: 1}}
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true}
	}
	encoded, err := json.Marshal(spec)
	if err != nil {
		return Result{}, err
	}

	// The child holds the pipe's other end until it is confined and the program begins.
	// Only then does the program's time run: a busy machine's slow start is not its fault.
	begun, holding, err := os.Pipe()
	if err != nil {
		return Result{}, fmt.Errorf("pipe to the program: %w", err)
	}
	defer begun.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, "/proc/self/exe", childArg)
	cmd.Env = []string{"GOMAXPROCS=1", specEnv + "=" + string(encoded)}
	cmd.Dir = dir
	cmd.SysProcAttr = attr
	cmd.ExtraFiles = []*os.File{holding} // descriptor 3, which closes on exec
	cmd.Stdin = strings.NewReader(req.Program.Stdin)
	flood := func() { cancel(errOutput) }
	stdout, stderr := &cappedBuffer{max: req.Limits.Output, full: flood}, &cappedBuffer{max: req.Limits.Output, full: flood}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second
	// The whole process group goes, for platforms without process namespaces.
	cmd.Cancel = func() error { return errors.Join(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL), cmd.Process.Kill()) }

	if err := cmd.Start(); err != nil {
		return Result{}, errors.Join(fmt.Errorf("starting the program: %w", err), holding.Close())
	}
	holding.Close() // ours; the child has its own
	ended, watched := make(chan struct{}), make(chan time.Time)
	go func() { watched <- watch(begun, req.Limits.Wall, ended, cancel) }()
	err = cmd.Wait()
	close(ended)
	began := <-watched

	state := cmd.ProcessState
	if state == nil {
		return Result{}, fmt.Errorf("waiting for the program: %w", err)
	}
	res := Result{Exit: state.ExitCode(), OutputTruncated: stdout.truncated || stderr.truncated}
	res.Stdout, res.Stderr = stdout.buf.String(), stderr.buf.String()
	if !began.IsZero() {
		res.Wall = time.Since(began)
	}
	cause := context.Cause(ctx)
	switch {
	case res.Exit == exitHarness:
		return res, fmt.Errorf("confining the program: %s", strings.TrimSpace(res.Stderr))
	case errors.Is(cause, errNotBegun):
		return res, cause
	case cause != nil && !errors.Is(cause, errTime) && !errors.Is(cause, errOutput):
		return res, cause
	}
	// A process that used up its processor time is killed without a word.
	spent := state.UserTime() + state.SystemTime()
	res.TimedOut = errors.Is(cause, errTime) || res.Exit == -1 && spent >= req.Limits.CPU*9/10
	res.MemoryExceeded = !res.TimedOut && res.Exit != 0 && outOfMemory(res.Stderr)
	return res, nil
}

// Why a program was ended before its time.
var (
	errTime     = errors.New("the program's time is up")
	errOutput   = errors.New("the program prints too much")
	errNotBegun = errors.New("the program's process did not begin within 10 s")
)

// watch waits until the child lets go of its end of the pipe, which is when the program
// begins, ends it when its time is up, and returns when it began (zero if it never did).
func watch(begun *os.File, wall time.Duration, ended <-chan struct{}, cancel context.CancelCauseFunc) time.Time {
	_ = begun.SetReadDeadline(time.Now().Add(10 * time.Second)) // pipes take deadlines
	if _, err := begun.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		cancel(errNotBegun)
		return time.Time{}
	}
	began := time.Now()
	timer := time.NewTimer(wall)
	defer timer.Stop()
	select {
	case <-timer.C:
		cancel(errTime)
	case <-ended:
	}
	return began
}

// outOfMemory knows the last words of interpreters that ran into their limit.
func outOfMemory(stderr string) bool {
	for _, words := range []string{"MemoryError", "out of memory", "cannot allocate memory", "Cannot allocate memory"} {
		if strings.Contains(stderr, words) {
			return true
		}
	}
	return false
}

// cappedBuffer keeps the first max bytes and calls full when there are more. The buffer is
// not embedded: io.Copy would find its ReadFrom and go round the cap.
type cappedBuffer struct {
	buf       bytes.Buffer
	max       int64
	full      func()
	truncated bool
}

func (c *cappedBuffer) Write(p []byte) (int, error) {
	room := c.max - int64(c.buf.Len())
	if int64(len(p)) <= room {
		return c.buf.Write(p)
	}
	c.buf.Write(p[:max(room, 0)])
	if !c.truncated {
		c.truncated = true
		c.full()
	}
	return len(p), nil
}
