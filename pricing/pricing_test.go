package pricing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tokenassay/assay/engine"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ledger(t *testing.T) *Ledger {
	t.Helper()
	l, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCost works out invoices by hand.
func TestCost(t *testing.T) {
	l := ledger(t)
	for _, c := range []struct {
		name, ref, day string
		usage          engine.Usage
		want           string
	}{
		{"a million out of R1", "deepseek/deepseek-r1", "2025-02-01", engine.Usage{Output: 1_000_000}, "2.19"},
		{"the news: R1 hosted", "together/deepseek-r1", "2026-11-22", engine.Usage{Output: 1_000_000}, "7"},
		{"the news: o1", "o1", "2026-11-22", engine.Usage{Output: 1_000_000}, "60"},
		{"one token", "deepseek/deepseek-v3", "2025-03-01", engine.Usage{Input: 1}, "0.00000027"},
		{"cache read", "openai/gpt-4o", "2026-11-22", engine.Usage{Input: 1000, CachedInput: 600, Output: 100}, "0.00275"}, // 400×2.5 + 600×1.25 + 100×10 millionths
		{"no cached rate", "mistral/mistral-medium-3", "2026-11-22", engine.Usage{Input: 1000, CachedInput: 1000}, "0.0004"},
		{"at the threshold", "google/gemini-2.5-pro", "2026-11-22", engine.Usage{Input: 200_000}, "0.25"},
		{"above it, all of it", "google/gemini-2.5-pro", "2026-11-22", engine.Usage{Input: 200_001, Output: 1_000}, "0.5150025"},
		{"old price", "openai/o3", "2025-06-09", engine.Usage{Output: 1_000_000}, "40"},
		{"new price", "openai/o3", "2025-06-10", engine.Usage{Output: 1_000_000}, "8"},
		{"reasoning is output", "openai/o1", "2026-11-22", engine.Usage{Output: 100, Reasoning: 90}, "0.006"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := l.At(c.ref, day(t, c.day))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Cost(c.usage).Total; !got.Equal(decimal.RequireFromString(c.want)) {
				t.Errorf("%s.Cost(%+v) = %s; want %s", c.ref, c.usage, got, c.want)
			}
		})
	}
}

func TestDefaultLedger(t *testing.T) {
	l := ledger(t)
	have := map[string]bool{}
	for _, p := range l.Rows() {
		have[p.Provider] = true
		if !strings.Contains(p.Source, "https://") {
			t.Errorf("%s: source %q has no address", p.Ref(), p.Source)
		}
		if p.Checked.After(time.Now()) {
			t.Errorf("%s: checked %s, in the future", p.Ref(), p.Checked)
		}
	}
	for _, want := range []string{"openai", "anthropic", "google", "deepseek", "alibaba", "moonshotai", "mistral", "together", "groq"} {
		if !have[want] {
			t.Errorf("no price of %s", want)
		}
	}
	for _, p := range l.On(day(t, "2026-11-22")) {
		if _, err := l.At(p.Ref(), day(t, "2026-11-22")); err != nil {
			t.Errorf("At(%s): %v", p.Ref(), err)
		}
	}
}

func TestAtRefuses(t *testing.T) {
	l := ledger(t)
	for _, c := range []struct{ ref, day, want string }{
		{"nobody/nothing", "2026-01-01", "nobody/nothing"},
		{"deepseek-r1", "2026-01-01", "ambiguous"},
		{"deepseek/deepseek-r1", "2024-01-01", "none for 2024-01-01"},
		{"llama-3.3", "2026-01-01", "near: groq/llama-3.3-70b, together/llama-3.3-70b"},
	} {
		_, err := l.At(c.ref, day(t, c.day))
		if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("At(%s, %s): %v; want ErrUnknown with %q", c.ref, c.day, err, c.want)
		}
	}
}

const goodRow = `acme,m,M,1,,2,,,,,USD,,,2026-01-01,https://acme.example,`

func TestLoadRefuses(t *testing.T) {
	head := strings.Join(columns, ",")
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "f.csv:1: empty"},
		{"other columns", "a,b\n", "f.csv:1: columns are a,b"},
		{"no source", head + "\nacme,m,M,1,,2,,,,,USD,,,2026-01-01,,\n", "f.csv:2: no source"},
		{"no provider", head + "\n,m,M,1,,2,,,,,USD,,,2026-01-01,s,\n", "f.csv:2: no provider"},
		{"no output rate", head + "\nacme,m,M,1,,,,,,,USD,,,2026-01-01,s,\n", "no output rate"},
		{"negative", head + "\nacme,m,M,-1,,2,,,,,USD,,,2026-01-01,s,\n", `input "-1"`},
		{"exponent", head + "\nacme,m,M,1e999999999,,2,,,,,USD,,,2026-01-01,s,\n", "plain decimal"},
		{"two points", head + "\nacme,m,M,1.2.3,,2,,,,,USD,,,2026-01-01,s,\n", "not a number"},
		{"not checked", head + "\nacme,m,M,1,,2,,,,,USD,,,,s,\n", "no checked day"},
		{"bad day", head + "\nacme,m,M,1,,2,,,,,USD,2025-13-01,,2026-01-01,s,\n", "from: day"},
		{"backwards", head + "\nacme,m,M,1,,2,,,,,USD,2025-02-01,2025-01-01,2026-01-01,s,\n", "not after"},
		{"half a tier", head + "\nacme,m,M,1,,2,,3,,,USD,,,2026-01-01,s,\n", "over_input without"},
		{"currency", head + "\nacme,m,M,1,,2,,,,,dollar,,,2026-01-01,s,\n", "currency"},
		{"twice", head + "\n" + goodRow + "\n" + goodRow + "\n", "f.csv:3: acme/m has another price for the same days on line 2"},
		{"short row", head + "\nacme,m\n", "f.csv:2: wrong number of fields"},
		{"open quote", head + "\n" + goodRow + "\n\"acme", "f.csv:3:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(c.text), "f.csv")
			var re *RowError
			if !errors.As(err, &re) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load: %v; want a RowError with %q", err, c.want)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	head := strings.Join(columns, ",")
	f.Add(head + "\n" + goodRow + "\n")
	f.Add(embedded[:2000])
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Load(strings.NewReader(text), "f.csv")
		if err != nil {
			return
		}
		for _, p := range l.Rows() {
			if p.Source == "" || p.Rates.Input.IsNegative() {
				t.Errorf("accepted %+v", p)
			}
			if c := p.Cost(engine.Usage{Input: 3, CachedInput: 1, Output: 2}); c.Total.IsNegative() {
				t.Errorf("%+v costs %s", p, c)
			}
		}
	})
}

func ExampleLedger_At() {
	ledger, err := Default()
	if err != nil {
		panic(err)
	}
	p, err := ledger.At("deepseek/deepseek-r1", time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Title, p.Cost(engine.Usage{Input: 1200, CachedInput: 1000, Output: 800}))
	// Output: DeepSeek R1 0.002002 USD (input 0.00011, cached 0.00014, output 0.001752)
}
