//! From a file to a plan: everything that can be known before a run is checked here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trueline_dataset::Catalog;
use trueline_features::Tools;
use trueline_runtime::{Runtime, ServiceFeatures};
use trueline_table::Digest;

use crate::declaration::Declaration;
use crate::lock::{Lock, LockError};
use crate::outline::Outline;
use crate::plan::Plan;
use crate::plugins::{Plugins, Shelf};
use crate::source::{Report, Source};
use crate::{Diagnostic, Diagnostics};

mod datasets;
mod features;
mod package;
mod stages;

use self::datasets::Datasets;
use self::stages::Stages;

/// Checks a pipeline file: its keys and names, its datasets against their files, and every stage
/// against the columns that it will get. Components are those that the lock file pins.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn check(path: &Path, runtime: &Runtime, plugins: &dyn Plugins) -> Result<Plan, Diagnostics> {
    check_set(path, &BTreeMap::new(), runtime, plugins)
}

/// [`check`] with other values for some of the parameters, each as TOML.
///
/// # Errors
/// As `check`.
pub fn check_set(
    path: &Path,
    set: &BTreeMap<String, String>,
    runtime: &Runtime,
    plugins: &dyn Plugins,
) -> Result<Plan, Diagnostics> {
    let lock = Lock::read(path).map_err(|error| unreadable_lock(&error))?;
    let source = Source::read(path, "pipeline file")?;
    check_with(&source, set, &Past::default(), runtime, plugins, lock)
}

/// [`check`] as if there were no lock file: components are those that their names stand for now.
/// [`Lock::pin`] then renews the file.
///
/// # Errors
/// As `check`.
pub fn check_unlocked(
    path: &Path,
    set: &BTreeMap<String, String>,
    runtime: &Runtime,
    plugins: &dyn Plugins,
) -> Result<Plan, Diagnostics> {
    let source = Source::read(path, "pipeline file")?;
    check_with(
        &source,
        set,
        &Past::default(),
        runtime,
        plugins,
        Lock::default(),
    )
}

/// A pipeline as a run read it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where its file was.
    pub file: PathBuf,
    /// What was in it.
    pub text: String,
    /// The parameters that had other values, as TOML.
    pub set: BTreeMap<String, String>,
    /// The files of its datasets, by the dataset's name, in reading order.
    pub files: BTreeMap<String, Vec<RecordedFile>>,
    /// The feature services that datasets were made with, by the dataset's name.
    pub services: BTreeMap<String, ServiceFeatures>,
}

/// A file of a dataset.
#[derive(Clone, Debug)]
pub struct RecordedFile {
    /// What it was called, whose extension may say its format.
    pub name: String,
    /// Where its bytes are now.
    pub path: PathBuf,
}

/// [`check`] of a pipeline as a run read it. What the plan reads is where it is now, and is not copied; every
/// component is one that `plugins` has, those that are used by path among them.
///
/// # Errors
/// As `check`.
pub fn check_recorded(
    recorded: &Recorded,
    runtime: &Runtime,
    plugins: &dyn Plugins,
) -> Result<Plan, Diagnostics> {
    let source = Source {
        path: recorded.file.clone(),
        text: recorded.text.clone(),
    };
    let past = Past {
        files: recorded.files.clone(),
        services: recorded.services.clone(),
    };
    check_with(
        &source,
        &recorded.set,
        &past,
        runtime,
        plugins,
        Lock::default(),
    )
}

/// The datasets of a pipeline as a run read them, its stages left aside.
///
/// # Errors
/// Everything that is wrong with the declarations, if anything is.
pub fn recorded_datasets(recorded: &Recorded) -> Result<Catalog, Diagnostics> {
    let source = Source {
        path: recorded.file.clone(),
        text: recorded.text.clone(),
    };
    let mut report = Report::new(&source);
    let declaration = Declaration::read(&source, &recorded.set, &mut report);
    let catalog = declaration
        .filter(|_| report.is_empty())
        .map(|declaration| datasets::catalog(&declaration, &recorded.files, source.folder()));
    catalog.ok_or_else(|| report.into_diagnostics())
}

/// What a run read; nothing of a run that is to come.
#[derive(Debug, Default)]
struct Past {
    files: BTreeMap<String, Vec<RecordedFile>>,
    services: BTreeMap<String, ServiceFeatures>,
}

fn check_with(
    source: &Source,
    set: &BTreeMap<String, String>,
    past: &Past,
    runtime: &Runtime,
    plugins: &dyn Plugins,
    lock: Lock,
) -> Result<Plan, Diagnostics> {
    let mut report = Report::new(source);
    let Some(declaration) = Declaration::read(source, set, &mut report) else {
        return Err(report.into_diagnostics());
    };
    let outline = Outline::new(&declaration, &mut report);
    let tools = Tools {
        plugins,
        runtime: &|| Ok(runtime.clone()),
    };
    let datasets = Datasets::open(&declaration, &past.files, &tools, &mut report);
    let mut shelf = Shelf::new(source, runtime, plugins, lock);
    // Whether a plugin exists does not depend on whether its stage can be checked.
    let plugins = declaration
        .stages
        .iter()
        .filter_map(|stage| stage.keys.as_ref()?.plugin.as_ref());
    plugins.for_each(|plugin| drop(report.ok(shelf.get(plugin))));
    let seed = declaration
        .pipeline
        .as_ref()
        .map_or(0, |pipeline| pipeline.seed);
    let mut stages = Stages::new(&outline, &datasets, seed);
    for &index in &outline.order {
        stages.check(index, &mut shelf, &mut report);
    }
    stages.check_usage(&mut report);
    let package = package::check(&declaration, &outline, &mut stages, &mut report);
    let (Some(pipeline), true) = (&declaration.pipeline, report.is_empty()) else {
        return Err(report.into_diagnostics());
    };
    let mut notes = shelf.notes;
    notes.extend(datasets.notes(&outline));
    Ok(Plan {
        name: pipeline.name.get_ref().clone(),
        description: pipeline.description.clone(),
        seed: pipeline.seed,
        params: declaration.params.clone(),
        set: set.clone(),
        pools: declaration.pools.clone(),
        file: source.path.clone(),
        text: source.text.clone(),
        text_digest: Digest::of(source.text.as_bytes()),
        datasets: datasets.planned(&outline, &past.services),
        features: datasets.features(&outline),
        catalog: datasets.catalog().clone(),
        stages: stages.planned(source),
        package,
        plugins: shelf.used,
        notes,
    })
}

/// The lock file has no place in the pipeline file.
fn unreadable_lock(error: &LockError) -> Diagnostics {
    Diagnostics(vec![Diagnostic {
        message: error.to_string(),
        file: error.path.clone(),
        place: None,
        hint: Some("`trueline run --update-lock` writes a new one".to_owned()),
    }])
}
