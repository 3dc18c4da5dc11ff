//! The parameters, checked against the columns that there are, as expectations.

mod column;
mod names;

use std::collections::BTreeSet;

use trueline_sdk::civil::parse_timestamp;
use trueline_sdk::order::Kind;
use trueline_sdk::prelude::*;
use trueline_sdk::schema::ROW_NUMBER;

use crate::Params;
use crate::expectation::{
    Before, Change, Comparison, Expectation, Interval, RowCount, Sums, Tolerance, Unique,
    compare::is_comparable,
};
use crate::params::{self, Level, Literal, Previous, Range};
use crate::verdict::About;

/// The input that rows are compared with.
pub(crate) const PREVIOUS: &str = "previous";

/// The expectations of a table.
pub(crate) struct Resolved {
    pub(crate) expectations: Vec<Box<dyn Expectation>>,
    /// The places and names of the columns that name a row.
    pub(crate) key: Vec<usize>,
    pub(crate) key_names: Vec<String>,
    /// The place of the rows' numbers, once they are read.
    pub(crate) numbers: Option<usize>,
}

/// What the stage says before anything runs.
///
/// # Errors
/// [`Error::Params`] if the parameters cannot be, [`Error::Schema`] if the columns are not as expected.
pub(crate) fn describe(params: &Params, inputs: &[Input]) -> Result<Signature> {
    let schema = trueline_sdk::schema::rows(inputs)?;
    let others = inputs.iter().map(|input| input.name.as_str());
    let mut others = others.filter(|name| ![Input::ROWS, PREVIOUS].contains(name));
    if let Some(other) = others.next() {
        return Err(Error::schema(format!(
            "there is no input `{other}`; expectations are of one table, named with `in`, and may compare it \
             with an input `{PREVIOUS}`"
        )));
    }
    names::check(params, schema)?;
    let has_previous = inputs.iter().any(|input| input.name == PREVIOUS);
    let resolved = resolve(params, schema, has_previous)?;
    let mut reads: BTreeSet<usize> = resolved.key.iter().copied().collect();
    // Also a column of which only its name and type are expected: the reduction looks again.
    reads.extend(
        params
            .columns
            .keys()
            .filter_map(|name| schema.index_of(name)),
    );
    reads.extend(
        resolved
            .expectations
            .iter()
            .flat_map(|expectation| expectation.reads()),
    );
    let mut reads: Vec<String> = reads
        .into_iter()
        .map(|place| schema.fields[place].name.clone())
        .collect();
    if params.examples > 0 {
        reads.push(ROW_NUMBER.to_owned());
    }
    let bytes = resolved
        .expectations
        .iter()
        .map(|expectation| expectation.bytes_per_row());
    let of_input = |input: &Input| match input.name.as_str() {
        // Any column tells how many rows there are.
        PREVIOUS => input
            .schema
            .fields
            .iter()
            .map(|field| field.name.clone())
            .take(1)
            .collect(),
        _ => reads.clone(),
    };
    Ok(Signature::reduces(Reduction {
        reads: inputs.iter().map(of_input).collect(),
        passes: 1,
        mergeable: !params.has_order(),
        bytes_per_row: bytes.fold(0, u32::saturating_add),
        seeded: false,
    }))
}

/// What parameters say of all expectations.
struct Defaults {
    severity: Level,
    /// In microseconds since the epoch.
    as_of: Option<i64>,
    /// How many examples are kept.
    examples: usize,
}

/// All expectations, in the order of the report: rows, keys, columns by name, then several columns.
///
/// # Errors
/// [`Error::Params`] if an expectation makes no sense, [`Error::Schema`] if a column is not there or has
/// another type and that is to fail.
pub(crate) fn resolve(params: &Params, schema: &Schema, has_previous: bool) -> Result<Resolved> {
    let defaults = Defaults {
        severity: params.severity,
        as_of: params.as_of.as_ref().map(as_of).transpose()?,
        examples: params.examples,
    };
    let mut expectations = rows(params, has_previous)?;
    for unique in &params.unique {
        expectations.push(defaults.unique(unique, schema)?);
    }
    for (name, columns) in &params.columns {
        for column in &columns.0 {
            expectations.extend(defaults.column(name, column, schema)?);
        }
    }
    for compare in &params.compare {
        expectations.push(defaults.compare(compare, schema)?);
    }
    for sum in &params.row_sums {
        expectations.push(defaults.row_sum(sum, schema)?);
    }
    let key = key(params, schema)?;
    Ok(Resolved {
        expectations,
        key_names: key
            .iter()
            .map(|&place| schema.fields[place].name.clone())
            .collect(),
        key,
        numbers: schema.index_of(ROW_NUMBER).filter(|_| params.examples > 0),
    })
}

fn as_of(literal: &Literal) -> Result<i64> {
    let parsed = match literal {
        Literal::Text(text) => parse_timestamp(text),
        _ => None,
    };
    parsed.ok_or_else(|| {
        Error::params(format!(
            "`as_of` cannot be {literal}: it takes a time in UTC such as \"2013-01-31T23:59:59Z\""
        ))
    })
}

fn rows(params: &Params, has_previous: bool) -> Result<Vec<Box<dyn Expectation>>> {
    let Some(rows) = &params.rows else {
        return match has_previous {
            true => Err(Error::params(
                "the input `previous` is there for `rows = { max_change = … }`, which is not",
            )),
            false => Ok(Vec::new()),
        };
    };
    let about = |expected: String| About {
        subject: "rows".to_owned(),
        expected,
        severity: rows.severity.unwrap_or(params.severity),
    };
    if rows.min.zip(rows.max).is_some_and(|(min, max)| min > max) {
        return Err(Error::params("`rows` has a `min` above its `max`"));
    }
    let mut expectations: Vec<Box<dyn Expectation>> = Vec::new();
    for (what, bound) in [("min", rows.min), ("max", rows.max)] {
        if let Some(bound) = bound {
            expectations.push(Box::new(RowCount {
                about: about(format!("{what} {bound}")),
                bound,
                is_least: what == "min",
            }));
        }
    }
    match rows.max_change {
        Some(max) if max.is_nan() || max < 0.0 => {
            return Err(Error::params(format!(
                "`rows` has a `max_change` of {max}, which must be 0 or more"
            )));
        }
        Some(max) if rows.previous.is_some() || has_previous => {
            let previous = match rows.previous {
                None => Before::Input,
                Some(Previous::Rows(count)) => Before::Rows(count),
                Some(Previous::Known(false)) => Before::Nothing,
                Some(Previous::Known(true)) => {
                    return Err(Error::params(
                        "`previous` is true: it takes a number of rows, or false where there was nothing before",
                    ));
                }
            };
            expectations.push(Box::new(Change {
                about: about(format!("max_change {max}")),
                previous,
                max,
            }));
        }
        Some(_) => {
            return Err(Error::params(
                "`max_change` needs to know how many rows there were: with `previous`, or with an input \
                 `previous`",
            ));
        }
        None if rows.previous.is_some() => {
            return Err(Error::params("`rows` has `previous`, but no `max_change`"));
        }
        None => {}
    }
    if expectations.is_empty() {
        return Err(Error::params(
            "`rows` needs `min`, `max`, `max_change` or several",
        ));
    }
    Ok(expectations)
}

/// The places of the columns that name a row: those of the parameter, else those with the role `key`.
fn key(params: &Params, schema: &Schema) -> Result<Vec<usize>> {
    let can_name = |field: &Field| Kind::of(field.data_type) != Kind::Other;
    let Some(names) = &params.key else {
        let fields = schema.fields.iter().enumerate();
        let keys = fields.filter(|(_, field)| field.role == Role::Key && can_name(field));
        return Ok(match params.examples {
            0 => Vec::new(),
            _ => keys.map(|(place, _)| place).collect(),
        });
    };
    names
        .iter()
        .map(|name| {
            let place = place(schema, name)?;
            let field = &schema.fields[place];
            match can_name(field) {
                true => Ok(place),
                false => Err(Error::params(format!(
                    "`key`: column `{name}` is {}, which names nothing",
                    field.data_type
                ))),
            }
        })
        .collect()
}

fn place(schema: &Schema, name: &str) -> Result<usize> {
    schema.field(name)?;
    Ok(schema.index_of(name).unwrap_or_default())
}

/// # Errors
/// [`Error::Params`] if it is no share.
fn tolerance(mostly: Option<f64>, subject: &str) -> Result<Tolerance> {
    let mostly = mostly.unwrap_or(1.0);
    if (0.0..=1.0).contains(&mostly) {
        return Ok(Tolerance { mostly });
    }
    Err(Error::params(format!(
        "`mostly` of {subject} is {mostly}, which must be from 0 to 1"
    )))
}

impl Defaults {
    fn about(&self, subject: &str, expected: String, severity: Option<Level>) -> About {
        About {
            subject: subject.to_owned(),
            expected,
            severity: severity.unwrap_or(self.severity),
        }
    }

    fn unique(&self, unique: &params::Unique, schema: &Schema) -> Result<Box<dyn Expectation>> {
        if unique.columns.is_empty() {
            return Err(Error::params("`unique` needs at least one column"));
        }
        let subject = unique.columns.join(", ");
        let mut places = Vec::new();
        for name in &unique.columns {
            let field = schema.field(name)?;
            if field.data_type.is_vector() {
                return Err(Error::params(format!(
                    "`unique`: column `{name}` is {}, not a key",
                    field.data_type
                )));
            }
            places.push(place(schema, name)?);
        }
        Ok(Box::new(Unique::new(
            self.about(&subject, "unique".to_owned(), unique.severity),
            places,
            tolerance(unique.mostly, &format!("`unique` {subject}"))?,
            self.examples,
        )))
    }

    fn compare(&self, compare: &params::Compare, schema: &Schema) -> Result<Box<dyn Expectation>> {
        let params::Compare {
            column,
            op,
            with,
            mostly,
            severity,
        } = compare;
        let subject = format!("{column} {} {with}", op.symbol());
        let places = [place(schema, column)?, place(schema, with)?];
        let kinds = places.map(|place| Kind::of(schema.fields[place].data_type));
        if !is_comparable(kinds) {
            let [a, b] = places.map(|place| &schema.fields[place].data_type);
            return Err(Error::params(format!(
                "`compare`: `{column}` is {a} and `{with}` is {b}, which cannot be compared"
            )));
        }
        Ok(Box::new(Comparison {
            about: self.about(&subject, subject.clone(), *severity),
            places,
            kinds,
            operator: *op,
            tolerance: tolerance(*mostly, &format!("`compare` {subject}"))?,
            most: self.examples,
            counted: Default::default(),
        }))
    }

    fn row_sum(&self, sum: &params::RowSum, schema: &Schema) -> Result<Box<dyn Expectation>> {
        let subject = sum.columns.join(" + ");
        if sum.columns.is_empty() {
            return Err(Error::params("`row_sums` needs at least one column"));
        }
        let range = Range {
            min: sum.min,
            max: sum.max,
        };
        let interval = Interval::new(range, &format!("`row_sums` of {subject}"))?;
        let mut places = Vec::new();
        for name in &sum.columns {
            let field = schema.field(name)?;
            if !field.data_type.is_numeric() {
                return Err(Error::params(format!(
                    "`row_sums`: column `{name}` is {}, not a number",
                    field.data_type
                )));
            }
            places.push(place(schema, name)?);
        }
        Ok(Box::new(Sums {
            about: self.about(&subject, format!("{interval} in each row"), sum.severity),
            places,
            interval,
            tolerance: tolerance(sum.mostly, &format!("`row_sums` of {subject}"))?,
            most: self.examples,
            counted: Default::default(),
        }))
    }
}

/// A bound that may also be written `"as_of"`.
fn is_as_of(literal: &Literal) -> bool {
    matches!(literal, Literal::Text(text) if text == "as_of")
}
