package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/tasks"
)

// State says how far a run is.
type State string

// The states. A run that some process is still at is Interrupted as far as the file can tell.
const (
	Finished    State = "finished"
	Interrupted State = "interrupted"
)

// Run is a run as a list shows it.
type Run struct {
	ID       string    `json:"run"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"` // zero unless State is Finished
	State    State     `json:"state"`
	Models   []string  `json:"models"`
	Packs    []string  `json:"packs"`
	Outcomes int       `json:"outcomes"` // asked
	Scored   int       `json:"scored"`   // of them judged: a verdict, and one other than unscored
}

// Runs lists all runs, the latest first.
func (s *Store) Runs(ctx context.Context) ([]Run, error) {
	runs, err := s.list(ctx)
	if err != nil {
		return nil, &Error{"list runs of", s.path, classify(err)}
	}
	return runs, nil
}

// Latest returns the run begun last of those that asked anything; ErrNoRun where there is none.
func (s *Store) Latest(ctx context.Context) (Run, error) {
	return s.first(ctx, "latest", func(r Run) bool { return r.Outcomes > 0 })
}

// Resumable returns the unfinished run begun last; ErrNoRun where there is none.
func (s *Store) Resumable(ctx context.Context) (Run, error) {
	return s.first(ctx, "unfinished", func(r Run) bool { return r.State == Interrupted })
}

func (s *Store) first(ctx context.Context, what string, ok func(Run) bool) (Run, error) {
	runs, err := s.Runs(ctx)
	if err != nil {
		return Run{}, err
	}
	for _, r := range runs {
		if ok(r) {
			return r, nil
		}
	}
	return Run{}, &Error{"find the " + what + " run in", s.path, ErrNoRun}
}

func (s *Store) list(ctx context.Context) ([]Run, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, "SELECT run FROM runs ORDER BY started DESC, rowid DESC")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	runs := make([]Run, 0, len(ids))
	for _, id := range ids {
		m, _, err := manifest(ctx, tx, id)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", id, err)
		}
		r := Run{ID: id, Started: m.Started, Finished: m.Finished, State: Interrupted}
		if !m.Finished.IsZero() {
			r.State = Finished
		}
		for _, x := range m.Models {
			r.Models = append(r.Models, x.Name)
		}
		for _, x := range m.Packs {
			r.Packs = append(r.Packs, x.Name)
		}
		if err := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(verdict IS NOT NULL AND verdict <> ?), 0) FROM outcomes WHERE run = ?",
			string(tasks.Unscored), id).Scan(&r.Outcomes, &r.Scored); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// Manifest returns the latest manifest of a run, with the time it was first begun and, where it
// is finished, the time it ended.
func (s *Store) Manifest(ctx context.Context, run string) (bench.Manifest, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback()
		var m bench.Manifest
		if m, _, err = manifest(ctx, tx, run); err == nil {
			return m, nil
		}
	}
	return bench.Manifest{}, &Error{"read run " + run + " of", s.path, classify(err)}
}

// runHead is a row of runs.
type runHead struct {
	started  string
	finished sql.NullString
	asked    int
}

// head reads and checks a row of runs.
func head(ctx context.Context, tx *sql.Tx, run string) (runHead, error) {
	var h runHead
	var crc int64
	err := tx.QueryRowContext(ctx, "SELECT started, finished, asked, crc FROM runs WHERE run = ?", run).
		Scan(&h.started, &h.finished, &h.asked, &crc)
	if errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("%w: %q", ErrNoRun, run)
	}
	if err != nil {
		return h, err
	}
	var finished any
	if h.finished.Valid {
		finished = h.finished.String
	}
	if crc != checksum(run, h.started, finished) {
		return h, fmt.Errorf("%w: the row of run %q does not match its check sum", ErrCorrupt, run)
	}
	return h, nil
}

// manifest returns a run's latest manifest and how many there are.
func manifest(ctx context.Context, tx *sql.Tx, run string) (m bench.Manifest, parts int, err error) {
	h, err := head(ctx, tx, run)
	if err != nil {
		return m, 0, err
	}
	var doc string
	var crc int64
	err = tx.QueryRowContext(ctx, "SELECT part, manifest, crc FROM manifests WHERE run = ? ORDER BY part DESC LIMIT 1", run).Scan(&parts, &doc, &crc)
	if errors.Is(err, sql.ErrNoRows) {
		return m, 0, fmt.Errorf("%w: run %q has no manifest", ErrCorrupt, run)
	}
	if err != nil {
		return m, 0, err
	}
	if crc != checksum(run, int64(parts), doc) {
		return m, 0, fmt.Errorf("%w: manifest %d of run %q does not match its check sum", ErrCorrupt, parts, run)
	}
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		return m, 0, fmt.Errorf("manifest %d of run %q: %w", parts, run, err)
	}
	if m.Started, err = time.Parse(timeLayout, h.started); err != nil {
		return m, 0, fmt.Errorf("%w: run %q started: %w", ErrCorrupt, run, err)
	}
	m.Finished = time.Time{}
	if h.finished.Valid {
		if m.Finished, err = time.Parse(timeLayout, h.finished.String); err != nil {
			return m, 0, fmt.Errorf("%w: run %q finished: %w", ErrCorrupt, run, err)
		}
	}
	return m, parts, nil
}

// Outcomes yields a run's outcomes in the order they were first put, as they stood when the
// iteration began: Put may be called meanwhile, also from the loop's body. After an error it
// yields nothing more. A run with fewer or more outcomes than were put is an error at the end.
func (s *Store) Outcomes(ctx context.Context, run string) iter.Seq2[bench.Outcome, error] {
	return func(yield func(bench.Outcome, error) bool) {
		stopped, err := s.outcomes(ctx, run, yield)
		if err != nil && !stopped {
			yield(bench.Outcome{}, &Error{"read outcomes of run " + run + " from", s.path, classify(err)})
		}
	}
}

func (s *Store) outcomes(ctx context.Context, run string, yield func(bench.Outcome, error) bool) (stopped bool, err error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	h, err := head(ctx, tx, run)
	if err != nil {
		return false, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT seq, crc, "+strings.Join(columns[:], ", ")+
		" FROM outcomes WHERE run = ? ORDER BY seq", run)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var seq, crc int64
	row := make([]any, len(columns))
	dest := []any{&seq, &crc}
	for i := range row {
		dest = append(dest, &row[i])
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(dest...); err != nil {
			return false, fmt.Errorf("%w: outcome after row %d: %w", ErrCorrupt, seq, err)
		}
		if crc != checksum(row...) {
			return false, fmt.Errorf("%w: outcome in row %d does not match its check sum", ErrCorrupt, seq)
		}
		o, err := decode(row)
		if err != nil {
			return false, fmt.Errorf("outcome in row %d: %w", seq, err)
		}
		if !yield(o, nil) {
			return true, nil
		}
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	if n != h.asked {
		return false, fmt.Errorf("%w: %d outcomes were put, %d are there", ErrCorrupt, h.asked, n)
	}
	return false, nil
}
