//! The reduction: rows in, a model file out.

use serde::Serialize;
use trueline_sdk::{
    Batch, DataType, Error, Input, Metric, Outcome, Reduce, Result, Role, Schema, progress,
};

use super::{BLOCK_ROWS, VALIDATION};
use crate::{
    BoostParams, Format, Objective, Params, Rows,
    columns::{Features, GroupNumbers, check_categories, find_one, read_numbers},
    importance::Importance,
    train,
    train::{Curve, Measured},
};

/// What training reads.
pub(super) struct TrainingColumns {
    pub(super) features: Features,
    pub(super) label: String,
    pub(super) weight: Option<String>,
    pub(super) group: Option<String>,
    pub(super) default_objective: Objective,
}

impl TrainingColumns {
    pub(super) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        let features = Features::find(params, schema)?;
        let label = find_one(params.label.as_deref(), Role::Label, schema)?.ok_or_else(|| {
            Error::schema("no column has the role label: name the one to learn with `label`")
        })?;
        let weight = find_one(params.weight.as_deref(), Role::Weight, schema)?;
        let group = match params.objective {
            Some(Objective::RankNdcg) => {
                let group = find_one(params.group.as_deref(), Role::Group, schema)?;
                Some(group.ok_or_else(|| {
                    Error::schema(
                        "no column has the role group: name the one that says which rows belong together \
                         with `group`",
                    )
                })?)
            }
            _ => None,
        };
        for other in [Some(label), weight, group].into_iter().flatten() {
            if features.columns().contains(&other.name) {
                return Err(Error::params(format!(
                    "`{}` is among `features`, but also the label, weight or group",
                    other.name
                )));
            }
        }
        Ok(Self {
            features,
            label: label.name.clone(),
            weight: weight.map(|field| field.name.clone()),
            group: group.map(|field| field.name.clone()),
            default_objective: match label.data_type {
                DataType::Boolean => Objective::BinaryLogistic,
                _ => Objective::SquaredError,
            },
        })
    }

    /// Features, label, weight, group: the order in which batches hold them.
    pub(super) fn names(&self) -> Vec<String> {
        let last = [Some(&self.label), self.weight.as_ref(), self.group.as_ref()];
        self.features
            .columns()
            .iter()
            .chain(last.into_iter().flatten())
            .cloned()
            .collect()
    }
}

/// Collects rows, then learns a model from them.
pub struct Training {
    params: BoostParams,
    format: Format,
    portable: bool,
    inputs: Vec<TrainingInput>,
    scratch: Vec<f32>,
}

struct TrainingInput {
    is_validation: bool,
    features: Features,
    weighted: bool,
    /// The name of the column of groups, and the groups met so far.
    groups: Option<(String, GroupNumbers)>,
    rows: Rows,
}

impl Reduce for Training {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let columns = TrainingColumns::find(&params, trueline_sdk::schema::rows(inputs)?)?;
        let inputs: Result<Vec<_>> = inputs
            .iter()
            .map(|input| {
                let features = Features::find(&params, &input.schema)?;
                if features.count() == 0 || features.count() != columns.features.count() {
                    return Err(Error::schema(format!(
                        "the input `{}` has {} features and `{}` has {}",
                        input.name,
                        features.count(),
                        Input::ROWS,
                        columns.features.count()
                    )));
                }
                let mut rows =
                    Rows::new(features.count()).named(&columns.label, columns.weight.as_deref());
                if columns.weight.is_some() {
                    rows = rows.weighted();
                }
                if columns.group.is_some() {
                    rows = rows.grouped();
                }
                Ok(TrainingInput {
                    is_validation: input.name == VALIDATION,
                    rows,
                    features,
                    weighted: columns.weight.is_some(),
                    groups: columns
                        .group
                        .clone()
                        .map(|group| (group, GroupNumbers::default())),
                })
            })
            .collect();
        let mut boost = params
            .check(columns.default_objective)?
            .with_features(&params, columns.features.names())?;
        boost.label = columns.label;
        Ok(Self {
            params: boost,
            format: params.model_format,
            portable: params.portable,
            inputs: inputs?,
            scratch: Vec::new(),
        })
    }

    fn update(&mut self, input: usize, batch: &Batch<'_>) -> Result<()> {
        let known = self.inputs.get_mut(input);
        let input = known.ok_or_else(|| Error::other(format!("there is no input {input}")))?;
        let label_at = input.features.columns().len();
        let labels = read_numbers(batch.column(label_at), batch.rows());
        let weights = input
            .weighted
            .then(|| read_numbers(batch.column(label_at + 1), batch.rows()));
        let categorical: Vec<usize> = (0..input.features.count())
            .filter(|&feature| self.params.categorical.get(feature) == Some(&true))
            .collect();
        for start in (0..batch.rows()).step_by(BLOCK_ROWS) {
            let rows = start..batch.rows().min(start + BLOCK_ROWS);
            let first_row = input.rows.len();
            let groups = match &mut input.groups {
                None => None,
                Some((name, numbers)) => {
                    let column = batch.column(label_at + 1 + usize::from(input.weighted));
                    Some(numbers.read(name, column, rows.clone(), first_row)?)
                }
            };
            let features = input.features.read(batch, rows.clone(), &mut self.scratch);
            check_categories(features, first_row, &categorical, input.features.names())?;
            let weights = weights.as_ref().map(|weights| &weights[rows.clone()]);
            let extended =
                input
                    .rows
                    .extend(features, &labels[rows.clone()], weights, groups.as_deref());
            extended.map_err(|error| match input.is_validation {
                true => error.within("validation rows"),
                false => error,
            })?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let (mut validation, mut training): (Vec<_>, Vec<_>) = self
            .inputs
            .into_iter()
            .partition(|input| input.is_validation);
        let training = training
            .pop()
            .ok_or_else(|| Error::other("there is no input of rows"))?;
        let validation = validation.pop();
        let mut trained = train(
            &self.params,
            training.rows,
            validation.as_ref().map(|input| &input.rows),
            &mut |round, metrics| {
                let metrics: Vec<_> = metrics.iter().map(metric).collect();
                progress::step(round, &metrics) == progress::Decision::Continue
            },
        )?;
        trained.model.feature_names = training.features.names().to_vec();
        let mut metrics: Vec<_> = trained.metrics.iter().map(metric).collect();
        metrics.push(Metric::new("trees", trained.model.trees.len() as f64));
        let model = if self.portable {
            trained.model.clone().portable()
        } else {
            trained.model.clone()
        };
        let report = Report {
            rounds: trained.model.round_count(),
            importances: trained.model.importances(),
            curves: &trained.curves,
        };
        let report =
            serde_json::to_string(&report).map_err(|error| Error::other(error.to_string()))?;
        Ok(Outcome {
            metrics,
            report: Some(report),
            ..Outcome::state(model.write(self.format))
        })
    }
}

/// What a person wants to know of a training beside its metrics.
#[derive(Serialize)]
struct Report<'a> {
    /// Of the model; curves go on to where training stopped.
    rounds: usize,
    importances: Vec<Importance>,
    curves: &'a [Curve],
}

fn metric(measured: &Measured) -> Metric {
    Metric::new(&measured.name, measured.value)
}
