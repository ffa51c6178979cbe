package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tokenassay/assay/bench"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// A Store is an open file of runs. See the package comment for what may be relied on.
type Store struct {
	path     string
	write    *sql.DB // one connection; nil when opened read-only
	read     *sql.DB // never waits for a writer: WAL gives each reader a snapshot
	inserted string  // the statement of Put
}

var _ bench.Sink = (*Store)(nil)

// busyTimeout is how long a statement waits for another process's lock. A writer of ours holds
// its lock for less than a millisecond.
const busyTimeout = 5 * time.Second

// readers bounds the connections for reading.
const readers = 4

// Open opens the store at path for reading and writing, creates it where there is no file (or an
// empty one), and brings an older schema up to date. Errors are of type *Error and wrap one of
// this package's sentinels where the cause is known.
func Open(path string) (*Store, error) {
	return open(context.Background(), path, busyTimeout)
}

func open(ctx context.Context, path string, wait time.Duration) (*Store, error) {
	if err := create(ctx, path, wait); err != nil {
		return nil, &Error{"create", path, err}
	}
	// Looked at first without the right to write: turning WAL on would change another
	// program's file.
	r, err := connect(path, "ro", wait, readers)
	if err != nil {
		return nil, &Error{"open", path, err}
	}
	if err := check(ctx, r); err != nil {
		if code(err) == sqliteCantOpen {
			err = unwritable(path, err) // the files a WAL needs cannot be made beside it
		}
		return nil, &Error{"open", path, errors.Join(classify(err), r.Close())}
	}
	w, err := connect(path, "rw", wait, 1)
	if err != nil {
		return nil, &Error{"open", path, errors.Join(err, r.Close())}
	}
	if err := migrate(ctx, w); err != nil {
		return nil, &Error{"open", path, errors.Join(classify(err), r.Close(), w.Close())}
	}
	return &Store{path: path, write: w, read: r, inserted: insertOutcome()}, nil
}

// unwritable is what the system says of writing to path, or err where it has nothing against it.
// SQLite itself says only that it cannot open a file.
func unwritable(path string, err error) error {
	f, system := os.OpenFile(path, os.O_RDWR, 0)
	if system != nil {
		return fmt.Errorf("%w: %w", err, system)
	}
	return errors.Join(err, f.Close())
}

// OpenReadOnly opens an existing store for reading: nothing in the file changes, and its
// directory need not be writable. A schema older than this binary's is an error that wraps
// ErrOlder, since bringing it up to date would be writing.
func OpenReadOnly(path string) (*Store, error) {
	return openReadOnly(context.Background(), path, busyTimeout)
}

func openReadOnly(ctx context.Context, path string, wait time.Duration) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, &Error{"open", path, err}
	}
	r, err := connect(path, "ro", wait, readers)
	if err != nil {
		return nil, &Error{"open", path, err}
	}
	err = check(ctx, r)
	if c := code(err); (c == sqliteCantOpen || c == sqliteReadOnly) && !fileExists(path+"-wal") {
		// A WAL file cannot be made beside a file in a read-only directory. With none there and
		// no one able to make one, the file is all there is and will not change.
		r.Close()
		if r, err = connect(path, "immutable", wait, readers); err != nil {
			return nil, &Error{"open", path, err}
		}
		err = check(ctx, r)
	}
	if err == nil {
		err = current(ctx, r)
	}
	if err != nil {
		return nil, &Error{"open", path, errors.Join(classify(err), r.Close())}
	}
	return &Store{path: path, read: r}, nil
}

// Path returns the file's path as given to Open.
func (s *Store) Path() string { return s.path }

// Close releases the file.
func (s *Store) Close() error {
	err := s.read.Close()
	if s.write != nil {
		err = errors.Join(err, s.write.Close())
	}
	if err != nil {
		return &Error{"close", s.path, classify(err)}
	}
	return nil
}

// connect prepares a pool of connections; SQLite opens the file at first use.
func connect(path, mode string, wait time.Duration, conns int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(wait.Milliseconds(), 10)+")")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "cell_size_check(1)") // notices more kinds of damage
	switch mode {
	case "rw":
		q.Set("mode", "rw")
		q.Set("_txlock", "immediate") // waits for the lock at BEGIN, where waiting can help
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(NORMAL)")
	case "ro":
		q.Set("mode", "ro")
	case "immutable":
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// create makes an up-to-date empty store at path unless a file is there already. It is built
// under another name and linked into place, so that no other process ever meets half a schema,
// and a crash leaves none behind.
func create(ctx context.Context, path string, wait time.Duration) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%w: it is a directory", ErrNotStore)
	default:
		return nil // an empty file included: migrate fills it
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return classify(err)
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	db, err := connect(tmp.Name(), "rw", wait, 1)
	if err != nil {
		return err
	}
	if err := errors.Join(migrate(ctx, db), db.Close()); err != nil {
		return classify(err)
	}
	if err := os.Link(tmp.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil // whoever came first made the same thing
	}
	// A file system without hard links.
	return os.Rename(tmp.Name(), path)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
