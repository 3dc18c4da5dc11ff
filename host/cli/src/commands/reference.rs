//! What a word on the command line stands for: a package file, or a package of the home.

use std::path::{Path, PathBuf};

use trueline_runtime::Package;
use trueline_serving::IN_ARCHIVE;
use trueline_store::{PackageSummary, Store};

use crate::context::Context;

/// A package with its bytes.
pub(crate) struct Found {
    pub(crate) package: Package,
    /// What the home knows of it; nothing of a file.
    pub(crate) entry: Option<trueline_store::Package>,
}

/// The package file that a reference is, if it is one, or that lies in a folder which SageMaker unpacked.
pub(crate) fn package_file(reference: &str) -> Option<PathBuf> {
    let path = Path::new(reference);
    let unpacked = path.join(IN_ARCHIVE);
    if unpacked.is_file() {
        return Some(unpacked);
    }
    let is_named_so = path
        .extension()
        .is_some_and(|extension| extension == "trueline");
    (path.is_file() || is_named_so).then(|| path.to_owned())
}

/// Finds a package: a `.trueline` file, or in the home by digest, the start of one, name, or name and
/// version.
///
/// # Errors
/// If there is none, or a part of it is missing or was changed.
pub(crate) fn find(reference: &str, context: &Context) -> anyhow::Result<Found> {
    match package_file(reference) {
        Some(path) => Ok(Found {
            package: Package::open(&path)?,
            entry: None,
        }),
        None => stored(&context.store()?, reference),
    }
}

/// Finds a package in a store.
///
/// # Errors
/// As [`find`].
pub(crate) fn stored(store: &Store, reference: &str) -> anyhow::Result<Found> {
    let (entry, package) = trueline_engine::load_package(store, reference)?;
    Ok(Found {
        package,
        entry: Some(entry),
    })
}

/// The reference that is the same tomorrow.
pub(crate) fn name(summary: &PackageSummary) -> String {
    format!("{}@{}", summary.name, summary.version)
}
