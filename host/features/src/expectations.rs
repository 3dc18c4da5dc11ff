//! Looking at rows before they are taken in: the stage `expect` in the sandbox, as a pipeline runs it.

use arrow::array::RecordBatch;
use trueline_runtime::{Finding, Input, Reading, Severity, Stage};
use trueline_table::Schema;

use crate::definition::{Expected, Source};
use crate::log::of_schema;
use crate::transform::LIMITS;
use crate::{Error, Result};

/// What is expected of rows of a source.
pub(crate) struct Expectations {
    source: String,
    stage: Stage,
    params: String,
    /// The columns of the source.
    schema: Schema,
    /// What of them is looked at.
    inputs: Vec<Input>,
    passes: u32,
}

impl Expectations {
    /// Asks the stage what it will look at.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub(crate) fn new(
        source: &Source,
        expected: &Expected,
        stage: trueline_runtime::Result<Stage>,
    ) -> Result<Self> {
        let failed = failed(&source.name);
        let stage = stage.map_err(&failed)?;
        let schema = source.schema();
        let inputs = [Input::rows(schema.clone())];
        let signature = stage
            .describe(&expected.params, &inputs, None)
            .map_err(&failed)?;
        let reduction = signature.reduction.as_ref();
        let reads = reduction.map(|reduction| reduction.inputs(&inputs));
        Ok(Self {
            source: source.name.clone(),
            params: expected.params.clone(),
            schema,
            inputs: reads.transpose().map_err(&failed)?.unwrap_or_default(),
            passes: reduction.map_or(0, |reduction| reduction.passes),
            stage,
        })
    }

    /// What rows of the source are that they should not be; nothing if all is as expected.
    ///
    /// # Errors
    /// If the component cannot do its work.
    pub(crate) fn findings(&self, rows: &[RecordBatch]) -> Result<Vec<Finding>> {
        let failed = failed(&self.source);
        let Some(input) = self.inputs.first() else {
            return Ok(Vec::new());
        };
        let reading = Reading::new(input.schema.names(), &self.schema).map_err(&failed)?;
        let mut findings = Vec::new();
        let mut state = Vec::new();
        for pass in 0..self.passes {
            let reduction =
                self.stage
                    .reduce(&self.params, &self.inputs, pass, &state, &LIMITS, None);
            let mut reduction = reduction.map_err(&failed)?;
            let mut first_row = 0;
            for batch in rows {
                let batch = of_schema(batch, &self.schema)?;
                let read = reading.select(&batch, first_row).map_err(&failed)?;
                reduction.update(0, &read).map_err(&failed)?;
                first_row += batch.num_rows() as u64;
            }
            let outcome = reduction.finish().map_err(&failed)?;
            (state, findings) = (outcome.state, outcome.findings);
        }
        let fails = findings
            .iter()
            .any(|finding| finding.severity == Severity::Fail);
        Ok(if fails { findings } else { Vec::new() })
    }
}

fn failed(source: &str) -> impl Fn(trueline_runtime::Error) -> Error {
    let of = source.to_owned();
    move |cause| Error::Expectations {
        of: of.clone(),
        cause,
    }
}
