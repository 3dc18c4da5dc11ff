//! Skew: whether what was answered online is what training reads of the same instants.
//!
//! While a store records, answers for a share of all entities are kept, of a chosen entity every one: when it
//! was asked for, what the log had, the version of the view, and the values. [`FeatureStore::skew`] reads the
//! same features offline, as of each request, under what is in force now, and counts the bits that differ.
//! Each value that differs has a cause.

mod cause;
mod recorder;

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use serde::Serialize;
use trueline_table::Digest;

use crate::contract::Knowledge;
use crate::definition::{AnyView, View};
use crate::key;
use crate::offline::History;
use crate::registry::{self, Revision};
use crate::row::{RowDecoder, RowEncoder};
use crate::store::FeatureStore;
use crate::{Error, Result, Status};
use cause::Evidence;
pub(crate) use recorder::{Recorded, Recorder};

/// Values that differ and are shown with all that is known of them; the others are counted.
const EXAMPLES: usize = 20;

/// What recorded answers are, read again offline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Skew {
    /// Answers that were compared: one view of one entity in one request.
    pub answers: u64,
    /// Values that were compared, each of one feature.
    pub values: u64,
    pub differing_values: u64,
    pub differing_bits: u64,
    /// When the first and the last of them were given, in microseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_us: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_us: Option<i64>,
    /// By view and feature, in the order of their names.
    pub features: Vec<FeatureSkew>,
    /// Some of the values that differ, the latest first.
    pub examples: Vec<SkewExample>,
}

/// The values of one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureSkew {
    pub view: String,
    pub feature: String,
    pub values: u64,
    pub differing_values: u64,
    pub differing_bits: u64,
    /// How many values differ for which reason.
    pub causes: BTreeMap<Cause, u64>,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SkewExample {
    pub view: String,
    pub feature: String,
    /// The join keys with their values, as text.
    pub entity: BTreeMap<String, String>,
    pub at_us: i64,
    /// The version that answered.
    pub version: Digest,
    /// As text; nothing for null.
    pub online: Option<String>,
    pub offline: Option<String>,
    pub status: Status,
    pub cause: Cause,
}

/// Why a value that was answered is not the one that training reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Rows that count for the instant came after the request.
    LateData,
    /// The view's ttl is another now.
    Ttl,
    /// The view means something else now, or is gone.
    Version,
    /// The view's transform is another now, or computed something else.
    Transform,
    /// Rows were in the log, but not in the online store yet.
    Missing,
    /// None of these.
    Unexplained,
}

impl FeatureStore {
    /// From now on, keeps the answers for a share of all entities, from 0 (none, as at first) to 1. Those
    /// of the same entities are kept by every process, and the latest 100,000 of all.
    pub fn record_answers(&self, share: f64) {
        self.recorder.set_share(share);
    }

    /// Compares recorded answers, of one view or of all, with what is read offline as of their requests.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn skew(&self, view: Option<&str>) -> Result<Skew> {
        let revision = self.revision()?;
        if let Some(name) = view
            && !revision.definitions.views.contains_key(name)
        {
            let names = revision.definitions.views.keys().map(String::as_str);
            return Err(registry::unknown("feature view", name, names));
        }
        let mut groups: BTreeMap<(String, Digest), Vec<Recorded>> = BTreeMap::new();
        for answer in self.recorder.all(view)? {
            let group = (answer.view.clone(), answer.version);
            groups.entry(group).or_default().push(answer);
        }
        let mut skew = Skew::default();
        for ((_, version), answers) in groups {
            // Only views of sources are stored, and recorded.
            let AnyView::Source(recorded) = registry::view(&self.connection(), &version)? else {
                continue;
            };
            self.compare(&revision, &recorded, &answers, &mut skew)?;
        }
        skew.examples
            .sort_by_key(|example| std::cmp::Reverse(example.at_us));
        skew.examples.truncate(EXAMPLES);
        Ok(skew)
    }

    /// Compares the answers of one version of a view.
    fn compare(
        &self,
        revision: &Revision,
        recorded: &View,
        answers: &[Recorded],
        skew: &mut Skew,
    ) -> Result<()> {
        let online = decoded(recorded, answers)?;
        let entities: Vec<&[u8]> = answers.iter().map(|answer| &*answer.key).collect();
        let entities = key::entities(&recorded.keys, &entities).ok_or_else(unreadable)?;
        let instants =
            TimestampMicrosecondArray::from_iter_values(answers.iter().map(|one| one.at_us));
        let current = revision.definitions.views.get(&recorded.name);
        let offline = current
            .filter(|current| current.keys == recorded.keys)
            .map(|current| self.read_as_of(current, &entities, &instants))
            .transpose()?;
        // Under the version that answered, to tell a changed definition from changed data.
        let as_recorded = match (current, &offline) {
            (Some(current), Some(offline)) if current == recorded => offline.clone(),
            _ => self.read_as_of(recorded, &entities, &instants)?,
        };
        let mut evidence = Evidence::new(self, recorded, answers);
        for (row, answer) in answers.iter().enumerate() {
            skew.answers += 1;
            skew.first_us = Some(
                skew.first_us
                    .map_or(answer.at_us, |at| at.min(answer.at_us)),
            );
            skew.last_us = Some(skew.last_us.map_or(answer.at_us, |at| at.max(answer.at_us)));
            for (column, feature) in recorded.features.iter().enumerate() {
                let now = offline
                    .as_ref()
                    .and_then(|rows| rows.column_by_name(&feature.name));
                let was = online.column(column);
                let count = skew.feature(&recorded.name, &feature.name);
                count.values += 1;
                let bits = now.map_or(1, |now| differing_bits(was, now, row));
                if bits > 0 {
                    let is_definition = differing_bits(was, as_recorded.column(column), row) == 0;
                    let cause = match current {
                        _ if !is_definition => evidence.of_data(row)?,
                        None => Cause::Version,
                        Some(current) => cause::of_definition(recorded, current),
                    };
                    count.differing_values += 1;
                    count.differing_bits += bits;
                    *count.causes.entry(cause).or_default() += 1;
                    skew.differing_values += 1;
                    skew.differing_bits += bits;
                    skew.examples.push(SkewExample {
                        view: recorded.name.clone(),
                        feature: feature.name.clone(),
                        entity: texts(&entities, row),
                        at_us: answer.at_us,
                        version: answer.version,
                        online: text(was, row),
                        offline: now.and_then(|now| text(now, row)),
                        status: answer.status,
                        cause,
                    });
                    // The answers of a group come in the order of time.
                    if skew.examples.len() > 2 * EXAMPLES {
                        skew.examples
                            .sort_by_key(|example| std::cmp::Reverse(example.at_us));
                        skew.examples.truncate(EXAMPLES);
                    }
                }
                skew.values += 1;
            }
        }
        Ok(())
    }

    /// All features of a view, for each entity as of its own instant.
    fn read_as_of(
        &self,
        view: &View,
        entities: &RecordBatch,
        instants: &TimestampMicrosecondArray,
    ) -> Result<RecordBatch> {
        let features: Vec<String> = view.features.iter().map(|one| one.name.clone()).collect();
        let parts = (&self.segments, &self.transforms);
        let knowledge = Knowledge::AsOf;
        let history = History::load(
            &self.connection(),
            parts,
            view,
            &features,
            knowledge,
            i64::MAX,
        )?;
        let looked = history.look_up(entities, instants)?;
        Ok(RecordBatch::try_new(
            view.schema().to_arrow(),
            looked.features,
        )?)
    }
}

impl Skew {
    fn feature(&mut self, view: &str, feature: &str) -> &mut FeatureSkew {
        let place = self
            .features
            .binary_search_by(|one| (&*one.view, &*one.feature).cmp(&(view, feature)));
        let place = place.unwrap_or_else(|place| {
            let new = FeatureSkew {
                view: view.to_owned(),
                feature: feature.to_owned(),
                values: 0,
                differing_values: 0,
                differing_bits: 0,
                causes: BTreeMap::new(),
            };
            self.features.insert(place, new);
            place
        });
        &mut self.features[place]
    }
}

/// The values of answers; nulls for what there was none of.
fn decoded(view: &View, answers: &[Recorded]) -> Result<RecordBatch> {
    let mut decoder = RowDecoder::new(&view.schema(), answers.len());
    for answer in answers {
        match &answer.features {
            Some(features) => decoder.push(features).map_err(|_| unreadable())?,
            None => decoder.push_nulls(),
        }
    }
    decoder.finish()
}

/// How many bits of a value are others; a null and a value differ in the one that says so as well.
fn differing_bits(one: &dyn Array, other: &dyn Array, row: usize) -> u64 {
    let encoded = |column: &dyn Array| {
        let column = arrow::array::make_array(column.to_data());
        let field = arrow::datatypes::Field::new("", column.data_type().clone(), true);
        let schema = std::sync::Arc::new(arrow::datatypes::Schema::new(vec![field]));
        RecordBatch::try_new(schema, vec![column]).map(|rows| RowEncoder::new(&rows).encode(row))
    };
    let (Ok(one), Ok(other)) = (encoded(one), encoded(other)) else {
        return 1;
    };
    let byte = |bytes: &[u8], index: usize| bytes.get(index).copied().unwrap_or(0);
    let differing = |index| u64::from((byte(&one, index) ^ byte(&other, index)).count_ones());
    (0..one.len().max(other.len())).map(differing).sum()
}

fn text(column: &dyn Array, row: usize) -> Option<String> {
    let text = arrow::util::display::array_value_to_string(column, row);
    column.is_valid(row).then(|| text.unwrap_or_default())
}

fn texts(entities: &RecordBatch, row: usize) -> BTreeMap<String, String> {
    let schema = entities.schema();
    let columns = schema.fields().iter().zip(entities.columns());
    columns
        .map(|(field, column)| (field.name().clone(), text(column, row).unwrap_or_default()))
        .collect()
}

fn unreadable() -> Error {
    Error::input(
        "the recorded answers hold what no version of their view has",
        "they were changed by hand: remove answers.db, and record new ones",
    )
}
