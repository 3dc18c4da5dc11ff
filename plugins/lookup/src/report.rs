//! The report: the beginning of the table, for people.

use serde_json::{Value, json};
use trueline_sdk::prelude::*;

/// Rows of the table that are told.
pub(crate) const FIRST_ROWS: usize = 50;

/// A JSON object of the table's columns, of how many rows it has, and of the first of them.
pub(crate) fn report(
    keys: &[Field],
    taken: &[Field],
    rows: usize,
    first_rows: Vec<Vec<Value>>,
) -> String {
    let names = |fields: &[Field]| -> Vec<String> {
        fields.iter().map(|field| field.name.clone()).collect()
    };
    json!({
        "keys": names(keys),
        "columns": names(taken),
        "rows": rows,
        "first_rows": first_rows,
    })
    .to_string()
}
