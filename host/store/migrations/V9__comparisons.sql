-- Version 9: how challengers did beside the packages that answered.

-- A row for each server process, package and challenger, written over while the server runs. Packages may be of files
-- that this home does not know.
CREATE TABLE comparisons (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    package     TEXT    NOT NULL, -- digest of the package whose answers were given
    challenger  TEXT    NOT NULL, -- digest of the package that answered in the shadow
    boot_id     TEXT    NOT NULL, -- the server process
    began_us    INTEGER NOT NULL,
    updated_us  INTEGER NOT NULL,
    rows        INTEGER NOT NULL, -- rows that both answered
    rows_failed INTEGER NOT NULL, -- rows that the challenger could not answer
    failure     TEXT,             -- why, the last time
    columns     TEXT    NOT NULL, -- JSON: by name {rows_differing, rows_with_numbers, largest, mean}
    PRIMARY KEY (tenant, package, challenger, boot_id)
) STRICT, WITHOUT ROWID;

-- What a challenger was compared with.
CREATE INDEX comparisons_by_challenger ON comparisons (tenant, challenger);
