//! Taking rows in: from files and from pushes into the log, and from the log into the online store.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use serde::Serialize;
use trueline_dataset::{Catalog, ScanOptions};
use trueline_files::fault;
use trueline_table::{Digest, normalize, normalized_schema};

use crate::contract::{Knowledge, Order};
use crate::definition::{Source, View, open};
use crate::key::KeyColumns;
use crate::log::{self, Arrival, Content, LoggedRows, Receipt, of_schema};
use crate::online::{OnlineRow, OnlineWrite};
use crate::quarantine::{self, Quarantined, Refused, Sent};
use crate::registry::Revision;
use crate::row::RowEncoder;
use crate::store::FeatureStore;
use crate::streams::Ingested;
use crate::table_file::digest_of_file;
use crate::transform::Reading;
use crate::windows;
use crate::{Error, Result};

/// Rows that stay in the database until they are put into a segment together.
const COMPACT_ROWS: i64 = 20_000;
const COMPACT_ENTRIES: i64 = 500;

/// What a materialization did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Materialized {
    /// Rows that were taken in, by source.
    pub loaded: BTreeMap<String, i64>,
    /// What was taken in of streams, by source.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub streamed: BTreeMap<String, Ingested>,
    /// Files that are not as their source expects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<Quarantined>,
    /// Rows of the log that were newly seen, by view.
    pub seen: BTreeMap<String, u64>,
}

/// What became of the files of a source.
#[derive(Default)]
struct Loaded {
    rows: i64,
    quarantined: Vec<Quarantined>,
}

impl FeatureStore {
    /// Takes pushed rows in: when this returns, they are on the disk, and in both stores. With an
    /// identifier that the store has seen, nothing happens, so that a push can be repeated.
    ///
    /// # Errors
    /// If the source is unknown, or a row does not fit it; nothing is taken in then. [`Error::Quarantined`] if
    /// the rows are not as the source expects: they are kept, but in neither store.
    pub fn push(
        &self,
        source: &str,
        rows: &RecordBatch,
        id: Option<&str>,
        now_us: i64,
    ) -> Result<Receipt> {
        let revision = self.revision()?;
        let source = source_of(&revision, source)?;
        self.agree(now_us)?;
        let receipt = match self.seen(source, id)? {
            Some(receipt) => receipt,
            None => self.take_in(&revision, source, rows, id, now_us)?,
        };
        self.bring_online(&revision, source, receipt, now_us)?;
        self.compact(source)?;
        Ok(receipt)
    }

    /// What became of rows that were sent under an identifier before, if they were.
    ///
    /// # Errors
    /// [`Error::Quarantined`] if that is where they are.
    fn seen(&self, source: &Source, id: Option<&str>) -> Result<Option<Receipt>> {
        let Some(id) = id else { return Ok(None) };
        let connection = self.connection();
        if let Some(receipt) = log::receipt(&connection, &source.name, id)? {
            return Ok(Some(receipt));
        }
        match quarantine::of_id(&connection, &source.name, id)? {
            Some(kept) => Err(Error::Quarantined(Box::new(kept))),
            None => Ok(None),
        }
    }

    /// Appends pushed rows to the log, if they are as their source expects.
    fn take_in(
        &self,
        revision: &Revision,
        source: &Source,
        rows: &RecordBatch,
        id: Option<&str>,
        now_us: i64,
    ) -> Result<Receipt> {
        let rows = normalize(&normalized_schema(&rows.schema())?, rows)?;
        let logged = log::logged(source, &rows, Arrival::Pushed, now_us, 0)?;
        self.check_rows(revision, source, &rows, &logged)?;
        let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        if let Some(expectations) = self.transforms.expectations(source)? {
            let rows = of_schema(&rows, &source.schema())?;
            let reasons = expectations.findings(std::slice::from_ref(&rows))?;
            if !reasons.is_empty() {
                let refused = Refused {
                    source: &source.name,
                    id,
                    sent: Sent::Pushed,
                    rows: count,
                    reasons,
                    content: Content::Inline(log::to_stream(&rows)?),
                };
                let kept = self.quarantine(&refused, now_us)?;
                return Err(Error::Quarantined(Box::new(kept)));
            }
        }
        let content = Content::Inline(log::to_stream(&logged)?);
        log::append(&mut self.connection(), &source.name, id, count, content)
    }

    /// Refuses rows that could not be read again once they are in the log: without an entity, or such that a
    /// view cannot be computed of them.
    pub(crate) fn check_rows(
        &self,
        revision: &Revision,
        source: &Source,
        rows: &RecordBatch,
        logged: &RecordBatch,
    ) -> Result<()> {
        for view in views_of(revision, &source.name) {
            check_keys(view, source, rows)?;
            if view.transform.is_some() {
                let reading = Reading::new(view, None, &self.transforms)?;
                reading.features(logged)?;
            }
        }
        Ok(())
    }

    /// Brings the views of a source to where the log is, after rows of it were taken in.
    pub(crate) fn bring_online(
        &self,
        revision: &Revision,
        source: &Source,
        receipt: Receipt,
        now_us: i64,
    ) -> Result<()> {
        for view in views_of(revision, &source.name) {
            self.catch_up(view, now_us).map_err(|error| match error {
                Error::Online { .. } => Error::NotOnline {
                    receipt,
                    cause: Box::new(error),
                },
                error => error,
            })?;
        }
        Ok(())
    }

    /// A source in force.
    pub(crate) fn source(&self, name: &str) -> Result<Source> {
        source_of(&*self.revision()?, name).cloned()
    }

    /// A view in force, and its source.
    pub(crate) fn view(&self, name: &str) -> Result<(View, Source)> {
        let revision = self.revision()?;
        let views = &revision.definitions.views;
        let unknown =
            || crate::registry::unknown("feature view", name, views.keys().map(String::as_str));
        let view = views.get(name).ok_or_else(unknown)?;
        Ok((view.clone(), source_of(&revision, &view.source)?.clone()))
    }

    /// Takes in what is new in the files of all sources, and brings the online store to where the log is.
    /// A file is taken in once; one that has changed is taken in as new rows.
    ///
    /// # Errors
    /// If a file cannot be read or does not fit its source. What was taken in before stays.
    pub fn materialize(&self, now_us: i64) -> Result<Materialized> {
        let revision = self.revision()?;
        let views: Vec<&View> = revision.definitions.views.values().collect();
        let sources = revision.definitions.sources.values().collect();
        self.materialize_these(&revision, &views, sources, now_us)
    }

    /// As [`materialize`](Self::materialize), for some views and their sources only.
    ///
    /// # Errors
    /// As there, and if there is no such view.
    pub fn materialize_views(&self, names: &[String], now_us: i64) -> Result<Materialized> {
        let revision = self.revision()?;
        let mut views = Vec::new();
        let mut sources = BTreeMap::new();
        for name in names {
            let all = &revision.definitions.views;
            let unknown =
                || crate::registry::unknown("feature view", name, all.keys().map(String::as_str));
            let view = all.get(name).ok_or_else(unknown)?;
            sources.insert(&view.source, source_of(&revision, &view.source)?);
            views.push(view);
        }
        self.materialize_these(&revision, &views, sources.into_values().collect(), now_us)
    }

    fn materialize_these(
        &self,
        revision: &Revision,
        views: &[&View],
        sources: Vec<&Source>,
        now_us: i64,
    ) -> Result<Materialized> {
        self.agree(now_us)?;
        let mut done = Materialized::default();
        for &source in &sources {
            let loaded = self.load(source, &revision.folder, now_us)?;
            if loaded.rows > 0 {
                done.loaded.insert(source.name.clone(), loaded.rows);
            }
            done.quarantined.extend(loaded.quarantined);
            self.compact(source)?;
        }
        done.streamed = self.ingest_these(revision, &sources, now_us)?;
        for view in views {
            let seen = self.catch_up(view, now_us)?;
            if view.aggregates.is_some() {
                windows::prune(self, view, now_us)?;
            }
            if seen > 0 {
                done.seen.insert(view.name.clone(), seen);
            }
        }
        Ok(done)
    }

    /// Brings the online store to where the log is, should it be behind: rows of the log that were newly
    /// seen, by view.
    ///
    /// # Errors
    /// If one of the two cannot be reached.
    pub fn catch_up_all(&self, now_us: i64) -> Result<BTreeMap<String, u64>> {
        self.agree(now_us)?;
        let mut seen = BTreeMap::new();
        for view in self.revision()?.definitions.views.values() {
            let rows = self.catch_up(view, now_us)?;
            if rows > 0 {
                seen.insert(view.name.clone(), rows);
            }
        }
        Ok(seen)
    }

    /// Takes in the files of a source that were not taken in yet.
    fn load(&self, source: &Source, folder: &Path, now_us: i64) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        let Some(load) = &source.load else {
            return Ok(loaded);
        };
        let dataset = open(&source.name, load, folder)?;
        for path in dataset.files() {
            let id = format!("file:{}", digest_of_file(path)?);
            match self.seen(source, Some(&id)) {
                Ok(None) => {}
                Ok(Some(_)) | Err(Error::Quarantined(_)) => continue,
                Err(error) => return Err(error),
            }
            let spec = load.dataset(vec![path.to_string_lossy().into_owned()]);
            let specs = BTreeMap::from([(source.name.clone(), spec)]);
            let file = Catalog::new("", specs).open(&source.name)?;
            let batches = file.scan(&ScanOptions::default())?;
            let batches = batches.map(|batch| Ok(batch?));
            let (segment, rows) = self.segment_of(source, batches, now_us)?;
            if let Some(expectations) = self.transforms.expectations(source)? {
                let schema = source.schema();
                let names: Vec<&str> = schema.names().collect();
                let reasons = expectations.findings(&self.segments.read(&segment, &names)?)?;
                if !reasons.is_empty() {
                    let refused = Refused {
                        source: &source.name,
                        id: Some(&id),
                        sent: Sent::Loaded,
                        rows,
                        reasons,
                        content: Content::Segment(segment),
                    };
                    let kept = self.quarantine(&refused, now_us)?;
                    loaded.quarantined.push(kept);
                    continue;
                }
            }
            let segment = Content::Segment(segment);
            let mut connection = self.connection();
            let receipt = log::append(&mut connection, &source.name, Some(&id), rows, segment)?;
            if !receipt.repeated {
                loaded.rows += rows;
            }
        }
        Ok(loaded)
    }

    /// Writes rows of files into a segment, as they go into the log; answers how many there are.
    pub(crate) fn segment_of(
        &self,
        source: &Source,
        batches: impl Iterator<Item = Result<RecordBatch>>,
        now_us: i64,
    ) -> Result<(Digest, i64)> {
        let mut writer = self
            .segments
            .writer(log::logged_schema(source).to_arrow())?;
        let mut rows: i64 = 0;
        for batch in batches {
            let batch = log::logged(source, &batch?, Arrival::Loaded, now_us, rows)?;
            writer.write(&batch)?;
            rows += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        }
        Ok((writer.finish()?, rows))
    }

    fn compact(&self, source: &Source) -> Result<()> {
        let mut connection = self.connection();
        let (rows, entries) = log::in_place(&connection, &source.name)?;
        if rows >= COMPACT_ROWS || entries >= COMPACT_ENTRIES {
            log::compact(&mut connection, &self.segments, source)?;
        }
        Ok(())
    }

    /// Brings a view in the online store to where the log is; answers how many rows it had not seen.
    ///
    /// # Errors
    /// If one of the two cannot be reached; what was written stays, and does no harm when it is written
    /// again.
    pub(crate) fn catch_up(&self, view: &View, now_us: i64) -> Result<u64> {
        let _alone = self
            .catching_up
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if view.aggregates.is_some() {
            return windows::catch_up(self, view, now_us);
        }
        let version = view.version();
        let online = self.online();
        let cursor = online.cursor(&version)?;
        let entries = log::entries(&self.connection(), &view.source, cursor)?;
        let reading = Reading::new(view, None, &self.transforms)?;
        let mut seen = 0;
        for entry in entries {
            let batches = log::read(&entry, &self.segments, &reading.columns)?;
            let last = batches.len().saturating_sub(1);
            for (index, rows) in batches.iter().enumerate() {
                let features = reading.features(&rows.rows)?;
                let writes = writes(view, rows, &features, cursor, now_us)?;
                seen += writes.seen;
                // The cursor moves with the last rows of an entry, never before them.
                let moved = (index == last).then_some(entry.last_sequence);
                let failed = Error::io("the online store".as_ref());
                fault::around("online.write", || {
                    Ok(online.write(&version, writes.rows, now_us, moved))
                })
                .map_err(failed)??;
            }
        }
        Ok(seen)
    }
}

struct Writes {
    rows: Vec<OnlineWrite>,
    seen: u64,
}

/// What of some rows the online store has to know: of each entity the newest row that counts already, and
/// all that will count later.
fn writes(
    view: &View,
    rows: &LoggedRows,
    features: &RecordBatch,
    cursor: i64,
    now_us: i64,
) -> Result<Writes> {
    let keys = KeyColumns::of_source(&view.keys, &rows.rows, "the log")?;
    let rule = view.rule(Knowledge::AsOf);
    let mut newest: BTreeMap<Vec<u8>, (Order, usize)> = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut seen = 0;
    let mut key = Vec::new();
    for row in 0..rows.rows.num_rows() {
        let order = rows.order(row);
        if order.sequence <= cursor || !keys.encode(row, &mut key) {
            continue;
        }
        seen += 1;
        let due_us = rule.due_us(order.event_us, rows.known_us(row));
        if due_us > now_us {
            waiting.push((key.clone(), due_us, order, row));
            continue;
        }
        match newest.get_mut(&key) {
            Some(known) if known.0 >= order => {}
            Some(known) => *known = (order, row),
            None => {
                newest.insert(key.clone(), (order, row));
            }
        }
    }
    let encoder = RowEncoder::new(features);
    let write = |key, due_us, order, row| OnlineWrite {
        key,
        due_us,
        row: OnlineRow {
            order,
            features: encoder.encode(row),
        },
    };
    let newest = newest
        .into_iter()
        .map(|(key, (order, row))| write(key, i64::MIN, order, row));
    let waiting = waiting
        .into_iter()
        .map(|(key, due_us, order, row)| write(key, due_us, order, row));
    Ok(Writes {
        rows: newest.chain(waiting).collect(),
        seen,
    })
}

/// A pushed row without an entity would be lost; better that its sender hears of it.
fn check_keys(view: &View, source: &Source, rows: &RecordBatch) -> Result<()> {
    let whose = format!("a push to source `{}`", source.name);
    let keys = KeyColumns::of_source(&view.keys, rows, &whose)?;
    let mut key = Vec::new();
    match (0..rows.num_rows()).find(|&row| !keys.encode(row, &mut key)) {
        None => Ok(()),
        Some(row) => {
            let names: Vec<_> = view.keys.iter().map(|key| key.column.as_str()).collect();
            Err(Error::input(
                format!(
                    "{whose}: row {} has a null in `{}`, the join key of view `{}`",
                    row + 1,
                    names.join("`, `"),
                    view.name
                ),
                "send rows of known entities only",
            ))
        }
    }
}

fn source_of<'r>(revision: &'r Revision, name: &str) -> Result<&'r Source> {
    let sources = &revision.definitions.sources;
    sources
        .get(name)
        .ok_or_else(|| crate::registry::unknown("source", name, sources.keys().map(String::as_str)))
}

fn views_of<'r>(revision: &'r Revision, source: &str) -> impl Iterator<Item = &'r View> {
    let source = source.to_owned();
    let views = revision.definitions.views.values();
    views.filter(move |view| view.source == source)
}
