-- What was sent and is in neither store: rows that are not as their source expects, entries that cannot be read.
-- What was decided about stays as a record without content, so that sending it again changes nothing.
CREATE TABLE quarantine (
  tenant TEXT NOT NULL,
  number INTEGER NOT NULL,
  source TEXT NOT NULL,
  -- The sender's identifier, a file's digest, or an entry's place in its stream.
  id TEXT,
  -- 'pushed', 'loaded' or 'streamed'.
  sent TEXT NOT NULL,
  came_us INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  -- What was found, as JSON.
  reasons TEXT NOT NULL,
  -- 'held', 'released' or 'dropped'.
  state TEXT NOT NULL,
  decided_us INTEGER,
  -- Of the content, which is a segment file, an Arrow stream of rows, or the fields of an entry.
  digest TEXT NOT NULL,
  segment TEXT,
  content BLOB,
  PRIMARY KEY (tenant, number),
  CHECK ((state = 'held') = (decided_us IS NULL)),
  CHECK (state <> 'held' OR (segment IS NULL) <> (content IS NULL))
) STRICT;

-- What was sent under this identifier.
CREATE UNIQUE INDEX quarantine_by_id ON quarantine (tenant, source, id) WHERE id IS NOT NULL;
-- The same content again, and what waits for a decision.
CREATE INDEX quarantine_held ON quarantine (tenant, source, digest) WHERE state = 'held';

-- The last entry of each stream that was taken in, written in the transaction that takes it in.
CREATE TABLE streams (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  stream TEXT NOT NULL,
  last_id TEXT NOT NULL,
  PRIMARY KEY (tenant, source, stream)
) STRICT;
