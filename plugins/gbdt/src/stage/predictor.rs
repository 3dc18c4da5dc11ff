//! The map: rows in, predictions out.

use trueline_sdk::{Batch, BatchWriter, Error, Map, Result, Schema, Validity};

use super::{BLOCK_ROWS, Outputs, answers};
use crate::{
    Forest, Loss, Model, Params,
    columns::{Features, check_categories},
    contributions::Explainer,
};

/// Predicts with a model.
pub struct Predictor {
    features: Features,
    loss: Loss,
    /// The margins of a row before any tree.
    start: Vec<f32>,
    forest: Forest,
    explainer: Option<Explainer>,
    /// Features that hold categories.
    categorical: Vec<usize>,
    /// Whether the width of a vector was not known, so that no row can be predicted.
    is_open: bool,
    has_margins: bool,
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
        check_objective(&params, &model)?;
        // Before the stages upstream have learned, a model still tells how many classes it predicts.
        let is_open = features.has_open_width();
        if !is_open {
            check_features(&model, &features)?;
        }
        let outputs = match &model.loss {
            Loss::Softmax { class_count } => {
                let count = u32::try_from(*class_count);
                Outputs::Many(count.map_err(|_| Error::data("the model has too many classes"))?)
            }
            _ => Outputs::One,
        };
        Ok(Self {
            start: model.start(),
            forest: Forest::new(&model.trees, model.loss.output_count()),
            explainer: params
                .contributions_into
                .as_ref()
                .map(|_| Explainer::new(&model)),
            categorical: model.categorical_features(),
            is_open,
            has_margins: params.margin_into.is_some(),
            writes: answers(&params, &outputs, &features)?,
            loss: model.loss,
            features,
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        if self.is_open {
            return Err(Error::schema(
                "the width of a vector of features is not known: fit the stage that makes it",
            ));
        }
        let (feature_count, output_count) = (self.features.count(), self.start.len());
        let mut margins = self.start.repeat(batch.rows());
        let width = self.explainer.as_ref().map_or(0, Explainer::width);
        let mut contributions = vec![0.0; width * batch.rows()];
        let mut scratch = Vec::new();
        for start in (0..batch.rows()).step_by(BLOCK_ROWS) {
            let end = batch.rows().min(start + BLOCK_ROWS);
            let rows = self.features.read(batch, start..end, &mut scratch);
            check_categories(rows, start, &self.categorical, self.features.names())?;
            let margins = &mut margins[start * output_count..end * output_count];
            self.forest.add_margins(rows, feature_count, margins);
            if let Some(explainer) = &self.explainer {
                let contributions = contributions[start * width..].chunks_exact_mut(width);
                for (row, out) in rows.chunks_exact(feature_count).zip(contributions) {
                    explainer.explain(row, out);
                }
            }
        }
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        let predictions = self.numbers(&mut writer)?;
        predictions.copy_from_slice(&margins);
        self.loss.predict(predictions);
        if self.has_margins {
            self.numbers(&mut writer)?.copy_from_slice(&margins);
        }
        if self.explainer.is_some() {
            writer
                .float32_list(&Validity::ALL)?
                .copy_from_slice(&contributions);
        }
        writer.finish()
    }
}

impl Predictor {
    /// Begins a column of predictions or margins.
    fn numbers<'w>(&self, writer: &'w mut BatchWriter<'_>) -> Result<&'w mut [f32]> {
        match self.loss {
            Loss::Softmax { .. } => writer.float32_list(&Validity::ALL),
            _ => writer.float32(&Validity::ALL),
        }
    }
}

/// Refuses a model that is not what the parameters say.
fn check_objective(params: &Params, model: &Model) -> Result<()> {
    let (wanted, found) = (params.objective, model.loss.objective());
    if let Some(wanted) = wanted.filter(|&wanted| wanted != found) {
        return Err(Error::params(format!(
            "`objective` is `{wanted}`, but the model was trained for `{found}`"
        )));
    }
    match (params.num_class, &model.loss) {
        (Some(wanted), Loss::Softmax { class_count }) if wanted as usize != *class_count => {
            Err(Error::params(format!(
                "`num_class` is {wanted}, but the model was trained for {class_count} classes"
            )))
        }
        _ => Ok(()),
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
