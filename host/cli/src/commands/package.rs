//! `trueline package list|show|promote|rollback|history|provenance|export|import`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use trueline_runtime::Package;
use trueline_store::{AliasMove, PackageSummary, Store};
use trueline_table::Digest;

use super::reference::{self, Found};
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::{home, new_file, views};

mod export;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List packages by name and version
    List {
        /// A pipeline file, for the packages of its home [default: those of the home of this folder]
        pipeline: Option<PathBuf>,
    },
    /// Show what a package consists of, reads and answers
    Show {
        /// A name, `name@version`, digest, or `.trueline` file
        package: String,
    },
    /// Put a package in use: move an alias to it, if its gate accepted it
    Promote {
        /// A name, `name@version`, or digest
        package: String,
        #[command(flatten)]
        alias: Alias,
    },
    /// Move an alias back to the package where it stood before
    Rollback {
        /// The package's name
        name: String,
        #[command(flatten)]
        alias: Alias,
    },
    /// Show every version of a package with what its gate said, and every move of its aliases
    History {
        /// The package's name
        name: String,
    },
    /// Show what a package was made from as an in-toto statement with SLSA's provenance, for tools that sign
    Provenance {
        /// A name, `name@version`, `name@alias`, or digest
        package: String,
    },
    /// Write a package to a file, to be used elsewhere
    Export {
        /// A name, `name@version`, or digest
        package: String,
        /// The file, `.trueline` by custom; `model.tar.gz` for SageMaker; a new folder for Docker
        file: PathBuf,
        /// What to write
        #[arg(long = "as", value_enum, value_name = "FORM", default_value_t = export::Form::Package)]
        form: export::Form,
    },
    /// Write what a link of a package learned to a file: of `gbdt`, a model that XGBoost loads
    State {
        /// A name, `name@version`, digest, or `.trueline` file
        package: String,
        /// The file
        file: PathBuf,
        /// The link of the chain, counted from 1 [default: the last one]
        #[arg(long, value_name = "NUMBER")]
        link: Option<usize>,
    },
    /// Take in a package from a file. No gate of this home has judged it, so it cannot be promoted
    Import {
        /// The file
        file: PathBuf,
        /// What to call it [default: as the file]
        #[arg(long)]
        name: Option<String>,
    },
}

/// Which alias moves, and why.
#[derive(Debug, Args)]
pub(crate) struct Alias {
    /// The alias: `champion` is what gates compare with, `challenger` what may become it
    #[arg(long, value_name = "ALIAS", default_value = "champion")]
    alias: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::List { pipeline } => {
            let packages = all_packages(&context.store_of(pipeline.as_deref())?)?;
            context.answer(&packages, || views::package::list(&packages, context.style))?;
        }
        Command::Show { package } => show(&reference::find(package, context)?, context)?,
        Command::Promote { package, alias } => {
            let store = context.store()?;
            let summary = store.package(package)?.summary;
            let moved =
                store.set_alias(&summary.name, &alias.alias, &summary.digest, &alias.reason)?;
            moved_to(&moved, context)?;
        }
        Command::Rollback { name, alias } => {
            let store = context.store()?;
            let name = store.package(name)?.summary.name;
            let moved = store.roll_back_alias(&name, &alias.alias, &alias.reason)?;
            moved_to(&moved, context)?;
        }
        Command::History { name } => {
            let store = context.store()?;
            let name = store.package(name)?.summary.name;
            let versions = all_packages(&store)?.into_iter();
            let versions: Vec<_> = versions.filter(|package| package.name == name).collect();
            let moves = store.alias_history(&name)?;
            let data = json!({ "name": name, "versions": versions, "moves": moves });
            context.answer(&data, || {
                views::package::list(&versions, context.style)
                    + &views::package::moves(&moves, context.style)
            })?;
        }
        Command::Provenance { package } => {
            let statement = trueline_engine::provenance(&context.store()?, package)?;
            // The statement is JSON whoever reads it.
            context.answer(&statement, || format!("{statement:#}\n"))?;
        }
        Command::Import { file, name } => import(file, name.as_deref(), context)?,
        Command::State {
            package,
            file,
            link,
        } => write_state(&reference::find(package, context)?, file, *link, context)?,
        Command::Export {
            package,
            file,
            form,
        } => {
            let found = reference::find(package, context)?;
            form.write(&found.package, file)?;
            let digest = found.package.digest();
            context.answer(&json!({ "file": file, "digest": digest }), || {
                format!("{} holds {digest}\n", file.display())
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Writes the state of a link, counted from 1, or of the last one.
fn write_state(
    found: &Found,
    file: &Path,
    link: Option<usize>,
    context: &Context,
) -> anyhow::Result<()> {
    let chain = &found.package.manifest().chain;
    let number = link.unwrap_or(chain.len());
    let Some(link) = number.checked_sub(1).and_then(|index| chain.get(index)) else {
        let problem = Problem::new(format!("the package has no link {number}"));
        return Err(problem
            .hint(format!("its links are 1 to {}", chain.len()))
            .into());
    };
    let state = found.package.part(link.state)?;
    if state.is_empty() {
        return Err(Problem::new(format!("link {number} learned nothing"))
            .hint("name another one with --link; `package show` lists them")
            .into());
    }
    new_file::write(file, state)?;
    let data = json!({ "file": file, "link": number, "digest": link.state });
    context.answer(&data, || {
        format!("{} holds the state {}\n", file.display(), link.state)
    })
}

fn moved_to(moved: &AliasMove, context: &Context) -> anyhow::Result<()> {
    context.answer(moved, || {
        format!(
            "{}@{} is {}@{} now ({})\n",
            moved.name,
            moved.alias,
            moved.name,
            moved.version,
            moved.digest.short()
        )
    })
}

/// Takes in a package, its components admitted and all its parts stored.
fn import(file: &Path, name: Option<&str>, context: &Context) -> anyhow::Result<()> {
    let package = Package::open(file)?;
    let usual = file.file_stem().and_then(|stem| stem.to_str());
    let Some(name) = name.or(usual) else {
        let problem = Problem::new(format!("{} gives the package no name", file.display()));
        return Err(problem.hint("name it with --name").into());
    };
    let home = match context.nearest_home() {
        Some(home) => home,
        None => context.folder.join(home::FOLDER),
    };
    let runtime = context.runtime(Some(&home))?;
    for link in &package.manifest().chain {
        runtime.admit(package.part(link.component)?)?;
    }
    let store = home::open_store(&home)?;
    let summary = trueline_engine::import_package(&store, &package, name, file)?;
    context.answer(&summary, || {
        let reference = reference::name(&summary);
        format!("{reference} is {}\n", summary.digest)
    })
}

fn show(found: &Found, context: &Context) -> anyhow::Result<()> {
    let Found { package, entry } = found;
    let data = match entry {
        Some(entry) => json!(entry),
        None => json!({ "digest": package.digest(), "manifest": package.manifest() }),
    };
    context.answer(&data, || {
        let origin = entry.as_ref().map(|entry| views::package::Origin {
            summary: &entry.summary,
            message: &entry.message,
        });
        let size = |digest| package.part(digest).map_or(0, |bytes| bytes.len() as u64);
        let digest = package.digest();
        views::package::show(
            digest,
            package.manifest(),
            origin.as_ref(),
            standard_name,
            size,
            context.style,
        )
    })
}

/// What the standard stage with this component is called.
fn standard_name(component: Digest) -> Option<&'static str> {
    let mut stages = trueline_stages::standard().iter();
    stages
        .find(|stage| Digest::of(stage.bytes()) == component)
        .map(|stage| stage.name)
}

/// Every version of every package, by name and version.
pub(crate) fn all_packages(store: &Store) -> trueline_store::Result<Vec<PackageSummary>> {
    const PAGE: u32 = 500;
    let mut all: Vec<PackageSummary> = Vec::new();
    loop {
        let after = all.last().map(|last| (last.name.as_str(), last.version));
        let page = store.packages(after, PAGE)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
