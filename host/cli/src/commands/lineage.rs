//! `trueline lineage DIGEST`

use clap::Args;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::Stdout;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The digest of anything, or the start of it; or a package by name
    digest: String,
    /// As a graph in the language of Graphviz
    #[arg(long, conflicts_with = "json")]
    dot: bool,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    use std::io::Write as _;
    let lineage = trueline_engine::lineage(&context.store()?, &arguments.digest)?;
    if arguments.dot {
        Stdout::new().write_all(lineage.to_dot().as_bytes())?;
    } else {
        context.answer(&lineage, || {
            views::lineage::lineage(&lineage, context.style)
        })?;
    }
    Ok(Exit::Done)
}
