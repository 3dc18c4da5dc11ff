//! `trueline resume [RUN]`

use clap::Args;
use trueline_engine::{Options, Resumption};

use super::run::{self, Work};
use super::show::latest;
use crate::context::Context;
use crate::exit::Exit;
use crate::interrupt;
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run, or the start of its id [default: the latest]
    run: Option<String>,
    #[command(flatten)]
    work: Work,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    let reference = match &arguments.run {
        Some(run) => run.clone(),
        None => latest(&store)?.to_string(),
    };
    let home = store.home().to_owned();
    let runtime = context.runtime(Some(&home))?;
    let Resumption {
        run,
        plan,
        only,
        done,
        stages,
    } = trueline_engine::resume(&store, &reference, &runtime)?;
    context.note(&format!(
        "taking up {run} with its own pipeline file, parameters and components; {done} of its {stages} stages were done"
    ));
    let progress = Progress::of_run(&plan, context);
    let options = Options {
        only,
        resumes: Some(run),
        cancel: interrupt::cancel_on_interrupt()?,
        ..arguments.work.options()
    };
    let report = trueline_engine::run(&plan, &store, &runtime, &options, &progress);
    progress.finish();
    run::answer(&report?, &plan.file, &home, context)
}
