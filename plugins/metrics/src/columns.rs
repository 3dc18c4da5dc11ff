//! Which columns are measured, and as what.

use trueline_sdk::order::Kind;
use trueline_sdk::prelude::*;

use crate::Params;
use crate::params::{Positive, Task};

/// The columns, checked against each other and the parameters.
pub(crate) struct Columns {
    pub(crate) label: Field,
    pub(crate) prediction: Field,
    pub(crate) weight: Option<Field>,
    /// Of a ranking only.
    pub(crate) group: Option<Field>,
    /// Whose values are measured apart.
    pub(crate) slices: Vec<Field>,
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
    let names: Vec<&String> = columns.fields().map(|field| &field.name).collect();
    if let Some((at, twice)) = names
        .iter()
        .enumerate()
        .find(|(at, name)| names[..*at].contains(name))
    {
        return Err(Error::params(if at < columns.first_slice() {
            format!(
                "column `{twice}` cannot be two of label, prediction, weight and group; name each in the \
                 parameters"
            )
        } else {
            format!("`by` names `{twice}`, which is measured already")
        }));
    }
    Ok(Signature::reduces(Reduction {
        bytes_per_row: columns.bytes_per_row(),
        seeded: params.bootstrap.is_some(),
        ..Reduction::one_pass(names)
    }))
}

impl Columns {
    /// Finds the columns that the parameters name, or that have the roles.
    ///
    /// # Errors
    /// If there is none, or more than one, or it is of a type that cannot be.
    pub(crate) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        params.check()?;
        let label = schema.named_or_with_role(params.label.as_deref(), Role::Label)?;
        let label = label.ok_or_else(|| {
            Error::schema(
                "no column has the role label: give the dataset a `label`, or name the column with `label`",
            )
        })?;
        let named = params.prediction.as_deref();
        let prediction = match schema.named_or_with_role(named, Role::Prediction)? {
            Some(field) => field,
            None => schema.field("prediction").map_err(|_| {
                Error::schema("there is no prediction: put a model before, or name the column with `prediction`")
            })?,
        };
        let weight = schema.named_or_with_role(params.weight.as_deref(), Role::Weight)?;
        if let Some(weight) = weight.filter(|weight| !weight.data_type.is_numeric()) {
            return Err(not_a_number(weight));
        }
        let task = task(params, label, prediction)?;
        let group = match task {
            Task::Ranking => Some(group(params, schema)?),
            _ => None,
        };
        let slices: Result<Vec<_>> = params
            .by
            .columns()
            .iter()
            .map(|name| slice(schema, name))
            .collect();
        Ok(Self {
            label: label.clone(),
            prediction: prediction.clone(),
            weight: weight.cloned(),
            group: group.cloned(),
            slices: slices?,
            task,
        })
    }

    /// Label, prediction, weight, group, then what `by` names: the order in which batches hold them.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        [&self.label, &self.prediction]
            .into_iter()
            .chain(&self.weight)
            .chain(&self.group)
            .chain(&self.slices)
    }

    /// The place of the first column that `by` names.
    pub(crate) fn first_slice(&self) -> usize {
        2 + usize::from(self.weight.is_some()) + usize::from(self.group.is_some())
    }

    /// Numbers in a prediction; 0 if only training can tell.
    pub(crate) fn width(&self) -> usize {
        match self.prediction.data_type {
            DataType::Float32List(width) | DataType::Float64List(width) => width as usize,
            _ => 1,
        }
    }

    /// Eight bytes a word of a record and for its count, twice: once while kept, once while merged.
    fn bytes_per_row(&self) -> u32 {
        let words = crate::reader::words(self.task, self.width()) + 1;
        u32::try_from(2 * 8 * words).unwrap_or(u32::MAX)
    }
}

fn not_a_number(field: &Field) -> Error {
    Error::schema(format!(
        "column `{}` is {}, not a number",
        field.name, field.data_type
    ))
}

fn group<'s>(params: &Params, schema: &'s Schema) -> Result<&'s Field> {
    let group = schema.named_or_with_role(params.group.as_deref(), Role::Group)?;
    let group = group.ok_or_else(|| {
        Error::schema(
            "a ranking is measured by group: give the dataset a `group`, or name the column with `group`",
        )
    })?;
    refuse_float(group, "`group`")?;
    Ok(group)
}

fn slice(schema: &Schema, name: &str) -> Result<Field> {
    let field = schema.field(name)?;
    refuse_float(field, "`by`")?;
    Ok(field.clone())
}

fn refuse_float(field: &Field, what: &str) -> Result<()> {
    let kind = Kind::of(field.data_type);
    if kind.is_float() || kind == Kind::Other {
        return Err(Error::schema(format!(
            "{what}: column `{}` is {}; it takes a boolean, an integer, a text, a date or a timestamp (put \
             numbers into buckets first)",
            field.name, field.data_type
        )));
    }
    Ok(())
}

/// What is measured, and whether label and prediction can be of it.
fn task(params: &Params, label: &Field, prediction: &Field) -> Result<Task> {
    use DataType::{Boolean, Float32, Float32List, Float64, Float64List, Int32, Int64, Utf8};
    let task = params
        .task
        .unwrap_or(match (prediction.data_type, label.data_type) {
            (Float32List(_) | Float64List(_) | Utf8, _) => Task::MultiClass,
            (_, Float32 | Float64) if params.positive.is_none() => Task::Regression,
            _ => Task::Classification,
        });
    if task != Task::Classification && params.positive.is_some() {
        return Err(Error::params(format!(
            "`positive` is for a classification of two classes, and this is a {task}"
        )));
    }
    if task != Task::MultiClass && params.classes.is_some() {
        return Err(Error::params(format!(
            "`classes` are of a multi-class classification, and this is a {task}: set `task = \"multi-class\"`"
        )));
    }
    let fits = match (task, label.data_type, &params.positive) {
        (Task::MultiClass, data_type, _) => data_type.is_numeric() || data_type == Utf8,
        (Task::Classification, Utf8, None) => {
            return Err(Error::params(format!(
                "label `{}` is a text: say with `positive` which text is the positive class, or set \
                 `task = \"multi-class\"`",
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
        (Task::Classification, ..) => false,
        (Task::Regression | Task::Ranking, data_type, _) => data_type.is_numeric(),
    };
    if !fits {
        let positive = match &params.positive {
            Some(_) => " with this `positive`",
            None => "",
        };
        return Err(Error::schema(format!(
            "label `{}` is {}, which cannot be the label of a {task}{positive}",
            label.name, label.data_type,
        )));
    }
    let predicts = match prediction.data_type {
        Float32List(_) | Float64List(_) | Utf8 => task == Task::MultiClass,
        // A number cannot hold the probabilities of several classes, but may be a class.
        Float32 | Float64 | Boolean | Int32 | Int64 => true,
        _ => false,
    };
    if !predicts {
        return Err(if task == Task::MultiClass {
            Error::schema(format!(
                "prediction `{}` is {}; of several classes it is a vector of probabilities, or the class itself",
                prediction.name, prediction.data_type
            ))
        } else {
            not_a_number(prediction)
        });
    }
    Ok(task)
}
