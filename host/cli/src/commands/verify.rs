//! `trueline verify PIPELINE|PACKAGE`

use std::path::{Path, PathBuf};

use clap::Args;
use trueline_pipeline::Plan;
use trueline_runtime::{Package, Runtime};
use trueline_store::{PackageSummary, RunId, Store};

use super::package::all_packages;
use super::reference::{self, name, package_file};
use super::{checked, run::Work};
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{home, views};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A pipeline file, for the package that its latest run made; or a package: a name,
    /// `name@version`, digest, or `.trueline` file
    #[arg(value_name = "PIPELINE|PACKAGE")]
    subject: String,
    /// The pipeline file of the package [default: the one that its run used]
    #[arg(long, value_name = "FILE")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

/// What is proved, on which data.
struct Subject {
    package: Package,
    name: String,
    plan: Plan,
    home: PathBuf,
    runtime: Runtime,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let Subject {
        package,
        name,
        plan,
        home,
        runtime,
    } = if is_pipeline(&arguments.subject) {
        of_pipeline(Path::new(&arguments.subject), context)?
    } else {
        of_package(&arguments.subject, arguments.pipeline.as_deref(), context)?
    };
    let progress = Progress::of_proof(context);
    let plan = match plan.features.is_empty() {
        true => plan,
        false => trueline_engine::with_features(plan, &home::open_store(&home)?, &progress)?,
    };
    let options = arguments.work.options();
    let report = trueline_engine::verify(&plan, &package, &name, &runtime, &options, &progress);
    progress.finish();
    let report = report?;
    context.answer(&report, || views::verify::verify(&report, context.style))?;
    Ok(if report.holds() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// A file is a pipeline file unless it is a package's.
fn is_pipeline(subject: &str) -> bool {
    let path = Path::new(subject);
    let has = |wanted: &str| {
        path.extension()
            .is_some_and(|extension| extension == wanted)
    };
    has("toml") || (path.is_file() && !has("trueline"))
}

/// The package that the latest run of a pipeline made.
fn of_pipeline(file: &Path, context: &Context) -> anyhow::Result<Subject> {
    let home = context.home_of(file);
    let runtime = context.runtime(Some(&home))?;
    let plan = checked(file, &runtime, &home, context)?;
    let Some(planned) = &plan.package else {
        let problem = Problem::new(format!("{} makes no package", file.display()));
        return Err(problem
            .hint("a section [package] with a `chain` makes one")
            .into());
    };
    let store = home::existing_store(&home)?;
    let latest = store
        .as_ref()
        .map(|store| latest_package(store, &planned.name))
        .transpose()?
        .flatten();
    let (Some(store), Some(latest)) = (store, latest) else {
        let message = format!(
            "no run has made the package `{}` in {} yet",
            planned.name,
            context.shown(&home)
        );
        let run = format!(
            "{} run {}{}",
            context.program,
            file.display(),
            context.home_flag_of(file, &home)
        );
        return Err(Problem::new(message)
            .hint(format!("`{run}` makes it"))
            .into());
    };
    let found = reference::stored(&store, &latest.digest.hex())?;
    Ok(Subject {
        package: found.package,
        name: name(&latest),
        plan,
        home,
        runtime,
    })
}

/// The version that the latest run made. A run that makes what an earlier one made adds no version.
fn latest_package(store: &Store, name: &str) -> trueline_store::Result<Option<PackageSummary>> {
    let versions = all_packages(store)?
        .into_iter()
        .filter(|package| package.name == name);
    Ok(versions.max_by(|a, b| a.run.cmp(&b.run)))
}

fn of_package(
    subject: &str,
    pipeline: Option<&Path>,
    context: &Context,
) -> anyhow::Result<Subject> {
    let found = reference::find(subject, context)?;
    let (file, home) = match pipeline {
        Some(file) => (
            file.to_owned(),
            context
                .home
                .clone()
                .unwrap_or_else(|| context.home_of(file)),
        ),
        None => {
            let store = context.store()?;
            let run = match &found.entry {
                Some(entry) => entry.summary.run.clone(),
                None => run_of_file(&store, subject, &found.package)?,
            };
            (pipeline_file(&store, &run)?, store.home().to_owned())
        }
    };
    let runtime = context.runtime(Some(&home))?;
    let plan = checked(&file, &runtime, &home, context)?;
    let name = match &found.entry {
        Some(entry) => name(&entry.summary),
        None => subject.to_owned(),
    };
    Ok(Subject {
        package: found.package,
        name,
        plan,
        home,
        runtime,
    })
}

/// The run that made the package of a file, if it was in this home.
fn run_of_file(store: &Store, subject: &str, package: &Package) -> anyhow::Result<RunId> {
    debug_assert!(package_file(subject).is_some());
    match store.package(&package.digest().hex()) {
        Ok(entry) => Ok(entry.summary.run),
        Err(trueline_store::Error::NotFound { .. }) => {
            let message = format!("{subject} was not made in {}", store.home().display());
            let hint = "say with --pipeline which pipeline file made it, so that its data is known";
            Err(Problem::new(message).hint(hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The pipeline file of a run.
fn pipeline_file(store: &Store, run: &RunId) -> anyhow::Result<PathBuf> {
    let run = store.run(run.as_str())?;
    let file = run
        .params
        .get("pipeline_file")
        .and_then(|file| file.as_str())
        .map(PathBuf::from);
    let hint = "say with --pipeline where it is now";
    match file {
        Some(file) if file.is_file() => Ok(file),
        Some(file) => {
            let message = format!(
                "the pipeline file of {} is gone: {}",
                run.summary.id,
                file.display()
            );
            Err(Problem::new(message).hint(hint).into())
        }
        None => Err(Problem::new(format!(
            "{} does not say which pipeline file it ran",
            run.summary.id
        ))
        .hint(hint)
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_told_from_a_package() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline");
        std::fs::write(&file, "").unwrap();
        let cases = [
            ("missing.toml", true),
            ("flights@1", false),
            ("x.trueline", false),
            (file.to_str().unwrap(), true),
            ("3f2a", false),
        ];
        for (subject, expected) in cases {
            assert_eq!(is_pipeline(subject), expected, "{subject}");
        }
    }
}
