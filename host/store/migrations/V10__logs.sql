-- Version 10: what stages note while they run, and trials that may fail.

-- What an attempt of a stage noted, line by line: written while it runs and when it ends. Append-only.
CREATE TABLE log_lines (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    line        INTEGER NOT NULL, -- from 1 for each stage, over all of its attempts
    attempt     INTEGER NOT NULL,
    time_us     INTEGER NOT NULL,
    level       TEXT    NOT NULL CHECK (level IN ('info', 'warn', 'error')),
    message     TEXT    NOT NULL,
    PRIMARY KEY (tenant, run_id, stage, line),
    FOREIGN KEY (tenant, run_id, stage, attempt) REFERENCES attempts (tenant, run_id, stage, attempt)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER log_lines_append_only BEFORE UPDATE ON log_lines
BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;
CREATE TRIGGER log_lines_keep BEFORE DELETE ON log_lines
BEGIN SELECT RAISE(ABORT, 'logs are append-only'); END;

-- The study that a stage is of a trial of. A trial that fails is the study's to judge: the run may succeed.
ALTER TABLE stages ADD COLUMN study TEXT;

DROP TRIGGER runs_succeed;
CREATE TRIGGER runs_succeed BEFORE UPDATE OF state ON runs
WHEN NEW.state = 'succeeded' AND EXISTS (
    SELECT 1 FROM stages WHERE tenant = NEW.tenant AND run_id = NEW.run_id AND state IN ('blocked', 'failed')
        AND study IS NULL)
BEGIN SELECT RAISE(ABORT, 'a run with a failed stage cannot succeed'); END;
