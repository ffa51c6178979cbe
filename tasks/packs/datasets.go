package packs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
	"github.com/tokenassay/assay/tasks/score"
)

// readGSM8K reads lines {"question", "answer": "reasoning #### number"}.
func readGSM8K(lines *lineReader, opt Options) (tasks.Pack, error) {
	scorer, err := chosen(opt, "gsm8k-corrected")
	if err != nil {
		return tasks.Pack{}, err
	}
	c := newCollection()
	err = lines.all(func(line []byte) error {
		var row struct{ Question, Answer string }
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		_, target, ok := strings.Cut(row.Answer, "####")
		target = strings.TrimSpace(target)
		if _, number := score.LastNumber(target, ""); row.Question == "" || !ok || !number {
			return fmt.Errorf(`want a "question" and an "answer" that ends in "#### " and a number`)
		}
		return c.add(lines.line, tasks.Sample{ID: fmt.Sprintf("gsm8k-%d", lines.line), Input: row.Question, Target: target})
	})
	if err != nil {
		return tasks.Pack{}, err
	}
	task := tasks.Task{Name: "cot-8shot", Samples: withExamples(c.samples), Scorer: scorer, MaxTokens: 512, Stop: []string{"\nQ:", "\n\nQ:"}, Prompt: askWithExamples}
	source := "; the eight worked examples before each question are this project's own"
	if opt.ZeroShot {
		task.Name, task.Samples, task.Prompt = "zero-shot", inOrder(c.samples), askThinking
		source = ", asked without examples"
	}
	return tasks.Pack{
		Name: "gsm8k", Version: "1", Title: "Grade-school word problems", License: "MIT",
		Source: "openai/grade-school-math, from " + lines.path + source,
		Tasks:  []tasks.Task{task},
	}, nil
}

// askThinking asks for the steps and a last sentence that says the answer.
func askThinking(s tasks.Sample) []engine.Message {
	content := "Q: " + s.Input + "\nThink step by step. End with the sentence \"The answer is\", the number and a full stop.\nA:"
	return []engine.Message{{Role: engine.User, Content: content}}
}

// examplesKey is the Meta key under which a sample says how many worked examples precede it.
const examplesKey = "examples"

func askWithExamples(s tasks.Sample) []engine.Message {
	n, err := strconv.Atoi(s.Meta[examplesKey])
	if err != nil {
		n = exemplarCount
	}
	return []engine.Message{{Role: engine.User, Content: examples(n) + "Q: " + s.Input + "\nA:"}}
}

const exemplarCount = 8

// examples are the first n exemplars.
func examples(n int) string {
	parts := strings.SplitAfterN(exemplars, "\n\n", exemplarCount+1)
	return strings.Join(parts[:min(n, exemplarCount)], "")
}

// withExamples asks every sample after the same worked examples: all eight, or as many as leave
// the model's context room for the longest question and an answer, which is then remarked.
func withExamples(samples []tasks.Sample) func(context.Context, tasks.Ask) iter.Seq2[tasks.Sample, error] {
	return func(ctx context.Context, ask tasks.Ask) iter.Seq2[tasks.Sample, error] {
		return func(yield func(tasks.Sample, error) bool) {
			n, err := examplesThatFit(samples, ask)
			if err != nil {
				yield(tasks.Sample{}, err)
				return
			}
			if n < exemplarCount {
				remark := &tasks.Remark{Text: fmt.Sprintf("asked after %d worked examples, not %d: the model holds %d tokens", n, exemplarCount, ask.Context)}
				if !yield(tasks.Sample{}, remark) {
					return
				}
			}
			for s, err := range inOrder(samples)(ctx, ask) {
				s.Meta = map[string]string{examplesKey: strconv.Itoa(n)}
				if !yield(s, err) {
					return
				}
			}
		}
	}
}

// answerTokens is the room a chain of thought needs at the least.
const answerTokens = 128

func examplesThatFit(samples []tasks.Sample, ask tasks.Ask) (int, error) {
	if ask.Count == nil || ask.Context == 0 {
		return exemplarCount, nil
	}
	longest := 0
	for i, s := range samples {
		if ask.N > 0 && i == ask.N {
			break
		}
		n, err := ask.Count("Q: " + s.Input + "\nA:")
		if err != nil {
			return 0, err
		}
		longest = max(longest, n)
	}
	for n := exemplarCount; n > 0; n-- {
		tokens, err := ask.Count(examples(n))
		if err != nil {
			return 0, err
		}
		if tokens+longest+answerTokens <= ask.Context {
			return n, nil
		}
	}
	return 0, nil
}

// exemplars are worked examples in the form of chain-of-thought prompts (Wei et al., arXiv 2201.11903, where the
// form with "The answer is" comes from). Stories and numbers are our own, so that no exemplar can be in a training set
// beside the test it belongs to.
const exemplars = `Q: A shelf holds 14 jars of jam. Olga puts 9 more jars on it. How many jars are on the shelf now?
A: The shelf held 14 jars and got 9 more. 14 + 9 = 23. The answer is 23.

Q: A bus has 31 people in it. At the market 12 people get off and 5 get on. How many people are in the bus then?
A: After 12 people got off there were 31 - 12 = 19. After 5 got on there were 19 + 5 = 24. The answer is 24.

Q: Each of 6 boxes holds 8 candles. Two candles are broken. How many whole candles are there?
A: 6 boxes of 8 candles hold 6 * 8 = 48 candles. Two are broken, so 48 - 2 = 46 are whole. The answer is 46.

Q: A ribbon of 90 cm is cut into 5 equal pieces. How long are 3 of these pieces together, in cm?
A: One piece is 90 / 5 = 18 cm long. Three pieces are 3 * 18 = 54 cm long. The answer is 54.

Q: Ravi reads 12 pages a day from Monday to Friday and 20 pages on each day of the weekend. How many pages does he read in a week?
A: Monday to Friday are 5 days, so he reads 5 * 12 = 60 pages. The weekend has 2 days, so he reads 2 * 20 = 40 pages. 60 + 40 = 100. The answer is 100.

Q: A coat costs 80 dollars and is sold for a quarter less. Lin pays with a 100-dollar note. How many dollars does she get back?
A: A quarter of 80 is 80 / 4 = 20, so the coat costs 80 - 20 = 60 dollars. She gets back 100 - 60 = 40 dollars. The answer is 40.

Q: Marta is 3 years older than Piet. Piet is twice as old as Jo, who is 7. How old is Marta?
A: Piet is 2 * 7 = 14 years old. Marta is 14 + 3 = 17 years old. The answer is 17.

Q: A tank loses 4 liters an hour. It held 75 liters at noon. How many liters does it hold at 6 in the evening?
A: From noon to 6 are 6 hours, in which it loses 6 * 4 = 24 liters. 75 - 24 = 51. The answer is 51.

`

// readMGSM reads lines "question TAB number" of one language.
func readMGSM(lines *lineReader, language string, opt Options) (tasks.Pack, error) {
	word, ok := score.AnswerPrefix(language)
	if !ok {
		return tasks.Pack{}, fmt.Errorf("%s: %q is not a language of MGSM", lines.path, language)
	}
	scorer, err := chosen(opt, "mgsm")
	if err != nil {
		return tasks.Pack{}, err
	}
	c := newCollection()
	row := 0
	err = lines.all(func(line []byte) error {
		row++
		question, target, ok := bytes.Cut(line, []byte("\t"))
		if !ok || len(question) == 0 || bytes.IndexByte(target, '\t') >= 0 {
			return fmt.Errorf("want a question, a tab and a number")
		}
		// All languages write the reference with English thousands commas.
		if ns := score.FindNumbers(string(target), ""); len(ns) != 1 {
			return fmt.Errorf("the answer %.40q is not a number", target)
		}
		// The rows of all languages are translations of each other: the same row is one group.
		return c.add(lines.line, tasks.Sample{
			ID: fmt.Sprintf("mgsm-%s-%d", language, row), Input: string(question), Target: string(bytes.TrimSpace(target)),
			Group: fmt.Sprintf("mgsm-%d", row), Meta: map[string]string{"language": language},
		})
	})
	if err != nil {
		return tasks.Pack{}, err
	}
	return tasks.Pack{
		Name: "mgsm-" + language, Version: "1", Title: "Grade-school word problems, language " + language, License: "CC-BY-4.0",
		Source: "google-research/url-nlp, from " + lines.path + "; asked without examples, with the instruction in English, so a variant of the published protocol",
		Tasks: []tasks.Task{{
			Name: language, Samples: inOrder(c.samples), Scorer: scorer, MaxTokens: 512,
			Prompt: func(s tasks.Sample) []engine.Message {
				return []engine.Message{{Role: engine.User, Content: s.Input + "\n\nThink step by step in the language of the question. Give the final number on the last line, after \"" + word + ":\"."}}
			},
		}},
	}, nil
}

// readHumanEval reads lines {"task_id", "prompt", "entry_point", "test", ...}.
func readHumanEval(lines *lineReader, opt Options) (tasks.Pack, error) {
	scorer, err := chosen(opt, "humaneval")
	if err != nil {
		return tasks.Pack{}, err
	}
	c := newCollection()
	c.inputs = nil // the task's ID decides
	err = lines.all(func(line []byte) error {
		var row struct {
			ID       string `json:"task_id"`
			Prompt   string
			Entry    string `json:"entry_point"`
			Test     string
			Solution string `json:"canonical_solution"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		for _, f := range []struct{ key, value string }{{"task_id", row.ID}, {"prompt", row.Prompt}, {"entry_point", row.Entry}, {"test", row.Test}} {
			if f.value == "" {
				return fmt.Errorf("no %q", f.key)
			}
		}
		if strings.TrimLeft(row.Entry, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			return fmt.Errorf("entry_point %.40q is not a name", row.Entry)
		}
		return c.add(lines.line, tasks.Sample{
			ID: row.ID, Input: row.Prompt, Target: row.Solution,
			Meta: map[string]string{"language": "python", "entry_point": row.Entry, "test": row.Test},
		})
	})
	if err != nil {
		return tasks.Pack{}, err
	}
	return tasks.Pack{
		Name: "humaneval", Version: "1", Title: "Python functions from their docstrings", License: "MIT",
		Source: "openai/human-eval, from " + lines.path,
		Tasks: []tasks.Task{{
			Name: "python", Samples: inOrder(c.samples), Scorer: scorer, MaxTokens: 768,
			Stop:   []string{"\nclass", "\ndef", "\n#", "\nif", "\nprint"},
			Prompt: asked,
		}},
	}, nil
}
