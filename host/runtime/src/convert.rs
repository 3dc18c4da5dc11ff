//! Between the generated bindings and the host's own types. Nothing that a guest says is believed here
//! or later without a check: see [`crate::stage`].

use trueline_table::{DataType, Field, Role, Schema};

use crate::bindings::{describe, reduce, types};
use crate::contract::{Finding, Input, Mapping, Metric, Outcome, Reduction, Severity, Signature};

pub(crate) fn schema_to_guest(schema: &Schema) -> types::Schema {
    types::Schema {
        fields: schema.fields.iter().map(field_to_guest).collect(),
    }
}

pub(crate) fn inputs_to_guest(inputs: &[Input]) -> Vec<types::Input> {
    let input = |input: &Input| types::Input {
        name: input.name.clone(),
        schema: schema_to_guest(&input.schema),
    };
    inputs.iter().map(input).collect()
}

pub(crate) fn schema_from_guest(schema: types::Schema) -> Schema {
    Schema {
        fields: schema.fields.into_iter().map(field_from_guest).collect(),
    }
}

pub(crate) fn signature_from_guest(signature: describe::Signature) -> Signature {
    Signature {
        reduction: signature.reduction.map(|reduction| Reduction {
            reads: reduction.reads,
            passes: reduction.passes,
            mergeable: reduction.mergeable,
            bytes_per_row: reduction.bytes_per_row,
            seeded: reduction.seeded,
        }),
        mapping: signature.mapping.map(|mapping| Mapping {
            reads: mapping.reads,
            writes: schema_from_guest(mapping.writes),
            removes: mapping.removes,
        }),
    }
}

pub(crate) fn outcome_from_guest(outcome: reduce::Outcome) -> Outcome {
    Outcome {
        state: outcome.state,
        metrics: metrics_from_guest(outcome.metrics),
        findings: outcome
            .findings
            .into_iter()
            .map(finding_from_guest)
            .collect(),
        report: outcome.report,
    }
}

pub(crate) fn metrics_from_guest(metrics: Vec<types::Metric>) -> Vec<Metric> {
    metrics
        .into_iter()
        .map(|metric| Metric {
            name: metric.name,
            // A metric ends up in digests, where all NaNs are one, as in frames.
            value: if metric.value.is_nan() {
                f64::NAN
            } else {
                metric.value
            },
        })
        .collect()
}

fn finding_from_guest(finding: types::Finding) -> Finding {
    Finding {
        severity: match finding.severity {
            types::Severity::Warn => Severity::Warn,
            types::Severity::Fail => Severity::Fail,
        },
        subject: finding.subject,
        message: finding.message,
        count: finding.count,
    }
}

fn field_to_guest(field: &Field) -> types::Field {
    types::Field {
        name: field.name.clone(),
        data_type: match field.data_type {
            DataType::Boolean => types::DataType::Boolean,
            DataType::Int32 => types::DataType::Int32,
            DataType::Int64 => types::DataType::Int64,
            DataType::Float32 => types::DataType::Float32,
            DataType::Float64 => types::DataType::Float64,
            DataType::Utf8 => types::DataType::Utf8,
            DataType::Binary => types::DataType::Binary,
            DataType::Timestamp => types::DataType::Timestamp,
            DataType::Date => types::DataType::Date,
            DataType::Float32List(width) => types::DataType::Float32List(width),
            DataType::Float64List(width) => types::DataType::Float64List(width),
        },
        nullable: field.nullable,
        role: match field.role {
            Role::Feature => types::Role::Feature,
            Role::Label => types::Role::Label,
            Role::Weight => types::Role::Weight,
            Role::Key => types::Role::Key,
            Role::EventTime => types::Role::EventTime,
            Role::Group => types::Role::Group,
            Role::Prediction => types::Role::Prediction,
        },
        elements: field.elements.clone(),
    }
}

fn field_from_guest(field: types::Field) -> Field {
    Field {
        name: field.name,
        data_type: match field.data_type {
            types::DataType::Boolean => DataType::Boolean,
            types::DataType::Int32 => DataType::Int32,
            types::DataType::Int64 => DataType::Int64,
            types::DataType::Float32 => DataType::Float32,
            types::DataType::Float64 => DataType::Float64,
            types::DataType::Utf8 => DataType::Utf8,
            types::DataType::Binary => DataType::Binary,
            types::DataType::Timestamp => DataType::Timestamp,
            types::DataType::Date => DataType::Date,
            types::DataType::Float32List(width) => DataType::Float32List(width),
            types::DataType::Float64List(width) => DataType::Float64List(width),
        },
        nullable: field.nullable,
        role: match field.role {
            types::Role::Feature => Role::Feature,
            types::Role::Label => Role::Label,
            types::Role::Weight => Role::Weight,
            types::Role::Key => Role::Key,
            types::Role::EventTime => Role::EventTime,
            types::Role::Group => Role::Group,
            types::Role::Prediction => Role::Prediction,
        },
        elements: field.elements,
    }
}
