//! One module a subcommand: its arguments, and what it does.

use std::path::Path;

use trueline_pipeline::{Diagnostics, Plan};
use trueline_runtime::Runtime;

use crate::context::Context;
use crate::plugins::Shelf;

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod features;
pub(crate) mod lineage;
pub(crate) mod package;
pub(crate) mod plugin;
pub(crate) mod predict;
mod reference;
pub(crate) mod replay;
pub(crate) mod reproduce;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod store;
pub(crate) mod study;
pub(crate) mod ui;
pub(crate) mod verify;

/// Checks a pipeline file with the components that it is locked to, and tells the plan's notes.
///
/// # Errors
/// Everything that is wrong with the file.
fn checked(
    file: &Path,
    runtime: &Runtime,
    home: &Path,
    context: &Context,
) -> Result<Plan, Diagnostics> {
    let plan = trueline_pipeline::check(
        file,
        runtime,
        &Shelf {
            home: home.to_owned(),
        },
    )?;
    tell_notes(&plan, context);
    Ok(plan)
}

fn tell_notes(plan: &Plan, context: &Context) {
    for note in &plan.notes {
        context.note(note);
    }
}
