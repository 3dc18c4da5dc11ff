//! Where components come from, and which one a name stands for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use trueline_dataset::suggest::{did_you_mean, list_some};
pub use trueline_runtime::Plugins;
use trueline_runtime::{Runtime, Stage};
use trueline_table::Digest;

use crate::lock::Lock;
use crate::source::{Problem, Source};

/// A component and what it is after `use`.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    pub(crate) component: Arc<[u8]>,
    pub(crate) stage: Stage,
}

/// Finds, locks and admits the plugins of a pipeline, each once.
pub(crate) struct Shelf<'a> {
    source: &'a Source,
    runtime: &'a Runtime,
    plugins: &'a dyn Plugins,
    lock: Lock,
    known: BTreeMap<String, Plugin>,
    /// What was used by name.
    pub(crate) used: BTreeMap<String, Digest>,
    pub(crate) notes: Vec<String>,
}

impl<'a> Shelf<'a> {
    pub(crate) fn new(
        source: &'a Source,
        runtime: &'a Runtime,
        plugins: &'a dyn Plugins,
        lock: Lock,
    ) -> Self {
        let (known, used) = (BTreeMap::new(), BTreeMap::new());
        Self {
            source,
            runtime,
            plugins,
            lock,
            known,
            used,
            notes: Vec::new(),
        }
    }

    /// The plugin that `name` stands for.
    ///
    /// # Errors
    /// If there is none, if it is not the one that is locked, or if it is not admitted.
    pub(crate) fn get(&mut self, name: &Spanned<String>) -> Result<Plugin, Problem> {
        let text = name.get_ref();
        if let Some(plugin) = self.known.get(text) {
            return Ok(plugin.clone());
        }
        let bytes = if is_path(text) {
            self.read(name)?
        } else {
            self.find(name)?
        };
        let stage = self.runtime.admit(&bytes);
        let stage = stage.map_err(|error| {
            Problem::new(name.span(), format!("`{text}` cannot be used: {error}"))
        })?;
        let plugin = Plugin {
            component: bytes.into(),
            stage,
        };
        self.known.insert(text.clone(), plugin.clone());
        Ok(plugin)
    }

    fn read(&self, name: &Spanned<String>) -> Result<Cow<'static, [u8]>, Problem> {
        let path = self.source.folder().join(name.get_ref());
        self.plugins.at_path(name.get_ref(), &path).map_err(|error| {
            let message = format!("`{}` cannot be read: {error}", name.get_ref());
            Problem::new(name.span(), message).hint(
                "the path is relative to this file; `trueline plugin build FOLDER` makes a component",
            )
        })
    }

    fn find(&mut self, name: &Spanned<String>) -> Result<Cow<'static, [u8]>, Problem> {
        let text = name.get_ref();
        let found = self.plugins.find(text);
        let (digest, bytes) = match (found, self.lock.plugins.get(text).copied()) {
            (Some(bytes), None) => (Digest::of(&bytes), bytes),
            (Some(bytes), Some(locked)) if Digest::of(&bytes) == locked => (locked, bytes),
            (found, Some(locked)) => {
                match self.plugins.by_digest(locked) {
                    Some(bytes) => {
                        let this = if found.is_some() {
                            "another than this build of Trueline brings"
                        } else {
                            "no longer to be had"
                        };
                        let update = update_command(self.source);
                        self.notes.push(format!("`{text}` is the locked component {}, {this}; `{update}` renews the lock", locked.short()));
                        (locked, bytes)
                    }
                    None => {
                        return Err(not_locked(
                            self.source,
                            name,
                            found.map(|bytes| Digest::of(&bytes)),
                            locked,
                        ));
                    }
                }
            }
            (None, None) => {
                let names = self.plugins.names();
                let names = || names.iter().map(String::as_str);
                let hint = did_you_mean(text, names()).unwrap_or_else(|| {
                    format!("the plugins are {}; one of your own is used by its path, as \"./{text}.wasm\"", list_some(names()))
                });
                return Err(
                    Problem::new(name.span(), format!("there is no plugin `{text}`")).hint(hint),
                );
            }
        };
        self.used.insert(text.clone(), digest);
        Ok(bytes)
    }
}

fn not_locked(
    source: &Source,
    name: &Spanned<String>,
    found: Option<Digest>,
    locked: Digest,
) -> Problem {
    let what = found.map_or("there is no such component".to_owned(), |found| {
        format!("this one is {}", found.short())
    });
    let message = format!(
        "`{}` is locked to the component {}, and {what}",
        name.get_ref(),
        locked.short()
    );
    Problem::new(name.span(), message).hint(format!(
        "`{}` takes the one that is there; to keep the locked one, run with the home or the Trueline that made the lock",
        update_command(source)
    ))
}

fn update_command(source: &Source) -> String {
    format!("trueline run --update-lock {}", source.path.display())
}

fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".wasm")
}
