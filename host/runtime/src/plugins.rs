//! Where the components come from that files of declarations name.

use std::borrow::Cow;
use std::path::Path;

use trueline_table::Digest;

use crate::Package;

/// The components that can be used by name, such as the standard stages.
pub trait Plugins {
    /// The bytes of the component of this name.
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>>;

    /// All names that [`find`](Self::find) answers, for hints.
    fn names(&self) -> Vec<String>;

    /// The bytes of a component that is used by path: `name` as the file has it, and the path that it means.
    ///
    /// # Errors
    /// If it cannot be read.
    fn at_path(&self, _name: &str, path: &Path) -> std::io::Result<Cow<'static, [u8]>> {
        std::fs::read(path).map(Cow::Owned)
    }

    /// A component that was used before, by its digest: the lock file may pin one that no name stands
    /// for any more.
    fn by_digest(&self, _digest: Digest) -> Option<Cow<'static, [u8]>> {
        None
    }

    /// The package that a reference means: a name, `name@version`, `name@alias` or a digest.
    ///
    /// # Errors
    /// Why there is none, or why it must not be used, in words.
    fn package(&self, _reference: &str) -> Result<Package, String> {
        Err("there are no packages here".to_owned())
    }
}
