//! From a feature file to definitions that cannot be wrong.

mod entity;
mod features;
mod service;
mod source;
mod view;

use std::path::Path;

use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_declaration::Diagnostics;
use trueline_declaration::source::{Problem, Report, Source as Text, Span};

pub(crate) use entity::same_key_type;
pub(super) use features::named_features;
pub(crate) use source::open;

use super::file::File;
use super::transform::{self, Tools};
use super::{About, Definitions, Kind};
use crate::online::{Address, PASSWORD_VARIABLE};

/// [`check_with`] components by path only.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(path: &Path) -> Result<Definitions, Diagnostics> {
    let tools = Tools {
        plugins: &transform::Paths,
        runtime: &transform::fresh_runtime,
    };
    check_with(path, &tools)
}

/// Reads a feature file, opens the files of its sources, asks what computes features what it answers, and
/// checks every name and type.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_with(path: &Path, tools: &Tools<'_>) -> Result<Definitions, Diagnostics> {
    let text = Text::read(path, "feature file")?;
    let mut report = Report::new(&text);
    let Some(file) = File::read(&text, &mut report) else {
        return Err(report.into_diagnostics());
    };
    let mut checked = Checked {
        report: &mut report,
        definitions: Definitions::default(),
        tools,
        folder: text.folder(),
    };
    for section in &file.entities {
        checked.entity(section);
    }
    for section in &file.sources {
        checked.source(section);
    }
    for section in &file.views {
        checked.view(section, &file);
    }
    checked.derived(&file);
    for section in &file.services {
        checked.service(section, &file);
    }
    checked.online(&file);
    let definitions = checked.definitions;
    if report.is_empty() {
        Ok(definitions)
    } else {
        Err(report.into_diagnostics())
    }
}

pub(super) struct Checked<'r, 's> {
    pub(super) report: &'r mut Report<'s>,
    pub(super) definitions: Definitions,
    pub(super) tools: &'r Tools<'r>,
    pub(super) folder: &'r Path,
}

impl Checked<'_, '_> {
    pub(super) fn wrong(&mut self, span: Span, message: String, hint: impl Into<String>) {
        self.report.add(Problem::new(span, message).hint(hint));
    }

    /// The hint for a name that is none of those that exist.
    pub(super) fn unknown<'n>(
        &mut self,
        span: Span,
        message: String,
        name: &str,
        names: impl IntoIterator<Item = &'n str> + Clone,
        whose: &str,
    ) {
        let hint = did_you_mean(name, names.clone())
            .unwrap_or_else(|| format!("{whose} {}", list_some(names)));
        self.wrong(span, message, hint);
    }

    fn online(&mut self, file: &File<'_>) {
        let Some(keys) = &file.online else { return };
        let store = &keys.store;
        match Address::parse(store.get_ref()) {
            // Definitions are kept, and shown to whoever asks.
            Ok(address) if address.has_password() => self.wrong(
                store.span(),
                "the address of the online store has a password in it".to_owned(),
                format!("leave it out, and set {PASSWORD_VARIABLE} in the environment"),
            ),
            Ok(_) => self.definitions.online = Some(store.get_ref().clone()),
            Err(error) => {
                let hint = error.hint().unwrap_or_default().to_owned();
                self.wrong(store.span(), error.to_string(), hint);
            }
        }
    }

    pub(super) fn about(&mut self, kind: Kind, name: &str, about: About) {
        let about_kind = self.definitions.about.entry(kind).or_default();
        about_kind.insert(name.to_owned(), about);
    }
}
