//! `trueline explain RUN [STAGE]`

use clap::Args;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_engine::{Explained, explain, trial_stages};

use super::show::latest;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run, or the start of its id [default: the latest]
    run: Option<String>,
    /// The stage [default: all of them]
    stage: Option<String>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    let reference = match &arguments.run {
        Some(run) => run.clone(),
        None => latest(&store)?.to_string(),
    };
    let mut explanation = explain(&store, &reference)?;
    if let Some(wanted) = &arguments.stage {
        let names: Vec<String> = explanation
            .stages
            .iter()
            .map(|stage| stage.stage.clone())
            .collect();
        explanation.stages.retain(|stage| stage.stage == *wanted);
        if explanation.stages.is_empty() {
            let names = || names.iter().map(String::as_str);
            let hint = did_you_mean(wanted, names())
                .unwrap_or_else(|| format!("its stages are {}", list_some(names())));
            let message = format!("{} has no stage `{wanted}`", explanation.run);
            return Err(Problem::new(message).hint(hint).into());
        }
    }
    let in_full = arguments.stage.is_some();
    let trials = trial_stages(&store.stages(&explanation.run)?);
    context.answer(&explanation, || {
        let mut explanation = explanation.clone();
        // What was tried is told if it is asked for.
        let is_told = |stage: &Explained| in_full || !trials.contains(&stage.stage);
        explanation.stages.retain(is_told);
        views::explain::explain(&explanation, in_full, context.style)
    })?;
    Ok(Exit::Done)
}
