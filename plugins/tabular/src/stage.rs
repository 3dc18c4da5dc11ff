//! The stage: what it says about itself.

use std::collections::BTreeSet;

use trueline_sdk::{Error, Input, Mapping, Reduction, Result, Schema, Signature, Stage};

use crate::{apply::Apply, fit::Fit, params::Params, state::State, walk::Walk};

/// Preprocessing of tables in steps; see the [crate's page](crate).
#[derive(Debug)]
pub struct Tabular;

impl Stage for Tabular {
    type Params = Params;
    type Reduce = Fit;
    type Map = Apply;

    /// There is a reduction if a step learns, whether or not rows to learn from are given.
    fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        let training = training(inputs)?;
        let Some(schema) = training.or(rows) else {
            return Err(Error::schema("this stage works on rows: give it a dataset"));
        };
        let nothing = State::default();
        let walk = Walk::new(params, schema, &nothing, false)?;
        let mut signature = Signature {
            reduction: None,
            mapping: None,
        };
        if walk.passes() > 0 {
            signature.reduction = Some(reduction(&walk, training));
        }
        if let Some(rows) = rows {
            let mapped = Walk::new(params, rows, &nothing, false)?;
            if let Some(training) = training {
                same_types(&walk, training, rows)?;
            }
            signature.mapping = Some(mapping(&mapped, rows));
        }
        Ok(signature)
    }
}

/// The schema of the only input, `rows`, if there is one.
pub(crate) fn training(inputs: &[Input]) -> Result<Option<&Schema>> {
    match inputs {
        [] => Ok(None),
        [input] if input.name == Input::ROWS => Ok(Some(&input.schema)),
        inputs => {
            let other = inputs
                .iter()
                .find(|input| input.name != Input::ROWS)
                .unwrap_or(&inputs[0]);
            Err(Error::schema(format!(
                "this stage learns from `rows` only, and is given `{}` too",
                other.name
            )))
        }
    }
}

fn reduction(walk: &Walk, training: Option<&Schema>) -> Reduction {
    let inputs: BTreeSet<usize> = walk
        .lessons
        .iter()
        .flat_map(|lesson| lesson.inputs.iter().copied())
        .collect();
    Reduction {
        reads: training
            .map(|schema| names(schema, &inputs))
            .into_iter()
            .collect(),
        passes: walk.passes(),
        mergeable: true,
        bytes_per_row: 0,
    }
}

fn mapping(walk: &Walk, rows: &Schema) -> Mapping {
    let columns = walk.table.columns();
    let written = || columns.iter().filter(|column| column.written);
    let inputs: BTreeSet<usize> = written()
        .flat_map(|column| column.inputs.iter().copied())
        .collect();
    let is_gone = |name: &String| !columns.iter().any(|column| column.field.name == *name);
    Mapping {
        reads: names(rows, &inputs),
        writes: Schema::new(written().map(|column| column.field.clone())),
        removes: rows
            .fields
            .iter()
            .map(|field| field.name.clone())
            .filter(is_gone)
            .collect(),
    }
}

/// Names in the order of the schema, so that the columns read come in the order of all of them.
fn names(schema: &Schema, inputs: &BTreeSet<usize>) -> Vec<String> {
    inputs
        .iter()
        .map(|index| schema.fields[*index].name.clone())
        .collect()
}

/// What was learned from a column says nothing about one of another type.
fn same_types(walk: &Walk, training: &Schema, rows: &Schema) -> Result<()> {
    let learned_from = walk.lessons.iter().flat_map(|lesson| &lesson.inputs);
    for field in learned_from.map(|index| &training.fields[*index]) {
        if let Some(mapped) = rows
            .find(&field.name)
            .filter(|mapped| mapped.data_type != field.data_type)
        {
            return Err(Error::schema(format!(
                "column `{}` is {} where it is learned from, and {} where it is mapped",
                field.name, field.data_type, mapped.data_type
            )));
        }
    }
    Ok(())
}
