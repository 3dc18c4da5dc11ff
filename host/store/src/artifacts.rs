//! Artifacts: immutable bytes by digest. Small ones stand in the database, so that they appear in the very
//! transaction that refers to them; large ones are blobs, which are on the disk before it.

use std::fs;

use rusqlite::{Connection, OptionalExtension, params};
use trueline_table::Digest;

use crate::blobs::check;
use crate::columns::Column;
use crate::results::Content;
use crate::store::TENANT;
use crate::{Error, Result, Store};

/// From this size on, an artifact is a blob. Smaller ones are cheaper in the database: a file costs two
/// flushes of its own, a row shares the flush of the transaction.
const BLOB_BYTES: usize = 64 * 1024;

impl Store {
    /// Stores bytes that no stage made: a component, a pipeline file, a lock file.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::ReadOnly`]; nothing is left behind then.
    pub fn put_artifact(&self, kind: &str, bytes: impl Into<Vec<u8>>) -> Result<Digest> {
        let (kind, now) = (kind.to_owned(), self.now_us());
        let prepared = prepare(self, Content::Bytes(bytes.into()))?;
        self.write(move |connection| {
            record(connection, &kind, &prepared, now)?;
            Ok(prepared.digest)
        })
    }

    /// Whether an artifact is there. Says nothing about its bytes: [`Store::verify_artifact`] does.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_artifact(&self, digest: &Digest) -> Result<bool> {
        let is_inline: Option<bool> = self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT bytes IS NOT NULL FROM artifacts WHERE tenant = ?1 AND digest = ?2",
                )?
                .query_row(params![TENANT, Column(digest)], |row| row.get(0))
                .optional()?)
        })?;
        Ok(is_inline.is_some_and(|is_inline| is_inline || self.blobs().contains(digest)))
    }

    /// The bytes of an artifact, checked against its digest.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Missing`], or [`Error::Corrupt`] if they have changed.
    pub fn artifact(&self, digest: &Digest) -> Result<Vec<u8>> {
        match self.inline(digest)? {
            Some(bytes) => Ok(bytes),
            None => self.blobs().read(digest),
        }
    }

    /// Checks that the bytes of an artifact are there and have not changed.
    ///
    /// # Errors
    /// As [`Store::artifact`].
    pub fn verify_artifact(&self, digest: &Digest) -> Result<()> {
        match self.inline(digest)? {
            Some(_) => Ok(()),
            None => self.blobs().verify(digest),
        }
    }

    /// The bytes of an artifact that stands in the database, checked; `None` if it is a blob.
    fn inline(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let bytes: Option<Option<Vec<u8>>> = self.read(|connection| {
            Ok(connection
                .prepare_cached("SELECT bytes FROM artifacts WHERE tenant = ?1 AND digest = ?2")?
                .query_row(params![TENANT, Column(digest)], |row| row.get(0))
                .optional()?)
        })?;
        let bytes = bytes.ok_or_else(|| Error::not_found("artifact", digest))?;
        if let Some(bytes) = &bytes {
            check(*digest, Digest::of(bytes), &self.home().join("trueline.db"))?;
        }
        Ok(bytes)
    }
}

/// Bytes that are ready to be recorded: in here, or on the disk already.
pub(crate) struct Prepared {
    pub(crate) digest: Digest,
    place: Place,
}

enum Place {
    Inline(Vec<u8>),
    Blob {
        size_bytes: u64,
    },
    /// A row of the table, or nowhere.
    Recorded,
}

/// Brings bytes to the disk, if they are many.
pub(crate) fn prepare(store: &Store, content: Content) -> Result<Prepared> {
    match content {
        Content::Bytes(bytes) if bytes.len() < BLOB_BYTES => Ok(Prepared {
            digest: Digest::of(&bytes),
            place: Place::Inline(bytes),
        }),
        Content::Bytes(bytes) => {
            let digest = store.blobs().put(&bytes)?;
            Ok(Prepared {
                digest,
                place: Place::Blob {
                    size_bytes: bytes.len() as u64,
                },
            })
        }
        Content::Stored(digest) => {
            let place = match fs::metadata(store.blobs().path(&digest)) {
                Ok(metadata) => Place::Blob {
                    size_bytes: metadata.len(),
                },
                Err(_) => Place::Recorded,
            };
            Ok(Prepared { digest, place })
        }
    }
}

/// Writes an artifact down, within a transaction. Bytes that are there already stay, unless they have changed.
pub(crate) fn record(
    connection: &Connection,
    kind: &str,
    content: &Prepared,
    now_us: i64,
) -> Result<()> {
    let digest = Column(&content.digest);
    let (size_bytes, bytes) = match &content.place {
        Place::Inline(bytes) => (bytes.len() as u64, Some(bytes)),
        Place::Blob { size_bytes } => (*size_bytes, None),
        Place::Recorded => {
            let sql = "SELECT 1 FROM artifacts WHERE tenant = ?1 AND digest = ?2";
            let found = connection
                .prepare_cached(sql)?
                .exists(params![TENANT, digest])?;
            return if found {
                Ok(())
            } else {
                Err(Error::not_found("artifact", content.digest))
            };
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO artifacts (tenant, digest, kind, size_bytes, created_us, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET bytes = excluded.bytes, size_bytes = excluded.size_bytes
             WHERE excluded.bytes IS NOT NULL AND excluded.bytes IS NOT bytes",
        )?
        .execute(params![TENANT, digest, kind, Column(size_bytes), now_us, bytes])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::store;

    #[test]
    fn small_ones_are_rows_and_large_ones_files() {
        let (_home, store) = store();
        for (size, is_file) in [
            (0, false),
            (1, false),
            (BLOB_BYTES - 1, false),
            (BLOB_BYTES, true),
        ] {
            let bytes = vec![7; size];
            let digest = store.put_artifact("state", bytes.clone()).unwrap();
            assert_eq!(
                store.put_artifact("state", bytes.clone()).unwrap(),
                digest,
                "a second time"
            );
            assert_eq!(store.artifact(&digest).unwrap(), bytes);
            assert_eq!(store.blobs().contains(&digest), is_file, "{size} bytes");
        }
        let nothing = Digest::of(b"nothing");
        let error = store.artifact(&nothing).unwrap_err().to_string();
        assert_eq!(error, format!("there is no artifact `{nothing}`"));
    }

    #[test]
    fn changed_bytes_are_named_and_mended() {
        let (home, store) = store();
        let small = store.put_artifact("state", b"small".as_slice()).unwrap();
        let large = store.put_artifact("state", vec![1; BLOB_BYTES]).unwrap();
        store
            .write(|connection| {
                Ok(connection.execute(
                    "UPDATE artifacts SET bytes = x'536d616c6c' WHERE bytes NOT NULL",
                    [],
                )?)
            })
            .unwrap();
        fs::write(store.blobs().path(&large), b"short").unwrap();

        for (digest, place) in [
            (small, home.path().join("trueline.db")),
            (large, store.blobs().path(&large)),
        ] {
            match store.artifact(&digest) {
                Err(Error::Corrupt {
                    digest: named,
                    path,
                    ..
                }) => assert_eq!((named, path), (digest, place)),
                other => panic!("{other:?}"),
            }
        }
        store.put_artifact("state", b"small".as_slice()).unwrap();
        store.put_artifact("state", vec![1; BLOB_BYTES]).unwrap();
        assert_eq!(store.artifact(&small).unwrap(), b"small");
        assert_eq!(store.artifact(&large).unwrap(), vec![1; BLOB_BYTES]);
    }
}
