package packs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/sandbox"
)

func TestPublicDataSets(t *testing.T) {
	for _, tt := range []struct {
		path, pack, task string
		n                int
		id, target       string // of the first line
	}{
		{"evals/gsm8k/test.jsonl", "gsm8k", "cot-8shot", 1319, "gsm8k-1", "18"},
		{"evals/mgsm/mgsm_zh.tsv", "mgsm-zh", "zh", 250, "mgsm-zh-1", "18"},
		{"evals/mgsm/mgsm_de.tsv", "mgsm-de", "de", 250, "mgsm-de-1", "18"},
		{"evals/mgsm/mgsm_th.tsv", "mgsm-th", "th", 250, "mgsm-th-1", "18"},
		{"evals/humaneval/HumanEval.jsonl.gz", "humaneval", "python", 164, "HumanEval/0", ""},
	} {
		p, err := Load(sharedData(t, tt.path), Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != tt.pack || p.Tasks[0].Name != tt.task {
			t.Errorf("%s: pack %s, task %s, want %s, %s", tt.path, p.Name, p.Tasks[0].Name, tt.pack, tt.task)
		}
		samples, _ := collect(t, p.Tasks[0].Samples(t.Context(), tasks.Ask{Seed: 3}))
		if len(samples) != tt.n {
			t.Errorf("%s: %d samples, want %d", tt.path, len(samples), tt.n)
		}
		few, _ := collect(t, p.Tasks[0].Samples(t.Context(), tasks.Ask{Seed: 3, N: 10}))
		for i := range few {
			if few[i].ID != samples[i].ID {
				t.Errorf("%s: sample %d of 10 is %s, of all %s", tt.path, i, few[i].ID, samples[i].ID)
			}
		}
		i := slices.IndexFunc(samples, func(s tasks.Sample) bool { return s.ID == tt.id })
		if i < 0 || tt.target != "" && samples[i].Target != tt.target {
			t.Errorf("%s: no sample %s with target %s", tt.path, tt.id, tt.target)
		}
		if ms := p.Tasks[0].Prompt(samples[0]); len(ms) != 1 || !strings.Contains(ms[0].Content, samples[0].Input) {
			t.Errorf("%s: prompt %v", tt.path, ms)
		}
	}
}

// TestExemplarsAreRight: what the worked examples calculate holds, and each ends in what the strict rule reads.
func TestExemplarsAreRight(t *testing.T) {
	parts := strings.Split(strings.TrimSpace(exemplars), "\n\n")
	if len(parts) != 8 {
		t.Fatalf("%d exemplars, want 8", len(parts))
	}
	for _, p := range parts {
		var last string
		words := strings.Fields(strings.NewReplacer(".", " ", ",", " ").Replace(p))
		for i, w := range words {
			if w != "=" {
				continue
			}
			// The calculation "a op b" before the sign.
			a, errA := strconv.Atoi(words[i-3])
			b, errB := strconv.Atoi(words[i-1])
			got, err := strconv.Atoi(words[i+1])
			if errA != nil || errB != nil || err != nil {
				t.Errorf("cannot read the calculation before %q in %q", words[i+1], p)
				continue
			}
			want := map[string]int{"+": a + b, "-": a - b, "*": a * b}[words[i-2]]
			if words[i-2] == "/" {
				want = a / b
			}
			if got != want {
				t.Errorf("%d %s %d = %d in %q", a, words[i-2], b, got, p)
			}
			last = words[i+1]
		}
		if !strings.HasSuffix(p, "The answer is "+last+".") {
			t.Errorf("the exemplar does not end with %s: %q", last, p)
		}
	}
}

// TestPublishedHumanEvalVerdicts judges published completions of a 1.5B model and compares with the published verdicts.
func TestPublishedHumanEvalVerdicts(t *testing.T) {
	path := sharedData(t, "evals/humaneval/HumanEval.jsonl.gz")
	folder := sharedData(t, "verdicts/evalplus/qwen2.5-coder-1.5b/humaneval")
	box, err := sandbox.Start(t.Context())
	if errors.Is(err, sandbox.ErrUnsupported) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	if !slices.Contains(box.Languages(), sandbox.Python) {
		t.Skip("the sandbox does not run Python here: " + box.Describe())
	}
	p, err := Load(path, Options{Runner: box})
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Eval map[string][]struct {
			Solution string
			Base     string `json:"base_status"`
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, "generated_eval_results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}
	// All 164 take ten seconds: a third of them will do but in continuous integration.
	n, agree, passed := 55, 0, 0
	if os.Getenv("CI") != "" {
		n = 164
	}
	samples, _ := collect(t, p.Tasks[0].Samples(t.Context(), tasks.Ask{Seed: 1, N: n}))
	for _, s := range samples {
		rows := published.Eval[s.ID]
		if len(rows) != 1 {
			t.Fatalf("%s: %d published rows", s.ID, len(rows))
		}
		// The published solution is a whole program that begins with the prompt's own lines.
		got, err := p.Tasks[0].Scorer.Score(t.Context(), s, "```python\n"+rows[0].Solution+"\n```")
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict == tasks.Correct {
			passed++
		}
		if (got.Verdict == tasks.Correct) == (rows[0].Base == "pass") {
			agree++
		} else {
			t.Logf("%s: %s (%s), published %s", s.ID, got.Verdict, got.Why, rows[0].Base)
		}
	}
	if agree < len(samples) {
		t.Errorf("%d of %d verdicts agree with the published ones", agree, len(samples))
	}
	if n == 164 && passed != 72 {
		t.Errorf("%d of 164 pass, published are 72", passed)
	}
}

func TestLoadRefuses(t *testing.T) {
	gz := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	good := `{"question":"How many?","answer":"1+1=2\n#### 2"}` + "\n"
	he := `{"task_id":"a","prompt":"def f():\n","entry_point":"f","test":"def check(c): pass"}` + "\n"
	for _, tt := range []struct{ name, file, content, want string }{
		{"empty", "x.jsonl", "", "x.jsonl: the file is empty"},
		{"prose", "x.txt", "hello\n", "x.txt:1: neither a pack"},
		{"other JSON", "x.jsonl", `{"a":1}` + "\n", "x.jsonl:1: neither a pack"},
		{"second line cut", "x.jsonl", good + `{"question":"Wh`, "x.jsonl:2: unexpected end"},
		{"no number", "x.jsonl", good + `{"question":"Why?","answer":"so"}`, `x.jsonl:2: want a "question"`},
		{"wrong type", "x.jsonl", good + `{"question":3,"answer":"#### 1"}`, "x.jsonl:2: json"},
		{"twice", "x.jsonl", good + "\n" + good, "x.jsonl:3: the same question is already in line 1"},
		{"long line", "x.jsonl", good + strings.Repeat("x", maxLine+1), "x.jsonl:2: line is longer than"},
		{"cut gzip", "x.jsonl.gz", gz(good)[:30], "unexpected EOF"},
		{"no gzip after all", "x.gz", "\x1f\x8bxx", "x.gz: "},
		{"tab, other name", "x.tsv", "q\t1\n", "named mgsm_xx.tsv"},
		{"language", "mgsm_qq.tsv", "q\t1\n", `"qq" is not a language of MGSM`},
		{"no tab", "mgsm_de.tsv", "q\t1\nr 2\n", "mgsm_de.tsv:2: want a question"},
		{"no answer", "mgsm_de.tsv", "q\t1\nr\tviel\n", "mgsm_de.tsv:2: the answer"},
		{"task twice", "x.jsonl", he + he, `x.jsonl:2: id "a" is already in line 1`},
		{"no test", "x.jsonl", he + `{"task_id":"b","prompt":"p","entry_point":"f","test":""}`, `x.jsonl:2: no "test"`},
		{"entry point", "x.jsonl", strings.Replace(he, `"f"`, `"f()\nimport os"`, 1), "x.jsonl:1: entry_point"},
	} {
		path := filepath.Join(t.TempDir(), tt.file)
		if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(path, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, Options{Scorer: "guess"}); err == nil || !strings.Contains(err.Error(), "guess") {
		t.Errorf("unknown scorer: %v", err)
	}
	if p, err := Load(path, Options{Scorer: "gsm8k-cot-strict", ZeroShot: true}); err != nil || p.Tasks[0].Name != "zero-shot" {
		t.Errorf("zero shot: %+v, %v", p, err)
	}
}

const goodManifest = `name: capitals
version: "1"
title: Capitals
license: CC0-1.0
source: written by hand
tasks:
  - name: open
    samples: open.jsonl
    prompt: "What is the capital of {input}? Answer with its name."
    scorer: exact
    stop: ["\n"]
  - name: closed
    samples: closed.jsonl
    system: Answer with a letter.
    prompt: "{input}\n{choices}"
    scorer: choice
    max_tokens: 8
    repeats: 2
`

func TestPackDirectory(t *testing.T) {
	write := func(t *testing.T, files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	open := `{"id":"fr","input":"France {choices}","target":"Paris"}` + "\n" + `{"input":"Italy","target":"Rome","group":"south","meta":{"eu":"yes"}}` + "\n"
	closed := `{"input":"Spain?","target":"B","choices":["Rome","Madrid"]}` + "\n"
	files := func(change func(map[string]string)) map[string]string {
		m := map[string]string{"pack.yaml": goodManifest, "open.jsonl": open, "closed.jsonl": closed}
		change(m)
		return m
	}
	p, err := Load(write(t, files(func(map[string]string) {})), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "capitals" || p.Version != "1" || len(p.Tasks) != 2 || p.Tasks[1].Repeats != 2 || p.Tasks[1].MaxTokens != 8 || p.Tasks[0].MaxTokens != 256 {
		t.Errorf("pack %+v", p)
	}
	samples, _ := collect(t, p.Tasks[0].Samples(t.Context(), tasks.Ask{}))
	if len(samples) != 2 {
		t.Fatalf("samples %+v", samples)
	}
	for _, s := range samples {
		want := "What is the capital of " + s.Input + "? Answer with its name."
		if got := p.Tasks[0].Prompt(s); len(got) != 1 || got[0].Content != want {
			t.Errorf("prompt %v, want %q", got, want)
		}
		if got, err := p.Tasks[0].Scorer.Score(t.Context(), s, s.Target); err != nil || got.Verdict != tasks.Correct {
			t.Errorf("%s: %+v, %v", s.ID, got, err)
		}
	}
	choice, _ := collect(t, p.Tasks[1].Samples(t.Context(), tasks.Ask{}))
	if ms := p.Tasks[1].Prompt(choice[0]); len(ms) != 2 || ms[1].Content != "Spain?\nA. Rome\nB. Madrid" || choice[0].ID != "line-1" {
		t.Errorf("prompt %v of %q", ms, choice[0].ID)
	}

	edit := func(old, new string) func(map[string]string) {
		return func(m map[string]string) {
			for k, v := range m {
				m[k] = strings.Replace(v, old, new, 1)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(map[string]string)
		want   string
	}{
		{"no manifest", func(m map[string]string) { delete(m, "pack.yaml") }, "has no pack.yaml"},
		{"empty manifest", func(m map[string]string) { m["pack.yaml"] = "" }, "the file is empty"},
		{"unknown key", edit("title:", "titel:"), "field titel not found"},
		{"no licence", edit("license: CC0-1.0\n", ""), `no "license"`},
		{"no tasks", func(m map[string]string) { m["pack.yaml"] = m["pack.yaml"][:strings.Index(m["pack.yaml"], "tasks:")] }, "no tasks"},
		{"same task", edit("name: closed", "name: open"), `task "open" is there twice`},
		{"scorer", edit("scorer: exact", "scorer: magic"), `scorer "magic"`},
		{"outside", edit("samples: open.jsonl", "samples: ../open.jsonl"), "outside the pack's directory"},
		{"absent samples", edit("samples: open.jsonl", "samples: shut.jsonl"), "shut.jsonl"},
		{"prompt", edit("{input}?", "it?"), "no {input}"},
		{"sample key", edit(`"group"`, `"grupp"`), `open.jsonl:2: json: unknown field "grupp"`},
		{"no target", edit(`"target":"Rome"`, `"target":""`), `open.jsonl:2: neither a "target"`},
		{"no choices", edit(`,"choices":["Rome","Madrid"]`, ""), "closed.jsonl:1: 0 choices"},
		{"same id", edit(`{"input":"Italy"`, `{"id":"fr","input":"Italy"`), `open.jsonl:2: id "fr" is already in line 1`},
		{"no samples", func(m map[string]string) { m["open.jsonl"] = "\n" }, "open.jsonl: no samples"},
		{"negative", edit("max_tokens: 8", "max_tokens: -8"), "cannot be negative"},
		{"two documents", func(m map[string]string) { m["pack.yaml"] += "---\nname: b\n" }, "more than one document"},
	} {
		if _, err := Load(write(t, files(tt.change)), Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"question":"How many?","answer":"#### 2"}`), "x.jsonl")
	f.Add([]byte("Wie viele?\t2\n"), "mgsm_de.tsv")
	f.Add([]byte(`{"task_id":"a","prompt":"p","entry_point":"f","test":"t"}`), "x")
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "x.gz")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		p, err := read(bytes.NewReader(data), name, Options{})
		if err != nil {
			return
		}
		for _, task := range p.Tasks {
			for s, err := range task.Samples(context.Background(), tasks.Ask{N: 3}) {
				if err != nil || s.ID == "" || s.Input == "" {
					t.Errorf("%q: sample %+v, %v", data, s, err)
				}
				task.Prompt(s)
			}
		}
	})
}

func FuzzDirectory(f *testing.F) {
	f.Add([]byte(goodManifest), []byte(`{"input":"a","target":"b","choices":["b","c"]}`))
	f.Add([]byte("name: x\n"), []byte("{}"))
	f.Fuzz(func(t *testing.T, manifest, samples []byte) {
		m, err := parseManifest(manifest)
		if err != nil {
			return
		}
		for _, mt := range m.Tasks {
			if !filepath.IsLocal(mt.Samples) {
				t.Errorf("samples %q", mt.Samples)
			}
			list, err := readSamples(bytes.NewReader(samples), "samples.jsonl", mt)
			if err != nil {
				continue
			}
			for _, s := range list {
				if ms := mt.ask(s); len(ms) == 0 {
					t.Errorf("no prompt for %+v", s)
				}
			}
		}
	})
}
