package hardware

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// ErrNoTree says that a file system holds neither a proc/cpuinfo nor a sys/devices/system/cpu.
var ErrNoTree = errors.New("no Linux machine described here")

// Read describes the Linux machine whose /proc and /sys lie at proc and sys in fsys: the live
// tree os.DirFS("/"), or a recorded one. Files that are absent leave their facts unknown; files
// that make no sense do so too, and each adds a line to Warnings naming the file.
func Read(fsys fs.FS) (Host, error) {
	r := &reader{fsys: fsys}
	h := Host{OS: "linux", Virtual: "unknown"}
	cpuinfo := r.cpuinfo()
	if len(cpuinfo) == 0 && !r.exists("sys/devices/system/cpu") {
		return Host{Virtual: "unknown"}, fmt.Errorf("proc/cpuinfo: %w", ErrNoTree)
	}
	h.Kernel = r.word("proc/sys/kernel/osrelease")
	h.Arch = r.arch(cpuinfo)
	h.CPU = r.cpu(cpuinfo)
	h.Memory = r.memory()
	r.limits(&h)
	h.Virtual = r.virtual(cpuinfo)
	h.GPUs = r.gpus()
	h.Warnings = r.warnings
	return h, nil
}

// reader reads small files of a tree and collects what was wrong with them.
type reader struct {
	fsys     fs.FS
	warnings []string
}

// A cpuinfo of 4,000 threads is about 8 MiB; nothing else comes near.
const fileLimit = 16 << 20

// bytes reads a file, nil where it is absent or unreadable. In /proc and /sys both are
// ordinary: files come and go with kernel and permissions.
func (r *reader) bytes(name string) []byte {
	f, err := r.fsys.Open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			r.warn(name, err)
		}
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err != nil {
		return nil // sysfs answers some reads with an error: no such fact
	}
	if len(data) > fileLimit {
		r.warn(name, fmt.Errorf("more than %d bytes", fileLimit))
		return nil
	}
	return data
}

func (r *reader) exists(name string) bool {
	_, err := fs.Stat(r.fsys, name)
	return err == nil
}

// word is a file's text without the space around it, "" where absent.
func (r *reader) word(name string) string {
	return strings.TrimSpace(string(bytes.TrimRight(r.bytes(name), "\x00")))
}

// number is a file that holds one integer; ok is false where it is absent or no number.
func (r *reader) number(name string) (n int64, ok bool) {
	text := r.word(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		r.warn(name, fmt.Errorf("%q is no number", clip(text)))
		return 0, false
	}
	return n, true
}

// names lists a folder, in order, leaving out what does not match pattern (path.Match).
func (r *reader) names(dir, pattern string) []string {
	entries, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); ok {
			names = append(names, e.Name())
		}
	}
	return names
}

// lines calls use for each line of a file with the key before sep and the text behind it.
func (r *reader) lines(name, sep string, use func(line int, key, value string)) {
	n := 0
	for text := range strings.SplitSeq(string(r.bytes(name)), "\n") {
		n++
		if key, value, ok := strings.Cut(text, sep); ok {
			use(n, strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
}

// One broken file can be wrong in every line: the first few complaints are enough.
const warningLimit = 20

func (r *reader) warn(place string, err error) {
	if len(r.warnings) < warningLimit {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %v", place, err))
	}
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// The kernel's own limit is 8,192 (CONFIG_NR_CPUS); more is a broken file.
const cpuLimit = 1 << 16

// cpuList parses the kernel's list format, "0-3,8,10-11", into the set it stands for.
func cpuList(text string) (map[int]bool, error) {
	set := make(map[int]bool)
	text = strings.TrimSpace(text)
	if text == "" {
		return set, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		lo, err := strconv.Atoi(first)
		if err != nil {
			return nil, fmt.Errorf("cpu list %q: %q is no number", clip(text), clip(first))
		}
		hi := lo
		if ranged {
			if hi, err = strconv.Atoi(last); err != nil {
				return nil, fmt.Errorf("cpu list %q: %q is no number", clip(text), clip(last))
			}
		}
		if lo < 0 || hi < lo || hi >= cpuLimit {
			return nil, fmt.Errorf("cpu list %q: %q is no range of processors", clip(text), clip(part))
		}
		for i := lo; i <= hi; i++ {
			set[i] = true
		}
	}
	return set, nil
}
