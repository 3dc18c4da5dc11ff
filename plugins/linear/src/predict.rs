//! The map: what a model makes of each row.

use trueline_sdk::prelude::*;

use crate::Params;
use crate::columns::Features;
use crate::fitted::State;
use crate::params::Model;

/// Predicts with a model.
pub struct Predict {
    model: Model,
    features: Features,
    state: State,
    writes: Schema,
}

/// What the stage says of its map.
///
/// # Errors
/// [`Error::Params`] or [`Error::Schema`], with the column and what to change.
pub(crate) fn describe(params: &Params, rows: &Schema) -> Result<Mapping> {
    let features = Features::find(params, rows)?;
    // How many classes there are, only training can tell.
    let writes = prediction(params, &[]);
    Ok(Mapping::new(features.columns(), writes.fields))
}

fn prediction(params: &Params, classes: &[String]) -> Schema {
    let data_type = match params.model {
        Model::Multinomial => {
            DataType::Float64List(u32::try_from(classes.len()).unwrap_or(u32::MAX))
        }
        _ => DataType::Float64,
    };
    let field = Field::new(&params.into, data_type)
        .required()
        .with_role(Role::Prediction)
        .with_elements(classes.to_vec());
    Schema::new([field])
}

impl Map for Predict {
    type Params = Params;

    fn load(params: Params, rows: &Schema, state: &[u8]) -> Result<Self> {
        let features = Features::find(&params, rows)?;
        let state = State::read(state, &features.names)?;
        Ok(Self {
            model: params.model,
            writes: prediction(&params, &state.fitted.classes),
            features,
            state,
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let features = self.features.read(batch)?;
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        let fitted = &self.state.fitted;
        let (width, out) = match self.model {
            Model::Multinomial => (fitted.classes.len(), writer.float64_list(&Validity::ALL)?),
            _ => (1, writer.float64(&Validity::ALL)?),
        };
        let rows = features.chunks_exact(self.features.count());
        for (row, scores) in rows.zip(out.chunks_exact_mut(width.max(1))) {
            fitted.scores(row, scores);
            if self.model.is_logistic() {
                fitted.probabilities(scores);
            }
        }
        writer.finish()
    }
}
