-- The run store, version 1.
--
-- Every table carries the tenant in its key; until tenants exist it is 'default'. Times are
-- microseconds since 1970 UTC. Digests are text, 'sha256:<64 hex digits>'. JSON columns hold text that
-- SQLite never looks into. What a list shows stands before the large columns of a row: SQLite reads a
-- row from its front, so a list page never touches the overflow pages behind.

-- One row per migration that was applied, with the digest of its text: a migration that was changed
-- after it was applied is noticed at the next opening. About the file itself, hence without a tenant.
CREATE TABLE migrations (
    version     INTEGER NOT NULL PRIMARY KEY,
    digest      TEXT    NOT NULL
) STRICT;

-- One execution of a pipeline. `boot_id` names the process that is responsible for it: when the lock of
-- that boot is free, the process is gone and an unfinished run is lost.
CREATE TABLE runs (
    tenant          TEXT    NOT NULL DEFAULT 'default',
    run_id          TEXT    NOT NULL,
    pipeline        TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    failure         TEXT             CHECK (failure IN ('gate', 'stage', 'host', 'lost')),
    created_us      INTEGER NOT NULL,
    started_us      INTEGER,
    finished_us     INTEGER,
    message         TEXT,            -- why it failed, for a person
    boot_id         TEXT    NOT NULL,
    seed            INTEGER NOT NULL, -- the u64 with the same 64 bits
    pipeline_digest TEXT    NOT NULL, -- of the pipeline file's bytes
    lock_digest     TEXT    NOT NULL, -- of the lock file's bytes
    params          TEXT    NOT NULL, -- JSON: what this run was given, `as_of` among it
    PRIMARY KEY (tenant, run_id),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;

-- The newest runs of one pipeline. (The newest of all come from the primary key: ids sort by time.)
CREATE INDEX runs_by_pipeline ON runs (tenant, pipeline, run_id);

-- At opening: the unfinished runs, to find those whose process is gone.
CREATE INDEX runs_unfinished ON runs (boot_id) WHERE state IN ('queued', 'running', 'waiting');

-- The stages of a run, pinned when it was planned: what the pipeline file says later changes nothing.
CREATE TABLE stages (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    ordinal     INTEGER NOT NULL, -- position in the plan, from 0
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'ready', 'cached', 'running', 'skipped', 'blocked', 'succeeded', 'failed')),
    started_us  INTEGER,
    finished_us INTEGER,
    reason      TEXT,             -- why it is in this state, where the state does not say it
    component   TEXT,             -- digest of the component; a stage that the host does itself has none
    depends_on  TEXT    NOT NULL, -- JSON list of stage names
    params      TEXT    NOT NULL, -- canonical JSON
    PRIMARY KEY (tenant, run_id, stage),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, run_id)
) STRICT;

-- The stages of a run in the order of the plan; and no two stages in one place.
CREATE UNIQUE INDEX stages_in_order ON stages (tenant, run_id, ordinal);

-- One try of a stage.
CREATE TABLE attempts (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    attempt     INTEGER NOT NULL CHECK (attempt >= 1),
    state       TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
    failure     TEXT             CHECK (failure IN ('guest_error', 'trap', 'memory', 'fuel', 'timeout', 'host', 'lost')),
    started_us  INTEGER NOT NULL,
    finished_us INTEGER,
    message     TEXT,            -- why it failed, for a person
    profile     TEXT    NOT NULL, -- what its result may depend on, such as 'pure@1'
    fingerprint TEXT    NOT NULL, -- of the engine: to find what a faulty version made
    PRIMARY KEY (tenant, run_id, stage, attempt),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;

-- A stage has one running attempt at most; and finds it when the run is closed.
CREATE UNIQUE INDEX attempts_running ON attempts (tenant, run_id, stage) WHERE state = 'running';

-- Immutable results by digest. Small ones stand here, so that they appear in the very transaction that
-- marks success; the bytes of the others are in the blob store.
CREATE TABLE artifacts (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    digest      TEXT    NOT NULL,
    kind        TEXT    NOT NULL, -- of the first that stored it: 'state', 'report', 'component', ...
    size_bytes  INTEGER NOT NULL,
    created_us  INTEGER NOT NULL,
    bytes       BLOB,             -- null: a file of the blob store
    PRIMARY KEY (tenant, digest),
    CHECK (bytes IS NULL OR length(bytes) = size_bytes)
) STRICT;

-- What a succeeded or cached stage made, by name.
CREATE TABLE outputs (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    PRIMARY KEY (tenant, run_id, stage, name),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage),
    FOREIGN KEY (tenant, digest) REFERENCES artifacts (tenant, digest)
) STRICT, WITHOUT ROWID;

-- The numbers a stage reported. Text, since a REAL column turns NaN into null and -0.0 into 0.0: the
-- shortest decimal that reads back as the same float, or 'NaN', 'Infinity', '-Infinity'.
CREATE TABLE metrics (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    PRIMARY KEY (tenant, run_id, stage, name),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage)
) STRICT, WITHOUT ROWID;

-- What a stage noticed about its rows, in the order it said so.
CREATE TABLE findings (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    ordinal     INTEGER NOT NULL, -- from 0
    detail      TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant, run_id, stage, ordinal),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stages (tenant, run_id, stage)
) STRICT, WITHOUT ROWID;

-- What happened in a run, in order. Append-only.
CREATE TABLE events (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    sequence    INTEGER NOT NULL, -- from 1, without a gap
    time_us     INTEGER NOT NULL,
    kind        TEXT    NOT NULL, -- 'run.running', 'attempt.failed', ...
    stage       TEXT,
    detail      TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant, run_id, sequence),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, run_id)
) STRICT, WITHOUT ROWID;

-- The datasets a run read, pinned by the digest of their contents.
CREATE TABLE datasets (
    tenant       TEXT    NOT NULL DEFAULT 'default',
    run_id       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    table_digest TEXT    NOT NULL,
    rows         INTEGER NOT NULL,
    PRIMARY KEY (tenant, run_id, name),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, run_id)
) STRICT, WITHOUT ROWID;

-- The files a pinned dataset was read from, in reading order.
CREATE TABLE dataset_files (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    ordinal     INTEGER NOT NULL, -- from 0
    path        TEXT    NOT NULL, -- as it was when the run started
    digest      TEXT    NOT NULL, -- of the file's bytes
    size_bytes  INTEGER NOT NULL,
    PRIMARY KEY (tenant, run_id, name, ordinal),
    FOREIGN KEY (tenant, run_id, name) REFERENCES datasets (tenant, run_id, name)
) STRICT, WITHOUT ROWID;

-- Remembers which table some bytes hold when they are read in one way, since the table digest of a file
-- costs a decoding of it. `spec` is the digest of how it is read: format, columns, types.
CREATE TABLE table_digests (
    tenant       TEXT    NOT NULL DEFAULT 'default',
    file_digest  TEXT    NOT NULL,
    spec         TEXT    NOT NULL,
    table_digest TEXT    NOT NULL,
    rows         INTEGER NOT NULL,
    PRIMARY KEY (tenant, file_digest, spec)
) STRICT, WITHOUT ROWID;

-- What serving runs. The digest covers the chain of components, parameters and states, never the run
-- that made it: two runs with one result make one package.
CREATE TABLE packages (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    digest      TEXT    NOT NULL,
    created_us  INTEGER NOT NULL,
    manifest    TEXT    NOT NULL, -- JSON
    PRIMARY KEY (tenant, digest)
) STRICT;

-- The registry: the packages of a name, numbered from 1. Append-only.
CREATE TABLE package_versions (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 1),
    digest      TEXT    NOT NULL,
    created_us  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, version),
    FOREIGN KEY (tenant, digest) REFERENCES packages (tenant, digest)
) STRICT, WITHOUT ROWID;

-- The version that a package is under a name; a package has one version at most under each.
CREATE UNIQUE INDEX package_versions_by_digest ON package_versions (tenant, digest, name);

-- What the gate of a run said of a package. Append-only; the latest verdict is the one that counts.
CREATE TABLE verdicts (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    sequence    INTEGER NOT NULL, -- from 1 for each version of a package
    verdict     TEXT    NOT NULL CHECK (verdict IN ('accepted', 'refused')),
    message     TEXT    NOT NULL, -- the rules and the numbers they were held against
    run_id      TEXT    NOT NULL,
    decided_us  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, version, sequence),
    FOREIGN KEY (tenant, name, version) REFERENCES package_versions (tenant, name, version),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, run_id)
) STRICT, WITHOUT ROWID;

-- Which version an alias such as 'champion' named, and when it moved. Append-only; the latest move of an
-- alias is where it stands.
CREATE TABLE alias_moves (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    name        TEXT    NOT NULL,
    alias       TEXT    NOT NULL,
    sequence    INTEGER NOT NULL, -- from 1 for each alias
    version     INTEGER NOT NULL,
    reason      TEXT    NOT NULL, -- who moved it and why
    moved_us    INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, alias, sequence),
    FOREIGN KEY (tenant, name, version) REFERENCES package_versions (tenant, name, version)
) STRICT, WITHOUT ROWID;

-- The aliases that stand at a version of a package.
CREATE INDEX alias_moves_by_version ON alias_moves (tenant, name, version);

-- Terminal states are final, and states change only along the arrows. The same arrows are written down
-- in state.rs, and a test holds the two against each other.

CREATE TRIGGER runs_final BEFORE UPDATE ON runs
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled')
BEGIN SELECT RAISE(ABORT, 'a finished run cannot change'); END;

CREATE TRIGGER runs_arrows BEFORE UPDATE OF state ON runs
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'queued>running', 'queued>failed', 'queued>cancelled',
    'running>waiting', 'running>succeeded', 'running>failed', 'running>cancelled',
    'waiting>running', 'waiting>failed', 'waiting>cancelled')
BEGIN SELECT RAISE(ABORT, 'a run cannot change its state so'); END;

CREATE TRIGGER stages_final BEFORE UPDATE ON stages
WHEN OLD.state IN ('cached', 'skipped', 'blocked', 'succeeded', 'failed')
BEGIN SELECT RAISE(ABORT, 'a finished stage cannot change'); END;

CREATE TRIGGER stages_arrows BEFORE UPDATE OF state ON stages
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'pending>ready', 'pending>skipped', 'pending>blocked',
    'ready>cached', 'ready>running', 'ready>skipped', 'ready>blocked',
    'running>succeeded', 'running>failed')
BEGIN SELECT RAISE(ABORT, 'a stage cannot change its state so'); END;

CREATE TRIGGER attempts_final BEFORE UPDATE ON attempts
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled')
BEGIN SELECT RAISE(ABORT, 'a finished attempt cannot change'); END;

-- Nothing below a finished thing is left running.

CREATE TRIGGER runs_close BEFORE UPDATE OF state ON runs
WHEN NEW.state IN ('succeeded', 'failed', 'cancelled') AND EXISTS (
    SELECT 1 FROM stages WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND state IN ('pending', 'ready', 'running'))
BEGIN SELECT RAISE(ABORT, 'a run cannot finish before its stages'); END;

CREATE TRIGGER runs_succeed BEFORE UPDATE OF state ON runs
WHEN NEW.state = 'succeeded' AND EXISTS (
    SELECT 1 FROM stages WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND state IN ('blocked', 'failed'))
BEGIN SELECT RAISE(ABORT, 'a run with a failed stage cannot succeed'); END;

CREATE TRIGGER stages_close BEFORE UPDATE OF state ON stages
WHEN NEW.state IN ('succeeded', 'failed') AND EXISTS (
    SELECT 1 FROM attempts WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND stage = NEW.stage AND state = 'running')
BEGIN SELECT RAISE(ABORT, 'a stage cannot finish before its attempt'); END;

-- Nothing starts in what has finished.

CREATE TRIGGER stages_open BEFORE INSERT ON stages
WHEN EXISTS (SELECT 1 FROM runs WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND state IN ('succeeded', 'failed', 'cancelled'))
BEGIN SELECT RAISE(ABORT, 'a finished run gets no new stage'); END;

CREATE TRIGGER attempts_open BEFORE INSERT ON attempts
WHEN NOT EXISTS (SELECT 1 FROM runs WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND state = 'running')
  OR NOT EXISTS (SELECT 1 FROM stages WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND stage = NEW.stage AND state = 'running')
BEGIN SELECT RAISE(ABORT, 'an attempt needs a running stage of a running run'); END;

-- Only what passed its gate can be promoted: by the latest verdict on that very version.

CREATE TRIGGER alias_moves_gate BEFORE INSERT ON alias_moves
WHEN 'accepted' IS NOT (
    SELECT verdict FROM verdicts WHERE tenant = NEW.tenant AND name = NEW.name AND version = NEW.version
    ORDER BY sequence DESC LIMIT 1)
BEGIN SELECT RAISE(ABORT, 'an alias moves only to a package that its gate accepted'); END;

-- Append-only tables.

CREATE TRIGGER events_append_only BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_keep BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER package_versions_append_only BEFORE UPDATE ON package_versions
BEGIN SELECT RAISE(ABORT, 'package versions are append-only'); END;
CREATE TRIGGER package_versions_keep BEFORE DELETE ON package_versions
BEGIN SELECT RAISE(ABORT, 'package versions are append-only'); END;
CREATE TRIGGER verdicts_append_only BEFORE UPDATE ON verdicts
BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER verdicts_keep BEFORE DELETE ON verdicts
BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER alias_moves_append_only BEFORE UPDATE ON alias_moves
BEGIN SELECT RAISE(ABORT, 'alias moves are append-only'); END;
CREATE TRIGGER alias_moves_keep BEFORE DELETE ON alias_moves
BEGIN SELECT RAISE(ABORT, 'alias moves are append-only'); END;
