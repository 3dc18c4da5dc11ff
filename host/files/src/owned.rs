//! Whose a file is: its maker holds a lock of the operating system on it, which the system frees when the
//! process ends, however it ends.

use std::fs::{self, File};
use std::path::Path;

/// Whether `file` is still the one that `path` names. Between making a file and locking it, another process
/// may take it for one that nobody owns and remove it; a lock on a file without a name keeps nobody out.
#[cfg(unix)]
pub fn is_named(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let named = fs::metadata(path).ok();
    let ours = file.metadata().ok();
    named
        .zip(ours)
        .is_some_and(|(named, ours)| (named.dev(), named.ino()) == (ours.dev(), ours.ino()))
}

/// A file that is open cannot be removed here.
#[cfg(not(unix))]
pub fn is_named(_: &Path, _: &File) -> bool {
    true
}

/// Removes the files of `folder` whose names begin so and whose makers have ended. What cannot be told or
/// removed stays: it is in nobody's way.
pub(crate) fn remove_left_over(folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        // The lock is held until the name is gone: whoever is making the file then gives it up.
        if file.try_lock().is_ok() && is_named(&path, &file) {
            let _ = fs::remove_file(path);
        }
    }
}
