//! A file in the making.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::owned::{is_named, remove_left_over};
use crate::{fault, folder_of, sync_folder};

/// Who may read a finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Its owner.
    Owner,
    /// Everyone whom the user's umask allows.
    Everyone,
}

/// A file under another name until it is finished. Dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct NewFile {
    /// What it is, which names its points of [`fault`].
    kind: &'static str,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins a file in `folder`, and removes what killed processes left there of its kind.
    ///
    /// # Errors
    /// If the folder is missing or cannot be written to.
    pub fn begin(kind: &'static str, folder: &Path, audience: Audience) -> io::Result<Self> {
        let prefix = format!(".trueline-{kind}-");
        remove_left_over(folder, &prefix);
        Self::begin_named(kind, folder, &prefix, audience)
    }

    /// Begins a file whose temporary name starts so; who chooses the name removes what is left over.
    ///
    /// # Errors
    /// As [`NewFile::begin`].
    pub fn begin_named(
        kind: &'static str,
        folder: &Path,
        prefix: &str,
        audience: Audience,
    ) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        #[cfg(unix)]
        if audience == Audience::Everyone {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        loop {
            let file = fault::around(&format!("{kind}.begin"), || {
                builder
                    .tempfile_in(folder)
                    .map_err(|error| of_folder(error, folder))
            })?;
            match file.as_file().try_lock() {
                // Another process takes it for one that nobody owns, and is about to remove it.
                Err(TryLockError::WouldBlock) => {}
                Ok(()) if !is_named(file.path(), file.as_file()) => {}
                // A file system without locks keeps what a killed process leaves; it is no reason to fail.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self { kind, file }),
            }
        }
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Brings the bytes to the disk, gives the file its name, in place of one that had it, and brings the
    /// name to the disk.
    ///
    /// # Errors
    /// If one of that fails. The file that had the name is as it was, or the new one has it.
    pub fn finish(self, path: &Path) -> io::Result<()> {
        let kind = self.kind;
        fault::around(&format!("{kind}.sync"), || self.file.as_file().sync_all())?;
        self.rename(path)?;
        sync_folder(folder_of(path))
    }

    /// Gives the file its name without waiting for the disk: for what is checked when it is read and can be
    /// made again.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn finish_soon(self, path: &Path) -> io::Result<()> {
        self.rename(path)
    }

    fn rename(self, path: &Path) -> io::Result<()> {
        let Self { kind, file } = self;
        fault::around(&format!("{kind}.rename"), || {
            file.persist(path).map(drop).map_err(|error| error.error)
        })
    }
}

/// An error that names what a user knows, if it is the folder that is missing, and not our temporary name.
fn of_folder(error: io::Error, folder: &Path) -> io::Error {
    let shown = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("there is no folder `{shown}`; make it first");
            io::Error::new(io::ErrorKind::NotFound, message)
        }
        io::ErrorKind::NotADirectory => {
            let message = format!("`{shown}` is not a folder");
            io::Error::new(io::ErrorKind::NotADirectory, message)
        }
        _ => error,
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        fs::write(&path, "before").unwrap();
        let mut file = NewFile::begin("test", folder.path(), Audience::Owner).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before");
        drop(file);
        assert_eq!(names(folder.path()), ["it"]);

        let mut file = NewFile::begin("test", folder.path(), Audience::Owner).unwrap();
        file.write_all(b"all").unwrap();
        file.finish(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert_eq!(names(folder.path()), ["it"]);
    }

    #[test]
    fn a_folder_that_is_missing_is_named_and_no_temporary_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for (name, part) in [
            ("none", "there is no folder `"),
            ("file", "is not a folder"),
        ] {
            let begun = NewFile::begin("test", &folder.path().join(name), Audience::Owner);
            let said = begun.unwrap_err().to_string();
            assert!(said.contains(part) && !said.contains(".trueline"), "{said}");
        }
    }

    #[test]
    fn what_nobody_owns_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let begin = || NewFile::begin("test", folder.path(), Audience::Everyone).unwrap();
        let mine = begin();
        fs::write(folder.path().join(".trueline-test-left"), "half").unwrap();
        fs::write(folder.path().join(".trueline-other-left"), "half").unwrap();
        let other = begin();
        assert_eq!(names(folder.path()).len(), 3);
        mine.finish(&folder.path().join("a")).unwrap();
        other.finish_soon(&folder.path().join("b")).unwrap();
        assert_eq!(names(folder.path()), [".trueline-other-left", "a", "b"]);
    }

    #[test]
    fn many_at_once_do_not_take_each_others_files() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    for number in 0..200 {
                        let file = NewFile::begin("test", folder, Audience::Owner).unwrap();
                        let name = format!("{thread}-{number}");
                        file.finish_soon(&folder.join(name)).unwrap();
                    }
                });
            }
        });
        assert_eq!(names(folder.path()).len(), 800);
    }

    #[cfg(unix)]
    #[test]
    fn is_for_whom_it_is_meant() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (audience, others) in [(Audience::Owner, false), (Audience::Everyone, true)] {
            let path = folder.path().join("it");
            let file = NewFile::begin("test", folder.path(), audience).unwrap();
            file.finish(&path).unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o044 != 0, others, "{mode:o}");
        }
    }
}
