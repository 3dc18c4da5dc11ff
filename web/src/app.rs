//! What every request shares.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use trueline_features::FeatureStore;
use trueline_pipeline::Plugins;
use trueline_runtime::Runtime;
use trueline_store::{Clock, Store};

use crate::problem::Problem;
use crate::profiles::Profiles;
use crate::runner::Runner;

/// What the pages are about, and what runs are made with.
pub struct Config {
    pub store: Store,
    pub runtime: Runtime,
    /// Where components come from when a run is started.
    pub plugins: Arc<dyn Plugins + Send + Sync>,
    /// Pipeline files that can be run from a page, beside those which have run in this home.
    pub pipelines: Vec<PathBuf>,
    /// Names by which browsers may call this server, beside `localhost` and addresses.
    pub hosts: Vec<String>,
    /// Tells how long ago something was.
    pub clock: Arc<dyn Clock>,
}

/// A [`Config`] at work. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    pub(crate) plugins: Arc<dyn Plugins + Send + Sync>,
    pub(crate) pipelines: Vec<PathBuf>,
    pub(crate) hosts: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runner: Runner,
    pub(crate) profiles: Profiles,
    features: Mutex<Option<Arc<FeatureStore>>>,
    /// Turns true when the server is to end; what waits for news ends then.
    pub(crate) closing: tokio::sync::watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(config: Config) -> Self {
        let shared = Shared {
            store: config.store,
            runtime: config.runtime,
            plugins: config.plugins,
            pipelines: config.pipelines,
            hosts: config.hosts,
            clock: config.clock,
            runner: Runner::default(),
            profiles: Profiles::default(),
            features: Mutex::default(),
            closing: tokio::sync::watch::Sender::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The feature store of the home, if there is one by now.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn features(&self) -> Result<Option<Arc<FeatureStore>>, Problem> {
        let mut opened = self
            .shared
            .features
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() && self.store().home().join("features").is_dir() {
            let store = FeatureStore::open(self.store().home())?;
            *opened = Some(Arc::new(store.with_runtime(&self.shared.runtime)));
        }
        Ok(opened.clone())
    }

    /// Asks a question that reads the disk, where it holds up nobody else.
    ///
    /// # Errors
    /// What the question is answered with.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.clone();
        let answer = tokio::task::spawn_blocking(move || question(&app)).await;
        answer.unwrap_or_else(|_| Err(Problem::failed("the question was given up")))
    }
}
