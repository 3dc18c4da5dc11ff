//! Folders whose entries survive a loss of power.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::fault;

/// Makes `path` and what is missing above it, readable by its owner alone, and brings the new names to the
/// disk. One that exists is left as it is.
///
/// # Errors
/// If a folder cannot be made.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    if !parent.as_os_str().is_empty() {
        create_private_folder(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process or thread was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    sync_folder(parent)
}

/// Waits until the entries of `folder` (new names, renamed files) are on the disk. Where folders cannot be
/// opened as files, the file system sees to it by itself.
///
/// # Errors
/// If the disk fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fault::around("folder.sync", || File::open(folder)?.sync_all())?;
    }
    Ok(())
}

/// The folder that holds `path`; `.` for a name without one.
pub fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
