-- Version 7: which packages hold a component or a state.

-- The digests that a package's manifest names, so that what holds a part is found without reading every manifest.
CREATE TABLE package_parts (
    tenant      TEXT    NOT NULL DEFAULT 'default',
    digest      TEXT    NOT NULL,
    package     TEXT    NOT NULL, -- digest of the package
    PRIMARY KEY (tenant, digest, package),
    FOREIGN KEY (tenant, package) REFERENCES packages (tenant, digest)
) STRICT, WITHOUT ROWID;

INSERT INTO package_parts
SELECT DISTINCT p.tenant, j.value, p.digest FROM packages p, json_tree(p.manifest) j
WHERE j.type = 'text' AND j.value GLOB 'sha256:*';

-- A manifest never changes: another one has another digest.
CREATE TRIGGER package_parts_of_new AFTER INSERT ON packages
BEGIN
    INSERT OR IGNORE INTO package_parts SELECT DISTINCT NEW.tenant, j.value, NEW.digest
    FROM json_tree(NEW.manifest) j WHERE j.type = 'text' AND j.value GLOB 'sha256:*';
END;
