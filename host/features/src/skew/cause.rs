//! Why a value that was answered is another one offline.

use std::collections::BTreeMap;

use super::{Cause, Recorded};
use crate::Result;
use crate::contract::{Knowledge, Order};
use crate::definition::View;
use crate::key::KeyColumns;
use crate::log;
use crate::store::FeatureStore;
use trueline_table::{Field, Schema};

/// What of a view's definition makes its values others.
pub(super) fn of_definition(recorded: &View, current: &View) -> Cause {
    let with_ttl = View {
        ttl_us: current.ttl_us,
        ..recorded.clone()
    };
    if with_ttl == *current {
        return Cause::Ttl;
    }
    let with_transform = View {
        transform: current.transform.clone(),
        ..recorded.clone()
    };
    if with_transform == *current {
        return Cause::Transform;
    }
    Cause::Version
}

/// The rows of the log that the recorded answers are about, read when the first value differs.
pub(super) struct Evidence<'s> {
    store: &'s FeatureStore,
    view: &'s View,
    answers: &'s [Recorded],
    rows: Option<Rows<'s>>,
}

/// Of each entity, the rows with the instants from which on they count.
type Rows<'s> = BTreeMap<&'s [u8], Vec<(Order, i64)>>;

impl<'s> Evidence<'s> {
    pub(super) fn new(store: &'s FeatureStore, view: &'s View, answers: &'s [Recorded]) -> Self {
        Self {
            store,
            view,
            answers,
            rows: None,
        }
    }

    /// Why the version that answered says something else now.
    pub(super) fn of_data(&mut self, row: usize) -> Result<Cause> {
        let answer = &self.answers[row];
        let rows = match &mut self.rows {
            Some(rows) => rows,
            none => none.insert(read(self.store, self.view, self.answers)?),
        };
        let known = rows.get(&*answer.key).map_or(&[][..], Vec::as_slice);
        let mut counting = known.iter().filter(|(_, due_us)| *due_us <= answer.at_us);
        if counting
            .clone()
            .any(|(order, _)| order.sequence > answer.sequence)
        {
            return Ok(Cause::LateData);
        }
        // The row that was answered with is older than one that the log had.
        if counting.any(|(order, _)| {
            answer
                .event_us
                .is_none_or(|event_us| order.event_us >= event_us)
        }) {
            return Ok(Cause::Missing);
        }
        Ok(Cause::Unexplained)
    }
}

fn read<'s>(store: &FeatureStore, view: &View, answers: &'s [Recorded]) -> Result<Rows<'s>> {
    let mut found: Rows<'s> = answers
        .iter()
        .map(|answer| (&*answer.key, Vec::new()))
        .collect();
    let rule = view.rule(Knowledge::AsOf);
    let mut columns = Schema::default();
    for key in &view.keys {
        if columns.field(&key.column).is_none() {
            columns.fields.push(Field::new(&key.column, key.data_type));
        }
    }
    let entries = log::entries(&store.connection(), &view.source, 0)?;
    let mut key = Vec::new();
    for entry in entries {
        for rows in log::read(&entry, &store.segments, &columns)? {
            let keys = KeyColumns::of_source(&view.keys, &rows.rows, "the log")?;
            for row in 0..rows.rows.num_rows() {
                if keys.encode(row, &mut key)
                    && let Some(of_entity) = found.get_mut(key.as_slice())
                {
                    let order = rows.order(row);
                    of_entity.push((order, rule.due_us(order.event_us, rows.known_us(row))));
                }
            }
        }
    }
    Ok(found)
}
