//! What the tests of the ops share.

use trueline_sdk::testing::{Cell, Table, describe, fit_map};

use crate::Tabular;

fn params(steps: &str) -> String {
    format!(r#"{{"steps": {steps}}}"#)
}

/// What the steps make of the rows, with what they learn from the training table.
pub(crate) fn learned(steps: &str, training: &Table, rows: &Table) -> Result<Table, String> {
    let params = params(steps);
    let signature =
        describe::<Tabular>(&params, &[("rows", training)], Some(rows)).map_err(text)?;
    let inputs = [("rows", training)];
    let inputs = if signature.reduction.is_some() {
        &inputs[..]
    } else {
        &[]
    };
    fit_map::<Tabular>(&params, inputs, rows).map_err(text)
}

/// Asserts that the steps, learned from a table, make this table of it. Schemas are compared by name
/// and type, values by bits.
#[track_caller]
pub(crate) fn check(steps: &str, table: &Table, expected: &Table) {
    let result = learned(steps, table, table).unwrap();
    assert_same(steps, &result, expected);
}

#[track_caller]
pub(crate) fn assert_same(steps: &str, result: &Table, expected: &Table) {
    let columns = |table: &Table| -> Vec<_> {
        let fields = table.schema().fields.iter();
        fields
            .map(|field| {
                (
                    field.name.clone(),
                    field.data_type,
                    table.column(&field.name).to_vec(),
                )
            })
            .collect()
    };
    assert_eq!(columns(result), columns(expected), "{steps}");
}

/// Asserts that the steps are refused for a table, with a message that holds all of these.
#[track_caller]
pub(crate) fn check_error(steps: &str, table: &Table, parts: &[&str]) {
    check_row_error(steps, table, table, parts);
}

/// The same, for steps that were learned from another table.
#[track_caller]
pub(crate) fn check_row_error(steps: &str, training: &Table, rows: &Table, parts: &[&str]) {
    let message = learned(steps, training, rows).expect_err(steps);
    for part in parts {
        assert!(message.contains(part), "{steps}: no `{part}` in: {message}");
    }
}

/// The element names of a column that the steps make.
pub(crate) fn elements(steps: &str, table: &Table, column: &str) -> Vec<String> {
    learned(steps, table, table)
        .unwrap()
        .schema()
        .find(column)
        .unwrap()
        .elements
        .clone()
}

/// The number in every row of a float64 column; NaN for null.
pub(crate) fn numbers(table: &Table, column: &str) -> Vec<f64> {
    let number = |cell: &Cell| {
        if let Cell::Float64(number) = cell {
            *number
        } else {
            f64::NAN
        }
    };
    table.column(column).iter().map(number).collect()
}

fn text(error: trueline_sdk::Error) -> String {
    error.message().to_owned()
}
