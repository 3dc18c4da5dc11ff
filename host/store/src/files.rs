//! Private directories, and directories whose entries survive a loss of power.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use crate::{Error, Result};

/// Makes `path` and what is missing above it, readable by its owner alone. One that exists is left as it is.
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::writing(path))
}

/// Opens `path` for reading and writing; if it is missing, makes it, readable by its owner alone.
pub(crate) fn open_private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(Error::writing(path))
}

/// Waits until the entries of `directory` (new names, renamed files) are on the disk. Where directories
/// cannot be opened as files, the file system sees to it by itself.
pub(crate) fn sync_dir(directory: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(directory)
            .and_then(|file| file.sync_all())
            .map_err(Error::writing(directory))?;
    }
    Ok(())
}
