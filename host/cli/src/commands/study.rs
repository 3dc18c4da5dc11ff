//! `trueline study show [RUN] [STAGE]`

use clap::Subcommand;
use trueline_dataset::suggest::{did_you_mean, list_some};

use super::show::latest;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the studies of a run tried, what each trial was worth, and which was the best
    Show {
        /// The run, or the start of its id [default: the latest]
        run: Option<String>,
        /// The stage [default: all that have a study]
        #[arg(long)]
        stage: Option<String>,
    },
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let Command::Show { run, stage } = command;
    let store = context.store()?;
    let reference = match run {
        Some(run) => run.clone(),
        None => latest(&store)?.to_string(),
    };
    let run = store.run(&reference)?.summary.id;
    let mut studies = trueline_engine::studies(&store, &run)?;
    if studies.is_empty() {
        let problem = Problem::new(format!("{run} has no study"));
        let hint = "`tune`, or `map` with `best`, makes one: docs/pipeline-file.md";
        return Err(problem.hint(hint).into());
    }
    if let Some(wanted) = stage {
        let names: Vec<String> = studies.iter().map(|study| study.stage.clone()).collect();
        studies.retain(|study| study.stage == *wanted);
        if studies.is_empty() {
            let names = || names.iter().map(String::as_str);
            let hint = did_you_mean(wanted, names())
                .unwrap_or_else(|| format!("its studies are {}", list_some(names())));
            let message = format!("{run} has no study `{wanted}`");
            return Err(Problem::new(message).hint(hint).into());
        }
    }
    context.answer(&studies, || views::study::studies(&studies, context.style))?;
    Ok(Exit::Done)
}
