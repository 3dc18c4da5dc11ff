//! The parameters, checked against the columns that there are.

use std::collections::BTreeSet;

use trueline_sdk::prelude::*;

use crate::Params;
use crate::kind::{example, value};
use crate::params::{self, Level, Literal};
use trueline_sdk::order::{Kind, Value};

/// Bytes of a hash, twice: memory is doubled when it is full.
const BYTES_PER_KEY: u32 = 32;

/// What is expected of a column that is there and has the right type.
#[derive(Debug)]
pub(crate) struct ColumnExpectation {
    pub(crate) name: String,
    /// Where it is in the schema.
    pub(crate) place: usize,
    pub(crate) level: Level,
    pub(crate) kind: Kind,
    pub(crate) max_null_share: Option<f64>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) finite: bool,
    pub(crate) allowed: Option<BTreeSet<Value>>,
}

/// What became of the expectations of a column.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// They can be checked.
    Column(ColumnExpectation),
    /// They cannot: the column is missing or has another type.
    Unmet {
        name: String,
        level: Level,
        message: String,
    },
}

/// What the stage says before anything runs.
///
/// # Errors
/// [`Error::Params`] if the parameters cannot be, [`Error::Schema`] if the columns are not as expected.
pub(crate) fn describe(params: &Params, inputs: &[Input]) -> Result<Signature> {
    if inputs.len() > 1 {
        return Err(Error::schema(
            "expectations are of one table: name it with `in`",
        ));
    }
    let schema = trueline_sdk::schema::rows(inputs)?;
    check_names(params, schema)?;
    check_rows(params)?;
    let mut reads = BTreeSet::new();
    for resolved in resolve(params, schema)? {
        match resolved {
            Resolved::Column(column) => {
                reads.insert(column.name);
            }
            Resolved::Unmet {
                name,
                level: Level::Fail,
                message,
            } => {
                // Of a missing column, this says which there are.
                schema.field(&name)?;
                return Err(Error::schema(message));
            }
            // The reduction reads the column even so, to see its type.
            Resolved::Unmet { name, .. } => {
                reads.extend(schema.find(&name).map(|field| field.name.clone()))
            }
        }
    }
    let unique = params
        .unique
        .as_ref()
        .map_or(&[][..], |unique| unique.columns());
    check_unique(params, schema)?;
    reads.extend(unique.iter().cloned());
    let in_order = schema
        .fields
        .iter()
        .map(|field| &field.name)
        .filter(|name| reads.contains(*name));
    Ok(Signature::reduces(Reduction {
        bytes_per_row: if unique.is_empty() { 0 } else { BYTES_PER_KEY },
        ..Reduction::one_pass(in_order)
    }))
}

/// Checks the expectations of every column against the schema, in the order of their names.
///
/// # Errors
/// [`Error::Params`] if an expectation makes no sense for its column.
pub(crate) fn resolve(params: &Params, schema: &Schema) -> Result<Vec<Resolved>> {
    let resolve = |(name, expected): (&String, &params::Column)| {
        let level = expected.severity.unwrap_or(params.severity);
        let unmet = |message| {
            Ok(Resolved::Unmet {
                name: name.clone(),
                level,
                message,
            })
        };
        let Some(place) = schema.index_of(name) else {
            return unmet(format!("there is no column `{name}`"));
        };
        let field = &schema.fields[place];
        match expected.data_type {
            Some(data_type) if data_type != field.data_type => unmet(format!(
                "column `{name}` is {}, but {data_type} is expected",
                field.data_type
            )),
            _ => column(place, field, expected, level).map(Resolved::Column),
        }
    };
    params.columns.iter().map(resolve).collect()
}

fn column(
    place: usize,
    field: &Field,
    expected: &params::Column,
    level: Level,
) -> Result<ColumnExpectation> {
    let kind = Kind::of(field.data_type);
    let wrong = |what: &str, literal: &Literal| {
        Error::params(format!(
            "`{what}` of column `{}` ({}) cannot be {literal}: it takes {}",
            field.name,
            field.data_type,
            example(kind)
        ))
    };
    let bound = |what: &str, literal: &Option<Literal>| match literal {
        None => Ok(None),
        Some(_) if !kind.has_range() => Err(Error::params(format!(
            "`{what}` of column `{}` ({}): only numbers, dates and timestamps have bounds",
            field.name, field.data_type
        ))),
        Some(literal) => match value(kind, literal) {
            Some(Value::Key(key)) => Ok(Some(key)),
            _ => Err(wrong(what, literal)),
        },
    };
    let (min, max) = (bound("min", &expected.min)?, bound("max", &expected.max)?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(Error::params(format!(
            "column `{}` has a `min` above its `max`",
            field.name
        )));
    }
    if expected
        .max_null_share
        .is_some_and(|share| !(0.0..=1.0).contains(&share))
    {
        return Err(Error::params(format!(
            "`max_null_share` of column `{}` must be from 0 to 1",
            field.name
        )));
    }
    if expected.finite && !kind.is_float() {
        return Err(Error::params(format!(
            "`finite` of column `{}` ({}): only floats can be infinite",
            field.name, field.data_type
        )));
    }
    let allowed = expected.allowed.as_ref().map(|literals| {
        if literals.is_empty() {
            return Err(Error::params(format!(
                "`allowed` of column `{}` is empty",
                field.name
            )));
        }
        let value = |literal| value(kind, literal).ok_or_else(|| wrong("allowed", literal));
        literals.iter().map(value).collect()
    });
    Ok(ColumnExpectation {
        name: field.name.clone(),
        place,
        level,
        kind,
        max_null_share: expected.max_null_share,
        min,
        max,
        finite: expected.finite,
        allowed: allowed.transpose()?,
    })
}

fn check_names(params: &Params, schema: &Schema) -> Result<()> {
    let Some(expected) = &params.names else {
        return Ok(());
    };
    let names: Vec<String> = schema
        .fields
        .iter()
        .map(|field| field.name.clone())
        .collect();
    if names == *expected {
        return Ok(());
    }
    let list = |names: &[String], others: &[String]| {
        let only: Vec<&str> = names
            .iter()
            .filter(|name| !others.contains(name))
            .map(String::as_str)
            .collect();
        only.join(", ")
    };
    let (missing, surplus) = (list(expected, &names), list(&names, expected));
    Err(Error::schema(
        match (missing.is_empty(), surplus.is_empty()) {
            (false, true) => format!("columns are missing: {missing}"),
            (true, false) => format!("there are columns that `names` does not have: {surplus}"),
            (false, false) => {
                format!("columns are missing: {missing}; and `names` does not have: {surplus}")
            }
            (true, true) => format!("the columns are in another order: {}", names.join(", ")),
        },
    ))
}

fn check_rows(params: &Params) -> Result<()> {
    let bounds = params.rows.as_ref().map(|rows| (rows.min, rows.max));
    match bounds {
        Some((Some(min), Some(max))) if min > max => {
            Err(Error::params("`rows` has a `min` above its `max`"))
        }
        Some((None, None)) => Err(Error::params("`rows` needs `min`, `max` or both")),
        _ => Ok(()),
    }
}

fn check_unique(params: &Params, schema: &Schema) -> Result<()> {
    let Some(unique) = &params.unique else {
        return Ok(());
    };
    if unique.columns().is_empty() {
        return Err(Error::params("`unique` needs at least one column"));
    }
    for name in unique.columns() {
        let field = schema.field(name)?;
        if matches!(
            field.data_type,
            DataType::Float32List(_) | DataType::Float64List(_)
        ) {
            return Err(Error::params(format!(
                "`unique`: column `{name}` is {}, not a key",
                field.data_type
            )));
        }
    }
    Ok(())
}
