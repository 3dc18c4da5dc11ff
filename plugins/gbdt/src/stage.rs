//! The stage: the contract's reduction and map over this crate's training and prediction.

mod predictor;
mod training;

use trueline_sdk::{
    DataType, Error, Field, Input, Mapping, Reduction, Result, Role, Schema, Signature, Stage,
};

use self::training::TrainingColumns;
pub use self::{predictor::Predictor, training::Training};
use crate::{Objective, Params, Rows, columns::Features};

/// The input whose rows are watched but not learned from.
const VALIDATION: &str = "validation";
/// Rows converted at a time, so that a batch never needs a second copy of itself.
const BLOCK_ROWS: usize = 512;

/// Gradient-boosted trees.
pub struct Gbdt;

impl Stage for Gbdt {
    type Params = Params;
    type Reduce = Training;
    type Map = Predictor;

    fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        let reduction = if inputs.is_empty() {
            None
        } else {
            Some(describe_training(params, inputs)?)
        };
        let mapping = match rows {
            None => None,
            Some(schema) => {
                let features = Features::find(params, schema)?;
                let outputs = match (params.objective, params.num_class) {
                    (Some(Objective::MultiSoftprob), Some(class_count)) => {
                        Outputs::Many(class_count)
                    }
                    // The labels tell how many.
                    (Some(Objective::MultiSoftprob), None) => Outputs::Many(0),
                    _ => Outputs::One,
                };
                Some(Mapping::new(
                    features.columns(),
                    answers(params, &outputs, &features)?.fields,
                ))
            }
        };
        Ok(Signature { reduction, mapping })
    }
}

fn describe_training(params: &Params, inputs: &[Input]) -> Result<Reduction> {
    let rows = trueline_sdk::schema::rows(inputs)?;
    let columns = TrainingColumns::find(params, rows)?;
    let boost = params.check(columns.default_objective)?;
    if !columns.features.has_open_width() {
        boost
            .clone()
            .with_features(params, columns.features.names())?;
    }
    let mut has_validation = false;
    for input in inputs {
        match input.name.as_str() {
            Input::ROWS => {}
            VALIDATION => {
                has_validation = true;
                columns
                    .names()
                    .iter()
                    .try_for_each(|name| input.schema.field(name).map(drop))?;
            }
            other => {
                return Err(Error::schema(format!(
                    "there is no input `{other}`; the inputs are `{}` and `{VALIDATION}`",
                    Input::ROWS
                )));
            }
        }
    }
    if boost.early_stopping_rounds.is_some() && !has_validation {
        return Err(Error::params(format!(
            "`early_stopping_rounds` needs rows that are not learned from: add a `{VALIDATION}` input"
        )));
    }
    // While rows are binned, both their values and their bins of up to two bytes are there.
    let features = columns.features.count();
    let single = 1 + usize::from(columns.weight.is_some()) + usize::from(columns.group.is_some());
    let bytes_per_row = Rows::bytes_per_row(features, single) + 2 * features;
    Ok(Reduction {
        reads: inputs.iter().map(|_| columns.names()).collect(),
        passes: 1,
        mergeable: false,
        bytes_per_row: u32::try_from(bytes_per_row).unwrap_or(u32::MAX),
        seeded: boost.draws(),
    })
}

/// How many predictions a row gets.
enum Outputs {
    /// One number.
    One,
    /// A vector of so many; 0 if that is not known yet.
    Many(u32),
}

/// The columns that `map` writes.
fn answers(params: &Params, outputs: &Outputs, features: &Features) -> Result<Schema> {
    // What they add up from is not known before all of them are.
    let features = match features.has_open_width() {
        true => &[],
        false => features.names(),
    };
    let mut names = vec![&params.into];
    names.extend(&params.margin_into);
    names.extend(&params.contributions_into);
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(Error::params(format!(
                "two of `into`, `margin_into` and `contributions_into` are `{name}`"
            )));
        }
    }
    let classes = match outputs {
        Outputs::Many(count) => *count,
        Outputs::One => 1,
    };
    let data_type = match outputs {
        Outputs::One => DataType::Float32,
        Outputs::Many(count) => DataType::Float32List(*count),
    };
    let answer = |name: &String| {
        let field = Field::new(name, data_type)
            .required()
            .with_role(Role::Prediction);
        match outputs {
            Outputs::Many(count) => {
                field.with_elements((0..*count).map(|class| format!("{name}_{class}")).collect())
            }
            Outputs::One => field,
        }
    };
    let mut fields = vec![answer(&params.into)];
    fields.extend(params.margin_into.as_ref().map(answer));
    if let Some(name) = &params.contributions_into {
        fields.push(contributions(name, features, classes)?);
    }
    Ok(Schema::new(fields))
}

/// The column of contributions: one number per feature and a bias, for each class.
fn contributions(name: &str, features: &[String], classes: u32) -> Result<Field> {
    let of_class = |class: u32| {
        let all = features.iter().map(String::as_str).chain(["bias"]);
        all.map(move |feature| match classes {
            1 => feature.to_owned(),
            _ => format!("{class}_{feature}"),
        })
    };
    let elements: Vec<String> = if features.is_empty() {
        Vec::new()
    } else {
        (0..classes).flat_map(of_class).collect()
    };
    let width = u32::try_from(elements.len());
    let width = width.map_err(|_| Error::params("there are too many contributions"))?;
    Ok(Field::new(name, DataType::Float32List(width))
        .required()
        .with_elements(elements))
}
