package chat

import (
	"strings"
	"testing"
)

// split pushes text in pieces of n bytes.
func split(tags Tags, opened bool, text string, n int) (answer, reasoning string) {
	s := NewSplitter(tags, opened)
	for text != "" {
		k := min(n, len(text))
		a, r := s.Push(text[:k])
		answer, reasoning, text = answer+a, reasoning+r, text[k:]
	}
	a, r := s.Flush()
	return answer + a, reasoning + r
}

func TestSplitter(t *testing.T) {
	for _, tt := range []struct {
		name              string
		tags              Tags
		opened            bool
		text              string
		answer, reasoning string
	}{
		{"no section", Tags{}, false, "4 < 5", "4 < 5", ""},
		{"section", Tags{}, false, "<think>\nhm, 2 + 2\n</think>\n\nIt is 4.", "It is 4.", "hm, 2 + 2"},
		{"white space in front", Tags{}, false, "\n <think>a</think>b", "b", "a"},
		{"white space kept without a section", Tags{}, false, " \n4", " \n4", ""},
		{"opened by the prompt", Tags{}, true, "\nhm\n\nso\n</think>\n4", "4", "hm\n\nso"},
		{"never closed", Tags{}, true, "hm <", "", "hm <"},
		{"empty section", Tags{}, false, "<think>\n\n</think>\n\n4", "4", ""},
		{"almost a tag", Tags{}, false, "<thin", "<thin", ""},
		{"almost the end", Tags{}, false, "<think>a </thin b</think>c", "c", "a </thin b"},
		{"tag inside the answer", Tags{}, false, "say <think>x</think>", "say <think>x</think>", ""},
		{"second section is text", Tags{}, false, "<think>a</think>b<think>c</think>", "b<think>c</think>", "a"},
		{"own tags", Tags{"[THINK]", "[/THINK]"}, false, "[THINK]a[/THINK]b", "b", "a"},
		{"tag of equal letters", Tags{"aa", "ab"}, false, "aaxaabz", "z", "xa"},
		{"nothing", Tags{}, false, "", "", ""},
		{"white space only", Tags{}, false, " \n", " \n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.text)+1; n++ {
				a, r := split(tt.tags, tt.opened, tt.text, n)
				if a != tt.answer || r != tt.reasoning {
					t.Errorf("in pieces of %d: answer %q, reasoning %q; want %q, %q", n, a, r, tt.answer, tt.reasoning)
				}
			}
		})
	}
}

func TestOpenedBy(t *testing.T) {
	for prompt, want := range map[string]bool{"<|assistant|><think>\n": true, "<|assistant|>": false, "<think></think>\n": false} {
		if got := (Tags{}).OpenedBy(prompt); got != want {
			t.Errorf("OpenedBy(%q) = %v, want %v", prompt, got, want)
		}
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add("<think>\na < b\n</think>\n4", false, uint8(3))
	f.Add("x</think> y", true, uint8(1))
	f.Add(" <thi</think>", false, uint8(2))
	f.Fuzz(func(t *testing.T, text string, opened bool, n uint8) {
		a1, r1 := split(Tags{}, opened, text, len(text)+1)
		a2, r2 := split(Tags{}, opened, text, int(n)+1)
		if a1 != a2 || r1 != r2 {
			t.Errorf("in pieces of %d: %q, %q; at once: %q, %q", n+1, a2, r2, a1, r1)
		}
		if !strings.Contains(text, a1) || !strings.Contains(text, r1) {
			t.Errorf("%q, %q are not parts of %q", a1, r1, text)
		}
	})
}
