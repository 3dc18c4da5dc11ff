//! What a stage gives back: outputs by digest, metrics, findings.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use trueline_table::Digest;

use crate::artifacts::{self, Prepared};
use crate::columns::Column;
use crate::store::TENANT;
use crate::{Result, RunId, Store};

/// What a stage gave back.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub outputs: Vec<Output>,
    /// Names and values; a name appears once.
    pub metrics: Vec<(String, f64)>,
    /// JSON, in the order the stage said them.
    pub findings: Vec<Value>,
}

impl Results {
    /// The digest of the output of this name, if it is in the store.
    pub fn output(&self, name: &str) -> Option<Digest> {
        let named = self.outputs.iter().find(|output| output.name == name)?;
        match named.content {
            Content::Stored(digest) => Some(digest),
            Content::Bytes(_) => None,
        }
    }

    /// The digests of all outputs that are in the store already.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Digest> {
        self.outputs
            .iter()
            .filter_map(|output| match output.content {
                Content::Stored(digest) => Some(digest),
                Content::Bytes(_) => None,
            })
    }
}

/// A named output of a stage.
#[derive(Clone, Debug)]
pub struct Output {
    pub name: String,
    /// `state`, `report`, ...
    pub kind: String,
    pub content: Content,
}

/// The bytes of an output.
#[derive(Clone, Debug)]
pub enum Content {
    /// Here they are.
    Bytes(Vec<u8>),
    /// They are in the store already: an artifact, or a blob that was written with a
    /// [`BlobWriter`](crate::BlobWriter).
    Stored(Digest),
}

impl Output {
    /// An output with its bytes.
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            content: Content::Bytes(bytes.into()),
        }
    }

    /// An output whose bytes are in the store already.
    pub fn stored(name: impl Into<String>, kind: impl Into<String>, digest: Digest) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            content: Content::Stored(digest),
        }
    }
}

/// An output of a stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageOutput {
    pub stage: String,
    pub name: String,
    pub kind: String,
    pub digest: Digest,
    pub size_bytes: u64,
}

/// A number that a stage of a run reported.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    pub stage: String,
    pub name: String,
    /// In JSON a number; NaN and the infinities, which JSON lacks, are `"NaN"`, `"Infinity"`, `"-Infinity"`.
    #[serde(serialize_with = "serialize_float")]
    pub value: f64,
}

/// What a stage of a run noticed about its rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub stage: String,
    pub detail: Value,
}

impl Store {
    /// The outputs of the stages of a run, by stage and name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn outputs(&self, run: &RunId) -> Result<Vec<StageOutput>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.stage, o.name, o.kind, o.digest, a.size_bytes
                 FROM outputs o JOIN artifacts a ON a.tenant = o.tenant AND a.digest = o.digest
                 WHERE o.tenant = ?1 AND o.run_id = ?2 ORDER BY o.stage, o.name",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| {
                Ok(StageOutput {
                    stage: row.get(0)?,
                    name: row.get(1)?,
                    kind: row.get(2)?,
                    digest: row.get::<_, Column<_>>(3)?.0,
                    size_bytes: row.get::<_, Column<_>>(4)?.0,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The digest of all that a stage of a run gave back: outputs, metrics and findings.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn result_digest(&self, run: &RunId, stage: &str) -> Result<Digest> {
        let results = self.read(|connection| results_of(connection, run, stage))?;
        Ok(prepare(self, results)?.digest())
    }

    /// The metrics of the stages of a run, by stage and name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn metrics(&self, run: &RunId) -> Result<Vec<Metric>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT stage, name, value FROM metrics WHERE tenant = ?1 AND run_id = ?2 ORDER BY stage, name",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| {
                Ok(Metric { stage: row.get(0)?, name: row.get(1)?, value: row.get::<_, Float>(2)?.0 })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// A metric as it was in the newest run of a pipeline that succeeded and has it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn last_metric(&self, pipeline: &str, stage: &str, name: &str) -> Result<Option<f64>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT m.value FROM runs r
                     JOIN metrics m ON m.tenant = r.tenant AND m.run_id = r.run_id AND m.stage = ?3 AND m.name = ?4
                     WHERE r.tenant = ?1 AND r.pipeline = ?2 AND r.state = 'succeeded'
                     ORDER BY r.run_id DESC LIMIT 1",
                )?
                .query_row(params![TENANT, pipeline, stage, name], |row| {
                    Ok(row.get::<_, Float>(0)?.0)
                })
                .optional()?)
        })
    }

    /// The findings of the stages of a run, by stage, in the order they were said.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn findings(&self, run: &RunId) -> Result<Vec<Finding>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT stage, detail FROM findings WHERE tenant = ?1 AND run_id = ?2 ORDER BY stage, ordinal",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| {
                Ok(Finding { stage: row.get(0)?, detail: row.get::<_, Column<_>>(1)?.0 })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Results whose large outputs are on the disk: what is left fits into a transaction.
pub(crate) struct PreparedResults {
    outputs: Vec<(String, String, Prepared)>,
    metrics: Vec<(String, f64)>,
    findings: Vec<Value>,
}

/// Brings large outputs to the disk.
pub(crate) fn prepare(store: &Store, results: Results) -> Result<PreparedResults> {
    let outputs = results.outputs.into_iter().map(|output| {
        Ok((
            output.name,
            output.kind,
            artifacts::prepare(store, output.content)?,
        ))
    });
    Ok(PreparedResults {
        outputs: outputs.collect::<Result<_>>()?,
        metrics: results.metrics,
        findings: results.findings,
    })
}

impl PreparedResults {
    /// Over all that a stage gave back: equal results have equal digests, in whatever order outputs and
    /// metrics were named.
    pub(crate) fn digest(&self) -> Digest {
        let mut outputs: Vec<_> = self
            .outputs
            .iter()
            .map(|(name, kind, content)| (name, kind, content.digest))
            .collect();
        outputs.sort();
        let mut metrics: Vec<_> = self
            .metrics
            .iter()
            .map(|(name, value)| (name, Float(*value).to_string()))
            .collect();
        metrics.sort();
        let json = json!({ "outputs": outputs, "metrics": metrics, "findings": self.findings });
        Digest::of(json.to_string().as_bytes())
    }
}

/// What a stage of a run gave back, its outputs by digest.
pub(crate) fn results_of(connection: &Connection, run: &RunId, stage: &str) -> Result<Results> {
    let key = params![TENANT, run, stage];
    let mut statement = connection.prepare_cached(
        "SELECT name, kind, digest FROM outputs WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 ORDER BY name",
    )?;
    let outputs = statement.query_map(key, |row| {
        Ok(Output {
            name: row.get(0)?,
            kind: row.get(1)?,
            content: Content::Stored(row.get::<_, Column<_>>(2)?.0),
        })
    })?;
    let outputs = outputs.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT name, value FROM metrics WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 ORDER BY name",
    )?;
    let metrics = statement.query_map(key, |row| Ok((row.get(0)?, row.get::<_, Float>(1)?.0)))?;
    let metrics = metrics.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT detail FROM findings WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3 ORDER BY ordinal",
    )?;
    let findings = statement.query_map(key, |row| Ok(row.get::<_, Column<_>>(0)?.0))?;
    Ok(Results {
        outputs,
        metrics,
        findings: findings.collect::<Result<_, _>>()?,
    })
}

/// Writes the results of a stage down, within a transaction.
pub(crate) fn record(
    connection: &Connection,
    run: &RunId,
    stage: &str,
    results: &PreparedResults,
    now_us: i64,
) -> Result<()> {
    for (name, kind, content) in &results.outputs {
        artifacts::record(connection, kind, content, now_us)?;
        connection
            .prepare_cached(
                "INSERT INTO outputs (tenant, run_id, stage, name, kind, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![TENANT, run, stage, name, kind, Column(&content.digest)])?;
    }
    for (name, value) in &results.metrics {
        connection
            .prepare_cached("INSERT INTO metrics (tenant, run_id, stage, name, value) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![TENANT, run, stage, name, Float(*value)])?;
    }
    for (ordinal, detail) in (0_i64..).zip(&results.findings) {
        connection
            .prepare_cached("INSERT INTO findings (tenant, run_id, stage, ordinal, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![TENANT, run, stage, ordinal, Column(detail)])?;
    }
    Ok(())
}

/// A float as text, so that every value survives: SQLite's REAL turns NaN into null and -0.0 into 0.0.
struct Float(f64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match float_word(self.0) {
            Some(word) => f.write_str(word),
            None => write!(f, "{:?}", self.0),
        }
    }
}

impl ToSql for Float {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Float {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map(Float)
            .map_err(FromSqlError::other)
    }
}

/// The word for a float that JSON has no number for.
fn float_word(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

fn serialize_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match float_word(*value) {
        Some(word) => serializer.serialize_str(word),
        None => serializer.serialize_f64(*value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_survives() {
        let connection = Connection::open_in_memory().unwrap();
        let cases = [
            (0.898, "0.898", "0.898"),
            (-0.0, "-0.0", "-0.0"),
            (1.0, "1.0", "1.0"),
            (
                f64::MAX,
                "1.7976931348623157e308",
                "1.7976931348623157e+308",
            ),
            (5e-324, "5e-324", "5e-324"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
            (f64::NAN, "NaN", "\"NaN\""),
            (f64::INFINITY, "Infinity", "\"Infinity\""),
            (f64::NEG_INFINITY, "-Infinity", "\"-Infinity\""),
        ];
        for (value, text, json) in cases {
            let (stored, Float(back)): (String, Float) = connection
                .query_row("SELECT ?1, ?1", [Float(value)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            assert_eq!(stored, text);
            assert!(
                back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan(),
                "{value}"
            );
            let metric = Metric {
                stage: "s".into(),
                name: "m".into(),
                value,
            };
            let printed = serde_json::to_string(&metric).unwrap();
            assert_eq!(
                printed,
                format!(r#"{{"stage":"s","name":"m","value":{json}}}"#)
            );
        }
    }
}
