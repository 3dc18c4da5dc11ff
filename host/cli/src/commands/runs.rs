//! `trueline runs`

use clap::Args;
use trueline_store::{RunId, RunPage};

use crate::context::Context;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only the runs of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Only runs before this one: the last of the page before
    #[arg(long, value_name = "RUN")]
    before: Option<RunId>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let Arguments {
        pipeline,
        limit,
        before,
    } = arguments;
    let page = RunPage {
        pipeline: pipeline.clone(),
        before: before.clone(),
        limit: *limit,
    };
    let runs = context.store()?.runs(&page)?;
    context.answer(&runs, || views::runs::runs(&runs, context.style))?;
    Ok(Exit::Done)
}
