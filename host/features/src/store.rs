//! The feature store of one home.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use trueline_runtime::Runtime;
use trueline_table::Digest;

use crate::agreement::Agreement;
use crate::database::connect;
use crate::definition::{Definitions, Planned, View, plan};
use crate::in_force::InForce;
use crate::online::{Environment, OnlineStore, Place};
use crate::registry::{self, Revision};
use crate::segments::Segments;
use crate::selection::{Resolved, Selection};
use crate::skew::Recorder;
use crate::streams::Streams;
use crate::transform::Transforms;
use crate::windows::Layout;
use crate::{Error, Result};

/// Definitions, the ingest log, and both stores that are made from it.
///
/// ```text
/// <home>/features/features.db        definitions, the ingest log, training sets (SQLite)
/// <home>/features/segments/….parquet rows of the log, by digest
/// <home>/features/online.db          the newest row of each entity (SQLite), unless they are in Redis
/// <home>/features/answers.db         recorded answers, to find skew (SQLite)
/// <home>/features/datasets/          training sets that pipelines read as datasets
/// <home>/features/parts/             components and states that compute views, by digest
/// ```
///
/// Any number of threads and processes may have one open. All calls block.
pub struct FeatureStore {
    pub(crate) folder: PathBuf,
    pub(crate) segments: Segments,
    pub(crate) online: Place,
    pub(crate) recorder: Recorder,
    pub(crate) transforms: Transforms,
    pub(crate) streams: Streams,
    connection: Mutex<Connection>,
    /// Held while a view is brought online, so that its cursor and what is written after it belong together.
    pub(crate) catching_up: Mutex<()>,
    pub(crate) agreement: Mutex<Agreement>,
    in_force: InForce,
    layouts: Mutex<BTreeMap<Digest, Arc<Layout>>>,
}

/// Views whose aggregates are remembered; more than there are, and few enough.
const MAX_LAYOUTS: usize = 256;

impl FeatureStore {
    /// Opens the feature store of a home, which is made if it is missing. The online store is the one that the
    /// definitions in force name, or [`ONLINE_VARIABLE`](crate::ONLINE_VARIABLE) of the environment.
    ///
    /// # Errors
    /// If it cannot be made or read, or was written by a newer program.
    pub fn open(home: &Path) -> Result<Self> {
        Self::open_in(home, Environment::of_process())
    }

    pub(crate) fn open_in(home: &Path, environment: Environment) -> Result<Self> {
        let folder = home.join("features");
        let segments = Segments::open(folder.join("segments"))?;
        let file = folder.join("features.db");
        let connection = connect(&file, &segments)?;
        let named = registry::current(&connection)?.definitions.online;
        let identity = registry::identity(&connection)?;
        let streams = Streams::new(environment.stream_password.clone());
        let online = Place::open(&folder, &identity, environment, named.as_deref())?;
        let in_force = InForce::new(connect(&file, &segments)?);
        Ok(Self {
            recorder: Recorder::new(&folder),
            folder,
            segments,
            online,
            streams,
            transforms: Transforms::open(home),
            in_force,
            connection: Mutex::new(connection),
            catching_up: Mutex::default(),
            agreement: Mutex::default(),
            layouts: Mutex::default(),
        })
    }

    /// Uses a runtime that the program has already, where views are computed; else one is made.
    #[must_use]
    pub fn with_runtime(self, runtime: &Runtime) -> Self {
        self.transforms.use_runtime(runtime);
        self
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // What a panic of another thread left half-done is rolled back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the newest rows are.
    pub(crate) fn online(&self) -> Arc<dyn OnlineStore> {
        self.online.store()
    }

    /// What is in force.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn revision(&self) -> Result<Arc<Revision>> {
        self.in_force.revision(&self.online)
    }

    /// What applying these definitions would change.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn plan(&self, definitions: &Definitions) -> Result<Vec<Planned>> {
        Ok(plan(&self.revision()?.definitions, definitions))
    }

    /// Puts definitions in force; the paths of their sources are relative to `folder`. New versions of views
    /// are filled from the log; old ones stay readable as `name@version`. Without a change, nothing happens.
    ///
    /// # Errors
    /// If a source that has rows would read them as something else.
    pub fn apply(&self, definitions: &Definitions, folder: &Path, now_us: i64) -> Result<i64> {
        let folder = absolute(folder)?;
        let revision = self.revision()?;
        if revision.definitions == *definitions && revision.folder == folder {
            return Ok(revision.number);
        }
        for (name, source) in &definitions.sources {
            let Some(old) = revision.definitions.sources.get(name) else {
                continue;
            };
            let retyped = source.columns.iter().find(|column| {
                let old = old.columns.iter().find(|old| old.name == column.name);
                old.is_some_and(|old| old.data_type != column.data_type)
            });
            let problem = if let Some(column) = retyped {
                format!("column `{}` would become {}", column.name, column.data_type)
            } else if old.event_time != source.event_time || old.created != source.created {
                "other columns would say when its rows happened and were made".to_owned()
            } else {
                continue;
            };
            if !crate::log::entries(&self.connection(), name, 0)?.is_empty() {
                return Err(Error::input(
                    format!("source `{name}` has rows, and {problem}"),
                    "define a new source under another name; the old one stays readable",
                ));
            }
        }
        self.transforms.keep(&definitions.parts)?;
        let number = registry::apply(&mut self.connection(), definitions, &folder, now_us)?;
        self.online.follow(definitions.online.as_deref())?;
        self.agree(now_us)?;
        for view in definitions.views.values() {
            self.catch_up(view, now_us)?;
        }
        Ok(number)
    }

    /// How the aggregates of a version of a view are computed; remembered, as expressions take long to parse.
    pub(crate) fn layout(&self, view: &View, version: Digest) -> Result<Arc<Layout>> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = layouts.get(&version) {
            return Ok(known.clone());
        }
        if layouts.len() > MAX_LAYOUTS {
            layouts.clear();
        }
        let layout = Arc::new(Layout::new(view, None)?);
        layouts.insert(version, layout.clone());
        Ok(layout)
    }

    /// What a selection means at present.
    pub(crate) fn resolve(&self, selection: &Selection) -> Result<Arc<Resolved>> {
        self.in_force.resolve(selection, &self.online)
    }
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    folder.canonicalize().map_err(Error::io(folder))
}
