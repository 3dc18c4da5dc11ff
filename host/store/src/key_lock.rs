//! Computing a thing once: who comes second waits for the first, in this process or another.
//!
//! The lock is one of the operating system on a file named after the key, so a process that is killed
//! lets go of it, and whoever waits goes on.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use trueline_files::{fault, is_named};
use trueline_table::Digest;

use crate::files::{create_private_dir, open_private_file};
use crate::{Error, Result, Store};

/// How long to wait before looking again: the first time, and at most.
const WAITS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// Held while a result is computed. Dropped, it lets the next one in.
#[derive(Debug)]
pub struct KeyLock {
    path: PathBuf,
    _file: File,
}

impl Store {
    /// Waits until nobody else computes what `key` names; `None` if `gives_up` says so before. Whoever waited
    /// should look whether the result is there now.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::ReadOnly`].
    pub fn lock_key(&self, key: &Digest, gives_up: impl Fn() -> bool) -> Result<Option<KeyLock>> {
        let directory = self.home().join("keys");
        create_private_dir(&directory)?;
        let path = directory.join(format!("{}.lock", key.hex()));
        let mut wait = WAITS.0;
        while !gives_up() {
            if let Some(lock) = try_lock(&path)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(wait);
            wait = (2 * wait).min(WAITS.1);
        }
        Ok(None)
    }
}

/// Removes the files of keys that nobody holds: those of processes that were killed.
pub(crate) fn sweep(home: &Path) -> Result<()> {
    let directory = home.join("keys");
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::reading(&directory))?,
    };
    for entry in entries {
        // Dropped, the lock removes its file.
        drop(try_lock(
            &entry.map_err(Error::reading(&directory))?.path(),
        )?);
    }
    Ok(())
}

fn try_lock(path: &Path) -> Result<Option<KeyLock>> {
    let file = open_private_file(path)?;
    fault::before("key.lock").map_err(Error::writing(path))?;
    match file.try_lock() {
        Ok(()) => fault::after("key.lock").map_err(Error::writing(path))?,
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(Error::writing(path)(error)),
    }
    // Whoever held the lock may have removed the file between our opening and our locking of it; a lock
    // on a file without a name keeps nobody out.
    if !is_named(path, &file) {
        return Ok(None);
    }
    Ok(Some(KeyLock {
        path: path.to_owned(),
        _file: file,
    }))
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // Removed while it is held, so that nobody holds a lock on a file that has no name any more
        // without noticing. If it stays, the next one uses it.
        let _ = fault::around("key.remove", || fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::testing::store;

    #[test]
    fn one_at_a_time() {
        let (_home, store) = store();
        let key = Digest::of(b"key");
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let lock = store.lock_key(&key, || false).unwrap();
                        let now = 1 + inside.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
        assert_eq!(fs::read_dir(store.home().join("keys")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_is_held_stays() {
        let (home, store) = store();
        let held = store.lock_key(&Digest::of(b"held"), || false).unwrap();
        let left = home.path().join("keys/left.lock");
        fs::write(&left, "").unwrap();
        sweep(home.path()).unwrap();
        assert!(!left.exists() && held.unwrap().path.exists());
    }

    #[test]
    fn who_waits_may_give_up_and_other_keys_do_not_wait() {
        let (_home, store) = store();
        let held = store.lock_key(&Digest::of(b"a"), || false).unwrap();
        assert!(held.is_some());
        assert!(
            store
                .lock_key(&Digest::of(b"b"), || false)
                .unwrap()
                .is_some()
        );
        let asked = AtomicU32::new(0);
        let gives_up = || asked.fetch_add(1, Ordering::SeqCst) > 2;
        assert!(
            store
                .lock_key(&Digest::of(b"a"), gives_up)
                .unwrap()
                .is_none()
        );
    }
}
