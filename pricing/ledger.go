package pricing

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

//go:embed ledger.csv
var embedded string

// Ledger is a checked list of prices. It does not change and is safe for concurrent use.
type Ledger struct{ rows []Price }

// ErrUnknown is wrapped where the ledger has no price for a model on a day.
var ErrUnknown = errors.New("no price in the ledger")

// RowError says which row of a ledger file is refused, and why.
type RowError struct {
	File string
	Line int
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// columns are the ledger file's columns, in order.
var columns = []string{
	"provider", "model", "title", "input", "cached_input", "output",
	"over_tokens", "over_input", "over_cached_input", "over_output",
	"currency", "from", "until", "checked", "source", "note",
}

// maxRows bounds a ledger file; public tables hold a few thousand models.
const maxRows = 100_000

// Default is the embedded ledger.
func Default() (*Ledger, error) { return Load(strings.NewReader(embedded), "ledger.csv") }

// Load reads a ledger in CSV, with the embedded ledger's columns. name is for errors, which
// are RowErrors.
func Load(r io.Reader, name string) (*Ledger, error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	fail := func(line int, err error) (*Ledger, error) { return nil, &RowError{name, line, err} }
	header, err := cr.Read()
	if errors.Is(err, io.EOF) {
		return fail(1, errors.New("empty: want the header "+strings.Join(columns, ",")))
	}
	if err != nil {
		return fail(1, csvCause(err))
	}
	if !slices.Equal(header, columns) {
		return fail(1, fmt.Errorf("columns are %s; want %s", strings.Join(header, ","), strings.Join(columns, ",")))
	}
	l := &Ledger{}
	lines := map[string][]int{} // by ref: the lines it stands on, in the order of rows
	byRef := map[string][]Price{}
	for {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			line := 0
			var pe *csv.ParseError
			if errors.As(err, &pe) {
				line = pe.Line
			}
			return fail(line, csvCause(err))
		}
		line, _ := cr.FieldPos(0)
		if len(l.rows) == maxRows {
			return fail(line, fmt.Errorf("more than %d rows", maxRows))
		}
		p, err := parseRow(record)
		if err != nil {
			return fail(line, err)
		}
		ref := strings.ToLower(p.Ref())
		for i, q := range byRef[ref] {
			if overlap(p, q) {
				return fail(line, fmt.Errorf("%s has another price for the same days on line %d", p.Ref(), lines[ref][i]))
			}
		}
		byRef[ref] = append(byRef[ref], p)
		lines[ref] = append(lines[ref], line)
		l.rows = append(l.rows, p)
	}
}

// csvCause drops the position that a RowError repeats.
func csvCause(err error) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func overlap(p, q Price) bool {
	return (p.Until.IsZero() || q.From.IsZero() || q.From.Before(p.Until)) &&
		(q.Until.IsZero() || p.From.IsZero() || p.From.Before(q.Until))
}

// parseRow reads one record and refuses what could not be trusted in a report.
func parseRow(record []string) (Price, error) {
	field := func(name string) string { return strings.TrimSpace(record[slices.Index(columns, name)]) }
	p := Price{
		Provider: field("provider"), Model: field("model"), Title: field("title"),
		Currency: field("currency"), Source: field("source"), Note: field("note"),
	}
	if p.Source == "" {
		return p, errors.New("no source: a price that cannot be checked is refused")
	}
	for _, name := range []string{"provider", "model", "title"} {
		if field(name) == "" {
			return p, fmt.Errorf("no %s", name)
		}
	}
	if strings.Contains(p.Provider, "/") {
		return p, fmt.Errorf("provider %q contains a slash", p.Provider)
	}
	if len(p.Currency) != 3 || strings.ToUpper(p.Currency) != p.Currency {
		return p, fmt.Errorf("currency %q: want an ISO 4217 code such as USD", p.Currency)
	}
	var err error
	if p.Rates, err = parseRates(field, ""); err != nil {
		return p, err
	}
	if over := field("over_tokens"); over != "" {
		n, err := strconv.Atoi(over)
		if err != nil || n <= 0 {
			return p, fmt.Errorf("over_tokens %q: want a positive whole number", over)
		}
		rates, err := parseRates(field, "over_")
		if err != nil {
			return p, err
		}
		p.Tier = &Tier{Over: n, Rates: rates}
	} else {
		for _, name := range []string{"over_input", "over_cached_input", "over_output"} {
			if field(name) != "" {
				return p, fmt.Errorf("%s without over_tokens", name)
			}
		}
	}
	for _, d := range []struct {
		name string
		to   *time.Time
		must bool
	}{{"from", &p.From, false}, {"until", &p.Until, false}, {"checked", &p.Checked, true}} {
		switch text := field(d.name); {
		case text != "":
			if *d.to, err = ParseDay(text); err != nil {
				return p, fmt.Errorf("%s: %w", d.name, err)
			}
		case d.must:
			return p, fmt.Errorf("no %s day", d.name)
		}
	}
	if !p.From.IsZero() && !p.Until.IsZero() && !p.From.Before(p.Until) {
		return p, fmt.Errorf("until %s is not after from %s", field("until"), field("from"))
	}
	return p, nil
}

func parseRates(field func(string) string, prefix string) (Rates, error) {
	var r Rates
	var err error
	if r.Input, err = parseRate(prefix+"input", field(prefix+"input")); err != nil {
		return r, err
	}
	if r.Output, err = parseRate(prefix+"output", field(prefix+"output")); err != nil {
		return r, err
	}
	if text := field(prefix + "cached_input"); text != "" {
		rate, err := parseRate(prefix+"cached_input", text)
		if err != nil {
			return r, err
		}
		r.Cached = &rate
	}
	return r, nil
}

// parseRate reads a rate written out in digits: an exponent such as 1e999999999 would be a
// short text for a number that fills the memory.
func parseRate(name, text string) (decimal.Decimal, error) {
	bad := func(why string) (decimal.Decimal, error) {
		return decimal.Decimal{}, fmt.Errorf("%s %q: %s", name, text, why)
	}
	switch {
	case text == "":
		return decimal.Decimal{}, fmt.Errorf("no %s rate: an unknown rate cannot be left out", name)
	case len(text) > 32 || strings.Trim(text, "0123456789.") != "":
		return bad("want a plain decimal number per million tokens, not negative")
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return bad("not a number")
	}
	return d, nil
}

// Rows returns all prices, in the order of the file.
func (l *Ledger) Rows() []Price { return slices.Clone(l.rows) }

// On returns the prices that hold on day, in the order of the file.
func (l *Ledger) On(day time.Time) []Price {
	return slices.DeleteFunc(l.Rows(), func(p Price) bool { return !p.Valid(day) })
}

// At returns the price of ref on day. ref is "provider/model", or a model name that only
// one provider has, in any case. The error wraps ErrUnknown and names near misses.
func (l *Ledger) At(ref string, day time.Time) (Price, error) {
	var found, near []Price
	ref = strings.ToLower(ref)
	for _, p := range l.rows {
		full, model := strings.ToLower(p.Ref()), strings.ToLower(p.Model)
		switch {
		case full == ref || model == ref:
			found = append(found, p)
		case strings.Contains(full, ref) || strings.Contains(ref, model):
			near = append(near, p)
		}
	}
	valid := slices.DeleteFunc(slices.Clone(found), func(p Price) bool { return !p.Valid(day) })
	switch {
	case len(valid) == 1:
		return valid[0], nil
	case len(valid) > 1:
		return Price{}, fmt.Errorf("%w: %q is ambiguous: %s", ErrUnknown, ref, refs(valid))
	case len(found) > 0:
		return Price{}, fmt.Errorf("%w: %q has none for %s", ErrUnknown, ref, day.Format(time.DateOnly))
	case len(near) > 0:
		return Price{}, fmt.Errorf("%w: %q; near: %s", ErrUnknown, ref, refs(near))
	}
	return Price{}, fmt.Errorf("%w: %q", ErrUnknown, ref)
}

func refs(prices []Price) string {
	var names []string
	for _, p := range prices {
		if !slices.Contains(names, p.Ref()) {
			names = append(names, p.Ref())
		}
	}
	return strings.Join(names, ", ")
}
