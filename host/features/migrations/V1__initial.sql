-- Each time definitions were applied, and what was applied, as JSON; the greatest number is in force.
CREATE TABLE revisions (
  tenant TEXT NOT NULL,
  number INTEGER NOT NULL,
  applied_us INTEGER NOT NULL,
  -- The folder of the feature file, which the paths of sources are relative to.
  folder TEXT NOT NULL,
  definitions TEXT NOT NULL,
  PRIMARY KEY (tenant, number)
) STRICT;

-- Every version of a view or service that was ever applied, as JSON. Never changed, never removed.
CREATE TABLE versions (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, version)
) STRICT;

-- The ingest log: rows of a source, in a segment file or, while they are few, in place as an Arrow
-- stream. One sequence counts the rows of all sources.
CREATE TABLE entries (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  segment TEXT,
  content BLOB,
  PRIMARY KEY (tenant, source, first_sequence),
  CHECK ((segment IS NULL) <> (content IS NULL))
) STRICT;

-- The next sequence number.
CREATE UNIQUE INDEX entries_by_sequence ON entries (tenant, last_sequence);

-- What was taken in under an identifier of the sender's, so that sending it again changes nothing.
CREATE TABLE receipts (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  PRIMARY KEY (tenant, source, id)
) STRICT;

-- Training sets that were made: their manifests, by digest.
CREATE TABLE training_sets (
  tenant TEXT NOT NULL,
  digest TEXT NOT NULL,
  service TEXT NOT NULL,
  made_us INTEGER NOT NULL,
  manifest TEXT NOT NULL,
  PRIMARY KEY (tenant, digest)
) STRICT;
