//! The words of the contract as the host speaks them: signatures and outcomes.

use serde::{Deserialize, Serialize};
use trueline_table::Schema;

/// What a component is, by what it exports and imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Learns and applies, or only applies.
    Transform,
    /// Only looks.
    Check,
    /// A transform that trains in steps and reports them.
    Model,
}

/// A named table that a reduction reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    pub schema: Schema,
}

impl Input {
    /// The main input of a reduction.
    pub const ROWS: &'static str = "rows";

    /// The main input, with this schema.
    pub fn rows(schema: Schema) -> Self {
        Self {
            name: Self::ROWS.to_owned(),
            schema,
        }
    }
}

/// What a stage will do with given parameters and schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    pub reduction: Option<Reduction>,
    pub mapping: Option<Mapping>,
}

/// How a stage reduces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reduction {
    /// The columns that it reads of each input.
    pub reads: Vec<Vec<String>>,
    /// How many times it reads the rows.
    pub passes: u32,
    /// Whether partial results may be merged.
    pub mergeable: bool,
    /// Memory that grows with the rows, in bytes a row.
    pub bytes_per_row: u32,
    /// Whether it draws random numbers, by the parameter `seed`.
    pub seeded: bool,
}

/// How a stage maps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The columns that it reads.
    pub reads: Vec<String>,
    /// The columns that it writes: in place of one with the same name, else behind the others.
    pub writes: Schema,
    /// Columns that the result no longer has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<String>,
}

impl Mapping {
    /// The schema of a mapped table whose rows were of `schema`.
    pub fn output(&self, schema: &Schema) -> Schema {
        let mut fields = schema.fields.clone();
        for write in &self.writes.fields {
            match fields.iter_mut().find(|field| field.name == write.name) {
                Some(field) => *field = write.clone(),
                None => fields.push(write.clone()),
            }
        }
        fields.retain(|field| !self.removes.contains(&field.name));
        Schema { fields }
    }
}

/// A named number.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub value: f64,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Warn,
    Fail,
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    pub subject: String,
    pub message: String,
    /// How many rows it concerns.
    pub count: u64,
}

/// What a reduction finished with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What the map loads, or the state for the next pass.
    pub state: Vec<u8>,
    pub metrics: Vec<Metric>,
    pub findings: Vec<Finding>,
    /// Details as a JSON text.
    pub report: Option<String>,
}

/// What a model is told after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Continue,
    Stop,
}
