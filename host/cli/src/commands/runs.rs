//! `trueline runs`

use std::path::PathBuf;

use clap::Args;
use trueline_store::{RunId, RunPage};

use crate::context::Context;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A pipeline file, for the runs of its home [default: those of the home of this folder]
    pipeline: Option<PathBuf>,
    /// Only the runs of pipelines with this name
    #[arg(long)]
    name: Option<String>,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Only runs before this one: the last of the page before
    #[arg(long, value_name = "RUN")]
    before: Option<RunId>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let page = RunPage {
        pipeline: arguments.name.clone(),
        before: arguments.before.clone(),
        limit: arguments.limit,
    };
    let runs = context
        .store_of(arguments.pipeline.as_deref())?
        .runs(&page)?;
    context.answer(&runs, || views::runs::runs(&runs, context.style))?;
    Ok(Exit::Done)
}
