package bench

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/hardware"
	"github.com/tokenassay/assay/hardware/probe"
	"github.com/tokenassay/assay/tasks"
)

// ManifestVersion is the version of Manifest's and Outcome's JSON. Readers of a higher one should
// refuse it; fields may be added without raising it.
const ManifestVersion = 1

// Manifest is all one needs to know about a run besides its outcomes: where it was made, what was
// asked of whom, and how far the stopwatch can be trusted.
type Manifest struct {
	Version  int       `json:"version"`
	Run      string    `json:"run"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"` // zero: the run was cut off, or goes on

	Host  hardware.Host `json:"host"`
	Reach probe.Reach   `json:"reach"`
	Clock Clock         `json:"clock"`

	// Models in the order they were asked, each filled in once it is open. Name is the Plan's.
	Models []engine.Info `json:"models"`
	Packs  []PackRef     `json:"packs"`

	Seed     uint64            `json:"seed"`
	N        int               `json:"n"` // samples per task; 0: all there were
	Sampling engine.Sampling   `json:"sampling"`
	Load     string            `json:"load"` // as load.Parse reads it
	Settings map[string]string `json:"settings,omitempty"`
	Build    Build             `json:"build"`
	Notes    []string          `json:"notes,omitempty"` // what was not asked and why, what went otherwise than planned
}

// PackRef names a pack as it was asked.
type PackRef struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Title   string    `json:"title,omitempty"`
	License string    `json:"license,omitempty"`
	Source  string    `json:"source,omitempty"`
	Tasks   []TaskRef `json:"tasks"`
}

// TaskRef names a task as it was asked.
type TaskRef struct {
	Name      string `json:"name"`
	Level     int    `json:"level,omitempty"`
	Repeats   int    `json:"repeats"`
	MaxTokens int    `json:"max_tokens,omitempty"` // 0: up to the end of the context
}

func packRefs(p Plan) []PackRef {
	var refs []PackRef
	for _, pack := range p.packs() {
		ref := PackRef{Name: pack.Name, Version: pack.Version, Title: pack.Title, License: pack.License, Source: pack.Source}
		for _, t := range pack.Tasks {
			ref.Tasks = append(ref.Tasks, TaskRef{Name: t.Name, Level: t.Level, Repeats: p.repeats(t), MaxTokens: p.maxTokens(t)})
		}
		refs = append(refs, ref)
	}
	return refs
}

func (p Plan) maxTokens(t tasks.Task) int {
	if p.MaxTokens > 0 {
		return p.MaxTokens
	}
	return t.MaxTokens
}

// Build says which program made a run. Empty texts are unknown.
type Build struct {
	Module   string `json:"module,omitempty"`
	Version  string `json:"version,omitempty"`  // "v1.2.0", "(devel)"
	Revision string `json:"revision,omitempty"` // of the version control system
	Time     string `json:"time,omitempty"`     // of that revision
	Modified bool   `json:"modified,omitempty"` // whether the sources differed from it
	Go       string `json:"go"`
	// Settings are those of the go command that change code: "GOAMD64", "CGO_ENABLED", "-tags".
	Settings map[string]string `json:"settings,omitempty"`
}

func build() Build {
	b := Build{Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Module, b.Version = info.Main.Path, info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "GOAMD64", "GOARM64", "CGO_ENABLED", "-tags", "-race", "-gcflags", "GOEXPERIMENT":
			if b.Settings == nil {
				b.Settings = map[string]string{}
			}
			b.Settings[s.Key] = s.Value
		}
	}
	return b
}
