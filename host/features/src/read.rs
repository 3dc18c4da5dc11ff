//! Reading features online: what they are now, for a few entities, at once.

use arrow::array::{Array, RecordBatch};
use serde::Serialize;
use trueline_table::{Digest, Schema};

use crate::contract::Knowledge;
use crate::key::KeyColumns;
use crate::row::RowDecoder;
use crate::selection::{Resolved, ResolvedFeature, ResolvedView, Selection};
use crate::store::FeatureStore;
use crate::windows;
use crate::{Error, Result};

/// Why a value is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Present,
    /// The newest row has a null here.
    NullValue,
    /// There is no row of this entity.
    NotFound,
    /// There is a row, older than the view's ttl; its values are null.
    OutsideMaxAge,
}

/// Features of entities, one row each, in the order asked for.
#[derive(Debug)]
pub struct Answer {
    /// One column a feature; null wherever its status is not present, unless its view is computed of other views:
    /// what computes it may have an answer to that.
    pub rows: RecordBatch,
    /// One for each column.
    pub features: Vec<AnsweredFeature>,
    /// The views that they are of.
    pub views: Vec<AnsweredView>,
}

/// A feature of an answer.
#[derive(Clone, Debug)]
pub struct AnsweredFeature {
    pub name: String,
    pub full_name: String,
    /// Which of the answer's views it is of.
    pub view: usize,
}

/// What was found in a view.
#[derive(Clone, Debug)]
pub struct AnsweredView {
    pub name: String,
    pub version: Digest,
    /// For each entity, whether there is a row that counts; of a view that is computed of other views, the status
    /// of the first of its inputs that is not present.
    pub found: Vec<Status>,
    /// When the row happened, expired ones among them.
    pub event_us: Vec<Option<i64>>,
}

impl Status {
    /// What it is called in answers and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "PRESENT",
            Self::NullValue => "NULL_VALUE",
            Self::NotFound => "NOT_FOUND",
            Self::OutsideMaxAge => "OUTSIDE_MAX_AGE",
        }
    }

    /// The status of a value, from that of its row.
    fn of_value(self, is_null: bool) -> Self {
        match self {
            Self::Present if is_null => Self::NullValue,
            found => found,
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let all = [
            Self::Present,
            Self::NullValue,
            Self::NotFound,
            Self::OutsideMaxAge,
        ];
        all.into_iter().find(|status| status.name() == name)
    }
}

impl Answer {
    /// Why the value of a column in a row is what it is.
    pub fn status(&self, column: usize, row: usize) -> Status {
        let found = self.views[self.features[column].view].found[row];
        found.of_value(self.rows.column(column).is_null(row))
    }

    /// When the row that a value is of happened.
    pub fn event_us(&self, column: usize, row: usize) -> Option<i64> {
        self.views[self.features[column].view].event_us[row]
    }
}

impl FeatureStore {
    /// The features of entities at `now_us`. `entities` has a column for each join key, of its type, and what
    /// computed views read of a request.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
    /// # use trueline_features::{FeatureStore, Selection};
    /// # let store = FeatureStore::open(".trueline".as_ref())?;
    /// # let now_us = 0;
    /// let users: ArrayRef = Arc::new(StringArray::from(vec!["user_123"]));
    /// let entities = RecordBatch::try_from_iter([("user_id", users)])?;
    /// let answer = store.get_features(&Selection::Service("checkout".into()), &entities, now_us)?;
    /// println!("{:?}", answer.rows);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If something of what is asked for is not defined, a join key is missing or of another type, or the
    /// store cannot be read.
    pub fn get_features(
        &self,
        selection: &Selection,
        entities: &RecordBatch,
        now_us: i64,
    ) -> Result<Answer> {
        self.answer(&*self.resolve(selection)?, entities, now_us)
    }

    /// The features of what a selection means.
    pub(crate) fn answer(
        &self,
        resolved: &Resolved,
        entities: &RecordBatch,
        now_us: i64,
    ) -> Result<Answer> {
        self.agree(now_us)?;
        let mut views = Vec::with_capacity(resolved.views.len());
        let mut rows = Vec::with_capacity(resolved.views.len());
        for view in &resolved.views {
            let (answered, decoded) = self.read_view(view, entities, now_us)?;
            views.push(answered);
            rows.push(decoded);
        }
        let of_view = |feature: &ResolvedFeature| rows[feature.view].column(feature.column).clone();
        let computed = resolved.compute(&self.transforms, entities, "the request", of_view)?;
        let column = |feature: &ResolvedFeature| resolved.column(feature, of_view, &computed);
        for derived in &resolved.derived {
            let mut found = vec![Status::Present; entities.num_rows()];
            for input in &derived.inputs {
                let (column, of_input) = (column(input), &views[input.view].found);
                for (row, status) in found.iter_mut().enumerate() {
                    if *status == Status::Present {
                        *status = of_input[row].of_value(column.is_null(row));
                    }
                }
            }
            views.push(AnsweredView {
                name: derived.view.name.clone(),
                version: derived.version,
                found,
                event_us: vec![None; entities.num_rows()],
            });
        }
        let columns = resolved.features.iter().map(column).collect();
        let features = resolved.features.iter().map(|feature| AnsweredFeature {
            name: feature.name.clone(),
            full_name: feature.full_name.clone(),
            view: feature.view,
        });
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(entities.num_rows()));
        Ok(Answer {
            rows: RecordBatch::try_new_with_options(
                resolved.schema(true, &[])?.to_arrow(),
                columns,
                &options,
            )?,
            features: features.collect(),
            views,
        })
    }

    /// The columns that identify what a selection describes.
    ///
    /// # Errors
    /// If it is not defined.
    pub fn join_keys(&self, selection: &Selection) -> Result<Schema> {
        self.resolve(selection)?.join_keys()
    }

    /// The columns that a request has: join keys, and behind them what computed views read of it.
    ///
    /// # Errors
    /// If it is not defined.
    pub fn request_columns(&self, selection: &Selection) -> Result<Schema> {
        self.resolve(selection)?.request_columns()
    }

    fn read_view(
        &self,
        resolved: &ResolvedView,
        entities: &RecordBatch,
        now_us: i64,
    ) -> Result<(AnsweredView, RecordBatch)> {
        let view = &resolved.view;
        if !resolved.is_current {
            self.catch_up(view, now_us)?;
        }
        let columns = KeyColumns::of_entities(&view.keys, entities, "the request")?;
        let mut key = Vec::new();
        let entity = |row| columns.encode(row, &mut key).then(|| key.clone());
        let entities: Vec<_> = (0..entities.num_rows()).map(entity).collect();
        let recording = self.recording(&entities)?;
        let (answered, rows) = match view.aggregates {
            Some(_) => self.read_windows(resolved, &entities, now_us)?,
            None => self.read_newest(resolved, &entities, now_us)?,
        };
        if let Some(recording) = recording {
            recording.record(&answered, &entities, &rows, now_us)?;
        }
        Ok((answered, rows))
    }

    fn read_newest(
        &self,
        resolved: &ResolvedView,
        entities: &[Option<Vec<u8>>],
        now_us: i64,
    ) -> Result<(AnsweredView, RecordBatch)> {
        let view = &resolved.view;
        let count = entities.len();
        let keys: Vec<Vec<u8>> = entities.iter().flatten().cloned().collect();
        let mut found = self
            .online()
            .read(&resolved.version, &keys, now_us)?
            .into_iter();
        let rule = view.rule(Knowledge::AsOf);
        let mut decoder = RowDecoder::new(&view.schema(), count);
        let mut answered = AnsweredView {
            name: view.name.clone(),
            version: resolved.version,
            found: Vec::with_capacity(count),
            event_us: Vec::with_capacity(count),
        };
        for entity in entities {
            let row = entity.as_ref().and_then(|_| found.next().flatten());
            let status = match &row {
                None => Status::NotFound,
                Some(row) if rule.is_fresh(row.order.event_us, now_us) => Status::Present,
                Some(_) => Status::OutsideMaxAge,
            };
            match &row {
                Some(row) if status == Status::Present => {
                    decoder.push(&row.features).map_err(|_| {
                        Error::input(
                            format!("the online store holds no row of view `{}`", view.name),
                            "the store was changed by hand: remove it, and materialize again",
                        )
                    })?;
                }
                _ => decoder.push_nulls(),
            }
            answered.found.push(status);
            answered.event_us.push(row.map(|row| row.order.event_us));
        }
        Ok((answered, decoder.finish()?))
    }

    /// Windows always have a value, be it that there is nothing in them; only no entity has none.
    fn read_windows(
        &self,
        resolved: &ResolvedView,
        entities: &[Option<Vec<u8>>],
        now_us: i64,
    ) -> Result<(AnsweredView, RecordBatch)> {
        let read = windows::read(self, &resolved.view, resolved.version, entities, now_us)?;
        let found = entities.iter().map(|entity| match entity {
            Some(_) => Status::Present,
            None => Status::NotFound,
        });
        let answered = AnsweredView {
            name: resolved.view.name.clone(),
            version: resolved.version,
            found: found.collect(),
            event_us: read.event_us,
        };
        Ok((answered, read.rows))
    }
}
