//! What is in force, which is asked for with every request, and read again only when it has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::Result;
use crate::online::Place;
use crate::registry::{self, Revision};
use crate::selection::{Resolved, Selection};

/// Selections whose meaning is remembered; more than a server is asked for, and few enough.
const MAX_RESOLVED: usize = 256;

/// The revision in force, and what was asked of it.
pub(crate) struct InForce(Mutex<Known>);

struct Known {
    /// Of its own: whoever writes to the log holds the store's for as long as the disk takes.
    connection: Connection,
    revision: Arc<Revision>,
    resolved: BTreeMap<Selection, Arc<Resolved>>,
}

impl InForce {
    /// Reads it with this connection.
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Mutex::new(Known {
            connection,
            revision: Arc::default(),
            resolved: BTreeMap::new(),
        }))
    }

    /// The revision; if it is a new one, `online` follows it.
    pub(crate) fn revision(&self, online: &Place) -> Result<Arc<Revision>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.follow(online)?;
        Ok(known.revision.clone())
    }

    /// What a selection means at present.
    pub(crate) fn resolve(&self, selection: &Selection, online: &Place) -> Result<Arc<Resolved>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.follow(online)?;
        if let Some(meaning) = known.resolved.get(selection) {
            return Ok(meaning.clone());
        }
        let meaning = Resolved::new(&known.connection, &known.revision, selection)?;
        let meaning = Arc::new(meaning);
        if known.resolved.len() >= MAX_RESOLVED {
            known.resolved.clear();
        }
        known.resolved.insert(selection.clone(), meaning.clone());
        Ok(meaning)
    }
}

impl Known {
    /// Reads the revision if any process has put another one in force.
    fn follow(&mut self, online: &Place) -> Result<()> {
        if registry::number(&self.connection)? == self.revision.number {
            return Ok(());
        }
        let revision = registry::current(&self.connection)?;
        online.follow(revision.definitions.online.as_deref())?;
        self.revision = Arc::new(revision);
        self.resolved.clear();
        Ok(())
    }
}
