package chat

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenassay/assay/engine"
)

// Templates in the manner of the well-known families, written for these tests.
const (
	// Turns between marks, with an optional default system message.
	markedTurns = `{%- if messages[0].role != 'system' -%}
{{- '[[system]]Be brief.[[/]]\n' -}}
{%- endif -%}
{%- for m in messages -%}
{{- '[[' + m['role'] + ']]' + m.content|trim + '[[/]]' + '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '[[assistant]]' -}}
{%- endif -%}`
	// A loop over pairs that refuses turns out of order and folds the system message into the first one.
	strictPairs = `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set sys = messages[0]['content'] + '\n\n' %}{% set turns = messages[1:] %}{% else %}{% set sys = '' %}{% set turns = messages %}{% endif %}
{% for m in turns %}
{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('roles must take turns: user, assistant, user, ...') }}
{% endif %}
{% if m['role'] == 'user' %}
{{ '<<' }}{{ sys if loop.first else '' }}{{ m['content'] + '>>' }}
{% else %}
{{ ' ' + m['content'] + eos_token }}
{% endif %}
{% endfor %}`
	// A namespace, a macro, a think section that is taken out of earlier turns, and one opened for the next.
	thinker = `{%- macro turn(role, text) -%}<|{{ role }}|>{{ text }}<|end|>{%- endmacro -%}
{%- set ns = namespace(last=-1) -%}
{%- for m in messages -%}{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for m in messages -%}
{%- set text = m.content -%}
{%- if m.role == 'assistant' and '</think>' in text -%}{%- set text = text.split('</think>')[-1].lstrip('\n') -%}{%- endif -%}
{{- turn(m.role, text) -}}{%- if loop.index0 == ns.last -%}{{- '!' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|><think>\n' -}}{%- endif -%}`
)

func conversation(pairs ...string) []engine.Message {
	var msgs []engine.Message
	for i := 0; i < len(pairs); i += 2 {
		msgs = append(msgs, engine.Message{Role: engine.Role(pairs[i]), Content: pairs[i+1]})
	}
	return msgs
}

func TestRender(t *testing.T) {
	for _, tt := range []struct {
		name, template string
		msgs           []engine.Message
		generate       bool
		want           string
	}{
		{"default system", markedTurns, conversation("user", " hi "), true,
			"[[system]]Be brief.[[/]]\n[[user]]hi[[/]]\n[[assistant]]"},
		{"own system", markedTurns, conversation("system", "S", "user", "hi"), false,
			"[[system]]S[[/]]\n[[user]]hi[[/]]\n"},
		{"nothing is escaped", markedTurns, conversation("system", "", "user", `<a href="x">'&'</a>`), false,
			"[[system]][[/]]\n[[user]]<a href=\"x\">'&'</a>[[/]]\n"},
		{"a message is not a template", markedTurns, conversation("system", "", "user", "{{ bos_token }}{% if %}"), false,
			"[[system]][[/]]\n[[user]]{{ bos_token }}{% if %}[[/]]\n"},
		{"pairs", strictPairs, conversation("system", "S", "user", "a", "assistant", "b", "user", "c"), true,
			"<s><<S\n\na>>\n b</s>\n<<c>>\n"},
		{"think section taken out", thinker, conversation("user", "a", "assistant", "<think>\nhm\n</think>\n\nb", "user", "c"), true,
			"<|user|>a<|end|><|assistant|>b<|end|><|user|>c<|end|>!<|assistant|><think>\n"},
		{"generation block", `{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}`, conversation("user", "x", "user", "y"), false, "xy"},
		{"json like Python's", `{{ {'b': [1, 2.0, none, true], 'a': "<é'\"\n>"} | tojson }}`, nil, false,
			`{"b": [1, 2.0, null, true], "a": "<é'\"\n>"}`},
		{"json of a message", `{{ messages|tojson }}`, conversation("user", "\\u2028 \u2028"), false, "[{\"role\": \"user\", \"content\": \"\\\\u2028 \u2028\"}]"},
		{"json with indent", `{{ {'a': [1, {}]} | tojson(indent=2) }}`, nil, false, "{\n  \"a\": [\n    1,\n    {}\n  ]\n}"},
		{"fixed date", `{{ strftime_now('%d %b %Y, 100%%') }}`, nil, false, "26 Jul 2024, 100%"},
		{"range", `{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 1, -2) %}{{ i }}{% endfor %}`, nil, false, "01253"},
		{"last of one", `{{ messages[-1].content }}{{ messages[-2] is none }}{{ messages[0:][-1]['role'] }}`, conversation("user", "x"), false, "xTrueuser"},
		{"last part of one", `{{ 'abc'.split('x')[-1] }}{{ 'abc'.split('b')[-2] }}{{ 'aXbXc'.rsplit('X', 1)|join('+') }}{{ 'aXbXc'.split('X', maxsplit=1)|join('+') }}{{ ' a  b '.split()|join('+') }}`, nil, false, "abcaaXb+ca+bXca+b"},
		{"replace", `{{ 'aaa'.replace('a', 'b') }}{{ 'aaa'.replace('a', 'b', 1) }}`, nil, false, "bbbbaa"},
		{"no tools", `{% if tools %}T{% endif %}{% if tools is not none %}N{% endif %}-`, nil, false, "-"},
		{"block ends its line", "a\n  {% if true %}\nb\n  {% endif %}\nc", nil, false, "a\nb\nc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := New(tt.template, "<s>", "</s>")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // nothing is carried over
				got, err := tmpl.Render(tt.msgs, tt.generate)
				if err != nil {
					t.Fatal(err)
				}
				if got != tt.want {
					t.Errorf("Render\n got %q\nwant %q", got, tt.want)
				}
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	tmpl, err := New(strictPairs, "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Render(conversation("user", "a", "user", "b"), true)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "roles must take turns") {
		t.Errorf("two user turns: %v, want ErrRefused with the template's words", err)
	}
}

func TestHostileTemplates(t *testing.T) {
	for _, tt := range []struct {
		name, template string
		want           error
	}{
		{"unclosed block", "{% if true %}", ErrTemplate},
		{"unknown block", "{% frobnicate %}", ErrTemplate},
		{"reads a file", "{% include '/etc/hostname' %}", ErrTemplate},
		{"extends a file", "{% extends '/etc/hostname' %}", ErrTemplate},
		{"calls itself", "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", ErrLimit},
		{"two call each other", "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", ErrLimit},
		{"recursive loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", ErrTemplate},
		{"long range", "{% for i in range(1000000000) %}x{% endfor %}", ErrLimit},
		{"much output", "{% for i in range(100000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}", ErrLimit},
		{"deep brackets", "{{ " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + " }}", ErrLimit},
		{"huge source", strings.Repeat("x", maxSource+1), ErrLimit},
		{"raise with no message", "{{ raise_exception() }}", ErrTemplate},
		{"replace with a number", "{{ 'a'.replace(1, 2) }}", ErrTemplate},
		{"call of a number", "{{ 3(4) }}", ErrTemplate},
		{"unfinished expression", "{{ 1 + }}", ErrTemplate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := New(tt.template, "", "")
			if err == nil {
				_, err = tmpl.Render(conversation("user", "hi"), true)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if err != nil && len(err.Error()) > 4096 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

func TestTimeLimit(t *testing.T) {
	b := newBudget(0)
	b.until = time.Now().Add(-time.Second)
	var err error
	for range 64 {
		err = b.step()
	}
	if !errors.Is(err, ErrLimit) {
		t.Errorf("64 blocks after the time is up: %v, want ErrLimit", err)
	}
}

func TestConcurrentRender(t *testing.T) {
	tmpl, err := New(thinker, "", "")
	if err != nil {
		t.Fatal(err)
	}
	msgs := conversation("user", "a", "assistant", "b", "user", "c")
	want, err := tmpl.Render(msgs, true)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, err := tmpl.Render(msgs, true); err != nil || got != want {
					t.Errorf("Render = %q, %v; want %q", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{markedTurns, strictPairs, thinker, "{{ messages|tojson }}", "{% set x = 'a' %}{{ x|upper }}"} {
		f.Add(s, "hello")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		// What the limits name as unbounded is kept out, so that what they do bound is tested.
		if strings.ContainsAny(source, "*~|%") && len(source) > 4096 || strings.Contains(source, "*") {
			t.Skip()
		}
		tmpl, err := New(source, "<s>", "</s>")
		if err != nil {
			return
		}
		_, _ = tmpl.Render(conversation("user", text), true)
	})
}

func BenchmarkRender(b *testing.B) {
	tmpl, err := New(thinker, "<s>", "</s>")
	if err != nil {
		b.Fatal(err)
	}
	msgs := conversation("system", "Be brief.", "user", "What is 2 + 2?", "assistant", "4", "user", "And 3 + 3?")
	for b.Loop() {
		if _, err := tmpl.Render(msgs, true); err != nil {
			b.Fatal(err)
		}
	}
}
