package report

import (
	"io"
	"strings"
)

// Markdown writes t as a GitHub-flavoured table with its notes as a list.
func Markdown(w io.Writer, t Table) error {
	var out strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			out.WriteString("| " + escape(c) + " ")
		}
		out.WriteString("|\n")
	}
	line(t.Headers)
	for i := range t.Headers {
		if i < t.Text {
			out.WriteString("| --- ")
		} else {
			out.WriteString("| ---: ")
		}
	}
	out.WriteString("|\n")
	for _, r := range t.Rows {
		line(r)
	}
	if t.Legend != "" {
		out.WriteString("\n" + escape(t.Legend) + ".\n")
	}
	if len(t.Notes) > 0 {
		out.WriteString("\n")
	}
	for _, n := range t.Notes {
		out.WriteString("- " + escape(n) + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// escape keeps a text from being read as Markdown or HTML, or from ending its cell.
func escape(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`",
		"[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "&", "&amp;", "~", "\\~").Replace(printable(s))
}
