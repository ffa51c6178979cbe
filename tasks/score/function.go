package score

import (
	"regexp"
	"strings"

	"github.com/tokenassay/assay/tasks/sandbox"
)

// completionStops end a completion: what follows is no longer the asked function (human-eval's paper, §3.1).
var completionStops = []string{"\nclass", "\ndef", "\n#", "\nif", "\nprint"}

// Completion returns what is to be appended to a HumanEval prompt. Of an output with fenced blocks it is the last one,
// which may define the function anew; any other output is cut at the first stop text.
func Completion(output, entry string) string {
	if block, ok := FencedBlock(output); ok {
		if defines(block, sandbox.Python, entry) {
			return "\n" + block // the prompt's own definition, of which there is only the docstring, is replaced
		}
		return block
	}
	body := output
	for _, stop := range completionStops {
		if i := strings.Index(body, stop); i >= 0 {
			body = body[:i]
		}
	}
	// An indented beginning continues the prompt. Anything else is a definition of its own, perhaps behind some prose.
	if first := strings.TrimLeft(body, "\r\n"); strings.HasPrefix(first, " ") || strings.HasPrefix(first, "\t") {
		return body
	}
	if source, ok := FindFunction(output, sandbox.Python, entry); ok {
		return "\n" + source
	}
	return body
}

// FencedBlock returns the inside of the last block between lines of three backticks. A block that the output's end cuts
// short counts, unless it is empty.
func FencedBlock(output string) (string, bool) {
	var last, current []string
	found, open := false, false
	for _, line := range strings.Split(output, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			if open {
				last, found = current, true
			}
			open, current = !open, nil
			continue
		}
		if open {
			current = append(current, strings.TrimSuffix(line, "\r"))
		}
	}
	if open && len(current) > 0 {
		last, found = current, true
	}
	return strings.Join(last, "\n"), found
}

// FindFunction returns the code that defines a function: the last fenced block that does, or the output from the
// definition on, up to where its brackets close (JavaScript) or its indentation ends (Python).
func FindFunction(output string, language sandbox.Language, name string) (string, bool) {
	if block, ok := FencedBlock(output); ok && defines(block, language, name) {
		return block, true
	}
	at := definition(output, language, name)
	if at < 0 {
		return "", false
	}
	code := output[at:]
	if language == sandbox.Python {
		return cutIndented(code), true
	}
	return cutBalanced(code), true
}

func defines(code string, language sandbox.Language, name string) bool {
	return definition(code, language, name) >= 0
}

// definition finds where a function of that name begins; -1 is nowhere.
func definition(code string, language sandbox.Language, name string) int {
	n := regexp.QuoteMeta(name)
	expr := `(?m)(?:\basync\s+)?\bfunction\s*\*?\s*` + n + `\s*\(|\b(?:const|let|var)\s+` + n + `\s*=|^` + n + `\s*=`
	if language == sandbox.Python {
		expr = `(?m)^[ \t` + "`" + `]*(def\s+` + n + `\s*\(|` + n + `\s*=\s*lambda\b)`
	}
	m := regexp.MustCompile(expr).FindStringSubmatchIndex(code)
	if m == nil {
		return -1
	}
	if language == sandbox.Python {
		return m[2]
	}
	return m[0]
}

// cutIndented keeps a Python definition and the indented or empty lines below it.
func cutIndented(code string) string {
	lines := strings.SplitAfter(code, "\n")
	end := 1
	for i, l := range lines[1:] {
		if t := strings.TrimSpace(l); t == "" {
			continue
		} else if l[0] != ' ' && l[0] != '\t' {
			break
		}
		end = i + 2
	}
	return strings.Join(lines[:end], "")
}

// cutBalanced keeps JavaScript up to the line on which all brackets opened so far are closed. It knows strings and comments,
// but not regular expressions: brackets in those can make it keep too much, never too little of balanced code.
func cutBalanced(code string) string {
	// A declaration ends with its body; an assignment at a line's end, unless the next line goes on with a call.
	head, _, _ := strings.Cut(code, "(")
	declared := !strings.Contains(head, "=")
	depth := 0
	var quote byte
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote || c == '\n' && quote != '`' {
				quote = 0
			}
		case c == '/' && strings.HasPrefix(code[i:], "//"):
			if n := strings.IndexByte(code[i:], '\n'); n >= 0 {
				i += n - 1
			} else {
				return code
			}
		case c == '/' && strings.HasPrefix(code[i:], "/*"):
			n := strings.Index(code[i+2:], "*/")
			if n < 0 {
				return code
			}
			i += n + 3
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{' || c == '(' || c == '[':
			depth++
		case c == '}' || c == ')' || c == ']':
			if depth--; depth <= 0 && declared && c == '}' {
				return code[:i+1]
			}
		case c == '\n' && depth <= 0 && !declared:
			if next := strings.TrimLeft(code[i:], " \t\r\n"); !strings.HasPrefix(next, ".") {
				return code[:i]
			}
		}
	}
	return code
}
