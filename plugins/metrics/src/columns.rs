//! Which columns are measured, and as what.

use trueline_sdk::prelude::*;

use crate::Params;
use crate::params::{Positive, Task};

/// Bytes of a distinct prediction, twice: once while kept, once while merged.
const BYTES_PER_ROW: u32 = 64;

/// The columns, checked against each other and the parameters.
pub(crate) struct Columns {
    pub(crate) label: Field,
    pub(crate) prediction: Field,
    pub(crate) weight: Option<Field>,
    pub(crate) task: Task,
}

/// What the stage says before anything runs.
///
/// # Errors
/// [`Error::Params`] or [`Error::Schema`], with the column and what to change.
pub(crate) fn describe(params: &Params, inputs: &[Input]) -> Result<Signature> {
    if inputs.len() > 1 {
        return Err(Error::schema("metrics are of one table: name it with `in`"));
    }
    let columns = Columns::find(params, trueline_sdk::schema::rows(inputs)?)?;
    let names = [
        Some(&columns.label),
        Some(&columns.prediction),
        columns.weight.as_ref(),
    ];
    let names: Vec<&String> = names
        .into_iter()
        .flatten()
        .map(|field| &field.name)
        .collect();
    if let Some(twice) = names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name))
    {
        return Err(Error::params(format!(
            "column `{}` cannot be two of label, prediction and weight; name each in the parameters",
            twice.1
        )));
    }
    Ok(Signature::reduces(Reduction {
        bytes_per_row: if columns.task == Task::Classification {
            BYTES_PER_ROW
        } else {
            0
        },
        ..Reduction::one_pass(names)
    }))
}

impl Columns {
    /// Finds the columns that the parameters name, or that have the roles.
    ///
    /// # Errors
    /// If there is none, or more than one, or it is of a type that cannot be.
    pub(crate) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        let label = match by_role(schema, params.label.as_ref(), Role::Label, "label")? {
            Some(field) => field,
            None => {
                return Err(Error::schema(
                    "no column has the role label: give the dataset a `label`, or name the column with `label`",
                ));
            }
        };
        let prediction = match by_role(schema, params.prediction.as_ref(), Role::Prediction, "prediction")? {
            Some(field) => field,
            None => schema.field("prediction").map_err(|_| {
                Error::schema("there is no prediction: put a model before, or name the column with `prediction`")
            })?,
        };
        let weight = by_role(schema, params.weight.as_ref(), Role::Weight, "weight")?;
        for field in [Some(prediction), weight].into_iter().flatten() {
            if !field.data_type.is_numeric() {
                return Err(Error::schema(format!(
                    "column `{}` is {}, not a number",
                    field.name, field.data_type
                )));
            }
        }
        let task = task(params, label)?;
        if params.threshold.is_nan() {
            return Err(Error::params("`threshold` must be a number"));
        }
        Ok(Self {
            label: label.clone(),
            prediction: prediction.clone(),
            weight: weight.cloned(),
            task,
        })
    }
}

fn by_role<'s>(
    schema: &'s Schema,
    name: Option<&String>,
    role: Role,
    what: &str,
) -> Result<Option<&'s Field>> {
    if let Some(name) = name {
        return schema.field(name).map(Some);
    }
    let mut fields = schema.with_role(role);
    match (fields.next(), fields.next()) {
        (Some(first), Some(second)) => Err(Error::schema(format!(
            "columns `{}` and `{}` both have the role {what}: name one with `{what}`",
            first.name, second.name
        ))),
        (first, _) => Ok(first),
    }
}

/// What is measured, and whether the label can be of it.
fn task(params: &Params, label: &Field) -> Result<Task> {
    use DataType::{Boolean, Float32, Float64, Int32, Int64, Utf8};
    let task = params.task.unwrap_or(match label.data_type {
        Float32 | Float64 if params.positive.is_none() => Task::Regression,
        _ => Task::Classification,
    });
    let fits = match (task, label.data_type, &params.positive) {
        (Task::Regression, data_type, None) => data_type.is_numeric(),
        (Task::Regression, ..) => {
            return Err(Error::params("`positive` is for classification only"));
        }
        (Task::Classification, Utf8, None) => {
            return Err(Error::params(format!(
                "label `{}` is a text: say with `positive` which text is the positive class",
                label.name
            )));
        }
        (Task::Classification, Boolean, None | Some(Positive::Boolean(_)))
        | (
            Task::Classification,
            Int32 | Int64 | Float32 | Float64,
            None | Some(Positive::Integer(_)),
        )
        | (Task::Classification, Utf8, Some(Positive::Text(_))) => true,
        _ => false,
    };
    if fits {
        return Ok(task);
    }
    let positive = match &params.positive {
        Some(_) => " with this `positive`",
        None => "",
    };
    Err(Error::schema(format!(
        "label `{}` is {}, which cannot be the label of a {}{positive}",
        label.name,
        label.data_type,
        if task == Task::Regression {
            "regression"
        } else {
            "classification"
        },
    )))
}
