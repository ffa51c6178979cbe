package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/engine/chat"
	"github.com/tokenassay/assay/engine/checkpoint"
	"github.com/tokenassay/assay/engine/internal/stoptext"
	"github.com/tokenassay/assay/engine/sample"
)

const template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"

func TestChatTemplate(t *testing.T) {
	e := tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.ChatTemplate = template })
	if !e.Info().Chat {
		t.Error("Info does not tell of the chat template")
	}
	msgs := []engine.Message{{Role: engine.System, Content: "one"}, {Role: engine.User, Content: "two"}}
	tokens, thinking, err := e.prompt(engine.Request{Messages: msgs})
	if want := "[system] one\n[user] two\n[assistant]"; err != nil || thinking || e.tok.Decode(tokens) != want {
		t.Errorf("the model sees %q, %v, thinking %v; want %q", e.tok.Decode(tokens), err, thinking, want)
	}
	if tokens[0] == e.spec.BOS {
		t.Error("a beginning-of-sequence token was added to what the template wrote")
	}
	plain := tiny(t, "llama", Options{})
	tokens, _, err = plain.prompt(engine.Request{Messages: msgs})
	if err != nil || tokens[0] != plain.spec.BOS || plain.tok.Decode(tokens[1:]) != "one\ntwo" {
		t.Errorf("without a template the model sees %q, %v", plain.tok.Decode(tokens), err)
	}
}

func TestBadChatTemplate(t *testing.T) {
	e := tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.ChatTemplate = "{% for m in" })
	if _, err := e.Generate(t.Context(), engine.Request{Prompt: "one", MaxTokens: 1}, nil); err != nil {
		t.Errorf("a plain prompt to a model with a broken template: %v", err)
	}
	_, err := e.Generate(t.Context(), engine.Request{Messages: []engine.Message{{Role: engine.User, Content: "one"}}}, nil)
	if err == nil || !strings.Contains(err.Error(), "chat template") {
		t.Errorf("messages to a model with a broken template: %v", err)
	}
	e = tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.ChatTemplate = "{{ raise_exception('no such turn') }}" })
	_, err = e.Generate(t.Context(), engine.Request{Messages: []engine.Message{{Role: engine.User, Content: "one"}}}, nil)
	if !errors.Is(err, engine.ErrBadRequest) || !strings.Contains(err.Error(), "no such turn") {
		t.Errorf("messages the template refuses: %v, want ErrBadRequest and its reason", err)
	}
}

// TestThinking forces the tokens of a text on an answer, by logits that allow no other.
func TestThinking(t *testing.T) {
	e := tiny(t, "llama", Options{}, func(c *checkpoint.Checkpoint) { c.ChatTemplate = template + "{# <think> #}" })
	if !e.thinks {
		t.Fatal("the template speaks of thinking, the engine does not know")
	}
	for _, c := range []struct {
		name, said      string
		opened          bool
		stop            []string
		text, reasoning string
		why             engine.StopReason
	}{
		{"none", "one two", false, nil, "one two", "", engine.StopEnd},
		{"section", "<think>one two</think>three", false, nil, "three", "one two", engine.StopEnd},
		{"opened by the prompt", "one two</think>three four", true, nil, "three four", "one two", engine.StopEnd},
		{"never closed", "<think>one two", false, nil, "", "one two", engine.StopEnd},
		{"stop text in the answer only", "<think>one. two.</think>three. four.", false, []string{"."}, "three", "one. two.", engine.StopText},
		{"half a stop text at the end", "one two", false, []string{"two three"}, "one two", "", engine.StopEnd},
		{"half a mark at the end", "<think>one</thi", false, nil, "", "one</thi", engine.StopEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids := e.tok.Encode(c.said, false, false)
			if first := e.tok.Piece(ids[0]); string(first) == " " {
				ids = ids[1:]
			}
			ids = append(ids, e.spec.EOS)
			a := &answer{
				e: e, stream: e.tok.NewStream(), sampler: sample.New(engine.Sampling{}), stops: stoptext.New(c.stop),
				think: chat.NewSplitter(chat.Tags{}, c.opened), thinking: c.opened,
				most: 1000, full: engine.StopLength, bare: true,
			}
			j := newJob(nil, 0, nil)
			taken := 0
			for i, id := range ids {
				logits := make([]float32, e.info.Vocab)
				logits[id] = 9
				taken++
				if next, done := a.take(j, i, logits); done {
					break
				} else if next != id {
					t.Fatalf("token %d was forced and %d taken", id, next)
				}
			}
			var text, reasoning string
			output, thought := 0, 0
			chunks, _, _, _ := j.collect()
			for _, ch := range chunks {
				output += ch.Tokens
				if ch.Reasoning {
					thought += ch.Tokens
					reasoning += ch.Text
				} else {
					text += ch.Text
				}
			}
			if text != c.text || reasoning != c.reasoning || a.stop != c.why {
				t.Errorf("said %q: text %q, reasoning %q, stop %q; want %q, %q, %q", c.said, text, reasoning, a.stop, c.text, c.reasoning, c.why)
			}
			if output != taken || (thought > 0) != (c.reasoning != "") || thought > output {
				t.Errorf("said %q in %d tokens: chunks count %d, %d of them reasoning", c.said, taken, output, thought)
			}
		})
	}
}
