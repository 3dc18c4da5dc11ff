-- What tells this store from others in a database that they share, such as a Redis.
CREATE TABLE identity (
  tenant TEXT PRIMARY KEY,
  id TEXT NOT NULL
) STRICT;
INSERT INTO identity (tenant, id) VALUES ('default', lower(hex(randomblob(8))));
