package main

import (
	"context"
	"database/sql"
	"maps"
	"reflect"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/results/store"
)

// latestRun is the latest run in a results file, with its outcomes.
func latestRun(path string) (store.Run, map[bench.Key]bench.Outcome, error) {
	db, err := store.OpenReadOnly(path)
	if err != nil {
		return store.Run{}, nil, err
	}
	defer db.Close()
	run, err := db.Latest(context.Background())
	if err != nil {
		return run, nil, err
	}
	all := map[bench.Key]bench.Outcome{}
	for o, err := range db.Outcomes(context.Background(), run.ID) {
		if err != nil {
			return run, nil, err
		}
		all[o.Key] = o
	}
	return run, all, nil
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "await DB N")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		run, _, err := latestRun(ts.MkAbs(args[0]))
		if err == nil && run.Outcomes >= n {
			return
		}
		if time.Since(begun) > time.Minute {
			ts.Fatalf("after a minute %d outcomes of %d: %v", run.Outcomes, n, err)
		}
	}
}

// rememberedKey is the key of a script's value that holds the outcomes which remember read.
type rememberedKey struct{}

func rememberedBy(ts *testscript.TestScript) map[bench.Key]bench.Outcome {
	return ts.Value(rememberedKey{}).(map[bench.Key]bench.Outcome)
}

func remember(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 1, "remember DB")
	run, all, err := latestRun(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv("RUN", run.ID)
	maps.DeleteFunc(all, func(_ bench.Key, o bench.Outcome) bool { return !o.Answered() })
	ts.Setenv("ANSWERED", strconv.Itoa(len(all)))
	clear(rememberedBy(ts))
	maps.Copy(rememberedBy(ts), all)
}

func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "unchanged DB N")
	run, all, err := latestRun(ts.MkAbs(args[0]))
	ts.Check(err)
	if run.ID != ts.Getenv("RUN") || run.State != store.Finished || strconv.Itoa(len(all)) != args[1] {
		ts.Fatalf("run %s is %s with %d outcomes; want %s finished with %s", run.ID, run.State, len(all), ts.Getenv("RUN"), args[1])
	}
	before := rememberedBy(ts)
	if len(before) == 0 {
		ts.Fatalf("nothing was remembered")
	}
	for key, was := range before {
		is, ok := all[key]
		if !ok || is.Output != was.Output || !is.Due.Equal(was.Due) || is.Done != was.Done {
			ts.Fatalf("%v was asked again:\n%s", key, cmp.Diff(was, is))
		}
	}
	for key, o := range all {
		if o.Score == nil {
			ts.Fatalf("%v is not judged", key)
		}
	}
}

func sameAnswers(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 2, "same-answers DB DB")
	type answer struct {
		Messages any
		Output   string
		Stop     any
	}
	var answers [2]map[bench.Key]answer
	for i, path := range args {
		_, all, err := latestRun(ts.MkAbs(path))
		ts.Check(err)
		answers[i] = map[bench.Key]answer{}
		for key, o := range all {
			key.Run = ""
			answers[i][key] = answer{o.Messages, o.Output, o.Stop}
		}
	}
	if len(answers[0]) == 0 || !reflect.DeepEqual(answers[0], answers[1]) {
		ts.Fatalf("the answers differ:\n%s", cmp.Diff(answers[0], answers[1]))
	}
}

func lock(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, len(args) == 1, "lock DB")
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0])+"?_pragma=locking_mode(EXCLUSIVE)")
	ts.Check(err)
	ts.Defer(func() { db.Close() })
	db.SetMaxOpenConns(1)
	// A write makes the connection take the lock, which it then never gives back.
	_, err = db.Exec("PRAGMA user_version = 0; BEGIN EXCLUSIVE")
	ts.Check(err)
}
