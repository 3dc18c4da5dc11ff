//! The lock file: which component stands behind each plugin's name.
//!
//! It lies beside the pipeline file and is shared by the pipelines of its folder. A plugin that is used
//! by path is not in it: the file at that path is what its author is working on.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trueline_files::{Audience, NewFile, folder_of};
use trueline_table::Digest;

use crate::Plan;

/// What the lock file is called.
pub const LOCK_FILE: &str = "trueline.lock";

/// The version of its format.
const VERSION: u32 = 1;

const HEADER: &str = "\
# Made by Trueline: the component that stands behind each plugin's name. Commit it, so that others
# run the same ones. `trueline run --update-lock` renews it.
";

/// What a lock file pins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// The component's digest by the plugin's name.
    #[serde(default)]
    pub plugins: BTreeMap<String, Digest>,
}

/// Why the lock file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct LockError {
    pub path: PathBuf,
    reason: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            version: VERSION,
            plugins: BTreeMap::new(),
        }
    }
}

impl Lock {
    /// Where the lock file of a pipeline file is.
    pub fn path_of(pipeline_file: &Path) -> PathBuf {
        pipeline_file.with_file_name(LOCK_FILE)
    }

    /// What the lock file beside a pipeline file pins; nothing if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is none of this version.
    pub fn read(pipeline_file: &Path) -> Result<Self, LockError> {
        let path = Self::path_of(pipeline_file);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(LockError {
                    path,
                    reason: error.to_string(),
                });
            }
        };
        match toml::from_str::<Self>(&text) {
            Ok(lock) if lock.version == VERSION => Ok(lock),
            Ok(Self { version, .. }) => {
                let reason = format!(
                    "it is of version {version}, and this Trueline reads version {VERSION}"
                );
                Err(LockError { path, reason })
            }
            Err(error) => Err(LockError {
                path,
                reason: format!("not a lock file: {}", error.message()),
            }),
        }
    }

    /// What a plan uses.
    pub fn of(plan: &Plan) -> Self {
        Self {
            plugins: plan.plugins.clone(),
            ..Self::default()
        }
    }

    /// Makes the lock file beside the plan's file pin what the plan uses, and keeps what it pins for
    /// other pipelines. Answers whether the file changed.
    ///
    /// # Errors
    /// If the file cannot be read or written; it is then as it was.
    pub fn pin(plan: &Plan) -> Result<bool, LockError> {
        let old = Self::read(&plan.file)?;
        let mut new = old.clone();
        new.plugins.extend(Self::of(plan).plugins);
        if new == old {
            return Ok(false);
        }
        new.write(&plan.file)?;
        Ok(true)
    }

    /// Writes the lock file beside a pipeline file: all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, pipeline_file: &Path) -> Result<(), LockError> {
        let path = Self::path_of(pipeline_file);
        let failed = |error: &dyn std::fmt::Display| LockError {
            path: path.clone(),
            reason: error.to_string(),
        };
        let text = toml::to_string(self).map_err(|error| failed(&error))?;
        let written = NewFile::begin("lock", folder_of(&path), Audience::Everyone);
        let written = written.and_then(|mut file| {
            write!(file, "{HEADER}{text}")?;
            file.finish(&path)
        });
        written.map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline_file = folder.path().join("pipeline.toml");
        assert_eq!(Lock::read(&pipeline_file).unwrap(), Lock::default());
        let plugins = BTreeMap::from([
            ("tabular".to_owned(), Digest::of(b"a")),
            ("gbdt".to_owned(), Digest::of(b"b")),
        ]);
        let lock = Lock {
            plugins,
            ..Lock::default()
        };
        lock.write(&pipeline_file).unwrap();
        assert_eq!(Lock::read(&pipeline_file).unwrap(), lock);
        let text = std::fs::read_to_string(folder.path().join(LOCK_FILE)).unwrap();
        let expected = format!(
            "{HEADER}version = 1\n\n[plugins]\ngbdt = \"{}\"\ntabular = \"{}\"\n",
            Digest::of(b"b"),
            Digest::of(b"a")
        );
        assert_eq!(text, expected);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn refuses_what_is_no_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: &str| {
            std::fs::write(folder.path().join(LOCK_FILE), text).unwrap();
            let error = Lock::read(&folder.path().join("x.toml"))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(LOCK_FILE) && error.contains(expected),
                "{text}: {error}"
            );
        };
        check(
            "version = 2",
            "version 2, and this Trueline reads version 1",
        );
        check("version = 1\n[plugins]\na = 'x'", "not a digest");
        check("<<<<<<<", "not a lock file");
        check("", "missing field `version`");
    }
}
