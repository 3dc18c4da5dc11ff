//! Which processes are alive. Each holds an operating-system lock on a file of its own for as long as it
//! has the home open; the system frees the lock when the process ends, however it ends. So there are no
//! heartbeats to miss: whose lock can be taken is gone.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use trueline_files::fault;

use crate::files::{create_private_dir, open_private_file};
use crate::{BootId, Clock, Error, Result};

/// Held for the moment of opening, by one process at a time: between the making of a lock file and the
/// taking of its lock, another process must not judge it.
#[derive(Debug)]
pub(crate) struct OpenLock {
    file: File,
}

impl OpenLock {
    /// Waits until no other process is opening the home.
    pub(crate) fn take(home: &Path) -> Result<Self> {
        let path = home.join("open.lock");
        let file = open_private_file(&path)?;
        file.lock().map_err(Error::writing(&path))?;
        Ok(Self { file })
    }
}

/// This process's sign of life.
#[derive(Debug)]
pub(crate) struct Boot {
    pub(crate) id: BootId,
    directory: PathBuf,
    _file: File,
}

impl Boot {
    /// Gives this opening of the home an id and locks its file.
    pub(crate) fn start(home: &Path, clock: &dyn Clock, _opening: &OpenLock) -> Result<Self> {
        let directory = home.join("boots");
        create_private_dir(&directory)?;
        let id = BootId::new(clock)?;
        let path = lock_path(&directory, &id);
        let file = open_private_file(&path)?;
        fault::around("boot.lock", || file.lock()).map_err(Error::writing(&path))?;
        Ok(Self {
            id,
            directory,
            _file: file,
        })
    }

    /// Whether the process behind a boot has ended.
    pub(crate) fn is_gone(&self, boot: &BootId) -> bool {
        if *boot == self.id {
            return false;
        }
        // Who closes a home removes its file. Where we cannot tell, we take the process to be alive: a run
        // that stays "running" can be cancelled by hand, one that is declared lost too early cannot be mended.
        match File::open(lock_path(&self.directory, boot)) {
            Ok(file) => is_free(&file),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// Another process that is alive, if there is one.
    pub(crate) fn other(&self, _opening: &OpenLock) -> Result<Option<BootId>> {
        for entry in fs::read_dir(&self.directory).map_err(Error::reading(&self.directory))? {
            let path = entry.map_err(Error::reading(&self.directory))?.path();
            let boot = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            if let Some(boot) = boot.filter(|boot| *boot != self.id && !self.is_gone(boot)) {
                return Ok(Some(boot));
            }
        }
        Ok(None)
    }

    /// Removes the lock files of processes that have ended without doing so; whether there were any.
    pub(crate) fn sweep(&self, _opening: &OpenLock) -> Result<bool> {
        let mut found = false;
        for entry in fs::read_dir(&self.directory).map_err(Error::reading(&self.directory))? {
            let path = entry.map_err(Error::reading(&self.directory))?.path();
            let boot = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            if boot.is_some_and(|boot| self.is_gone(&boot)) {
                fault::around("boot.sweep", || fs::remove_file(&path))
                    .map_err(Error::writing(&path))?;
                found = true;
            }
        }
        Ok(found)
    }
}

/// A process that has the home open, if there is one. Nothing is written.
pub(crate) fn alive(home: &Path) -> Result<Option<BootId>> {
    let directory = home.join("boots");
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(Error::reading(&directory))?,
    };
    for entry in entries {
        let path = entry.map_err(Error::reading(&directory))?.path();
        let boot = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if boot.is_some() && File::open(&path).is_ok_and(|file| !is_free(&file)) {
            return Ok(boot);
        }
    }
    Ok(None)
}

/// Whether nobody holds the lock of a file. It is let go of by name: closing would not do while a process that
/// another thread is starting holds a copy of everything that is open.
fn is_free(file: &File) -> bool {
    file.try_lock().is_ok() && file.unlock().is_ok()
}

impl Drop for OpenLock {
    fn drop(&mut self) {
        // Closing does the same, unless a process that is being started holds a copy.
        let _ = self.file.unlock();
    }
}

impl Drop for Boot {
    fn drop(&mut self) {
        // If the file stays, the next opening finds its lock free and removes it.
        let path = lock_path(&self.directory, &self.id);
        let _ = fault::around("boot.remove", || fs::remove_file(path));
    }
}

fn lock_path(directory: &Path, boot: &BootId) -> PathBuf {
    directory.join(format!("{boot}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn a_boot_lives_as_long_as_its_lock() {
        let home = tempfile::tempdir().unwrap();
        let clock = TestClock::default();
        let opening = OpenLock::take(home.path()).unwrap();
        let here = Boot::start(home.path(), &clock, &opening).unwrap();
        let other = Boot::start(home.path(), &clock, &opening).unwrap();
        let (id, path) = (other.id.clone(), lock_path(&other.directory, &other.id));

        assert!(!here.is_gone(&here.id));
        assert!(!here.is_gone(&id));
        drop(other);
        assert!(here.is_gone(&id) && !path.exists());

        fs::write(&path, b"").unwrap();
        // What a process that is being started holds of it for a moment.
        let probe = File::open(&path).unwrap();
        let _copy = probe.try_clone().unwrap();
        assert!(is_free(&probe));
        drop(probe);
        assert!(here.is_gone(&id), "a lock file that nobody holds");
        here.sweep(&opening).unwrap();
        assert!(!path.exists() && lock_path(&here.directory, &here.id).exists());
    }
}
