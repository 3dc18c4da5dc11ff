-- Version 6: what pages ask.

-- The packages that a run made or judged.
CREATE INDEX verdicts_by_run ON verdicts (tenant, run_id);

-- The digests that a stage was computed from, so that one finds what used a dataset, a component or a state
-- without reading the ingredients of every stage. Kept by the triggers below, from the text that holds them.
CREATE TABLE ingredients (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    digest      TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    PRIMARY KEY (tenant, digest, run_id, stage),
    FOREIGN KEY (tenant, run_id, stage) REFERENCES stage_keys (tenant, run_id, stage)
) STRICT, WITHOUT ROWID;

INSERT INTO ingredients
SELECT DISTINCT k.tenant, j.value, k.run_id, k.stage FROM stage_keys k, json_tree(k.ingredients) j
WHERE k.decision <> 'hit' AND k.key IS NOT NULL AND j.type = 'text' AND j.value GLOB 'sha256:*';

-- A key may be written twice: before the stage is computed and after, when its rows are known.
CREATE TRIGGER ingredients_of_new AFTER INSERT ON stage_keys WHEN NEW.decision <> 'hit' AND NEW.key IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO ingredients SELECT DISTINCT NEW.tenant, j.value, NEW.run_id, NEW.stage
    FROM json_tree(NEW.ingredients) j WHERE j.type = 'text' AND j.value GLOB 'sha256:*';
END;
CREATE TRIGGER ingredients_of_changed AFTER UPDATE ON stage_keys WHEN NEW.decision <> 'hit' AND NEW.key IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO ingredients SELECT DISTINCT NEW.tenant, j.value, NEW.run_id, NEW.stage
    FROM json_tree(NEW.ingredients) j WHERE j.type = 'text' AND j.value GLOB 'sha256:*';
END;
