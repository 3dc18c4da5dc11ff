-- :runs runs of :stages stages each, as the engine leaves them behind. Every tenth run computes its stages, and the nine
-- behind it take them from the cache. Digests are numbers behind two letters, as long as real ones: c0 for components, a1
-- for states, d0 for tables.
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
PRAGMA cache_size = -200000;
BEGIN;

CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :runs - 1)
    SELECT i, printf('run_0%015d', i) AS run, i - i % 10 AS made FROM n;
CREATE TEMP TABLE s AS WITH RECURSIVE s (j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM s WHERE j < :stages - 1)
    SELECT j, 'stage' || j AS stage, printf('sha256:%056dc0%06d', 0, j) AS component FROM s;

INSERT INTO runs SELECT 'default', run, iif(i % 10 = 3, 'rare', 'flights'), 'running', NULL, i * 1000000, i * 1000000, NULL, NULL,
    'boot_0000000000000000', 7, printf('sha256:%056df0%06d', 0, i / 100), printf('sha256:%064d', 1),
    json_object('pipeline_file', '/nowhere/pipeline.toml', 'params', json_object('rate', 0.1), 'set', json_object()) FROM n;

INSERT INTO stages SELECT 'default', run, stage, j, 'tabular', iif(i = made, 'succeeded', 'cached'), iif(i = made, i * 1000000 + j * 20000, NULL),
    i * 1000000 + j * 20000 + 15000, iif(i = made, NULL, 'the result of an earlier run'), component,
    iif(j = 0, '[]', json_array('stage' || (j - 1), 'stage' || (j / 2))), json_object('steps', printf('%.*c', 400, 'x')), NULL FROM n, s;

DROP TRIGGER attempts_open;
INSERT INTO attempts SELECT 'default', run, stage, 1, 'succeeded', NULL, i * 1000000 + j * 20000, i * 1000000 + j * 20000 + 15000, NULL,
    'pure@1', printf('%064d', 1) FROM n, s WHERE i = made;

-- The state of stage0 is the same in all runs; the others are those of the run that made them.
INSERT INTO artifacts SELECT DISTINCT 'default', printf('sha256:%056da1%06d', 0, iif(j = 0, 0, made * 3 + j)), 'state', 4, 0, x'00010203'
    FROM n, s WHERE i = made;
INSERT INTO outputs SELECT 'default', run, stage, 'state', 'state', printf('sha256:%056da1%06d', 0, iif(j = 0, 0, made * 3 + j)) FROM n, s;
INSERT INTO metrics SELECT 'default', run, stage, 'rows', '217680.0' FROM n, s;
INSERT INTO metrics SELECT 'default', run, stage, 'auc', '0.9026' FROM n, s WHERE j % 5 = 0;

INSERT INTO datasets SELECT 'default', run, 'flights', printf('sha256:%056dd0%06d', 0, made), 336776 FROM n;
INSERT INTO dataset_files SELECT 'default', run, 'flights', 0, 'data/flights.parquet', printf('sha256:%056de0%06d', 0, made), 4123456 FROM n;

INSERT INTO stage_keys SELECT 'default', run, stage, printf('sha256:%056db0%06d', 0, made * 3 + j), iif(i = made, 'miss', 'hit'), NULL,
    iif(i = made, NULL, printf('run_0%015d', made)), iif(i = made, NULL, stage),
    json_object('format', 1, 'component', component, 'params', json_object('steps', printf('%.*c', 400, 'x')), 'inputs', json_array(json_object(
        'name', 'rows', 'rows', 217680, 'table', printf('sha256:%056dd1%06d', 0, made * 3 + j), 'schema', json_array(json_object('name', 'a', 'type', 'float64')),
        'from', json_object('dataset', 'flights', 'part', 'train', 'view', json_object('table', printf('sha256:%056dd0%06d', 0, made)), 'through',
            iif(j = 0, json_object(), json_object('stage' || (j - 1), json_object('component', printf('sha256:%056dc0%06d', 0, j - 1),
                'state', printf('sha256:%056da1%06d', 0, iif(j = 1, 0, made * 3 + j - 1))))))))) FROM n, s;

INSERT INTO events SELECT 'default', run, 1, i * 1000000, 'run.queued', NULL, '{}' FROM n;
INSERT INTO events SELECT 'default', run, 2, i * 1000000, 'run.running', NULL, '{}' FROM n;
INSERT INTO events SELECT 'default', run, 3 + 2 * j, i * 1000000 + j * 20000, 'stage.ready', stage, '{}' FROM n, s;
INSERT INTO events SELECT 'default', run, 4 + 2 * j, i * 1000000 + j * 20000 + 15000, iif(i = made, 'stage.succeeded', 'stage.cached'), stage, '{}' FROM n, s;

UPDATE runs SET state = 'succeeded', finished_us = started_us + 700000;

-- A package for every run that computed something, judged by all that came to the same.
INSERT INTO packages SELECT 'default', printf('sha256:%056dee%06d', 0, i), i * 1000000, json_object('format', 1, 'profile', 'pure@1',
    'input', json_array(), 'output', json_array(), 'chain', (SELECT json_group_array(json_object('component', component,
        'params', json_object('steps', printf('%.*c', 400, 'x')), 'state', printf('sha256:%056da1%06d', 0, made * 3 + j),
        'reads', json_array(), 'writes', json_array())) FROM s WHERE j BETWEEN 15 AND 17)) FROM n WHERE i = made;
INSERT INTO package_versions SELECT 'default', 'flights', 1 + i / 10, printf('sha256:%056dee%06d', 0, i), i * 1000000 FROM n WHERE i = made;
INSERT INTO verdicts SELECT 'default', 'flights', 1 + i / 10, 1 + i % 10, 'accepted', 'passed', run, i * 1000000 FROM n;
INSERT INTO alias_moves SELECT 'default', 'flights', 'champion', 1 + i / 100, 1 + i / 10, 'better', i * 1000000, 'promote' FROM n WHERE i % 100 = 0;
COMMIT;
ANALYZE;
