//! Each op with what it takes, about one column `x`, and a stage run with it.

use tabular::Tabular;
use trueline_sdk::testing::{Table, describe, fit_map};
use trueline_sdk::{DataType, Field, Role};

pub(crate) const NUMBERS: [&str; 19] = [
    r#""impute", "columns": "x", "with": "mean""#,
    r#""impute", "columns": "x", "with": "median""#,
    r#""impute", "columns": "x", "with": "most-frequent""#,
    r#""standard-scale", "columns": "x""#,
    r#""min-max-scale", "columns": "x""#,
    r#""max-abs-scale", "columns": "x""#,
    r#""robust-scale", "columns": "x""#,
    r#""quantile-scale", "columns": "x""#,
    r#""quantile-scale", "columns": "x", "distribution": "normal""#,
    r#""power", "columns": "x""#,
    r#""power", "columns": "x", "method": "box-cox""#,
    r#""clip", "columns": "x", "min": 0"#,
    r#""log1p", "columns": "x""#,
    r#""bucketize", "columns": "x", "strategy": "uniform", "bins": 3"#,
    r#""bucketize", "columns": "x", "strategy": "quantile", "bins": 3"#,
    r#""bucketize", "columns": "x", "edges": [1]"#,
    r#""cyclic", "columns": "x", "period": 7"#,
    r#""polynomial", "columns": "x", "into": "p""#,
    r#""compute", "value": "x + 1", "into": "c""#,
];
pub(crate) const CATEGORIES: [&str; 6] = [
    r#""one-hot", "columns": "x""#,
    r#""ordinal", "columns": "x""#,
    r#""frequency", "columns": "x""#,
    r#""target", "columns": "x""#,
    r#""hash", "columns": "x", "width": 4"#,
    r#""cast", "columns": "x", "to": "float32""#,
];
pub(crate) const TEXTS: [&str; 4] = [
    r#""lower", "columns": "x""#,
    r#""trim", "columns": "x""#,
    r#""text-length", "columns": "x""#,
    r#""regex-extract", "columns": "x", "pattern": ".""#,
];
pub(crate) const MOMENTS: [&str; 3] = [
    r#""date-parts", "columns": "x", "parts": ["hour"]"#,
    r#""cyclic", "columns": "x", "parts": ["hour"]"#,
    r#""time-difference", "from": "x", "to": "2013-01-01", "unit": "days", "into": "d""#,
];
pub(crate) const ANY: [&str; 3] = [
    r#""drop", "columns": "x""#,
    r#""select", "columns": "x""#,
    r#""rename", "columns": {"x": "y"}"#,
];

fn params(step: &str) -> String {
    format!(r#"{{"steps": [{{"op": {step}}}]}}"#)
}

pub(crate) fn labelled(table: Table) -> Table {
    let rows = table.rows();
    let late = Field::new("late", DataType::Boolean).with_role(Role::Label);
    table.with_field(late, (0..rows).map(|row| row % 2 == 0))
}

/// What the step makes of the table that it learned from, or says to it.
pub(crate) fn run(step: &str, table: &Table) -> Result<Table, String> {
    let params = params(step);
    let said = |error: trueline_sdk::Error| error.message().to_owned();
    let signature = describe::<Tabular>(&params, &[("rows", table)], Some(table)).map_err(said)?;
    let inputs = [("rows", table)];
    let inputs = if signature.reduction.is_some() {
        &inputs[..]
    } else {
        &[]
    };
    fit_map::<Tabular>(&params, inputs, table).map_err(said)
}
