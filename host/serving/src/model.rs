//! A package that answers: loaded, named, and watched for how long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use axum::http::HeaderValue;
use serde_json::Value;
use trueline_runtime::{Error, Limits, Loaded, Manifest, Package, Runtime};
use trueline_table::{Digest, Schema, TableSchema};

use crate::{Extract, Settings, Unread};

/// How long a prediction may hold up an event loop before it is stopped.
const QUICK: Duration = Duration::from_millis(10);
/// What is expected to take longer than this is not tried on an event loop.
const QUICK_EXPECTED: Duration = Duration::from_millis(1);

/// What a package is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The model's name in paths and answers.
    pub name: String,
    /// Its version there.
    pub version: String,
}

/// A package, ready to answer.
pub struct Model {
    names: Names,
    digest: Digest,
    digest_header: HeaderValue,
    manifest: Manifest,
    /// Where it comes from, for whoever asks.
    origin: Value,
    loaded: Loaded,
    /// The same, stopped after [`QUICK`].
    quick: Loaded,
    /// Nanoseconds a row, as they were lately.
    row_nanos: AtomicU64,
    /// What brings the columns that requests do not have.
    extract: Option<Arc<dyn Extract>>,
}

impl Model {
    /// Bakes a package.
    ///
    /// # Errors
    /// As [`Package::load`], and if the settings' features cannot bring what it reads.
    pub fn load(
        package: &Package,
        names: Names,
        runtime: &Runtime,
        settings: &Settings,
    ) -> trueline_runtime::Result<Self> {
        let limits = Limits {
            memory_bytes: settings.memory_bytes,
            time: settings.call_time,
            ..Limits::default()
        };
        let loaded = package.load(runtime)?.limited(&limits);
        let quick = loaded.limited(&Limits {
            time: QUICK,
            ..limits
        });
        let extract = match &settings.features {
            Some(features) => features
                .of_package(package.manifest())
                .map_err(Error::Host)?,
            None => None,
        };
        Ok(Self {
            extract,
            names,
            digest: package.digest(),
            // A digest is hexadecimal digits.
            digest_header: HeaderValue::try_from(package.digest().to_string())
                .unwrap_or(HeaderValue::from_static("")),
            manifest: package.manifest().clone(),
            origin: Value::Null,
            loaded,
            quick,
            row_nanos: AtomicU64::new(0),
        })
    }

    /// The same, saying where the package comes from.
    #[must_use]
    pub fn with_origin(self, origin: Value) -> Self {
        Self { origin, ..self }
    }

    /// Where its package comes from, as far as that is known.
    pub(crate) fn origin(&self) -> &Value {
        &self.origin
    }

    /// What it is called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The digest of its package, which every answer carries.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same as the value of a header.
    pub(crate) fn digest_header(&self) -> &HeaderValue {
        &self.digest_header
    }

    /// What its package consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The columns that the package reads.
    pub fn input(&self) -> &TableSchema {
        self.loaded.input()
    }

    /// The columns of a request: those that the package reads, but for what the server finds itself.
    pub fn request(&self) -> &TableSchema {
        match &self.extract {
            Some(extract) => extract.request(),
            None => self.input(),
        }
    }

    /// Whether the server finds some of the columns itself, which may take a while.
    pub(crate) fn extracts(&self) -> bool {
        self.extract.is_some()
    }

    /// The columns that the package reads, for the rows of a request.
    ///
    /// # Errors
    /// As [`Extract::complete`].
    pub(crate) fn complete(&self, rows: RecordBatch) -> Result<RecordBatch, Unread> {
        match &self.extract {
            Some(extract) => extract.complete(&rows),
            None => Ok(rows),
        }
    }

    /// The columns of an answer.
    pub fn output(&self) -> &Schema {
        self.loaded.output()
    }

    /// Answers, on fresh sandboxes, within the operator's limits.
    ///
    /// # Errors
    /// As [`Loaded::predict`].
    pub fn predict(&self, rows: &RecordBatch) -> trueline_runtime::Result<RecordBatch> {
        let started = Instant::now();
        let answers = self.loaded.predict(rows);
        self.learn(rows.num_rows(), started.elapsed());
        answers
    }

    /// Answers if that takes next to no time, else with nothing.
    ///
    /// # Errors
    /// As [`Loaded::predict`].
    pub(crate) fn predict_quickly(
        &self,
        rows: &RecordBatch,
    ) -> Option<trueline_runtime::Result<RecordBatch>> {
        let expected = self.row_nanos.load(Ordering::Relaxed);
        let expected = expected.saturating_mul(rows.num_rows() as u64);
        if u128::from(expected) > QUICK_EXPECTED.as_nanos() {
            return None;
        }
        let started = Instant::now();
        let answers = self.quick.predict(rows);
        self.learn(rows.num_rows(), started.elapsed());
        match answers {
            Err(Error::Timeout { .. }) => None,
            answers => Some(answers),
        }
    }

    /// Remembers how long a row takes, so that one slow call among quick ones changes little.
    fn learn(&self, rows: usize, took: Duration) {
        let nanos = took.as_nanos() / rows.max(1) as u128;
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX / 8);
        let before = self.row_nanos.load(Ordering::Relaxed);
        let after = (7 * before.min(u64::MAX / 8) + nanos) / 8;
        self.row_nanos.store(after, Ordering::Relaxed);
    }
}
