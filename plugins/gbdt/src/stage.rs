//! The stage: the contract's reduction and map over this crate's training and prediction.

use trueline_sdk::{
    Batch, BatchWriter, DataType, Error, Field, Input, Map, Mapping, Metric as Measured, Outcome,
    Reduce, Reduction, Result, Role, Schema, Signature, Stage, Validity, progress,
};

use crate::{
    BoostParams, Forest, Model, Objective, Params, Rows,
    columns::{Features, find_one, read_numbers},
    train,
};

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
                Some(Mapping::new(
                    features.columns(),
                    predictions(params)?.fields,
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
    let bytes_per_row = Rows::bytes_per_row(features, columns.weight.is_some()) + 2 * features;
    Ok(Reduction {
        reads: inputs.iter().map(|_| columns.names()).collect(),
        passes: 1,
        mergeable: false,
        bytes_per_row: u32::try_from(bytes_per_row).unwrap_or(u32::MAX),
    })
}

/// The columns that `map` writes.
fn predictions(params: &Params) -> Result<Schema> {
    if params.margin_into.as_ref() == Some(&params.into) {
        return Err(Error::params(format!(
            "`into` and `margin_into` are both `{}`",
            params.into
        )));
    }
    let names = [Some(&params.into), params.margin_into.as_ref()];
    Ok(Schema::new(names.into_iter().flatten().map(|name| {
        Field::new(name, DataType::Float32)
            .required()
            .with_role(Role::Prediction)
    })))
}

/// What training reads.
struct TrainingColumns {
    features: Features,
    label: String,
    weight: Option<String>,
    default_objective: Objective,
}

impl TrainingColumns {
    fn find(params: &Params, schema: &Schema) -> Result<Self> {
        let features = Features::find(params, schema)?;
        let label = find_one(params.label.as_deref(), Role::Label, schema)?.ok_or_else(|| {
            Error::schema("no column has the role label: name the one to learn with `label`")
        })?;
        let weight = find_one(params.weight.as_deref(), Role::Weight, schema)?;
        for other in [Some(label), weight].into_iter().flatten() {
            if features.columns().contains(&other.name) {
                return Err(Error::params(format!(
                    "`{}` is among `features`, but also the label or weight",
                    other.name
                )));
            }
        }
        Ok(Self {
            features,
            label: label.name.clone(),
            weight: weight.map(|field| field.name.clone()),
            default_objective: match label.data_type {
                DataType::Boolean => Objective::BinaryLogistic,
                _ => Objective::SquaredError,
            },
        })
    }

    /// Features, label, weight: the order in which batches hold them.
    fn names(&self) -> Vec<String> {
        let last = [Some(&self.label), self.weight.as_ref()];
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
    inputs: Vec<TrainingInput>,
    scratch: Vec<f32>,
}

struct TrainingInput {
    is_validation: bool,
    features: Features,
    weighted: bool,
    rows: Rows,
}

impl Reduce for Training {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let columns = TrainingColumns::find(&params, trueline_sdk::schema::rows(inputs)?)?;
        let weighted = columns.weight.is_some();
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
                Ok(TrainingInput {
                    is_validation: input.name == VALIDATION,
                    rows: Rows::new(features.count(), weighted),
                    features,
                    weighted,
                })
            })
            .collect();
        Ok(Self {
            params: params.check(columns.default_objective)?,
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
        for start in (0..batch.rows()).step_by(BLOCK_ROWS) {
            let rows = start..batch.rows().min(start + BLOCK_ROWS);
            let features = input.features.read(batch, rows.clone(), &mut self.scratch);
            let weights = weights.as_ref().map(|weights| &weights[rows.clone()]);
            input
                .rows
                .extend(features, &labels[rows.clone()], weights)?;
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
                let metrics: Vec<_> = metrics
                    .iter()
                    .map(|(name, value)| Measured::new(name, *value))
                    .collect();
                progress::step(round, &metrics) == progress::Decision::Continue
            },
        )?;
        trained.model.feature_names = training.features.names().to_vec();
        let mut metrics: Vec<_> = trained
            .metrics
            .into_iter()
            .map(|(name, value)| Measured::new(name, value))
            .collect();
        metrics.push(Measured::new("trees", trained.model.trees.len() as f64));
        Ok(Outcome {
            metrics,
            ..Outcome::state(trained.model.write())
        })
    }
}

/// Predicts with a model.
pub struct Predictor {
    features: Features,
    objective: Objective,
    /// The margin of a row before any tree.
    start: f32,
    forest: Forest,
    writes: Schema,
}

impl Map for Predictor {
    type Params = Params;

    fn load(params: Params, rows: &Schema, state: &[u8]) -> Result<Self> {
        if state.is_empty() {
            return Err(Error::other(
                "there is no model: the stage must be fitted before it predicts",
            ));
        }
        let features = Features::find(&params, rows)?;
        let model = Model::read(state)?;
        check_features(&model, &features)?;
        Ok(Self {
            features,
            objective: model.objective,
            start: model.objective.margin(model.base_score),
            forest: Forest::new(&model.trees),
            writes: predictions(&params)?,
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let mut margins = vec![self.start; batch.rows()];
        let mut scratch = Vec::new();
        for (block, margins) in margins.chunks_mut(BLOCK_ROWS).enumerate() {
            let start = block * BLOCK_ROWS;
            let rows = self
                .features
                .read(batch, start..start + margins.len(), &mut scratch);
            self.forest
                .add_margins(rows, self.features.count(), margins);
        }
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        let predictions = writer.float32(&Validity::ALL)?;
        for (prediction, &margin) in predictions.iter_mut().zip(&margins) {
            *prediction = self.objective.predict(margin);
        }
        if self.writes.fields.len() > 1 {
            writer.float32(&Validity::ALL)?.copy_from_slice(&margins);
        }
        writer.finish()
    }
}

/// Refuses rows that are not what the model was trained on.
fn check_features(model: &Model, features: &Features) -> Result<()> {
    if model.feature_count != features.count() {
        return Err(Error::schema(format!(
            "the model was trained on {} features, but the rows have {}",
            model.feature_count,
            features.count()
        )));
    }
    let trained = model.feature_names.iter();
    match trained
        .zip(features.names())
        .enumerate()
        .find(|(_, (trained, found))| trained != found)
    {
        None => Ok(()),
        Some((at, (trained, found))) => Err(Error::schema(format!(
            "feature {at} is `{found}`, but the model was trained with `{trained}` in its place"
        ))),
    }
}
