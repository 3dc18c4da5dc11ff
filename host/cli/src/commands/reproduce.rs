//! `trueline reproduce PACKAGE`

use clap::Args;
use trueline_engine::Options;
use trueline_store::SystemClock;

use super::run::Work;
use crate::context::Context;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A name, `name@version`, `name@alias`, or digest
    package: String,
    /// Also with other threads and batch sizes, and its maps in every way, on the interpreter too
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    work: Work,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    let runtime = context.runtime(Some(store.home()))?;
    // Beside the home, where there is room for what a run makes.
    let scratch = tempfile::Builder::new()
        .prefix("reproduce-")
        .tempdir_in(store.home())?;
    let progress = Progress::of_proof(context);
    let report = trueline_engine::reproduce(
        &store,
        &arguments.package,
        &runtime,
        &ways(arguments),
        arguments.deep,
        (scratch.path(), SystemClock),
        &progress,
    );
    progress.finish();
    let report = report?;
    context.answer(&report, || {
        views::reproduce::reproduce(&report, context.style)
    })?;
    Ok(if report.holds() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// As it was asked for; and with `--deep` in two other ways.
fn ways(arguments: &Arguments) -> Vec<Options> {
    let usual = arguments.work.options();
    let mut ways = vec![usual.clone()];
    if arguments.deep {
        ways.push(Options {
            threads: 1,
            batch_rows: 10_007,
            ..usual.clone()
        });
        ways.push(Options {
            threads: usual.threads + 3,
            batch_rows: 4_096,
            ..usual
        });
    }
    ways
}
