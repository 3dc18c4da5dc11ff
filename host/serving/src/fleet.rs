//! Many packages behind one server, which come and go while it runs: SageMaker's multi-model endpoints.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::http::StatusCode;
use trueline_runtime::{Package, Runtime};

use crate::front::Front;
use crate::problem::Problem;
use crate::{Model, Names, Service, Settings};

/// Where a package lies in the archive that SageMaker unpacks: everything at the top of it is taken for a
/// model by SageMaker's own images.
pub const IN_ARCHIVE: &str = "trueline/package.trueline";

/// Models by name. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Fleet {
    inner: Arc<Inner>,
}

struct Inner {
    front: Arc<Front>,
    runtime: Runtime,
    /// What is loaded on request lies below it.
    folder: PathBuf,
    models: RwLock<BTreeMap<String, Held>>,
}

#[derive(Clone)]
struct Held {
    service: Service,
    url: String,
    /// The size of the package.
    bytes: u64,
}

/// A model, and what it was loaded from.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Fleet {
    /// A server without models, which loads those that lie below `folder`.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn new(folder: PathBuf, runtime: Runtime, settings: Settings) -> std::io::Result<Self> {
        Ok(Self {
            inner: Arc::new(Inner {
                front: Front::start(settings)?,
                runtime,
                folder,
                models: RwLock::default(),
            }),
        })
    }

    pub(crate) fn front(&self) -> &Arc<Front> {
        &self.inner.front
    }

    pub(crate) fn find(&self, name: &str) -> Result<Service, Problem> {
        let held = self.held().get(name).cloned();
        Ok(held.ok_or_else(|| not_loaded(name))?.service)
    }

    pub(crate) fn describe(&self, name: &str) -> Result<Listed, Problem> {
        let held = self.held();
        let (name, held) = held.get_key_value(name).ok_or_else(|| not_loaded(name))?;
        Ok(listed(name, held))
    }

    /// So many models at most, by name, behind `after`; and whether there are more.
    pub(crate) fn list(&self, after: Option<&str>, limit: usize) -> (Vec<Listed>, bool) {
        let held = self.held();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = held.range::<str, _>((from, Bound::Unbounded));
        let page = behind.by_ref().take(limit);
        let page = page.map(|(name, held)| listed(name, held)).collect();
        (page, behind.next().is_some())
    }

    /// Loads a package under a name.
    ///
    /// # Errors
    /// 409 if there is one of the name, 400 if there is no package at `url`, 507 if there is no room.
    pub(crate) fn load(&self, name: &str, url: &str) -> Result<(), Problem> {
        let Inner { front, runtime, .. } = &*self.inner;
        let (path, bytes) = self.locate(url)?;
        self.check_room(&self.held(), name, bytes)?;
        let package = Package::open(&path).map_err(|error| wrong_url(url, &error.to_string()))?;
        let names = Names {
            name: name.to_owned(),
            version: "1".to_owned(),
        };
        let model = Model::load(&package, names, runtime, &front.settings);
        let model = model.map_err(|error| wrong_url(url, &error.to_string()))?;
        let mut models = self.held_mut();
        // Another request may have been quicker.
        self.check_room(&models, name, bytes)?;
        let held = Held {
            service: Service::behind(front.clone(), model, None),
            url: url.to_owned(),
            bytes,
        };
        models.insert(name.to_owned(), held);
        Ok(())
    }

    /// Unloads a model. Requests that have begun end with it.
    ///
    /// # Errors
    /// 404 if there is none of the name.
    pub(crate) fn unload(&self, name: &str) -> Result<(), Problem> {
        let held = self
            .held_mut()
            .remove(name)
            .ok_or_else(|| not_loaded(name))?;
        let metrics = &self.inner.front.metrics;
        metrics.serves_no_longer(&held.service.model());
        Ok(())
    }

    /// The package file at a URL, which is a path below the folder, and its size.
    fn locate(&self, url: &str) -> Result<(PathBuf, u64), Problem> {
        let unreadable = |error: std::io::Error| wrong_url(url, &error.to_string());
        let folder = fs::canonicalize(&self.inner.folder).map_err(unreadable)?;
        let path = fs::canonicalize(Path::new(url)).map_err(unreadable)?;
        if !path.starts_with(&folder) {
            let folder = self.inner.folder.display();
            return Err(wrong_url(url, &format!("it does not lie below {folder}")));
        }
        let unpacked = path.join(IN_ARCHIVE);
        let file = if unpacked.is_file() { unpacked } else { path };
        let bytes = fs::metadata(&file).map_err(unreadable)?.len();
        Ok((file, bytes))
    }

    fn check_room(
        &self,
        models: &BTreeMap<String, Held>,
        name: &str,
        bytes: u64,
    ) -> Result<(), Problem> {
        if models.contains_key(name) {
            let message = format!("model `{name}` is loaded already");
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "already_loaded",
                message,
            ));
        }
        let limit = self.inner.front.settings.models_bytes;
        let taken: u64 = models.values().map(|held| held.bytes).sum();
        if taken.saturating_add(bytes) > limit {
            let message =
                format!("model `{name}` has {bytes} bytes, and {taken} of {limit} are taken");
            let status = StatusCode::INSUFFICIENT_STORAGE;
            return Err(Problem::new(status, "no_room", message));
        }
        Ok(())
    }

    fn held(&self) -> RwLockReadGuard<'_, BTreeMap<String, Held>> {
        let models = self.inner.models.read();
        models.unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Held>> {
        let models = self.inner.models.write();
        models.unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed(name: &str, held: &Held) -> Listed {
    Listed {
        name: name.to_owned(),
        url: held.url.clone(),
    }
}

fn not_loaded(name: &str) -> Problem {
    let message = format!("no model `{name}` is loaded; `POST /models` loads one");
    Problem::new(StatusCode::NOT_FOUND, "not_found", message)
}

fn wrong_url(url: &str, why: &str) -> Problem {
    let message = format!("no package can be loaded from `{url}`: {why}");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_model", message)
}
