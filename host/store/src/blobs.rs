//! The blob store: immutable files named by the digest of their bytes.
//!
//! A blob is written to a temporary file beside the others, flushed to the disk, renamed to its digest, and
//! the directory flushed: whatever happens in between, a name stands for all of its bytes or does not
//! exist. Bytes are hashed again whenever they are read, so what a disk or a person changed is noticed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use trueline_files::{Audience, NewFile, fault};
use trueline_table::{Digest, Hasher};

use crate::files::{create_private_dir, sync_dir};
use crate::{BootId, Error, Result};

/// How much is read at a time to hash a file.
const CHUNK_BYTES: usize = 256 * 1024;

/// The blobs of one home. Cheap to clone; calls from several threads and processes do no harm.
#[derive(Clone, Debug)]
pub struct Blobs {
    directory: PathBuf,
    temporary: PathBuf,
    boot: BootId,
}

impl Blobs {
    pub(crate) fn open(home: &Path, boot: BootId) -> Result<Self> {
        let blobs = Self::in_home(home, boot);
        create_private_dir(&blobs.directory)?;
        create_private_dir(&blobs.temporary)?;
        Ok(blobs)
    }

    /// The blobs of a home, of which nothing is made: to read them.
    pub(crate) fn in_home(home: &Path, boot: BootId) -> Self {
        Self {
            directory: home.join("blobs").join("sha256"),
            temporary: home.join("blobs").join("temporary"),
            boot,
        }
    }

    /// Where the blob is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let (head, tail) = hex.split_at(2);
        self.directory.join(head).join(tail)
    }

    /// Whether a file of that name exists. Says nothing about its bytes: [`Blobs::verify`] does.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Stores `bytes`. If they are stored already and unchanged, nothing is written.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::ReadOnly`]; nothing is left behind then.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.contains(&digest) && self.verify(&digest).is_ok() {
            // Whoever wrote it may have died before its name was on the disk.
            let path = self.path(&digest);
            sync_dir(path.parent().expect("a blob's path has a directory"))?;
            return Ok(digest);
        }
        let mut writer = self.writer()?;
        writer
            .write_all(bytes)
            .map_err(Error::writing(&self.temporary))?;
        writer.finish().map(|(digest, _)| digest)
    }

    /// Stores a copy of the file at `path`; returns its digest and size in bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; and as [`Blobs::put`].
    pub fn put_file(&self, path: &Path) -> Result<(Digest, u64)> {
        let mut source = File::open(path).map_err(Error::reading(path))?;
        let mut writer = self.writer()?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = source.read(&mut chunk).map_err(Error::reading(path))?;
            if count == 0 {
                return writer.finish();
            }
            writer
                .write_all(&chunk[..count])
                .map_err(Error::writing(&self.temporary))?;
        }
    }

    /// Starts a blob whose bytes come in pieces.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::ReadOnly`].
    pub fn writer(&self) -> Result<BlobWriter> {
        // Named after the boot, so that the next opening can tell what a dead process left behind.
        let prefix = format!("{}-", self.boot);
        let file = NewFile::begin_named("blob", &self.temporary, &prefix, Audience::Owner)
            .map_err(Error::writing(&self.temporary))?;
        Ok(BlobWriter {
            file,
            hasher: Hasher::new(),
            size_bytes: 0,
            blobs: self.clone(),
        })
    }

    /// All bytes of a blob.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such blob, [`Error::Corrupt`] if its bytes have changed.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self.path(digest);
        let mut bytes = Vec::new();
        self.open_unchecked(digest)?
            .read_to_end(&mut bytes)
            .map_err(Error::reading(&path))?;
        check(*digest, Digest::of(&bytes), &path)?;
        Ok(bytes)
    }

    /// A blob as a file, positioned at its start. All of it was hashed before this returns, so no byte that
    /// has changed is ever handed out.
    ///
    /// # Errors
    /// As [`Blobs::read`].
    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        let path = self.path(digest);
        let mut file = self.open_unchecked(digest)?;
        let found = hash(&mut file).map_err(Error::reading(&path))?;
        check(*digest, found, &path)?;
        file.rewind().map_err(Error::reading(&path))?;
        Ok(file)
    }

    /// Checks that a blob is there and its bytes have not changed.
    ///
    /// # Errors
    /// As [`Blobs::read`].
    pub fn verify(&self, digest: &Digest) -> Result<()> {
        self.open_blob(digest).map(drop)
    }

    /// The blobs with their sizes in bytes, in the order of their digests.
    pub(crate) fn list(&self) -> Result<Vec<(Digest, u64)>> {
        let mut found = Vec::new();
        if !self.directory.exists() {
            return Ok(found);
        }
        let entries = |folder: &Path| {
            let entries = fs::read_dir(folder).map_err(Error::reading(folder))?;
            entries
                .map(|entry| entry.map_err(Error::reading(folder)))
                .collect::<Result<Vec<_>>>()
        };
        for folder in entries(&self.directory)? {
            let head = folder.file_name().to_string_lossy().into_owned();
            for file in entries(&folder.path())? {
                let name = format!("{head}{}", file.file_name().to_string_lossy());
                let metadata = file.metadata().map_err(Error::reading(&file.path()))?;
                // What is not named after a digest is not ours.
                if let Ok(digest) = name.parse() {
                    found.push((digest, metadata.len()));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes a blob; one that is not there is removed.
    pub(crate) fn remove(&self, digest: &Digest) -> Result<()> {
        let path = self.path(digest);
        match fault::around("blob.remove", || fs::remove_file(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::writing(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Copies a blob to those of another home, hashed on its way.
    pub(crate) fn copy_to(&self, digest: &Digest, other: &Self) -> Result<()> {
        let (copied, _) = other.put_file(&self.path(digest))?;
        check(*digest, copied, &self.path(digest))
    }

    /// Removes the temporary files of processes that `is_gone` knows to have ended.
    pub(crate) fn sweep(&self, is_gone: impl Fn(&BootId) -> bool) -> Result<()> {
        for entry in fs::read_dir(&self.temporary).map_err(Error::reading(&self.temporary))? {
            let path = entry.map_err(Error::reading(&self.temporary))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let boot = name.split_once('-').and_then(|(boot, _)| boot.parse().ok());
            if boot.is_some_and(|boot| is_gone(&boot)) {
                fs::remove_file(&path).map_err(Error::writing(&path))?;
            }
        }
        Ok(())
    }

    /// Brings the names of all blobs to the disk: a process that died may have been about to.
    pub(crate) fn sync_names(&self) -> Result<()> {
        sync_dir(&self.directory)?;
        for entry in fs::read_dir(&self.directory).map_err(Error::reading(&self.directory))? {
            sync_dir(&entry.map_err(Error::reading(&self.directory))?.path())?;
        }
        Ok(())
    }

    fn open_unchecked(&self, digest: &Digest) -> Result<File> {
        let path = self.path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing {
                digest: *digest,
                path,
            },
            _ => Error::reading(&path)(error),
        })
    }
}

/// A blob that is being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    file: NewFile,
    hasher: Hasher,
    size_bytes: u64,
    blobs: Blobs,
}

impl BlobWriter {
    /// Brings the blob to the disk and gives it its name; returns its digest and size in bytes.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::ReadOnly`]; nothing is left behind then.
    pub fn finish(self) -> Result<(Digest, u64)> {
        let digest = self.hasher.finish();
        let path = self.blobs.path(&digest);
        create_private_dir(path.parent().expect("a blob's path has a directory"))?;
        // Takes the place of a blob that exists: the bytes are the same, or it was corrupt.
        self.file.finish(&path).map_err(Error::writing(&path))?;
        Ok((digest, self.size_bytes))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size_bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Compares what a file should hold with what it does.
pub(crate) fn check(digest: Digest, found: Digest, path: &Path) -> Result<()> {
    if digest == found {
        return Ok(());
    }
    Err(Error::Corrupt {
        digest,
        found,
        path: path.to_owned(),
    })
}

fn hash(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let home = tempfile::tempdir().unwrap();
        let boot = BootId::new(&TestClock::default()).unwrap();
        let blobs = Blobs::open(home.path(), boot).unwrap();
        (home, blobs)
    }

    fn leftovers(blobs: &Blobs) -> usize {
        fs::read_dir(&blobs.temporary).unwrap().count()
    }

    #[test]
    fn gives_back_what_it_got() {
        let (_home, blobs) = blobs();
        for size in [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            let digest = blobs.put(&bytes).unwrap();
            assert_eq!(digest, Digest::of(&bytes));
            assert_eq!(blobs.read(&digest).unwrap(), bytes);
            assert_eq!(blobs.put(&bytes).unwrap(), digest, "a second time");

            let mut read = Vec::new();
            blobs
                .open_blob(&digest)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, bytes);
        }
        assert_eq!(leftovers(&blobs), 0);
    }

    #[test]
    fn writes_in_pieces_and_from_files() {
        let (home, blobs) = blobs();
        let mut writer = blobs.writer().unwrap();
        for piece in [&b"one "[..], b"", b"two"] {
            writer.write_all(piece).unwrap();
        }
        let (digest, size) = writer.finish().unwrap();
        assert_eq!((digest, size), (Digest::of(b"one two"), 7));

        let path = home.path().join("file");
        fs::write(&path, b"from a file").unwrap();
        let (digest, size) = blobs.put_file(&path).unwrap();
        assert_eq!(
            (blobs.read(&digest).unwrap().as_slice(), size),
            (&b"from a file"[..], 11)
        );
        let error = blobs
            .put_file(&home.path().join("nothing"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot read ") && error.ends_with("nothing"),
            "{error}"
        );
    }

    #[test]
    fn names_the_blob_that_changed() {
        let (_home, blobs) = blobs();
        let digest = blobs.put(b"some bytes").unwrap();
        let path = blobs.path(&digest);
        fs::write(&path, b"some bites").unwrap();

        for error in [
            blobs.read(&digest).unwrap_err(),
            blobs.open_blob(&digest).unwrap_err(),
            blobs.verify(&digest).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(
                text.contains(&digest.to_string()) && text.contains(path.to_str().unwrap()),
                "{text}"
            );
            assert!(
                matches!(error, Error::Corrupt { found, .. } if found == Digest::of(b"some bites"))
            );
        }
        blobs.put(b"some bytes").unwrap();
        assert_eq!(
            blobs.read(&digest).unwrap(),
            b"some bytes",
            "writing it again mends it"
        );
    }

    #[test]
    fn names_the_blob_that_is_missing() {
        let (_home, blobs) = blobs();
        let error = blobs.read(&Digest::of(b"never stored")).unwrap_err();
        assert!(
            matches!(&error, Error::Missing { digest, .. } if *digest == Digest::of(b"never stored")),
            "{error}"
        );
    }

    #[test]
    fn an_unfinished_blob_leaves_nothing() {
        let (_home, blobs) = blobs();
        let mut writer = blobs.writer().unwrap();
        writer.write_all(b"half").unwrap();
        assert_eq!(leftovers(&blobs), 1);
        drop(writer);
        assert_eq!(leftovers(&blobs), 0);
    }

    #[test]
    fn sweeps_what_a_dead_process_left() {
        let (_home, blobs) = blobs();
        let path = blobs.temporary.join(format!("{}-left", blobs.boot));
        fs::write(&path, "half").unwrap();
        blobs.sweep(|_| false).unwrap();
        assert!(path.exists());
        blobs.sweep(|boot| *boot == blobs.boot).unwrap();
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_home, blobs) = blobs();
        let path = blobs.path(&blobs.put(b"mine").unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
}
