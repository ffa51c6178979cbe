package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/engine"
	"github.com/tokenassay/assay/tasks"
)

// errReadOnlyStore is what writing to a store from OpenReadOnly comes to.
var errReadOnlyStore = fmt.Errorf("%w: opened for reading only", ErrReadOnly)

// Begin records that a run begins, goes on, or that more is known of it: a run already in the
// store must have the same seed, number of samples and pack versions, and any model it shares
// the same weights; else the error wraps ErrConflict. Every manifest is kept, the latest counts,
// and models and packs that an earlier one had and it has not are added to it. A manifest that is
// not finished makes the run unfinished again.
func (s *Store) Begin(ctx context.Context, m bench.Manifest) error {
	if err := s.begin(ctx, m); err != nil {
		return &Error{"begin run " + m.Run + " in", s.path, classify(err)}
	}
	return nil
}

func (s *Store) begin(ctx context.Context, m bench.Manifest) error {
	if s.write == nil {
		return errReadOnlyStore
	}
	if m.Run == "" || !utf8.ValidString(m.Run) {
		return fmt.Errorf("run id %q is empty or not valid UTF-8", m.Run)
	}
	started, err := encodeTime(m.Started)
	if err != nil {
		return fmt.Errorf("started: %w", err)
	}
	var finished any // NULL
	if !m.Finished.IsZero() {
		if finished, err = encodeTime(m.Finished); err != nil {
			return fmt.Errorf("finished: %w", err)
		}
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	first, parts, err := manifest(ctx, tx, m.Run)
	switch {
	case errors.Is(err, ErrNoRun):
		if _, err := tx.ExecContext(ctx, "INSERT INTO runs (run, started, finished, crc) VALUES (?, ?, ?, ?)",
			m.Run, started, finished, checksum(m.Run, started, finished)); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := compatible(first, m); err != nil {
			return err
		}
		if started, err = encodeTime(first.Started); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET finished = ?, crc = ? WHERE run = ?",
			finished, checksum(m.Run, started, finished), m.Run); err != nil {
			return err
		}
		m = union(first, m)
	}
	doc, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	part := int64(parts + 1)
	if _, err := tx.ExecContext(ctx, "INSERT INTO manifests (run, part, manifest, crc) VALUES (?, ?, ?, ?)",
		m.Run, part, string(doc), checksum(m.Run, part, string(doc))); err != nil {
		return err
	}
	return tx.Commit()
}

// compatible says whether outcomes of next may stand in one run with those of first.
func compatible(first, next bench.Manifest) error {
	if first.Seed != next.Seed {
		return fmt.Errorf("%w: seed %d, now %d", ErrConflict, first.Seed, next.Seed)
	}
	if first.N != next.N {
		return fmt.Errorf("%w: %d samples a task, now %d", ErrConflict, first.N, next.N)
	}
	versions := map[string]string{}
	for _, p := range first.Packs {
		versions[p.Name] = p.Version
	}
	for _, p := range next.Packs {
		if v, ok := versions[p.Name]; ok && v != p.Version {
			return fmt.Errorf("%w: pack %s version %s, now %s", ErrConflict, p.Name, v, p.Version)
		}
	}
	digests := map[string]string{}
	for _, m := range first.Models {
		digests[m.Name] = m.Digest
	}
	for _, m := range next.Models {
		if d := digests[m.Name]; d != "" && m.Digest != "" && d != m.Digest {
			return fmt.Errorf("%w: model %s has weights %.12s, now %.12s", ErrConflict, m.Name, d, m.Digest)
		}
	}
	return nil
}

// union returns next with the models and packs that only first has: their outcomes are in the
// run, whoever goes on with it.
func union(first, next bench.Manifest) bench.Manifest {
	next.Models, next.Packs = slices.Clone(next.Models), slices.Clone(next.Packs)
	for _, m := range first.Models {
		if !slices.ContainsFunc(next.Models, func(n engine.Info) bool { return n.Name == m.Name }) {
			next.Models = append(next.Models, m)
		}
	}
	for _, p := range first.Packs {
		if !slices.ContainsFunc(next.Packs, func(n bench.PackRef) bool { return n.Name == p.Name }) {
			next.Packs = append(next.Packs, p)
		}
	}
	return next
}

// Put stores an outcome, replacing one of the same key. When it returns nil the outcome
// survives the death of this process. The run must have begun (ErrNoRun); an unscored outcome
// does not replace a scored one (ErrScored).
func (s *Store) Put(ctx context.Context, o bench.Outcome) error {
	if err := s.put(ctx, o); err != nil {
		k := o.Key
		return &Error{fmt.Sprintf("put %q %s/%s/%s#%d into", k.Model, k.Pack, k.Task, k.Sample, k.Repeat), s.path, classify(err)}
	}
	return nil
}

func (s *Store) put(ctx context.Context, o bench.Outcome) error {
	if s.write == nil {
		return errReadOnlyStore
	}
	row, err := encode(o)
	if err != nil {
		return err
	}
	res, err := s.write.ExecContext(ctx, s.inserted, append(row, checksum(row...))...)
	if err != nil {
		if code(err) == sqliteConstraint && strings.Contains(err.Error(), "FOREIGN KEY") {
			return fmt.Errorf("%w: %q was never begun", ErrNoRun, o.Run)
		}
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return ErrScored
	}
	return nil
}

// insertOutcome returns Put's statement. Its last condition is what keeps a score from being
// replaced by none: then no row is affected.
func insertOutcome() string {
	names := append(append([]string(nil), columns[:]...), "crc")
	var set []string
	for _, c := range names[keyColumns:] {
		set = append(set, c+" = excluded."+c)
	}
	return "INSERT INTO outcomes (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) +
		") ON CONFLICT (" + strings.Join(columns[:keyColumns], ", ") + ") DO UPDATE SET " + strings.Join(set, ", ") +
		" WHERE excluded.verdict IS NOT NULL OR outcomes.verdict IS NULL OR outcomes.verdict = '" + string(tasks.Unscored) + "'"
}

// Finish records when a run ended.
func (s *Store) Finish(ctx context.Context, run string, end time.Time) error {
	if err := s.finish(ctx, run, end); err != nil {
		return &Error{"finish run " + run + " in", s.path, classify(err)}
	}
	return nil
}

func (s *Store) finish(ctx context.Context, run string, end time.Time) error {
	if s.write == nil {
		return errReadOnlyStore
	}
	finished, err := encodeTime(end)
	if err != nil {
		return fmt.Errorf("finished: %w", err)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	r, err := head(ctx, tx, run)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET finished = ?, crc = ? WHERE run = ?",
		finished, checksum(run, r.started, finished), run); err != nil {
		return err
	}
	return tx.Commit()
}
