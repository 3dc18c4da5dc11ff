//! A running reduction: one instance, one pass, or a part of one.

use arrow::array::RecordBatch;
use trueline_table::Schema;
use trueline_table::frame::Encoder;
use wasmtime::component::ComponentExportIndex;

use crate::bindings::reduce;
use crate::contract::{Decision, Input, Outcome};
use crate::instance::{Live, Progress};
use crate::stage::Stage;
use crate::{Limits, Result, convert};

/// An instance in the middle of a pass. Any error ends it: drop it then.
pub struct Reduction {
    live: Live,
    guest: reduce::Guest,
    update: ComponentExportIndex,
    schemas: Vec<Schema>,
}

impl Reduction {
    pub(crate) fn begin(
        stage: &Stage,
        params: &str,
        inputs: &[Input],
        pass: u32,
        state: &[u8],
        limits: &Limits,
        progress: Option<Progress>,
    ) -> Result<Self> {
        // A model may always report; if nobody listens, the answer is to go on.
        let progress = progress.unwrap_or_else(|| Box::new(|_, _| Decision::Continue));
        let mut live = Live::start(stage, limits, Some(progress))?;
        let guest = live.load(|store, instance| stage.inner.reduce.load(store, instance))?;
        let guest_inputs = convert::inputs_to_guest(inputs);
        live.call(|store| guest.call_begin(store, params, &guest_inputs, pass, state))?;
        let schemas = inputs.iter().map(|input| input.schema.clone()).collect();
        Ok(Self {
            live,
            guest,
            update: stage.inner.update,
            schemas,
        })
    }

    /// Takes in rows of the input with this index; their columns are those of the input, in its order.
    ///
    /// # Errors
    /// If the rows are not of the input's schema, or with the stage's own words.
    pub fn update(&mut self, input: u32, rows: &RecordBatch) -> Result<()> {
        let schema = self.schemas.get(input as usize);
        let schema =
            schema.ok_or_else(|| crate::Error::contract(format!("there is no input {input}")))?;
        let rows = Encoder::new(schema, rows)?;
        self.live.update(&self.update, input, &rows)
    }

    /// What was taken in so far, for [`merge`](Self::merge) of another instance.
    ///
    /// # Errors
    /// With the stage's own words.
    pub fn partial(mut self) -> Result<Vec<u8>> {
        let guest = self.guest;
        self.live.call(|store| guest.call_partial(store))
    }

    /// Takes in what another instance took in.
    ///
    /// # Errors
    /// With the stage's own words.
    pub fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let Self { live, guest, .. } = self;
        live.call(|store| guest.call_merge(store, partial))
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// With the stage's own words.
    pub fn finish(mut self) -> Result<Outcome> {
        let guest = self.guest;
        self.live
            .call(|store| guest.call_finish(store))
            .map(convert::outcome_from_guest)
    }
}
