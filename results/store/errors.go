package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
)

// Causes an *Error may wrap.
var (
	ErrLocked   = errors.New("locked by another process")
	ErrCorrupt  = errors.New("damaged")
	ErrNotStore = errors.New("not an assay store")
	ErrReadOnly = errors.New("read-only")
	ErrFull     = errors.New("no space left for it")
	ErrNewer    = errors.New("written by a newer assay")
	ErrOlder    = errors.New("written by an older assay and opened read-only; open it for writing once to bring it up to date")
	ErrNoRun    = errors.New("no such run")
	ErrConflict = errors.New("run already begun with other settings")
	ErrScored   = errors.New("already scored, so an unscored outcome must not replace it")
)

// Error says what could not be done to which store.
type Error struct {
	Op   string // "open", "put", ...
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Primary result codes, https://www.sqlite.org/rescode.html.
const (
	sqlitePerm       = 3
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadOnly   = 8
	sqliteIOErr      = 10
	sqliteCorrupt    = 11
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqliteConstraint = 19
	sqliteNotADB     = 26

	sqliteIOErrShmSize = 10 | 19<<8 // an extended code
)

// code returns the primary result code in err, 0 where there is none.
func code(err error) int { return extended(err) & 0xff }

// extended returns the extended result code in err, 0 where there is none.
func extended(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// classify puts the sentinel in front of an SQLite or system error that has one.
func classify(err error) error {
	var cause error
	switch code(err) {
	case sqliteBusy, sqliteLocked:
		cause = ErrLocked
	case sqliteCorrupt:
		cause = ErrCorrupt
	case sqliteNotADB:
		cause = ErrNotStore
	case sqliteReadOnly, sqlitePerm:
		cause = ErrReadOnly
	case sqliteFull:
		cause = ErrFull
	case sqliteIOErr:
		if extended(err) == sqliteIOErrShmSize { // the file readers and writers share cannot grow
			cause = ErrFull
		}
	default:
		switch {
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			cause = ErrFull
		case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
			cause = ErrReadOnly
		}
	}
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}
