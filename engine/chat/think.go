package chat

import "strings"

// Tags are the marks around a think section. The zero value means <think> and </think>.
type Tags struct{ Open, Close string }

func (t Tags) orDefault() Tags {
	if t.Open == "" {
		t.Open = "<think>"
	}
	if t.Close == "" {
		t.Close = "</think>"
	}
	return t
}

// OpenedBy reports whether a rendered prompt ends inside a think section: some templates
// write the opening tag themselves, so the answer begins with thoughts.
func (t Tags) OpenedBy(prompt string) bool {
	return strings.HasSuffix(strings.TrimRight(prompt, " \t\r\n"), t.orDefault().Open)
}

// Splitter parts a streamed answer into what is said and what is thought. A think section is
// the one at the beginning of the answer, before any other text; tags found later are text like any
// other. White space right after either tag is dropped, and so is a section's last white space. Not
// safe for concurrent use.
type Splitter struct {
	tags  Tags
	state splitState
	trim  bool   // dropping white space until there is something else
	held  string // may yet be part of a tag, or white space at a section's end
}

type splitState int

const (
	before splitState = iota // nothing but white space so far
	inside
	after
)

// NewSplitter begins an answer. opened says that the prompt opened the section already.
func NewSplitter(tags Tags, opened bool) *Splitter {
	s := &Splitter{tags: tags.orDefault()}
	if opened {
		s.state, s.trim = inside, true
	}
	return s
}

// Push takes the next piece and returns what of the answer and of the thoughts is certain.
func (s *Splitter) Push(text string) (answer, reasoning string) {
	text = s.held + text
	s.held = ""
	if s.state == before {
		rest := strings.TrimLeft(text, white)
		switch {
		case strings.HasPrefix(rest, s.tags.Open):
			s.state, s.trim = inside, true
			text = rest[len(s.tags.Open):]
		case strings.HasPrefix(s.tags.Open, rest):
			s.held = text // the tag may still come
			return "", ""
		default:
			s.state = after
		}
	}
	if s.state == inside {
		text = s.trimmed(text)
		i := strings.Index(text, s.tags.Close)
		if i < 0 {
			n := len(text) - overlap(text, s.tags.Close)
			n = len(strings.TrimRight(text[:n], white))
			s.held = text[n:]
			return "", text[:n]
		}
		reasoning = strings.TrimRight(text[:i], white)
		s.state, s.trim = after, true
		text = text[i+len(s.tags.Close):]
	}
	return s.trimmed(text), reasoning
}

// Flush ends the answer and returns what was held back.
func (s *Splitter) Flush() (answer, reasoning string) {
	text := s.held
	s.held = ""
	if s.state == inside {
		return "", strings.TrimRight(text, white)
	}
	return text, ""
}

const white = " \t\r\n"

// trimmed drops white space until something else has come.
func (s *Splitter) trimmed(text string) string {
	if s.trim {
		text = strings.TrimLeft(text, white)
		s.trim = text == ""
	}
	return text
}

// overlap returns the length of the longest end of text that begins tag.
func overlap(text, tag string) int {
	for n := min(len(text), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(text, tag[:n]) {
			return n
		}
	}
	return 0
}
