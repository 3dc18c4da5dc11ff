//! Where a request for features is answered: on the event loop that read it, if that takes well below a
//! millisecond, since handing it to another thread and back would take as long; else on a thread that may block.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use super::{blocking, columns, now_us};
use crate::read::Answer;
use crate::selection::Resolved;
use crate::{FeatureStore, Result, Selection};

/// Values that are read and written in a millisecond or two.
const QUICK_VALUES: usize = 8_192;
/// A window takes as long as so many values.
const WINDOW_VALUES: usize = 32;

/// What was asked for, and found.
pub(super) struct Found<'f> {
    pub(super) resolved: &'f Resolved,
    pub(super) rows: &'f RecordBatch,
    pub(super) answer: &'f Answer,
    pub(super) at_us: i64,
}

/// Calls columns of a request by the names that a selection has for them.
type Rename = fn(&FeatureStore, &Resolved, Map<String, Value>) -> Result<Map<String, Value>>;

/// Reads a selection for entities, which come as lists of JSON values, and answers what `write` makes of it.
pub(super) async fn read<T: Send + 'static>(
    store: Arc<FeatureStore>,
    selection: Selection,
    entities: Map<String, Value>,
    rename: Rename,
    write: impl FnOnce(Found<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let resolved = store.resolve(&selection)?;
    let is_quick = is_quick(&store, &resolved, &entities);
    let read = move || {
        let entities = rename(&store, &resolved, entities)?;
        let rows = columns::rows(&resolved.request_columns()?, &entities, "the request")?;
        let at_us = now_us();
        let answer = store.answer(&resolved, &rows, at_us)?;
        resolved.was_answered.store(true, Ordering::Relaxed);
        write(Found {
            resolved: &resolved,
            rows: &rows,
            answer: &answer,
            at_us,
        })
    };
    match is_quick {
        true => read(),
        false => blocking(read).await,
    }
}

/// Whether nothing but a few pages of a local file will be waited for. What was answered before has its components
/// compiled, and old versions of views have to be brought online first.
fn is_quick(store: &FeatureStore, resolved: &Resolved, entities: &Map<String, Value>) -> bool {
    let lengths = entities.values().filter_map(Value::as_array).map(Vec::len);
    let rows = lengths.max().unwrap_or(0);
    let mut values = resolved.features.len();
    for view in &resolved.views {
        if view.view.aggregates.is_some() {
            values += WINDOW_VALUES * view.wanted.len();
        }
    }
    rows.saturating_mul(values) <= QUICK_VALUES
        && resolved.was_answered.load(Ordering::Relaxed)
        && resolved.views.iter().all(|view| view.is_current)
        && store.online().is_local()
}
