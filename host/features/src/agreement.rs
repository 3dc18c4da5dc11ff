//! Whether what is online was read from this log. A log that was restored from a backup, or whose last commits
//! were lost with the disk, ends before what the online store has read of it. Its next rows get the numbers of
//! those that it lost, and a view whose cursor is there already would never read them. So the two are compared
//! before rows are taken in or read; a view that is ahead is forgotten, and read from the log again.

use std::sync::{Arc, PoisonError};

use crate::online::OnlineStore;
use crate::store::FeatureStore;
use crate::{Error, Result, log, registry};

/// What was compared by this opening of the store. While it is open, the log only grows.
#[derive(Default)]
pub(crate) struct Agreement {
    /// The online store that was compared with the log.
    with: Option<Arc<dyn OnlineStore>>,
    /// Where the log ended when the online store could not be reached: rows may have been taken in after it.
    ended: Option<i64>,
}

impl FeatureStore {
    /// Lets what is online be of this log, once for each opening and online store. One that cannot be reached is
    /// compared later, with where the log ended now.
    ///
    /// # Errors
    /// If the log cannot be read, or a view that was forgotten cannot be read from it again.
    pub(crate) fn agree(&self, now_us: i64) -> Result<()> {
        let online = self.online();
        // Held until all is there again, so that nobody reads what was forgotten.
        let mut agreement = self
            .agreement
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = agreement.with.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &online)) {
            return Ok(());
        }
        match self.forget_what_is_ahead(&*online, agreement.ended) {
            Ok(false) => {}
            Ok(true) => {
                for view in self.revision()?.definitions.views.values() {
                    self.catch_up(view, now_us)?;
                }
            }
            Err(Error::Online { .. }) => {
                let ended = log::last_sequence(&self.connection())?;
                agreement.ended = Some(agreement.ended.map_or(ended, |before| before.min(ended)));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        *agreement = Agreement {
            with: Some(online),
            ended: None,
        };
        Ok(())
    }

    /// Forgets the views that have read further than the log goes, or went; answers whether there was one.
    fn forget_what_is_ahead(&self, online: &dyn OnlineStore, ended: Option<i64>) -> Result<bool> {
        let versions = registry::view_versions(&self.connection())?;
        let mut reached = Vec::with_capacity(versions.len());
        for version in &versions {
            reached.push(online.reached(version)?);
        }
        // Read after them, so that what another process takes in meanwhile is no sign of a loss.
        let last = log::last_sequence(&self.connection())?;
        let end = ended.map_or(last, |ended| ended.min(last));
        let mut is_any = false;
        for (version, &cursor) in versions.iter().zip(&reached) {
            if cursor > end {
                online.forget(version, cursor)?;
                is_any = true;
            }
        }
        Ok(is_any)
    }
}
