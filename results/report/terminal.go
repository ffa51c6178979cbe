package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/dustin/go-humanize"

	"github.com/tokenassay/assay/results/store"
)

// Terminal writes t for a terminal. Colours and bold are left out where w is no terminal.
func Terminal(w io.Writer, t Table) error {
	var out strings.Builder
	out.WriteString(layout(t))
	out.WriteString("\n")
	faint := lipgloss.NewStyle().Faint(true)
	if t.Legend != "" {
		out.WriteString(faint.Render(printable(t.Legend)) + "\n")
	}
	for _, n := range t.Notes {
		out.WriteString(faint.Render(printable(n)) + "\n")
	}
	_, err := lipgloss.Fprint(w, out.String())
	return err
}

// layout sets the table with its units in a line of their own beneath the names: narrower, and
// lipgloss cuts headers of several lines.
func layout(t Table) string {
	plain := lipgloss.NewStyle().Padding(0, 1)
	names, units := make([]string, len(t.Headers)), make([]string, len(t.Headers))
	head := 1
	for i, h := range t.Headers {
		names[i], units[i], _ = strings.Cut(h, ", ")
		if units[i] != "" {
			head = 2
		}
	}
	rows := [][]string{names, units}[:head]
	for _, r := range t.Rows {
		var cells []string
		for _, c := range r {
			cells = append(cells, printable(c))
		}
		rows = append(rows, cells)
	}
	text := table.New().
		Rows(rows...).
		Border(lipgloss.NormalBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).
		Wrap(false).
		StyleFunc(func(row, col int) lipgloss.Style {
			s := plain
			if row == 0 {
				s = s.Bold(true)
			}
			if col >= t.Text {
				s = s.Align(lipgloss.Right)
			}
			return s
		}).
		String()
	lines := strings.Split(text, "\n")
	rule := strings.Repeat("─", lipgloss.Width(text))
	lines = append(lines[:head:head], append([]string{rule}, lines[head:]...)...)
	return strings.Join(lines, "\n")
}

// printable replaces control characters, so that a model's name cannot steer the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}

// Runs makes the table of the runs in a store, with times in the zone given.
func Runs(runs []store.Run, zone *time.Location) Table {
	t := Table{Headers: []string{"run", "started", "state", "models", "packs", "took", "outcomes", "scored"}, Text: 5}
	interrupted := false
	for _, r := range runs {
		took := Unknown
		if r.State == store.Finished {
			took = r.Finished.Sub(r.Started).Round(time.Second).String()
		} else {
			interrupted = true
		}
		t.Rows = append(t.Rows, []string{r.ID, r.Started.In(zone).Format("2006-01-02 15:04"), string(r.State),
			list(r.Models), list(r.Packs), took, humanize.Comma(int64(r.Outcomes)), humanize.Comma(int64(r.Scored))})
	}
	if len(runs) == 0 {
		t.Legend = "no runs yet"
	} else if interrupted {
		t.Legend = "interrupted: not finished; it can be resumed, unless another process is still at it"
	}
	return t
}

// list writes the first few of names.
func list(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
