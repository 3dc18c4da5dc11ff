//! Copies of a home: backups, and the homes that are made of them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use trueline_files::{Audience, NewFile, fault, folder_of, is_named};

use crate::blobs::Blobs;
use crate::boot;
use crate::files::{create_private_dir, sync_dir};
use crate::store::{DATABASE, copy_database};
use crate::{BootId, Clock, Error, Result, Store};

/// A copy of a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    pub folder: PathBuf,
    pub blobs: u64,
    pub size_bytes: u64,
}

impl Store {
    /// Copies the home, as it is at one moment, into a new folder, which is a home itself. Runs may go on
    /// meanwhile. Every blob is hashed on its way.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder has something in it; [`Error::Claimed`] if another process is making it;
    /// [`Error::Corrupt`] if a blob has changed.
    pub fn back_up(&self, folder: &Path) -> Result<Backup> {
        let unfinished = Unfinished::begin(folder)?;
        // Its own connection: a transaction of a reader would keep the copy from being made.
        let connection = Connection::open(self.home().join(DATABASE))?;
        copy_database(&connection, &unfinished.path.join(DATABASE))?;
        // The copy of the database names no blob that is not there yet, and nothing that it names is freed
        // while this process has the home open.
        let backup = unfinished.copy_blobs(self.blobs(), self.boot().clone())?;
        unfinished.publish()?;
        Ok(backup)
    }
}

/// Makes a home of a backup, of which nothing is changed: it may be on a disk that can only be read. Every blob
/// is hashed, and the database is checked, before the home appears.
///
/// # Errors
/// [`Error::Exists`] if there is something at `home`; [`Error::Claimed`] if another process is making it;
/// [`Error::NotFound`] if `backup` is none, [`Error::InUse`] if it is a home that a process works in.
pub fn restore(backup: &Path, home: &Path, clock: impl Clock + 'static) -> Result<Backup> {
    if !backup.join(DATABASE).is_file() {
        return Err(Error::not_found("backup", backup.display()));
    }
    if let Some(boot) = boot::alive(backup)? {
        return Err(Error::InUse {
            path: backup.to_owned(),
            boot: boot.to_string(),
        });
    }
    let unfinished = Unfinished::begin(home)?;
    // A home whose process was killed has its last transactions in the log beside the database.
    for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
        let from = backup.join(&name);
        if from.is_file() {
            copy_file(&from, &unfinished.path.join(&name))?;
        }
    }
    let boot = BootId::new(&clock)?;
    let restored = unfinished.copy_blobs(&Blobs::in_home(backup, boot.clone()), boot)?;
    let store = Store::open(&unfinished.path, clock)
        .map_err(|error| error.instead_of(&unfinished.path, backup))?;
    if let Some(problem) = store.check()?.problems.into_iter().next() {
        let (copy, original) = (unfinished.path.display(), backup.display());
        return Err(Error::Damaged {
            path: backup.join(DATABASE),
            problem: problem.replace(&copy.to_string(), &original.to_string()),
        });
    }
    drop(store);
    unfinished.publish()?;
    Ok(restored)
}

/// A folder in the making, under another name beside its own. Dropped before [`publish`](Self::publish), it goes
/// with all that is in it.
struct Unfinished {
    path: PathBuf,
    folder: PathBuf,
    /// Holds the lock that keeps other processes out, and tells them that this one lives.
    _claim: Option<File>,
    is_published: bool,
}

impl Unfinished {
    /// Begins a folder; what a killed process left of it is removed.
    fn begin(folder: &Path) -> Result<Self> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".unfinished");
        let path = folder.with_file_name(name);
        let claim = loop {
            check_free(folder)?;
            create_private_dir(&path)?;
            match claim(&path).map_err(Error::writing(&path))? {
                Claim::Ours(claim) => break claim,
                // Whoever had it has published it, or removed it.
                Claim::Gone => {}
                Claim::Theirs => {
                    return Err(Error::Claimed {
                        path: folder.to_owned(),
                    });
                }
            }
        };
        let unfinished = Self {
            path,
            folder: folder.to_owned(),
            _claim: claim,
            is_published: false,
        };
        // Another process may have published it before the claim was ours.
        check_free(folder)?;
        unfinished
            .empty()
            .map_err(Error::writing(&unfinished.path))?;
        Ok(unfinished)
    }

    fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    fn copy_blobs(&self, blobs: &Blobs, boot: BootId) -> Result<Backup> {
        let copies = Blobs::open(&self.path, boot)?;
        let mut backup = Backup {
            folder: self.folder.clone(),
            blobs: 0,
            size_bytes: 0,
        };
        for (digest, size_bytes) in blobs.list()? {
            blobs.copy_to(&digest, &copies)?;
            backup.blobs += 1;
            backup.size_bytes += size_bytes;
        }
        Ok(backup)
    }

    /// Gives the folder its name.
    fn publish(mut self) -> Result<()> {
        fault::around("backup.rename", || fs::rename(&self.path, &self.folder))
            .map_err(Error::writing(&self.folder))?;
        self.is_published = true;
        sync_dir(folder_of(&self.folder))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_published {
            // The next one that makes this folder removes what is left.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

enum Claim {
    /// On a file system without locks, nothing keeps others out.
    Ours(Option<File>),
    Theirs,
    Gone,
}

/// Claims a folder by a lock of the operating system on the folder itself, which goes with its name.
fn claim(path: &Path) -> io::Result<Claim> {
    if !cfg!(unix) {
        return Ok(Claim::Ours(None));
    }
    let folder = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claim::Gone),
        opened => opened?,
    };
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Claim::Theirs),
        Ok(()) if !is_named(path, &folder) => Ok(Claim::Gone),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Claim::Ours(Some(folder))),
    }
}

fn check_free(folder: &Path) -> Result<()> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    match is_free {
        true => Ok(()),
        false => Err(Error::Exists {
            path: folder.to_owned(),
        }),
    }
}

/// Copies a file, which appears when all of it is on the disk.
fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(Error::reading(from))?;
    let copied = (|| {
        let mut copy = NewFile::begin("database", folder_of(to), Audience::Owner)?;
        io::copy(&mut source, &mut copy)?;
        copy.finish(to)
    })();
    copied.map_err(Error::writing(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use crate::testing::{running, store};

    #[test]
    fn one_of_two_that_make_the_same_folder_is_refused() {
        let (_home, store) = store();
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = elsewhere.path().join("copy");
        let first = Unfinished::begin(&folder).unwrap();
        let error = store.back_up(&folder).unwrap_err();
        assert!(matches!(error, Error::Claimed { .. }), "{error}");
        // What the first has begun is as it was.
        assert!(first.path.is_dir());
        drop(first);
        store.back_up(&folder).unwrap();
        let error = store.back_up(&folder).unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let names = fs::read_dir(elsewhere.path()).unwrap();
        assert_eq!(names.count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let (_home, store) = store();
        let elsewhere = tempfile::tempdir().unwrap();
        let left = elsewhere.path().join("copy.unfinished");
        fs::create_dir_all(left.join("blobs")).unwrap();
        fs::write(left.join("half"), "half").unwrap();
        let folder = elsewhere.path().join("copy");
        store.back_up(&folder).unwrap();
        assert!(!left.exists() && !folder.join("half").exists());
    }

    #[test]
    fn a_home_that_is_in_use_is_no_backup() {
        let (home, store) = store();
        let run = running(&store, &["a"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = elsewhere.path().join("new");
        let error = restore(home.path(), &folder, SystemClock).unwrap_err();
        assert!(matches!(error, Error::InUse { .. }), "{error}");
        assert!(!folder.exists());
        drop(store);
        restore(home.path(), &folder, SystemClock).unwrap();
        let restored = Store::open(&folder, SystemClock).unwrap();
        // Whoever ran it is gone.
        let run = restored.run(run.as_str()).unwrap();
        assert_eq!(run.summary.state, crate::RunState::Failed);
    }
}
