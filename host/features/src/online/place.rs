//! Which online store it is: the one that the definitions in force name, or the environment in their place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::address::{Address, ONLINE_VARIABLE, PASSWORD_VARIABLE, STREAM_PASSWORD};
use super::{OnlineStore, RedisOnline, SqliteOnline};
use crate::Result;

/// Stands for the SQLite file in the home, which it is unless it is said otherwise.
const SQLITE: &str = "sqlite";

/// What the environment says of the online store.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub(crate) online: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) stream_password: Option<String>,
}

/// The online store in use.
pub(crate) struct Place {
    file: PathBuf,
    identity: String,
    environment: Environment,
    /// What was named last, and the store that it names.
    current: Mutex<(String, Arc<dyn OnlineStore>)>,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            online: variable(ONLINE_VARIABLE),
            password: variable(PASSWORD_VARIABLE),
            stream_password: variable(STREAM_PASSWORD),
        }
    }
}

impl Place {
    /// The store that `named` is, or else a file in `folder`.
    pub(crate) fn open(
        folder: &Path,
        identity: &str,
        environment: Environment,
        named: Option<&str>,
    ) -> Result<Self> {
        let file = folder.join("online.db");
        let name = environment.online.as_deref().or(named).unwrap_or(SQLITE);
        let store = open(name, &file, identity, &environment)?;
        Ok(Self {
            current: Mutex::new((name.to_owned(), store)),
            file,
            identity: identity.to_owned(),
            environment,
        })
    }

    /// Changes to what the definitions in force name.
    pub(crate) fn follow(&self, named: Option<&str>) -> Result<()> {
        let name = self
            .environment
            .online
            .as_deref()
            .or(named)
            .unwrap_or(SQLITE);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != name {
            let store = open(name, &self.file, &self.identity, &self.environment)?;
            *current = (name.to_owned(), store);
        }
        Ok(())
    }

    /// Uses a store of a test's, whatever is named.
    #[cfg(test)]
    pub(crate) fn pin(&mut self, store: impl FnOnce(&str) -> Arc<dyn OnlineStore>) {
        let name = "pinned".to_owned();
        self.environment.online = Some(name.clone());
        self.current = Mutex::new((name, store(&self.identity)));
    }

    pub(crate) fn store(&self) -> Arc<dyn OnlineStore> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.1.clone()
    }
}

fn open(
    name: &str,
    file: &Path,
    identity: &str,
    environment: &Environment,
) -> Result<Arc<dyn OnlineStore>> {
    if name == SQLITE {
        return Ok(Arc::new(SqliteOnline::open(file)?));
    }
    let address = Address::parse(name)?.with_password(environment.password.as_deref());
    Ok(Arc::new(RedisOnline::new(&address, identity)?))
}
