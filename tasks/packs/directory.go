package packs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/score"
)

// manifest is a user's pack.yaml.
type manifest struct {
	Name    string         `yaml:"name"`
	Version string         `yaml:"version"`
	Title   string         `yaml:"title"`
	License string         `yaml:"license"`
	Source  string         `yaml:"source"`
	Tasks   []manifestTask `yaml:"tasks"`
}

// manifestTask is one task of a pack.yaml.
type manifestTask struct {
	Name      string   `yaml:"name"`
	Level     int      `yaml:"level"`
	Samples   string   `yaml:"samples"` // a file of the pack's directory; "" is samples.jsonl
	Prompt    string   `yaml:"prompt"`  // with {input} and {choices}; "" is "{input}"
	System    string   `yaml:"system"`
	Scorer    string   `yaml:"scorer"` // a name of score.Names
	MaxTokens int      `yaml:"max_tokens"`
	Repeats   int      `yaml:"repeats"`
	Stop      []string `yaml:"stop"`
}

// maxManifest bounds a pack.yaml in bytes.
const maxManifest = 1 << 20

// loadDirectory reads pack.yaml and the sample files it names.
func loadDirectory(dir string, opt Options) (tasks.Pack, error) {
	path := filepath.Join(dir, "pack.yaml")
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return tasks.Pack{}, fmt.Errorf("%s: %w: the directory has no pack.yaml", dir, ErrFormat)
	}
	if err != nil {
		return tasks.Pack{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	f.Close()
	if err != nil {
		return tasks.Pack{}, fmt.Errorf("%s: %w", path, err)
	}
	m, err := parseManifest(data)
	if err != nil {
		return tasks.Pack{}, fmt.Errorf("%s: %w", path, err)
	}
	p := tasks.Pack{Name: m.Name, Version: m.Version, Title: m.Title, License: m.License, Source: m.Source}
	for _, mt := range m.Tasks {
		scorer, err := score.Named(mt.Scorer, opt.Runner)
		if err != nil {
			return tasks.Pack{}, fmt.Errorf("%s: task %q: %w", path, mt.Name, err)
		}
		f, err := os.Open(filepath.Join(dir, mt.Samples))
		if err != nil {
			return tasks.Pack{}, fmt.Errorf("%s: task %q: %w", path, mt.Name, err)
		}
		samples, err := readSamples(f, filepath.Join(dir, mt.Samples), mt)
		f.Close()
		if err != nil {
			return tasks.Pack{}, err
		}
		p.Tasks = append(p.Tasks, tasks.Task{
			Name: mt.Name, Level: mt.Level, Samples: inOrder(samples), Scorer: scorer, Prompt: mt.ask,
			Repeats: mt.Repeats, MaxTokens: mt.MaxTokens, Stop: mt.Stop,
		})
	}
	return p, nil
}

// parseManifest reads a pack.yaml, refuses keys it does not know, and fills in what may be left out.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if len(data) > maxManifest {
		return m, fmt.Errorf("larger than %d bytes", maxManifest)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return m, err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return m, errors.New("more than one document")
	}
	for _, f := range []struct{ key, value string }{{"name", m.Name}, {"version", m.Version}, {"license", m.License}, {"source", m.Source}} {
		if f.value == "" {
			return m, fmt.Errorf("no %q", f.key)
		}
	}
	if len(m.Tasks) == 0 {
		return m, errors.New("no tasks")
	}
	seen := make(map[string]bool)
	for i := range m.Tasks {
		t := &m.Tasks[i]
		switch {
		case t.Name == "":
			return m, fmt.Errorf("task %d has no name", i+1)
		case seen[t.Name]:
			return m, fmt.Errorf("task %q is there twice", t.Name)
		case t.Scorer == "":
			return m, fmt.Errorf("task %q has no scorer; there are %s", t.Name, strings.Join(score.Names(), ", "))
		case t.MaxTokens < 0 || t.Repeats < 0 || t.Level < 0:
			return m, fmt.Errorf("task %q: max_tokens, repeats and level cannot be negative", t.Name)
		}
		seen[t.Name] = true
		if t.Samples == "" {
			t.Samples = "samples.jsonl"
		}
		if !filepath.IsLocal(t.Samples) {
			return m, fmt.Errorf("task %q: samples %q is outside the pack's directory", t.Name, t.Samples)
		}
		if t.Prompt == "" {
			t.Prompt = "{input}"
		}
		if !strings.Contains(t.Prompt, "{input}") {
			return m, fmt.Errorf("task %q: the prompt has no {input}", t.Name)
		}
		if t.MaxTokens == 0 {
			t.MaxTokens = 256
		}
	}
	return m, nil
}

// ask fills the prompt. Braces in the sample's own text stay as they are.
func (t manifestTask) ask(s tasks.Sample) []engine.Message {
	var choices strings.Builder
	for i, c := range s.Choices {
		if i > 0 {
			choices.WriteByte('\n')
		}
		fmt.Fprintf(&choices, "%c. %s", 'A'+i, c)
	}
	var ms []engine.Message
	if t.System != "" {
		ms = append(ms, engine.Message{Role: engine.System, Content: t.System})
	}
	content := strings.NewReplacer("{input}", s.Input, "{choices}", choices.String()).Replace(t.Prompt)
	return append(ms, engine.Message{Role: engine.User, Content: content})
}

// readSamples reads a file with one tasks.Sample as JSON a line. A sample without "id" is named after its line.
func readSamples(r io.Reader, path string, t manifestTask) ([]tasks.Sample, error) {
	lines := &lineReader{in: bufio.NewReader(r), path: path}
	c := newCollection()
	c.inputs = nil // the same input may stand with different choices or tests
	err := lines.all(func(line []byte) error {
		var s tasks.Sample
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			return err
		}
		if d.More() {
			return errors.New("more than one value in the line")
		}
		if s.Input == "" {
			return errors.New(`no "input"`)
		}
		if s.Target == "" && s.Meta["tests"] == "" && s.Meta["test"] == "" {
			return errors.New(`neither a "target" nor tests`)
		}
		if len(s.Choices) > 26 {
			return fmt.Errorf("%d choices, want at most 26", len(s.Choices))
		}
		if strings.Contains(t.Prompt, "{choices}") != (len(s.Choices) > 0) {
			return fmt.Errorf("%d choices, but the prompt's use of {choices} says otherwise", len(s.Choices))
		}
		if s.ID == "" {
			s.ID = fmt.Sprintf("line-%d", lines.line)
		}
		return c.add(lines.line, s)
	})
	if err != nil {
		return nil, err
	}
	if len(c.samples) == 0 {
		return nil, fmt.Errorf("%s: no samples", path)
	}
	return c.samples, nil
}
