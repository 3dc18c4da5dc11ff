-- What the rows of a run's dataset were made of, if no file had them: the manifest of a training set, as
-- JSON. Never changed.
CREATE TABLE dataset_origins (
    tenant TEXT NOT NULL DEFAULT 'default',
    run_id TEXT NOT NULL,
    name   TEXT NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (tenant, run_id, name),
    FOREIGN KEY (tenant, run_id, name) REFERENCES datasets (tenant, run_id, name)
) STRICT, WITHOUT ROWID;
