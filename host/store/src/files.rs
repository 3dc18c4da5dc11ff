//! The folders and files of a home, with the store's errors.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::{Error, Result};

/// Makes `path` and what is missing above it, readable by its owner alone. One that exists is left as it is.
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    trueline_files::create_private_folder(path).map_err(Error::writing(path))
}

/// Opens `path` for reading and writing; if it is missing, makes it, readable by its owner alone.
pub(crate) fn open_private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(Error::writing(path))
}

/// Waits until the entries of `directory` (new names, renamed files) are on the disk.
pub(crate) fn sync_dir(directory: &Path) -> Result<()> {
    trueline_files::sync_folder(directory).map_err(Error::writing(directory))
}
