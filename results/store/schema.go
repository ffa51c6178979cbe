package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is the bytes "assy" in the file's header, set by the first migration.
const applicationID = 0x61737379

// check refuses a file that is something other than a store, before anything is written to it.
func check(ctx context.Context, db *sql.DB) error {
	var id, objects int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&objects); err != nil {
		return err
	}
	if id != applicationID && (id != 0 || objects != 0) {
		return fmt.Errorf("%w: an SQLite database of another program (application id %#x, %d tables and indexes)", ErrNotStore, uint32(id), objects)
	}
	return nil
}

// versions returns the schema version of the file, 0 for an empty one, and this binary's.
func versions(ctx context.Context, db *sql.DB) (have, want int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	want = int64(len(names)) // numbered from 1 without gaps; a test holds them to it
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&tables); err != nil || tables == 0 {
		return 0, want, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&have)
	return have, want, err
}

// current refuses a file whose schema is not this binary's.
func current(ctx context.Context, db *sql.DB) error {
	have, want, err := versions(ctx, db)
	switch {
	case err != nil:
		return err
	case have > want:
		return fmt.Errorf("%w: its schema is version %d and this assay knows versions up to %d", ErrNewer, have, want)
	case have == 0:
		return fmt.Errorf("%w: it is empty", ErrNotStore)
	case have < want:
		return fmt.Errorf("%w: its schema is version %d, this assay's %d", ErrOlder, have, want)
	}
	return nil
}

// migrateTries bounds how often a migration is tried when another process is at it too.
const migrateTries = 5

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	for try := 1; ; try++ {
		have, want, err := versions(ctx, db)
		if err != nil {
			return err
		}
		if have > want {
			return fmt.Errorf("%w: its schema is version %d and this assay knows versions up to %d", ErrNewer, have, want)
		}
		if have == want {
			return nil
		}
		if err = up(ctx, db); err == nil {
			return nil
		}
		// Of two processes that migrate at once one fails; by then the work is done or nearly so.
		if try == migrateTries {
			return fmt.Errorf("schema %d to %d: %w", have, want, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 20 * time.Millisecond):
		}
	}
}

func up(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx) // Provider.Close would close db
	return err
}
