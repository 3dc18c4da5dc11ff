//! `trueline package list|show|export`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use trueline_store::{PackageSummary, Store};
use trueline_table::Digest;

use super::reference::{self, Found};
use crate::context::Context;
use crate::exit::Exit;
use crate::views;

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
    /// Write a package to a file, to be used elsewhere
    Export {
        /// A name, `name@version`, or digest
        package: String,
        /// The file, `.trueline` by custom
        file: PathBuf,
    },
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::List { pipeline } => {
            let packages = all_packages(&context.store_of(pipeline.as_deref())?)?;
            context.answer(&packages, || views::package::list(&packages, context.style))?;
        }
        Command::Show { package } => show(&reference::find(package, context)?, context)?,
        Command::Export { package, file } => {
            let found = reference::find(package, context)?;
            found.package.write(file)?;
            let digest = found.package.digest();
            context.answer(&json!({ "file": file, "digest": digest }), || {
                format!("{} holds {digest}\n", file.display())
            })?;
        }
    }
    Ok(Exit::Done)
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
        .find(|stage| Digest::of(stage.bytes) == component)
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
