//! What a stage computes of its inputs, under a watch. A stage without inputs to reduce has nothing to learn,
//! and computes nothing.

use trueline_pipeline::StageWork;
use trueline_runtime::Watch;

use super::Attempt;
use crate::log::AttemptLog;
use crate::pipe::{Fitted, FittedStages};
use crate::reduce::{Bindings, Job, Reduced};
use crate::{Result, numbers};

impl Attempt<'_> {
    /// Reduces; nothing if there is nothing to learn.
    pub(super) fn compute(
        &self,
        bindings: Option<&Bindings>,
        watch: &Watch,
        log: &AttemptLog<'_>,
    ) -> Result<Option<Reduced>> {
        if let Some(bindings) = bindings {
            self.note_inputs(bindings, log);
        }
        let work = watched(self.job.work, watch);
        let fitted = watched_all(self.job.fitted, watch);
        let job = Job {
            work: &work,
            fitted: &fitted,
            watch: Some(watch),
            observer: log,
            ..self.job
        };
        let reduced = bindings.map(|bindings| job.reduce(bindings)).transpose()?;
        self.check_references()?;
        Ok(reduced)
    }

    fn note_inputs(&self, bindings: &Bindings, log: &AttemptLog<'_>) {
        let inputs = self.job.work.inputs.iter();
        let tables = bindings.tables.iter().zip(&bindings.inputs);
        for (input, (table, read)) in inputs.zip(tables) {
            let of = table.schema.fields.len();
            let columns = numbers::plural(of as u64, "column");
            // Numbers of rows are no column of the table.
            let is_column = |name: &&str| table.schema.index_of(name).is_some();
            let count = read.schema.names().filter(is_column).count();
            log.info(format!(
                "reads `{}`: {}, {count} of {columns}",
                input.name, input.pipe
            ));
        }
    }

    pub(super) fn check_references(&self) -> Result<()> {
        let inputs = &self.job.work.inputs;
        self.job
            .data
            .check_references(inputs.iter().map(|input| &input.pipe))
    }
}

/// A stage that stops when the watch says so.
pub(crate) fn watched(work: &StageWork, watch: &Watch) -> StageWork {
    StageWork {
        stage: work.stage.watched(watch),
        ..work.clone()
    }
}

pub(crate) fn watched_all(fitted: &FittedStages, watch: &Watch) -> FittedStages {
    let watched = |(name, fitted): (&String, &Fitted)| (name.clone(), fitted.watched(watch));
    fitted.iter().map(watched).collect()
}
