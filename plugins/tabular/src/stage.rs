//! The stage: what it says about itself.

use std::collections::BTreeSet;

use trueline_sdk::{Error, Input, Mapping, Reduction, Result, Schema, Signature, Stage};

use crate::{
    apply::Apply,
    fit::Fit,
    params::Params,
    state::State,
    walk::{Scope, Walk},
};

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
        let mut signature = Signature {
            reduction: None,
            mapping: None,
        };
        // Without any rows nothing is known, and nothing is to be done: of steps that learn nothing, the host
        // asks what there is to learn all the same.
        let Some(schema) = training.or(rows) else {
            return Ok(signature);
        };
        let nothing = State::default();
        let scope = if training.is_some() {
            Scope::Training
        } else {
            Scope::Rows
        };
        let walk = Walk::new(params, schema, &nothing, scope)?;
        if walk.passes() > 0 {
            signature.reduction = Some(reduction(&walk, training));
        }
        if let Some(rows) = rows {
            let mapped = Walk::new(params, rows, &nothing, Scope::Rows)?;
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
        seeded: false,
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

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        DataType, Field, Map, Reduce,
        testing::{Table, describe, fit},
    };

    use super::*;

    fn schema() -> Schema {
        Schema::new([
            Field::new("unused", DataType::Utf8),
            Field::new("distance", DataType::Int64),
            Field::new("at", DataType::Timestamp),
            Field::new("temp", DataType::Float64),
            Field::new("carrier", DataType::Utf8),
        ])
    }

    const STEPS: &str = r#"{"steps": [
        {"op": "impute", "columns": "temp", "with": "median"},
        {"op": "log1p", "columns": "distance"},
        {"op": "date-parts", "columns": "at", "parts": ["hour"]},
        {"op": "standard-scale", "columns": ["at_hour", "temp"]},
        {"op": "one-hot", "columns": "carrier"},
        {"op": "assemble", "into": "features"}
    ]}"#;

    fn described(params: &str, rows: Option<&Schema>) -> Result<Signature> {
        let inputs = [Input {
            name: "rows".into(),
            schema: schema(),
        }];
        Tabular::describe(&trueline_sdk::parse_params(params)?, &inputs, rows)
    }

    #[test]
    fn reads_what_it_needs_and_learns_in_the_fewest_passes() {
        let signature = described(STEPS, Some(&schema())).unwrap();
        let reduction = signature.reduction.unwrap();
        // `distance` is not learned from. The median takes four passes; only `temp` is scaled after it.
        assert_eq!(reduction.reads, [["at", "temp", "carrier"]]);
        assert_eq!(
            (
                reduction.passes,
                reduction.mergeable,
                reduction.bytes_per_row
            ),
            (5, true, 0)
        );
        let mapping = signature.mapping.unwrap();
        assert_eq!(mapping.reads, ["distance", "at", "temp", "carrier"]);
        assert_eq!(mapping.removes, ["distance", "temp", "carrier"]);
        let features = Field::new("features", DataType::Float32List(0)).required();
        assert_eq!(mapping.writes, Schema::new([features]));
    }

    #[test]
    fn the_columns_that_it_reads_are_enough_to_describe_it_again() {
        let whole = described(STEPS, Some(&schema())).unwrap().mapping.unwrap();
        let reads = schema().select(&whole.reads).unwrap();
        assert_eq!(described(STEPS, Some(&reads)).unwrap().mapping, Some(whole));
    }

    #[test]
    fn without_rows_to_learn_from_it_still_says_that_it_learns() {
        let params = trueline_sdk::parse_params(STEPS).unwrap();
        let signature = Tabular::describe(&params, &[], Some(&schema())).unwrap();
        assert!(signature.reduction.unwrap().reads.is_empty());
        let error = Apply::load(params, &schema(), &[]).unwrap_err();
        assert!(
            error.message().contains("column `features` depends on"),
            "{}",
            error.message()
        );
    }

    #[test]
    fn without_any_rows_there_is_nothing_to_do() {
        let params = trueline_sdk::parse_params(STEPS).unwrap();
        let signature = Tabular::describe(&params, &[], None).unwrap();
        assert_eq!((signature.reduction, signature.mapping), (None, None));
    }

    #[test]
    fn errors_say_what_does_not_fit() {
        let check = |inputs: &[(&str, Schema)], rows: Option<Schema>, expected: &str| {
            let inputs: Vec<_> = inputs
                .iter()
                .map(|(name, schema)| Input {
                    name: (*name).into(),
                    schema: schema.clone(),
                })
                .collect();
            let params = trueline_sdk::parse_params(STEPS).unwrap();
            let error = Tabular::describe(&params, &inputs, rows.as_ref()).unwrap_err();
            assert!(error.message().contains(expected), "{}", error.message());
        };
        check(
            &[("rows", schema()), ("validation", schema())],
            None,
            "`rows` only, and is given `validation` too",
        );
        let mut other = schema();
        other.fields[3].data_type = DataType::Int32;
        check(
            &[("rows", schema())],
            Some(other),
            "column `temp` is float64 where it is learned from, and int32 where it is mapped",
        );
        check(
            &[("rows", Schema::new([]))],
            None,
            "steps[0] (`impute`): there is no column `temp`",
        );
    }

    #[test]
    fn a_state_of_other_steps_or_passes_is_refused() {
        let table = Table::new()
            .with_column("x", [1.0, 2.0])
            .with_column("y", [3.0, 4.0]);
        let inputs = [Input {
            name: "rows".into(),
            schema: table.schema().clone(),
        }];
        let steps = |op: &str| format!(r#"{{"steps": [{{"op": {op}}}]}}"#);
        let scale_x = steps(r#""standard-scale", "columns": "x""#);
        let state = fit::<Tabular>(&scale_x, &[("rows", &table)]).unwrap().state;
        for (other, pass) in [
            (r#""standard-scale", "columns": "y""#, 1),
            (r#""impute", "columns": "x", "with": "median""#, 1),
        ] {
            let params = trueline_sdk::parse_params(&steps(other)).unwrap();
            let error = Fit::begin(params, &inputs, pass, &state).unwrap_err();
            assert!(
                error.message().contains("fit the stage again"),
                "{other}: {}",
                error.message()
            );
        }
        let params =
            trueline_sdk::parse_params(&steps(r#""min-max-scale", "columns": "x""#)).unwrap();
        assert!(Apply::load(params, table.schema(), &state).is_err());
        assert!(describe::<Tabular>(&scale_x, &[], Some(&table)).is_ok());
    }
}
