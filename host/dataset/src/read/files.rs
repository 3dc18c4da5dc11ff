//! Finding the files of a dataset.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::spec::{DatasetSpec, Format};
use crate::suggest::did_you_mean;
use crate::{Error, Result};

/// One file, and whose it is, for messages.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    dataset: String,
    path: PathBuf,
    /// Where its bytes are read, if not at `path`.
    copy: Option<PathBuf>,
}

impl DataFile {
    pub(super) fn dataset(&self) -> &str {
        &self.dataset
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The same file, its bytes read from a copy if there is one of its path.
    pub(super) fn with_copies(&self, copies: &BTreeMap<PathBuf, PathBuf>) -> Self {
        Self {
            copy: copies.get(&self.path).cloned(),
            ..self.clone()
        }
    }

    pub(crate) fn open(&self) -> Result<File> {
        let path = self.copy.as_ref().unwrap_or(&self.path);
        File::open(path).map_err(|error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => Some(missing_file_hint(&self.path)),
                _ => None,
            };
            self.error(format!("cannot be opened: {error}"), hint.as_deref())
        })
    }

    pub(crate) fn error(&self, problem: impl Into<String>, hint: Option<&str>) -> Error {
        Error::File {
            dataset: self.dataset.clone(),
            path: self.path.clone(),
            problem: problem.into(),
            hint: hint.map(str::to_owned),
        }
    }
}

/// What to do about a file that is not there: most often its name is mistyped.
fn missing_file_hint(path: &Path) -> String {
    let usual = "paths are relative to the pipeline file";
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return usual.to_owned();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("there is no folder {}; {usual}", folder.display());
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    did_you_mean(&name.to_string_lossy(), names.iter().map(String::as_str))
        .unwrap_or_else(|| usual.to_owned())
}

/// The files that the declaration names, in the order in which they are read.
pub(super) fn find_files(
    dataset: &str,
    spec: &DatasetSpec,
    base_dir: &Path,
) -> Result<Vec<DataFile>> {
    let wrong = |problem: String, hint: &str| Error::Spec {
        dataset: dataset.to_owned(),
        key: "path".to_owned(),
        problem,
        hint: Some(hint.to_owned()),
    };
    let mut files = Vec::new();
    for path in spec.path.as_slice() {
        if !path.contains(['*', '?', '[']) {
            files.push(base_dir.join(path));
            continue;
        }
        // An absolute pattern replaces the base, as `join` does.
        let base = if Path::new(path).is_absolute() {
            String::new()
        } else {
            escaped(base_dir)
        };
        let found = glob::glob(&format!("{base}{path}")).map_err(|error| {
            wrong(
                format!("`{path}` is not a pattern: {error}"),
                "a literal `[` is written `[[]`",
            )
        })?;
        let mut found = found.collect::<Result<Vec<_>, _>>().map_err(|error| {
            wrong(
                format!("`{path}` cannot be searched: {error}"),
                "check the permissions of the folder",
            )
        })?;
        found.retain(|path| path.is_file());
        found.sort_by(|a, b| {
            a.as_os_str()
                .as_encoded_bytes()
                .cmp(b.as_os_str().as_encoded_bytes())
        });
        if found.is_empty() {
            return Err(wrong(
                format!("`{path}` matches no file"),
                "paths are relative to the pipeline file",
            ));
        }
        files.extend(found);
    }
    if files.is_empty() {
        return Err(wrong(
            "no file is named".to_owned(),
            "name a file, or files with a pattern: data/*.parquet",
        ));
    }
    Ok(files
        .into_iter()
        .map(|path| DataFile {
            dataset: dataset.to_owned(),
            path,
            copy: None,
        })
        .collect())
}

/// A directory as the beginning of a pattern, its own special characters taken literally.
fn escaped(base_dir: &Path) -> String {
    let base = glob::Pattern::escape(&base_dir.to_string_lossy());
    if base.is_empty() {
        base
    } else {
        format!("{base}/")
    }
}

/// The format that the names of all files agree on.
pub(super) fn format_of(dataset: &str, files: &[DataFile]) -> Result<Format> {
    let wrong = |problem: String| Error::Spec {
        dataset: dataset.to_owned(),
        key: "format".to_owned(),
        problem,
        hint: Some("set `format` to csv, parquet, ndjson or arrow".to_owned()),
    };
    let mut common = None;
    for file in files {
        let extension = file.path.extension().unwrap_or_default().to_string_lossy();
        let Some(format) = Format::of_extension(&extension) else {
            return Err(wrong(format!(
                "the name of {} does not tell its format",
                file.path.display()
            )));
        };
        if common.is_some_and(|common| common != format) {
            return Err(wrong("the files are of several formats".to_owned()));
        }
        common = Some(format);
    }
    common.ok_or_else(|| wrong("no file is named".to_owned()))
}
