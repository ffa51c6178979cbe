package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// standIn returns the rune that GPT-2's vocabulary files write for a byte: printable Latin-1
// stands for itself, the other 68 bytes are numbered from U+0100 on. Source: openai/gpt-2,
// src/encoder.py, bytes_to_unicode.
func standIn(b byte) rune {
	switch {
	case b <= ' ':
		return 0x100 + rune(b)
	case b < 0x7F, 0xA1 <= b && b <= 0xAC, b >= 0xAE:
		return rune(b)
	case b <= 0xA0:
		return 0x100 + rune(b) - 0x7F + 33
	}
	return 0x100 + 67 // 0xAD, the soft hyphen
}

// standsFor is the inverse of standIn.
func standsFor(r rune) (b byte, ok bool) {
	switch {
	case r < 0x100:
		b = byte(r)
		return b, r >= 0 && standIn(b) == r
	case r <= 0x100+' ':
		return byte(r - 0x100), true
	case r < 0x100+67:
		return byte(r - 0x100 - 33 + 0x7F), true
	case r == 0x100+67:
		return 0xAD, true
	}
	return 0, false
}

// fromStandIns turns a token of a byte-level vocabulary into the bytes it stands for. exact
// is false where the token holds runes that stand for no byte; those stay as they are.
func fromStandIns(token string) (raw []byte, exact bool) {
	raw, exact = make([]byte, 0, len(token)), true
	for i, r := range token {
		if b, ok := standsFor(r); ok {
			raw = append(raw, b)
			continue
		}
		exact = false
		_, w := utf8.DecodeRuneInString(token[i:])
		raw = append(raw, token[i:i+w]...)
	}
	return raw, exact
}

// toStandIns writes bytes as a token of a byte-level vocabulary.
func toStandIns(raw string) string {
	b := make([]byte, 0, 2*len(raw))
	for i := range len(raw) {
		b = utf8.AppendRune(b, standIn(raw[i]))
	}
	return string(b)
}

// byteToken reads a SentencePiece byte token, <0x0A>.
func byteToken(token string) (b byte, ok bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	hi, ok1 := hexDigit(token[3])
	lo, ok2 := hexDigit(token[4])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case digit(c):
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// byteTokenName is the inverse of byteToken, in the capitals SentencePiece writes.
func byteTokenName(b byte) string { return fmt.Sprintf("<0x%02X>", b) }
