-- Version 5: bytes that were freed on purpose.

-- What runs still name, but nobody needs any more: that these bytes are missing is no damage.
CREATE TABLE freed (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    digest      TEXT    NOT NULL,
    freed_us    INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
