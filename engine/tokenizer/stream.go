package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A Stream turns tokens into text as they come, never giving out half a rune. It continues a
// text that is there already, so it keeps the leading space that Decode takes away; otherwise
// what it gives out is what Decode gives for the same tokens. Not safe for concurrent use.
type Stream struct {
	t    *Tokenizer
	held []byte // the beginning of a rune whose rest has not come
}

// NewStream begins a stream.
func (t *Tokenizer) NewStream() *Stream { return &Stream{t: t} }

// Push takes the next token and returns the text that is complete with it, which may be
// empty: a control token has no text, half a rune waits for its other half. Bytes that can
// no longer become UTF-8 are U+FFFD, one each.
func (s *Stream) Push(id int32) string {
	if t := s.t.spec.Type(id); t == Control || id < 0 {
		return ""
	}
	piece := s.t.Piece(id)
	if len(s.held) == 0 && utf8.Valid(piece) {
		return string(piece)
	}
	s.held = append(s.held, piece...)
	var b strings.Builder
	for len(s.held) > 0 && utf8.FullRune(s.held) {
		r, w := utf8.DecodeRune(s.held)
		b.WriteRune(r)
		s.held = s.held[w:]
	}
	return b.String()
}

// Flush ends the stream and returns U+FFFD for each byte that waited in vain.
func (s *Stream) Flush() string {
	text := strings.Repeat(string(utf8.RuneError), len(s.held))
	s.held = nil
	return text
}
