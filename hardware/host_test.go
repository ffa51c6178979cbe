package hardware

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/cpuid/v2"
)

var update = flag.Bool("update", false, "write what was read as the expected answer")

// tree makes a file system of an archive in txtar's format: "-- name --" before each file. Package txtar
// itself panics on the line "-- --", which fuzzing finds at once.
func tree(archive []byte) fs.FS {
	fsys := fstest.MapFS{}
	var file *fstest.MapFile
	for line := range strings.Lines(string(archive)) {
		name, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
		if name, end := strings.CutSuffix(name, " --"); ok && end {
			file = &fstest.MapFile{}
			if fs.ValidPath(name) { // no file system could have others
				fsys[name] = file
			}
		} else if file != nil {
			file.Data = append(file.Data, line...)
		}
	}
	return fsys
}

// TestReadRecordedTrees compares each recorded machine with the description beside it.
func TestReadRecordedTrees(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) < 5 {
		t.Fatalf("recorded trees: %q, %v", names, err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(name, ".txtar")
		t.Run(filepath.Base(base), func(t *testing.T) {
			archive, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			h, err := Read(tree(archive))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(h, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			golden := base + ".json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Errorf("Read(%s) differs from %s (-want +got):\n%s", name, golden, diff)
			}
		})
	}
}

// TestReadFacts states by hand what the expected answers must at least say, so that an -update in haste
// cannot make a wrong one right.
func TestReadFacts(t *testing.T) {
	read := func(name string) Host {
		archive, err := os.ReadFile(filepath.Join("testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		h, err := Read(tree(archive))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	check := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got): %s", what, diff)
		}
	}

	vm := read("vm-amd")
	check("vm: virtual", vm.Virtual, "kvm")
	check("vm: counts", []int{vm.CPU.Sockets, vm.CPU.Cores, vm.CPU.Threads, vm.CPU.Usable}, []int{1, 2, 2, 2})
	check("vm: outermost cache", vm.CPU.LastCache(), int64(32<<20))
	check("vm: no limit", vm.Memory.Limit, (*int64)(nil))
	check("vm: has avx2", []bool{vm.CPU.Has("avx2"), vm.CPU.Has("avx512f")}, []bool{true, false})

	laptop := read("laptop-intel")
	check("laptop: virtual", laptop.Virtual, "none")
	check("laptop: cores with and without a twin", []int{laptop.CPU.Cores, laptop.CPU.Threads}, []int{6, 8})
	check("laptop: highest rating of any core", *laptop.CPU.MHz, 4400.0)
	check("laptop: one GPU, no outputs", len(laptop.GPUs), 1)
	check("laptop: GPU memory is unknown", laptop.GPUs[0].Bytes, (*int64)(nil))

	arm := read("server-arm64")
	check("arm: what and where", []string{arm.Arch, arm.CPU.Vendor, arm.CPU.Model, arm.Virtual}, []string{"arm64", "ARM", "Neoverse-N1", "unknown"})
	check("arm: affinity leaves three of four", []int{arm.CPU.Threads, arm.CPU.Usable, arm.CPU.Sockets}, []int{4, 3, 2})
	check("arm: nodes in order of number", []int{arm.CPU.Nodes[0].ID, arm.CPU.Nodes[1].ID, arm.CPU.Nodes[2].ID}, []int{0, 1, 10})
	check("arm: a management display is no GPU", len(arm.GPUs), 2)

	container := read("container")
	check("container: two and a half processors", []any{*container.CPU.Quota, container.CPU.Usable}, []any{2.5, 3})
	check("container: limit", *container.Memory.Limit, int64(4<<30))
	check("container: what the limit leaves, cached files given back", *container.Memory.Available, int64(4<<30-1610612736+536870912))
	check("container: topology unknown", []int{container.CPU.Sockets, container.CPU.Cores}, []int{0, 0})

	broken := read("broken")
	check("broken: the tighter group counts", []any{*broken.CPU.Quota, broken.CPU.Usable}, []any{0.5, 1})
	check("broken: more in use than allowed leaves nothing", *broken.Memory.Available, int64(0))
	for _, place := range []string{"proc/meminfo:2", "cpu/online", "cache/index0/size", "cpuinfo_max_freq"} {
		if !strings.Contains(strings.Join(broken.Warnings, "\n"), place) {
			t.Errorf("broken: no warning names %s: %q", place, broken.Warnings)
		}
	}
}

func TestReadOfNothing(t *testing.T) {
	h, err := Read(fstest.MapFS{})
	if !errors.Is(err, ErrNoTree) {
		t.Errorf("Read of an empty tree = %+v, %v; want ErrNoTree", h, err)
	}
}

func TestDetectThisMachine(t *testing.T) {
	h, err := Detect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if h.CPU.Usable < 1 || h.CPU.Threads < h.CPU.Usable && h.CPU.Threads != 0 {
		t.Errorf("%d of %d threads usable", h.CPU.Usable, h.CPU.Threads)
	}
	if h.Memory.Total == nil || *h.Memory.Total <= 0 {
		t.Errorf("memory %v", h.Memory.Total)
	}
	if h.Virtual == "" || h.OS == "" || h.Arch == "" {
		t.Errorf("unnamed: %+v", h)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Host
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h.CPU, back.CPU); diff != "" {
		t.Errorf("through JSON (-want +got): %s", diff)
	}
}

func TestDetectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Detect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Detect of a cancelled context: %v", err)
	}
}

func TestAskProcessorKeepsWhatTheSystemSaid(t *testing.T) {
	mhz := 3000.0
	h := Host{Virtual: "unknown", CPU: CPU{Model: "known", Threads: 7, MHz: &mhz, Features: []string{"x"}}}
	askProcessor(&h, cpuid.CPUInfo{BrandName: "other", VendorString: "v", LogicalCores: 3, PhysicalCores: 2, Hz: 1e9, HypervisorVendorString: "KVMKVMKVM\x00\x00\x00"})
	want := CPU{Model: "known", Vendor: "v", Threads: 7, Cores: 2, MHz: &mhz, Features: []string{"x"}}
	if diff := cmp.Diff(want, h.CPU); diff != "" || h.Virtual != "kvm" {
		t.Errorf("askProcessor under %q (-want +got): %s", h.Virtual, diff)
	}
}

func TestFeatureNamesAreTheKernels(t *testing.T) {
	for id, want := range map[string]string{
		"AVX2": "avx2", "FMA3": "fma", "AVX512F": "avx512f", "AVX512VNNI": "avx512_vnni", "AVX512BF16": "avx512_bf16",
		"AVX512VBMI": "avx512vbmi", "AVX512VBMI2": "avx512_vbmi2", "AMXINT8": "amx_int8", "AVXVNNI": "avx_vnni", "F16C": "f16c",
	} {
		if got := featureName(id); got != want {
			t.Errorf("featureName(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	n := int64(24 << 30)
	for want, h := range map[string]Host{
		"A (amd64), 2 of 4 threads, 24.0 GiB, no GPU found, under kvm":    {Arch: "amd64", Virtual: "kvm", CPU: CPU{Model: "A", Threads: 4, Usable: 2}, Memory: Memory{Total: &n}},
		"unknown processor (), NVIDIA H100":                               {Virtual: "none", GPUs: []GPU{{Vendor: "NVIDIA", Model: "H100"}}},
		"unknown processor (arm64), no GPU found, virtualisation unknown": {Arch: "arm64"},
	} {
		if got := h.Title(); got != want {
			t.Errorf("Title() = %q, want %q", got, want)
		}
	}
}

func TestParseNvidia(t *testing.T) {
	gib := func(mib int64) *int64 { mib <<= 20; return &mib }
	watts := 69.34
	cases := []struct {
		name, out string
		want      []GPU
		err       string
	}{
		{"none", "", nil, ""},
		{"two", "NVIDIA H100 80GB HBM3, 81559, 69.34, 550.54.15\nTesla T4, 15360, [N/A], 550.54.15\n", []GPU{
			{Vendor: "NVIDIA", Model: "H100 80GB HBM3", Bytes: gib(81559), Watts: &watts, Driver: "nvidia 550.54.15", Source: "nvidia-smi"},
			{Vendor: "NVIDIA", Model: "Tesla T4", Bytes: gib(15360), Driver: "nvidia 550.54.15", Source: "nvidia-smi"},
		}, ""},
		{"nothing told", "GPU, [Not Supported], -1, [N/A]\n", []GPU{{Vendor: "NVIDIA", Model: "GPU", Source: "nvidia-smi"}}, ""},
		{"a message instead", "NVIDIA-SMI has failed because it couldn't communicate with the driver.\n", nil, "line 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseNvidia([]byte(c.out))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("parseNvidia (-want +got): %s", diff)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want one that says %q", err, c.err)
			}
		})
	}
}

func TestCPUList(t *testing.T) {
	for text, want := range map[string]map[int]bool{
		"":           {},
		"0":          {0: true},
		"0-2,7\n":    {0: true, 1: true, 2: true, 7: true},
		"3-1":        nil,
		"0-99999999": nil,
		"-1":         nil,
		"1,,2":       nil,
		"a-b":        nil,
	} {
		got, err := cpuList(text)
		if (err != nil) != (want == nil) || !cmp.Equal(want, got) {
			t.Errorf("cpuList(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

// FuzzRead holds Read to what its answer promises, whatever the tree.
func FuzzRead(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("-- proc/cpuinfo --\nprocessor: 0\n-- proc/self/cgroup --\n0::/../../x\n-- sys/fs/cgroup/cpu.max --\n1 9223372036854775807\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Read(tree(data))
		if err != nil {
			return
		}
		if _, err := json.Marshal(h); err != nil {
			t.Errorf("no JSON: %v", err) // NaN and infinities have none
		}
		if h.CPU.Usable < 0 || h.CPU.Threads < 0 || h.CPU.Threads > cpuLimit || len(h.Warnings) > warningLimit {
			t.Errorf("%d of %d threads, %d warnings", h.CPU.Usable, h.CPU.Threads, len(h.Warnings))
		}
		for _, n := range []*int64{h.Memory.Total, h.Memory.Available, h.Memory.Limit} {
			if n != nil && *n < 0 {
				t.Errorf("%d bytes of memory", *n)
			}
		}
		for _, c := range h.CPU.Caches {
			if c.Bytes <= 0 || c.Count < 1 {
				t.Errorf("cache %+v", c)
			}
		}
	})
}

func FuzzParseNvidia(f *testing.F) {
	f.Add([]byte("NVIDIA H100 80GB HBM3, 81559, 69.34, 550.54.15\n"))
	f.Add([]byte("a, 1e400, NaN, \"\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		gpus, _ := parseNvidia(out)
		for _, g := range gpus {
			if _, err := json.Marshal(g); err != nil {
				t.Errorf("no JSON: %v", err)
			}
			if g.Bytes != nil && *g.Bytes <= 0 {
				t.Errorf("%d bytes", *g.Bytes)
			}
		}
	})
}
