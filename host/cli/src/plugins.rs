//! Where a pipeline's components come from: the standard stages, and what the home has kept.

use std::borrow::Cow;
use std::path::PathBuf;

use trueline_pipeline::Plugins;
use trueline_runtime::Package;
use trueline_store::Verdict;
use trueline_table::Digest;

use crate::home;

/// The standard stages by name, and by digest every component that a run in the home has used.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    pub(crate) home: PathBuf,
}

impl Plugins for Shelf {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        trueline_stages::find(name).map(|stage| Cow::Borrowed(stage.bytes()))
    }

    fn names(&self) -> Vec<String> {
        trueline_stages::standard()
            .iter()
            .map(|stage| stage.name.to_owned())
            .collect()
    }

    /// A store that cannot be read has no component to give; the error then is that it is missing.
    fn by_digest(&self, digest: Digest) -> Option<Cow<'static, [u8]>> {
        let store = home::existing_store(&self.home).ok()??;
        store.artifact(&digest).ok().map(Cow::Owned)
    }

    /// Only those that their gate accepted: what computes features is in use by everybody who reads them.
    fn package(&self, reference: &str) -> Result<Package, String> {
        let store = home::existing_store(&self.home).map_err(|error| error.to_string())?;
        let none = || {
            format!(
                "there is no package `{reference}` in {}",
                self.home.display()
            )
        };
        let store = store.ok_or_else(none)?;
        let found = trueline_engine::load_package(&store, reference);
        let (entry, package) = found.map_err(|error| error.to_string())?;
        match entry.summary.verdict {
            Verdict::Accepted => Ok(package),
            Verdict::Refused => Err(format!(
                "the package `{reference}` was not accepted: {}",
                entry.message
            )),
        }
    }
}
