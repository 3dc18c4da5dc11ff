//! Files that appear whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use trueline_files::{Audience, folder_of};

/// A file in the making, under another name until it is finished.
pub(crate) struct NewFile {
    path: PathBuf,
    file: trueline_files::NewFile,
}

impl NewFile {
    /// Begins a file beside where it will be.
    ///
    /// # Errors
    /// If the folder is missing or cannot be written to.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = trueline_files::NewFile::begin("result", folder_of(path), Audience::Everyone)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Gives the file its name, in place of one that had it.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let Self { path, file } = self;
        file.finish(&path)
            .with_context(|| format!("cannot write {}", path.display()))
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

/// Writes a whole file.
///
/// # Errors
/// If it cannot be written; what was there before stays.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        write(&path, b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        let error = format!(
            "{:#}",
            write(&folder.path().join("missing/x"), b"").unwrap_err()
        );
        assert!(
            error.contains("cannot write") && error.contains("missing"),
            "{error}"
        );
    }
}
