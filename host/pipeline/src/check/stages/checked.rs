//! A stage that agreed to what it will get.

use std::sync::Arc;

use toml::Spanned;
use trueline_runtime::{Error, Input, Limits, ReductionSignature};
use trueline_table::Schema;

use crate::plan::{PlannedInput, StageWork};
use crate::plugins::Plugin;

/// A stage of a plugin that agreed to what it will get.
pub(super) struct Checked {
    pub(super) plugin: Plugin,
    pub(super) params: serde_json::Value,
    pub(super) inputs: Vec<PlannedInput>,
    pub(super) signature: Option<ReductionSignature>,
    pub(super) state: Arc<[u8]>,
    pub(super) limits: Limits,
    pub(super) is_mapped: bool,
}

impl Checked {
    pub(super) fn work(self, plugin: &Spanned<String>) -> StageWork {
        let Self {
            plugin: Plugin { component, stage },
            params,
            inputs,
            signature,
            state,
            limits,
            ..
        } = self;
        StageWork {
            plugin: plugin.get_ref().clone(),
            component,
            stage,
            params,
            inputs,
            signature,
            state,
            limits,
            stops: None,
        }
    }

    /// Gives a stage that draws random numbers the pipeline's seed, unless its parameters name one.
    /// As a parameter it is in whatever identifies the result.
    pub(super) fn set_seed(&mut self, signature: Option<&ReductionSignature>, seed: u64) {
        if signature.is_some_and(|signature| signature.seeded)
            && let Some(params) = self.params.as_object_mut()
        {
            params.entry("seed").or_insert_with(|| seed.into());
        }
    }

    pub(super) fn describe(
        &self,
        rows: Option<&Schema>,
    ) -> Result<trueline_runtime::Signature, Error> {
        let input = |input: &PlannedInput| Input {
            name: input.name.clone(),
            schema: input.pipe.schema.clone(),
        };
        let inputs: Vec<Input> = self.inputs.iter().map(input).collect();
        let (stage, params) = (&self.plugin.stage, self.params.to_string());
        match rows {
            Some(rows) if !self.state.is_empty() => {
                stage.describe_given(&params, rows, &self.state, &self.limits)
            }
            _ => stage.describe(&params, &inputs, rows),
        }
    }
}
