package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts have beside testscript's own commands:
//
//	fails CMD...            CMD exits with 1, says why in a line on stderr, nothing on stdout, and leaves no *.part file
//	misused CMD...          as fails, and points to the command's --help
//	wellformed FILE...      each .png .svg .json .csv file can be read whole
//	await DB N              wait until the latest run in DB has N outcomes
//	remember DB             take note of the latest run: $RUN is its name, $ANSWERED how many answers it has
//	unchanged DB N          the run remembered has N outcomes, and what was answered then was not asked again
//	same-answers DB DB      the latest runs of both have the same answers to the same questions
//	times A.csv B.csv F     the dollars of leaderboard B are F times those of A, and all else is the same
//	prefix A B              text A is the beginning of text B, and shorter; half a character at its end does not count
//	joined TOKENS FILE      the pieces of a listing by tokenize are FILE's bytes
//	lock DB                 hold SQLite's exclusive lock on DB until the script ends
//	truncate FILE N         cut FILE after N bytes
//	poke FILE OFFSET HEX    overwrite bytes of FILE, which is made if need be; OFFSET is a number or TEXT+N,
//	                        N bytes after where TEXT begins
//	vectors GGUF            tokenize makes of some texts beside a vocabulary the tokens beside it
//	disk DIR SIZE           mount a file system of that size (tmpfs's size=) on DIR until the script ends
//	readonly DIR            make what disk mounted read-only
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"fails":        func(ts *testscript.TestScript, neg bool, args []string) { checkFails(ts, neg, args, false) },
	"misused":      func(ts *testscript.TestScript, neg bool, args []string) { checkFails(ts, neg, args, true) },
	"wellformed":   wellFormed,
	"await":        await,
	"remember":     remember,
	"unchanged":    unchanged,
	"same-answers": sameAnswers,
	"times":        times,
	"prefix":       prefix,
	"joined":       joined,
	"lock":         lock,
	"truncate":     truncate,
	"poke":         poke,
	"vectors":      vectors,
	"disk":         disk,
	"readonly":     readOnly,
}

// usage ends the script unless a command was called as it must be.
func usage(ts *testscript.TestScript, neg bool, args []string, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s; got %q", text, args)
	}
}

func checkFails(ts *testscript.TestScript, neg bool, args []string, misuse bool) {
	usage(ts, neg, args, len(args) > 0, "fails CMD...")
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		ts.Fatalf("want exit code 1, got: %v", err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if stdout != "" {
		ts.Fatalf("a command that fails printed on standard output:\n%s", stdout)
	}
	for _, crash := range []string{"panic:", "goroutine ", "runtime error", "[recovered]"} {
		if strings.Contains(stderr, crash) {
			ts.Fatalf("crashed:\n%s", stderr)
		}
	}
	lines := strings.Split(strings.TrimRight(stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if hint := strings.HasPrefix(last, "Try 'assay") && strings.HasSuffix(last, "--help'."); hint != misuse {
		ts.Fatalf("pointed to --help: %v, want %v:\n%s", hint, misuse, stderr)
	} else if hint {
		last = lines[max(0, len(lines)-2)]
	}
	if !strings.HasPrefix(last, "assay: ") || len(last) > 400 {
		ts.Fatalf("want a last line that says why, after \"assay: \":\n%s", stderr)
	}
	noPart(ts)
}

// noPart fails when a file that was only half written is left behind.
func noPart(ts *testscript.TestScript) {
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".part") {
			return fmt.Errorf("left behind: %s", path)
		}
		return err
	}))
}

func wellFormed(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) > 0, "wellformed FILE...")
	for _, name := range args {
		text := []byte(ts.ReadFile(name))
		var err error
		switch ext := filepath.Ext(name); ext {
		case ".png":
			img, decoding := png.Decode(bytes.NewReader(text))
			if err = decoding; err == nil && img.Bounds().Dx() < 600 {
				err = fmt.Errorf("%d pixels wide", img.Bounds().Dx())
			}
		case ".svg":
			for d := xml.NewDecoder(bytes.NewReader(text)); err == nil; {
				_, err = d.Token()
			}
			if err == io.EOF && bytes.Contains(text, []byte("<svg")) {
				err = nil
			}
		case ".json":
			if !json.Valid(text) {
				err = errors.New("no JSON")
			}
		case ".csv":
			var rows [][]string
			if rows, err = csv.NewReader(bytes.NewReader(text)).ReadAll(); err == nil && len(rows) < 2 {
				err = errors.New("no rows")
			}
		default:
			err = fmt.Errorf("no such kind of file: %q", ext)
		}
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
	}
}

func times(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 3, "times A.csv B.csv FACTOR")
	factor, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	var tables [2][][]string
	for i, name := range args[:2] {
		tables[i], err = csv.NewReader(strings.NewReader(ts.ReadFile(name))).ReadAll()
		ts.Check(err)
	}
	compared := 0
	for r, row := range tables[0] {
		for c, a := range row {
			column, b := tables[0][0][c], tables[1][r][c]
			x, err := strconv.ParseFloat(a, 64)
			if err != nil || !strings.Contains(column, "usd") || math.IsNaN(x) {
				if a != b {
					ts.Fatalf("row %d, %s: %q became %q", r, column, a, b)
				}
				continue
			}
			y, err := strconv.ParseFloat(b, 64)
			ts.Check(err)
			if x != 0 && !math.IsInf(x, 0) {
				compared++
			}
			if y != x*factor && math.Abs(y/x/factor-1) > 1e-9 {
				ts.Fatalf("row %d, %s: %s became %s, want %v times that", r, column, a, b, factor)
			}
		}
	}
	if compared < 4 {
		ts.Fatalf("only %d amounts to compare", compared)
	}
}

func prefix(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "prefix A B")
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	a = strings.TrimRight(a, "\uFFFD")
	if a == "" || len(a) >= len(b) || !strings.HasPrefix(b, a) {
		ts.Fatalf("%q is not the beginning of %q", a, b)
	}
}

func joined(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "joined TOKENS FILE")
	var text strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		_, quoted, _ := strings.Cut(strings.TrimSpace(line), "  ")
		piece, err := strconv.Unquote(quoted)
		ts.Check(err)
		text.WriteString(piece)
	}
	if want := ts.ReadFile(args[1]); text.String() != want {
		ts.Fatalf("the pieces are %q, the text is %q", text.String(), want)
	}
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "truncate FILE N")
	n, err := strconv.ParseInt(args[1], 0, 64)
	ts.Check(err)
	if had := int64(len(ts.ReadFile(args[0]))); had <= n {
		ts.Fatalf("%s has only %d bytes", args[0], had)
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func poke(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 3, "poke FILE OFFSET HEX")
	text, n, found := strings.Cut(args[1], "+")
	start := 0
	if !found {
		n = text
	} else if start = strings.Index(ts.ReadFile(args[0]), text); start < 0 {
		ts.Fatalf("%s has no %q", args[0], text)
	}
	at, err := strconv.Atoi(n)
	ts.Check(err)
	data, err := hex.DecodeString(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|os.O_CREATE, 0o644)
	ts.Check(err)
	_, err = f.WriteAt(data, int64(start+at))
	ts.Check(errors.Join(err, f.Close()))
}

// vectors reads llama.cpp's reference cases: NAME.inp has the texts, each with a line
// __ggml_vocab_test__ after it, NAME.out a line of ids for each.
func vectors(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 1, "vectors GGUF")
	const end = "\n__ggml_vocab_test__\n"
	texts := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]+".inp"), end), end)
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]+".out"), "\n"), "\n")
	if len(texts) != len(lines) || len(texts) < 20 {
		ts.Fatalf("%d texts, %d lines of ids", len(texts), len(lines))
	}
	for i := 0; i < len(texts); i += 4 { // engine/tokenizer's tests have all of them
		text := texts[i]
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), strings.NewReader(text), &stdout, &stderr, []string{"tokenize", "--ids", "--model", args[0]})
		got, want := strings.Fields(stdout.String()), strings.Fields(lines[i])
		if code != 0 || !slices.Equal(got, want) {
			ts.Fatalf("tokens of %q\n got %q\nwant %q\n%s", text, got, want, stderr.String())
		}
	}
}
