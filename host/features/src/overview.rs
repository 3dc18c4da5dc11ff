//! What there is in a feature store, for people who look at it: how fresh each source is, which versions there were,
//! which training sets were made, and some entities to ask for. Nothing is computed from any of it.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use rusqlite::params;
use serde::Serialize;
use serde_json::Value;
use trueline_table::{Digest, Field, Schema};

use crate::definition::{AnyView, Definitions, Kind};
use crate::key::KeyColumns;
use crate::log::{self, Content, TENANT};
use crate::registry::parse;
use crate::store::FeatureStore;
use crate::{Error, Result, TrainingSet};

/// Rows in which entities are looked for.
const LOOKED_AT: usize = 2_000;

/// How far the rows of a source have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Freshness {
    pub rows: u64,
    /// When the newest row happened; µs UTC.
    pub newest_event_us: Option<i64>,
    /// When the last row was taken in; µs UTC.
    pub newest_ingest_us: Option<i64>,
    /// The place of the last row in the sequence of all sources; 0 if there is none.
    pub last_sequence: i64,
}

/// A version that a name of a view or service has pointed to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedVersion {
    pub version: Digest,
    /// When a revision first had it; µs UTC.
    pub since_us: i64,
    /// The revision that first had it, and the last one.
    pub first_revision: i64,
    pub last_revision: i64,
    /// As it was applied.
    pub definition: Value,
}

/// A training set that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MadeTrainingSet {
    pub digest: Digest,
    pub made_us: i64,
    pub manifest: TrainingSet,
}

impl FeatureStore {
    /// When what is in force was applied; none if nothing was.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn applied_us(&self) -> Result<Option<i64>> {
        let sql = "SELECT max(applied_us) FROM revisions WHERE tenant = ?1 AND number =
                   (SELECT max(number) FROM revisions WHERE tenant = ?1)";
        let applied = self.connection().query_row(sql, [TENANT], |row| row.get(0));
        Ok(applied?)
    }

    /// How fresh a source is. Of segments, the bounds that Parquet keeps are read, once for each.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn freshness(&self, source: &str) -> Result<Freshness> {
        let entries = log::entries(&self.connection(), source, 0)?;
        let mut freshness = Freshness::default();
        for entry in entries {
            let (event_us, ingest_us) = match &entry.content {
                Content::Segment(digest) => self.segments.newest(digest)?,
                Content::Inline(bytes) => log::newest(bytes)?,
            };
            freshness.rows += u64::try_from(entry.rows).unwrap_or(0);
            freshness.newest_event_us = freshness.newest_event_us.max(event_us);
            freshness.newest_ingest_us = freshness.newest_ingest_us.max(ingest_us);
            freshness.last_sequence = freshness.last_sequence.max(entry.last_sequence);
        }
        Ok(freshness)
    }

    /// How far a version of a view has read the log into the online store.
    ///
    /// # Errors
    /// If the online store cannot be reached.
    pub fn online_cursor(&self, version: &Digest) -> Result<i64> {
        self.online().cursor(version)
    }

    /// The versions that the name of a view or service has pointed to, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn versions_of(&self, kind: Kind, name: &str) -> Result<Vec<NamedVersion>> {
        let connection = self.connection();
        let sql = "SELECT number, applied_us, definitions FROM revisions WHERE tenant = ?1 ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([TENANT])?;
        let mut versions: BTreeMap<Digest, NamedVersion> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (number, since_us): (i64, i64) = (row.get(0)?, row.get(1)?);
            let definitions: Definitions = parse(&row.get::<_, String>(2)?)?;
            let found = match kind {
                Kind::View => definitions.view(name).map(|view| match &view {
                    AnyView::Source(of) => (view.version(), json(of)),
                    AnyView::Derived(of) => (view.version(), json(of)),
                }),
                Kind::Service => definitions
                    .services
                    .get(name)
                    .map(|service| (service.version(), json(service))),
                Kind::Entity | Kind::Source | Kind::Online => None,
            };
            let Some((version, definition)) = found else {
                continue;
            };
            let known = versions.entry(version).or_insert(NamedVersion {
                version,
                since_us,
                first_revision: number,
                last_revision: number,
                definition,
            });
            known.last_revision = number;
        }
        let mut versions: Vec<NamedVersion> = versions.into_values().collect();
        versions
            .sort_by_key(|known| std::cmp::Reverse((known.last_revision, known.first_revision)));
        Ok(versions)
    }

    /// Training sets that were made, of one service or of all, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn training_sets(&self, service: Option<&str>, limit: u32) -> Result<Vec<MadeTrainingSet>> {
        let connection = self.connection();
        let sql = "SELECT digest, made_us, manifest FROM training_sets
                   WHERE tenant = ?1 AND (?2 IS NULL OR service = ?2)
                   ORDER BY made_us DESC, digest LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![TENANT, service, limit], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        let mut made = Vec::new();
        for row in rows {
            let (digest, made_us, manifest) = row?;
            made.push(MadeTrainingSet {
                digest: digest
                    .parse()
                    .map_err(|error: trueline_table::ParseDigestError| {
                        Error::input(error.to_string(), "the store was changed by hand")
                    })?,
                made_us,
                manifest: parse(&manifest)?,
            });
        }
        Ok(made)
    }

    /// When a training set was made; none if it was not made here.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn made_us(&self, training_set: &Digest) -> Result<Option<i64>> {
        let sql = "SELECT max(made_us) FROM training_sets WHERE tenant = ?1 AND digest = ?2";
        let key = params![TENANT, training_set.to_string()];
        Ok(self.connection().query_row(sql, key, |row| row.get(0))?)
    }

    /// Some entities of a view, by their join keys: the first that its source has, each once. Some may be found
    /// among few rows only.
    ///
    /// # Errors
    /// If there is no such view, or the store cannot be read.
    pub fn some_entities(&self, view: &str, limit: usize) -> Result<RecordBatch> {
        let (view, source) = self.view(view)?;
        let schema = Schema::new(
            view.keys
                .iter()
                .map(|key| Field::new(&key.name, key.data_type)),
        );
        let read = Schema::new(
            view.keys
                .iter()
                .map(|key| Field::new(&key.column, key.data_type)),
        );
        let first = log::entries(&self.connection(), &source.name, 0)?;
        let Some(first) = first.first() else {
            return Ok(RecordBatch::new_empty(schema.to_arrow()));
        };
        let rows = log::head(first, &self.segments, &read, LOOKED_AT)?;
        let rows = concat_batches(&read.to_arrow(), &rows)?;
        let rows = RecordBatch::try_new(schema.to_arrow(), rows.columns().to_vec())?;
        let columns = KeyColumns::of_entities(&view.keys, &rows, "the log")?;
        let (mut seen, mut wanted) = (Vec::new(), Vec::new());
        let mut key = Vec::new();
        for row in 0..rows.num_rows() {
            if wanted.len() == limit {
                break;
            }
            if columns.encode(row, &mut key) && !seen.contains(&key) {
                seen.push(key.clone());
                wanted.push(row as u64);
            }
        }
        Ok(take_record_batch(&rows, &UInt64Array::from(wanted))?)
    }
}

fn json(definition: &impl Serialize) -> Value {
    // Texts, numbers and maps with text keys always have a JSON.
    serde_json::to_value(definition).unwrap_or_default()
}
