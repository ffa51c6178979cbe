package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ready-made library for Landlock applies it to all threads of a process, with a method
// that never ends in a new process namespace when the binary was built with cgo. Here one
// thread is enough, because that thread goes on to replace the whole process.

// Rights by the kernel's documentation, userspace-api/landlock: what each ABI can refuse.
const (
	readRights  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	fileRights  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	rightsABI1  = 1<<13 - 1 // every file-system right up to MAKE_SYM
	rightsABI2  = rightsABI1 | unix.LANDLOCK_ACCESS_FS_REFER
	rightsABI3  = rightsABI2 | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	networkABI4 = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
)

// rulesetAttr and pathBeneathAttr are the kernel's structures of linux/landlock.h.
type rulesetAttr struct{ files, network uint64 }

type pathBeneathAttr struct {
	rights uint64
	parent int32
}

// restrictFiles leaves this thread, and what it becomes, the system's programs and libraries
// to read, this very binary to execute, and dir to write; and no TCP where the kernel can
// refuse it. Paths that do not exist or cannot be opened are left out, which only ever
// refuses more.
func restrictFiles(dir string) error {
	abi, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Errorf("the kernel has none: %w", errno)
	}
	attr := rulesetAttr{files: rightsABI1}
	if abi >= 2 {
		attr.files = rightsABI2
	}
	if abi >= 3 {
		attr.files = rightsABI3
	}
	size := unsafe.Sizeof(attr.files)
	if abi >= 4 {
		attr.network = networkABI4
		size += unsafe.Sizeof(attr.network)
	}
	ruleset, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("ruleset: %w", errno)
	}
	defer unix.Close(int(ruleset))

	for _, rule := range []struct {
		path   string
		rights uint64
	}{
		{"/usr", readRights}, {"/lib", readRights}, {"/lib64", readRights}, {"/bin", readRights},
		{"/etc/ld.so.cache", readRights & fileRights},
		{"/dev/urandom", readRights & fileRights},
		{"/dev/null", fileRights},
		{"/proc/self/exe", readRights & fileRights},
		{dir, attr.files},
	} {
		err := allow(int(ruleset), rule.path, rule.rights&attr.files)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return fmt.Errorf("rule for %s: %w", rule.path, err)
		}
	}
	if _, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return fmt.Errorf("restricting: %w", errno)
	}
	return nil
}

// allow permits rights on all that lies beneath path.
func allow(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	beneath := pathBeneathAttr{rights: rights, parent: int32(fd)}
	if _, _, errno := syscall.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
