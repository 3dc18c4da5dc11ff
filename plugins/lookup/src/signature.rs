//! What the stage says before anything runs.

use trueline_sdk::prelude::*;

use crate::{Params, key, params::Unmatched};

/// Checks the parameters against the table and the rows.
///
/// # Errors
/// [`Error::Params`] or [`Error::Schema`], with the column and what to change.
pub(crate) fn describe(
    params: &Params,
    inputs: &[Input],
    rows: Option<&Schema>,
) -> Result<Signature> {
    params.check()?;
    let [input] = inputs else {
        return Err(Error::schema(
            "a lookup learns one table: name it with `fit`",
        ));
    };
    let table = &input.schema;
    let (keys, taken) = (
        table.select(&params.table_keys())?,
        table.select(&params.take)?,
    );
    keys.fields.iter().try_for_each(key::check)?;
    Ok(Signature {
        reduction: Some(Reduction {
            bytes_per_row: keys.fields.iter().chain(&taken.fields).map(bytes_of).sum(),
            seeded: false,
            ..Reduction::one_pass(
                keys.fields
                    .iter()
                    .chain(&taken.fields)
                    .map(|field| &field.name),
            )
        }),
        mapping: rows
            .map(|rows| mapping(params, &keys, &taken, rows))
            .transpose()?,
    })
}

fn mapping(params: &Params, keys: &Schema, taken: &Schema, rows: &Schema) -> Result<Mapping> {
    let reads = params.row_keys();
    for (ours, theirs) in rows.select(&reads)?.fields.iter().zip(&keys.fields) {
        if !key::match_each_other(ours.data_type, theirs.data_type) {
            return Err(Error::schema(format!(
                "key `{}` of the rows is {}, but `{}` of the table is {}; make them one type",
                ours.name, ours.data_type, theirs.name, theirs.data_type
            )));
        }
    }
    let writes = writes(params, taken);
    if let Some(field) = writes
        .fields
        .iter()
        .find(|field| rows.find(&field.name).is_some())
    {
        return Err(Error::schema(format!(
            "the rows already have a column `{0}`: call the table's something else, with \
             `as = {{ column = \"name\" }}` or `prefix = \"…\"`",
            field.name
        )));
    }
    Ok(Mapping::new(reads, writes.fields))
}

/// The columns that the map adds.
pub(crate) fn writes(params: &Params, taken: &Schema) -> Schema {
    Schema::new(taken.fields.iter().map(|field| Field {
        name: params.new_name(&field.name),
        nullable: field.nullable || params.unmatched == Unmatched::Null,
        // What the column is for in its own table says nothing about these rows.
        role: Role::Feature,
        ..field.clone()
    }))
}

/// What a value takes in memory, with 16 bytes for a short text and its place.
fn bytes_of(field: &Field) -> u32 {
    let bytes = match field.data_type {
        DataType::Boolean => 1,
        other => other.byte_width().unwrap_or(16),
    };
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
