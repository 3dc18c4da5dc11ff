//! `trueline features skew`

use clap::Args;

use super::store;
use crate::context::Context;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only the answers of this view
    #[arg(long)]
    view: Option<String>,
}

/// Ends as a proof that does not hold if a bit differs.
pub(super) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let skew = store(context)?.skew(arguments.view.as_deref())?;
    context.answer(&skew, || views::features::skew(&skew, context.style))?;
    Ok(match skew.differing_bits {
        0 => Exit::Done,
        _ => Exit::Failed,
    })
}
