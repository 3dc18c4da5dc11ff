//! Rows in the forms that the host and the SDK's test kit have for them.

use std::sync::Arc;

use trueline_runtime::table::arrow::array::{ArrayRef, Float64Array, RecordBatch};
use trueline_runtime::table::{Field, Schema, frame};
use trueline_sdk::testing::Table;

/// A batch with the nullable float64 column `x`.
pub fn x(values: impl IntoIterator<Item = f64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
    RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap()
}

/// The host's word for a schema of the SDK's.
pub fn schema(schema: &trueline_sdk::Schema) -> Schema {
    Schema::new(schema.fields.iter().map(|field| Field {
        name: field.name.clone(),
        data_type: field.data_type.to_string().parse().unwrap(),
        nullable: field.nullable,
        role: role(field.role),
        elements: field.elements.clone(),
    }))
}

/// The same rows as a batch.
pub fn batch(table: &Table) -> RecordBatch {
    frame::decode(&schema(table.schema()), table.frame()).unwrap()
}

/// The rows as the bytes that cross the boundary: equal rows, equal bytes.
pub fn bytes(rows: &RecordBatch) -> Vec<u8> {
    let schema = Schema::from_arrow(&rows.schema()).unwrap();
    let mut bytes = Vec::new();
    frame::encode(&schema, rows, &mut bytes).unwrap();
    bytes
}

fn role(role: trueline_sdk::Role) -> trueline_runtime::table::Role {
    use trueline_runtime::table::Role as Host;
    use trueline_sdk::Role as Guest;
    match role {
        Guest::Feature => Host::Feature,
        Guest::Label => Host::Label,
        Guest::Weight => Host::Weight,
        Guest::Key => Host::Key,
        Guest::EventTime => Host::EventTime,
        Guest::Group => Host::Group,
        Guest::Prediction => Host::Prediction,
    }
}
