// Package store keeps runs and their outcomes in one SQLite file.
//
// A Store is a bench.Sink: Begin writes a run's manifest, Put an outcome (first unscored, then
// scored, under the same key), Finish the end. What Put has acknowledged survives the death of
// the process; after a loss of power the last moments before it may be missing, never damaged
// (WAL with synchronous=NORMAL, https://www.sqlite.org/pragma.html#pragma_synchronous).
//
// # What is checked
//
// SQLite notices damage to its own structures but not to the texts in them. Therefore each row
// carries a CRC-32C of its fields and each run the number of its outcomes, and both are checked
// whenever outcomes are read: damage is an error that names the row, never a different answer.
//
// # Caveats
//
// Text that is not valid UTF-8 is stored with each invalid byte replaced by U+FFFD, as
// encoding/json does; a key that is not valid UTF-8 is refused, because replacing bytes could
// make two keys one. Times are stored to the nanosecond and come back in UTC.
//
// A scored outcome is never replaced by an unscored one, and Begin never discards an earlier
// manifest of the same run.
//
// All methods may be called concurrently, also by several processes on one file.
package store
