-- +goose Up

-- Marks the file as ours: the bytes "assy".
PRAGMA application_id = 1634956153;

CREATE TABLE runs (
    run      TEXT    NOT NULL PRIMARY KEY,
    started  TEXT    NOT NULL, -- UTC, RFC 3339 with nine digits, so that text order is time order
    finished TEXT,             -- NULL until finished
    asked    INTEGER NOT NULL DEFAULT 0, -- rows in outcomes, kept by a trigger
    crc      INTEGER NOT NULL  -- CRC-32C of run, started, finished
) STRICT;

CREATE INDEX runs_by_start ON runs (started);

-- One row for each time a run was begun, resumed, or more became known of it. The last counts.
CREATE TABLE manifests (
    run      TEXT    NOT NULL REFERENCES runs (run),
    part     INTEGER NOT NULL, -- counted from 1
    manifest TEXT    NOT NULL, -- JSON of bench.Manifest
    crc      INTEGER NOT NULL, -- CRC-32C of the other columns, in order
    PRIMARY KEY (run, part)
) STRICT;

-- The small columns stand first: counting verdicts then never touches the long texts.
CREATE TABLE outcomes (
    seq              INTEGER NOT NULL PRIMARY KEY, -- in the order asked
    run              TEXT    NOT NULL REFERENCES runs (run),
    model            TEXT    NOT NULL,
    pack             TEXT    NOT NULL,
    task             TEXT    NOT NULL,
    sample           TEXT    NOT NULL,
    repeat           INTEGER NOT NULL,
    verdict          TEXT,             -- NULL, with value, answer, why: not judged yet
    value            REAL,
    level            INTEGER NOT NULL,
    grp              TEXT    NOT NULL, -- cluster for standard errors; '' is a cluster of its own
    stop             TEXT    NOT NULL,
    due              TEXT    NOT NULL, -- UTC
    sent_ns          INTEGER NOT NULL, -- since due, as the three below
    first_ns         INTEGER NOT NULL, -- 0: no output came
    last_ns          INTEGER NOT NULL,
    done_ns          INTEGER NOT NULL,
    input_tokens     INTEGER NOT NULL,
    cached_tokens    INTEGER NOT NULL, -- part of input_tokens
    output_tokens    INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL, -- part of output_tokens
    joules           REAL,             -- NULL: unknown
    meta             TEXT,             -- JSON object
    messages         TEXT,             -- JSON array, as asked
    target           TEXT    NOT NULL,
    output           TEXT    NOT NULL,
    reasoning        TEXT    NOT NULL,
    gaps_ns          TEXT,             -- JSON array
    answer           TEXT,
    why              TEXT,
    err              TEXT    NOT NULL,
    warnings         TEXT,             -- JSON array
    crc              INTEGER NOT NULL, -- CRC-32C of the columns from run to warnings, in order
    UNIQUE (run, model, pack, task, sample, repeat)
) STRICT;

CREATE INDEX outcomes_by_run ON outcomes (run);

-- +goose StatementBegin
CREATE TRIGGER outcomes_counted AFTER INSERT ON outcomes
BEGIN
    UPDATE runs SET asked = asked + 1 WHERE run = NEW.run;
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE outcomes;
DROP TABLE manifests;
DROP TABLE runs;
