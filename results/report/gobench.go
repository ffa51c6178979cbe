package report

import (
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/results/board"
)

// GoBench writes a board and its outcomes in Go's benchmark format
// (https://golang.org/design/14313-benchmark-format), for benchstat: a line
// BenchmarkAsk/model=…/pack=…/task=… for each answer, with its times, and a line
// BenchmarkScore/model=…/pack=… for each row, with accuracy and cost.
//
// Times are in ns, since benchstat scales those; accuracy is in percent and money in
// dollars per million, since small fractions would be printed as 340.0m.
func GoBench(w io.Writer, b board.Board, outcomes iter.Seq2[bench.Outcome, error]) error {
	out := benchfmt.NewWriter(w)
	for _, u := range []struct{ unit, key, value string }{
		{"tok/s", "better", "higher"},
		{"acc%", "better", "higher"},
		{"acc%", "assume", "exact"},
		{"in-USD/Mtok", "assume", "exact"},
		{"out-USD/Mtok", "assume", "exact"},
		{"USD/Mcorrect", "assume", "exact"},
	} {
		m := benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.unit, Key: u.key}, OrigUnit: u.unit, Value: u.value}
		if err := out.Write(&m); err != nil {
			return err
		}
	}
	config := fileConfig(b.Manifest)
	suffix := "-" + strconv.Itoa(max(1, b.Manifest.Host.CPU.Usable))
	for o, err := range outcomes {
		if err != nil {
			return err
		}
		if o.First <= 0 {
			continue // no output: there is no time to report
		}
		r := &benchfmt.Result{Config: config, Iters: 1}
		r.Name = benchfmt.Name("Ask/model=" + word(o.Model) + "/pack=" + word(o.Pack) + "/task=" + word(o.Task) + suffix)
		r.Values = append(r.Values, value(float64(o.Done-o.Sent), "ns/op"), value(float64(o.First), "ttft-ns/op"))
		if n, d := o.Usage.Output-1, o.Last-o.First; n > 0 && d > 0 {
			r.Values = append(r.Values, value(float64(d)/float64(n), "ns/tok"), value(float64(n)/d.Seconds(), "tok/s"))
		}
		if err := out.Write(r); err != nil {
			return err
		}
	}
	for _, row := range b.Rows {
		if row.PriceOnly || row.Accuracy == nil || !row.Accuracy.Defined() {
			continue
		}
		pack := row.Pack
		if pack == board.Overall {
			pack = "overall"
		}
		r := &benchfmt.Result{Config: config, Iters: row.Asked}
		r.Name = benchfmt.Name("Score/model=" + word(row.Model) + "/pack=" + word(pack) + suffix)
		r.Values = append(r.Values, value(row.Accuracy.Value*100, "acc%"))
		if e := row.InputPrice; e != nil && e.Defined() {
			r.Values = append(r.Values, value(e.Value, "in-USD/Mtok"))
		}
		if e := row.OutputPrice; e != nil && e.Defined() {
			r.Values = append(r.Values, value(e.Value, "out-USD/Mtok"))
		}
		if e := row.PerCorrect; e != nil && e.Defined() {
			r.Values = append(r.Values, value(e.Value*1e6, "USD/Mcorrect"))
		}
		if err := out.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// fileConfig is the key: value lines before the results. Result.SetConfig would make them
// internal, which the writer leaves out.
func fileConfig(m bench.Manifest) []benchfmt.Config {
	var out []benchfmt.Config
	add := func(key, v string) {
		if v = strings.TrimSpace(strings.Join(strings.Fields(v), " ")); v != "" {
			out = append(out, benchfmt.Config{Key: key, Value: []byte(v), File: true})
		}
	}
	add("goos", m.Host.OS)
	add("goarch", m.Host.Arch)
	add("cpu", m.Host.CPU.Model)
	add("run", m.Run)
	add("date", m.Started.UTC().Format("2006-01-02T15:04:05Z"))
	return out
}

// value makes a value in the base unit the format works with, keeping the one it is written in.
func value(v float64, unit string) benchfmt.Value {
	tidy, tidyUnit := benchunit.Tidy(v, unit)
	if tidyUnit == unit {
		return benchfmt.Value{Value: v, Unit: unit}
	}
	return benchfmt.Value{Value: tidy, Unit: tidyUnit, OrigValue: v, OrigUnit: unit}
}

// word makes s one part of a benchmark's name: without blanks and without the characters
// that part names and their keys.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '=' || r == '"' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "_"
	}
	return s
}
