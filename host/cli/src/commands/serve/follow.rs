//! Following an alias: when it moves, the package where it stands is loaded and takes over.

use std::time::Duration;

use anyhow::Context as _;
use trueline_runtime::Runtime;
use trueline_serving::{Model, Names, Settings};
use trueline_store::Store;
use trueline_table::Digest;

use super::{load, reference};
use crate::context::Context;

/// How often the store is asked. It is one indexed look-up in a local file.
const PERIOD: Duration = Duration::from_millis(250);

/// `name@alias`, as opposed to a version, which never moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alias {
    name: String,
    alias: String,
}

impl Alias {
    /// The alias that a reference is, if it is one.
    pub(super) fn of(reference: &str) -> Option<Self> {
        if reference::package_file(reference).is_some() {
            return None;
        }
        let (name, alias) = reference.split_once('@')?;
        alias.parse::<u32>().is_err().then(|| Self {
            name: name.to_owned(),
            alias: alias.to_owned(),
        })
    }

    /// Starts a thread that follows the alias as long as the process lives, from the package `seen` on, and
    /// hands each package where it stands to `put`. One that cannot be loaded is told and passed over; the one
    /// before goes on answering.
    ///
    /// # Errors
    /// If the store cannot be opened, or no thread be started.
    pub(super) fn follow(
        self,
        mut seen: Digest,
        loader: Loader,
        put: impl Fn(Model) + Send + 'static,
        context: &Context,
    ) -> anyhow::Result<()> {
        let store = context.store()?;
        let context = context.clone();
        let follow = move || {
            loop {
                std::thread::sleep(PERIOD);
                // A store that is busy for a moment is asked again.
                let Ok(Some(stands)) = store.alias(&self.name, &self.alias) else {
                    continue;
                };
                if stands.digest == seen {
                    continue;
                }
                seen = stands.digest;
                match loader.load(&store, seen, &self.name) {
                    Ok(model) => {
                        let version = model.names().version.clone();
                        put(model);
                        context.tell(&format!(
                            "{}@{} is version {version} now ({})",
                            self.name,
                            self.alias,
                            seen.short()
                        ));
                    }
                    Err(error) => context.tell(&format!(
                        "{}@{} moved to {}, which cannot be loaded, so the package before goes on: {error:#}",
                        self.name,
                        self.alias,
                        seen.short()
                    )),
                }
            }
        };
        let thread = std::thread::Builder::new().name("trueline-alias".to_owned());
        thread.spawn(follow).context("no thread for the alias")?;
        Ok(())
    }
}

/// How packages become models.
#[derive(Clone)]
pub(super) struct Loader {
    pub(super) runtime: Runtime,
    pub(super) settings: Settings,
    /// What the model is called in paths, if not as the package.
    pub(super) name: Option<String>,
}

impl Loader {
    fn load(&self, store: &Store, digest: Digest, name: &str) -> anyhow::Result<Model> {
        let found = reference::stored(store, &digest.to_string())?;
        let entry = found.entry.as_ref().context("the store does not know it")?;
        let names = Names {
            name: self.name.as_deref().unwrap_or(name).to_owned(),
            version: entry.summary.version.to_string(),
        };
        Ok(load(&found, names, &self.runtime, &self.settings)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_aliases_move() {
        let check = |reference: &str, expected: Option<&str>| {
            let alias = Alias::of(reference).map(|alias| alias.alias);
            assert_eq!(alias.as_deref(), expected, "{reference}");
        };
        check("flights@champion", Some("champion"));
        check("flights@3", None);
        check("flights", None);
        check("flights@v.trueline", None);
    }
}
