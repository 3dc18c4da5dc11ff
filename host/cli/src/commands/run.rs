//! `trueline run PIPELINE`

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_engine::{Options, RunReport};
use trueline_pipeline::{EarlierMetric, Lock, LockError, Plan};
use trueline_store::{RunFailure, RunState};

use super::tell_notes;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::plugins::Shelf;
use crate::progress::Progress;
use crate::{home, interrupt, views};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The pipeline file
    pipeline: PathBuf,
    #[command(flatten)]
    work: Work,
    /// Use the plugins of this build of Trueline, and lock them
    #[arg(long)]
    update_lock: bool,
    /// Run every stage, and hold its result against the one that is known
    #[arg(long)]
    no_cache: bool,
    /// Give a parameter of `[params]` another value, for this run
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Run this stage and all that depend on it, whatever is known of them
    #[arg(long, value_name = "STAGE", conflicts_with = "no_cache")]
    from: Option<String>,
    /// Run only this stage, and what it depends on; may be given several times
    #[arg(long, value_name = "STAGE")]
    only: Vec<String>,
}

/// A name and a value with `=` between them.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}

/// How much of the machine is used; no result depends on it.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// Stages at once, and workers of one stage [default: one a processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Rows read at once [default: 65536]
    #[arg(long, value_name = "N")]
    batch_rows: Option<NonZeroUsize>,
}

impl Work {
    pub(crate) fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            threads: self.threads.map_or(usual.threads, NonZeroUsize::get),
            batch_rows: self.batch_rows.map_or(usual.batch_rows, NonZeroUsize::get),
            ..usual
        }
    }
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let file = &arguments.pipeline;
    let home = context.home_of(file);
    let runtime = context.runtime(Some(&home))?;
    let mut set: BTreeMap<String, String> = arguments.set.iter().cloned().collect();
    for (name, value) in earlier_values(file, &home)? {
        set.entry(name).or_insert(value);
    }
    let shelf = Shelf { home: home.clone() };
    let plan = match arguments.update_lock {
        true => trueline_pipeline::check_unlocked(file, &set, &runtime, &shelf)?,
        false => trueline_pipeline::check_set(file, &set, &runtime, &shelf)?,
    };
    tell_notes(&plan, context);
    for name in arguments.from.iter().chain(&arguments.only) {
        check_stage(&plan, name)?;
    }
    let store = home::open_store(&home)?;
    if pin(&plan, arguments.update_lock)? {
        context.note(&format!(
            "the plugins are locked in {}",
            context.shown(&Lock::path_of(file))
        ));
    }
    let progress = Progress::of_run(&plan, context);
    let options = Options {
        cache: !arguments.no_cache,
        from: arguments.from.clone(),
        only: arguments.only.clone(),
        cancel: interrupt::cancel_on_interrupt()?,
        ..arguments.work.options()
    };
    let report = trueline_engine::run(&plan, &store, &runtime, &options, &progress);
    progress.finish();
    answer(&report?, file, &home, context)
}

/// Tells what became of a run of this file, and how the command ends.
pub(super) fn answer(
    report: &RunReport,
    file: &Path,
    home: &Path,
    context: &Context,
) -> anyhow::Result<Exit> {
    context.answer(report, || {
        let next = views::next(next_commands(report, file, home, context), context.style);
        views::run::run(report, context.style) + &next
    })?;
    Ok(exit(report))
}

/// The parameters that are metrics of the last run, where there was one, as TOML.
fn earlier_values(file: &Path, home: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let (pipeline, earlier) = trueline_pipeline::earlier_metrics(file)?;
    if earlier.is_empty() {
        return Ok(Vec::new());
    }
    let store = home::open_store(home)?;
    let mut values = Vec::new();
    for EarlierMetric {
        name,
        stage,
        metric,
    } in earlier
    {
        let value = store.last_metric(&pipeline, &stage, &metric)?;
        // Counts are written as the whole numbers that they are.
        let text = |value: f64| match value.fract() == 0.0 && value.abs() <= 9e15 {
            true => format!("{value:.0}"),
            false => format!("{value:?}"),
        };
        let value = value.filter(|value| value.is_finite());
        values.extend(value.map(|value| (name, text(value))));
    }
    Ok(values)
}

/// Locks the plan's plugins; with `anew`, a lock file that cannot be read is replaced.
fn pin(plan: &Plan, anew: bool) -> Result<bool, LockError> {
    match Lock::pin(plan) {
        Err(_) if anew => Lock::of(plan).write(&plan.file).map(|()| true),
        pinned => pinned,
    }
}

fn check_stage(plan: &Plan, name: &str) -> Result<(), Problem> {
    if plan.stage(name).is_some() {
        return Ok(());
    }
    let names = || plan.stages.iter().map(|stage| stage.name.as_str());
    let hint = did_you_mean(name, names())
        .unwrap_or_else(|| format!("its stages are {}", list_some(names())));
    let message = format!("{} has no stage `{name}`", plan.file.display());
    Err(Problem::new(message).hint(hint))
}

fn exit(report: &RunReport) -> Exit {
    match (report.state, report.failure) {
        (RunState::Cancelled, _) => Exit::Cancelled,
        (RunState::Succeeded, _) => Exit::Done,
        (_, Some(RunFailure::Gate)) => Exit::Refused,
        _ => Exit::Failed,
    }
}

fn next_commands(
    report: &RunReport,
    file: &Path,
    home: &Path,
    context: &Context,
) -> Vec<(String, &'static str)> {
    let (program, flag) = (&context.program, context.home_flag(home));
    let mut commands = Vec::new();
    if let Some(package) = &report.package {
        let reference = format!("{}@{}", package.name, package.version);
        if package.accepted {
            let verify_flag = context.home_flag_of(file, home);
            let verify = format!("{program} verify {}{verify_flag}", file.display());
            commands.push((verify, "prove that every way gives the same bits"));
            let predict = format!("{program} predict {reference} --input FILE{flag}");
            commands.push((predict, "predict rows of CSV, NDJSON, Parquet or Arrow"));
            let promote = format!("{program} package promote {reference} --reason TEXT{flag}");
            commands.push((promote, "make it the one that is in use"));
        } else {
            commands.push((
                format!("{program} package show {reference}{flag}"),
                "look at what was refused",
            ));
        }
    }
    if report.stages.iter().any(|stage| stage.best.is_some()) {
        let study = format!("{program} study show {}{flag}", report.run);
        commands.push((study, "see what was tried"));
    }
    if report.state == RunState::Cancelled {
        let resume = format!("{program} resume {}{flag}", report.run);
        commands.push((resume, "go on where it was given up"));
    }
    commands.push((
        format!("{program} show {}{flag}", report.run),
        "see what the run read, did and decided",
    ));
    if report
        .stages
        .iter()
        .any(|stage| stage.cached_from.is_some())
    {
        commands.push((
            format!("{program} explain {}{flag}", report.run),
            "see why stages ran or were cached",
        ));
    }
    commands
}
