//! `trueline check PIPELINE`

use std::path::PathBuf;

use clap::Args;

use super::checked;
use crate::context::Context;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The pipeline file
    pipeline: PathBuf,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let home = context.home_of(&arguments.pipeline);
    let runtime = context.runtime(Some(&home))?;
    let plan = checked(&arguments.pipeline, &runtime, &home, context)?;
    context.answer(&plan, || {
        let flag = context.home_flag_of(&arguments.pipeline, &home);
        let run = format!(
            "{} run {}{flag}",
            context.program,
            arguments.pipeline.display()
        );
        views::check::check(&plan, context.style) + &views::next([(run, "run it")], context.style)
    })?;
    Ok(Exit::Done)
}
