-- Version 2: the cache. What a stage computed is found again by what it was computed from.

-- A result that may be used again. The result itself is what the stage that made it left behind: its
-- outputs, metrics and findings.
CREATE TABLE cache_entries (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    key         TEXT    NOT NULL, -- digest of everything that the result may depend on
    shape       TEXT    NOT NULL, -- digest of the same without the rows: who could have made it from other rows
    result      TEXT    NOT NULL, -- digest of the result, to notice another one for this key
    run_id      TEXT    NOT NULL, -- the stage that made it
    stage       TEXT    NOT NULL,
    rows        INTEGER NOT NULL, -- that it read
    fingerprint TEXT    NOT NULL, -- of the engine that made it
    is_trusted  INTEGER NOT NULL DEFAULT 1, -- 0 once another result was seen for this key
    created_us  INTEGER NOT NULL,
    used_us     INTEGER NOT NULL, -- when it was last made, found or confirmed
    hits        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, key),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage)
) STRICT;

-- Whether rows are worth digesting before a stage runs: something with its shape must be there.
CREATE INDEX cache_entries_by_shape ON cache_entries (tenant, shape);

-- What an engine made, to purge it.
CREATE INDEX cache_entries_by_fingerprint ON cache_entries (tenant, fingerprint);

-- Which rows a recipe gives: a view of a dataset, a part of it, the maps that the rows go through, and the
-- columns that are read. So rows that were read before need not be read again to be named.
CREATE TABLE recipes (
    tenant       TEXT    NOT NULL DEFAULT 'default',
    recipe       TEXT    NOT NULL,
    table_digest TEXT    NOT NULL,
    rows         INTEGER NOT NULL,
    fingerprint  TEXT    NOT NULL, -- of the engine that mapped them
    used_us      INTEGER NOT NULL,
    PRIMARY KEY (tenant, recipe)
) STRICT, WITHOUT ROWID;

-- Why a stage of a run ran, or did not have to.
CREATE TABLE stage_keys (
    tenant        TEXT    NOT NULL DEFAULT 'default',
    run_id        TEXT    NOT NULL,
    stage         TEXT    NOT NULL,
    key           TEXT,             -- null: not known, as the stage never came to an end
    decision      TEXT    NOT NULL CHECK (decision IN ('hit', 'miss', 'off')),
    reason        TEXT,             -- what kept a known key from being a hit
    source_run    TEXT,             -- of a hit: whose result it was
    source_stage  TEXT,
    ingredients   TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant, run_id, stage),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage)
) STRICT;

-- Two different results for one key, or other rows from one recipe. Append-only.
CREATE TABLE incidents (
    tenant       TEXT    NOT NULL DEFAULT 'default',
    sequence     INTEGER NOT NULL, -- from 1
    kind         TEXT    NOT NULL CHECK (kind IN ('result', 'rows')),
    digest       TEXT    NOT NULL, -- the key, or the recipe
    known        TEXT    NOT NULL, -- digest of the result or rows that were known
    known_run    TEXT,             -- who made what was known, if it was a result
    known_by     TEXT    NOT NULL, -- fingerprint of the engine that made it
    found        TEXT    NOT NULL,
    found_run    TEXT    NOT NULL,
    found_stage  TEXT    NOT NULL,
    found_by     TEXT    NOT NULL,
    noticed_us   INTEGER NOT NULL,
    PRIMARY KEY (tenant, sequence)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER incidents_append_only BEFORE UPDATE ON incidents
BEGIN SELECT RAISE(ABORT, 'incidents are append-only'); END;
CREATE TRIGGER incidents_keep BEFORE DELETE ON incidents
BEGIN SELECT RAISE(ABORT, 'incidents are append-only'); END;
