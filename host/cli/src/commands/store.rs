//! `trueline store check|gc|backup|restore|upgrade`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use trueline_store::SystemClock;

use super::cache::{duration_us, now_us};
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::{home, views};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hash everything that the home keeps, and check that its database agrees with itself
    Check,
    /// Free the bytes that nothing needs any more; runs stay, with the digests of all they made
    Gc {
        /// Also outputs and copies of data of runs that ended so long ago, such as `90d`, unless a younger
        /// run, a package or the cache needs them
        #[arg(long, value_name = "TIME")]
        runs_older_than: Option<String>,
        /// Only say what would be freed
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy the home into a new folder, while runs may go on
    Backup {
        /// The folder, which must not exist yet
        folder: PathBuf,
    },
    /// Make a home of a backup
    Restore {
        /// The backup
        backup: PathBuf,
    },
    /// Bring the home's database to this version of Trueline; a copy of the old one is kept beside it
    Upgrade,
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Check => {
            let found = context.store()?.check()?;
            context.answer(&found, || views::store::check(&found, context.style))?;
            return Ok(match found.problems.is_empty() {
                true => Exit::Done,
                false => Exit::Failed,
            });
        }
        Command::Gc {
            runs_older_than,
            dry_run,
        } => {
            let age = runs_older_than.as_deref().map(duration_us).transpose()?;
            let store = context.store()?;
            let freed = store.free(age.map(|age| now_us() - age), *dry_run)?;
            context.answer(&freed, || views::store::freed(&freed, *dry_run))?;
        }
        Command::Backup { folder } => {
            let made = context.store()?.back_up(folder)?;
            context.answer(&made, || views::store::backup(&made))?;
        }
        Command::Restore { backup } => {
            let home = match &context.home {
                Some(home) => home.clone(),
                None => context.folder.join(home::FOLDER),
            };
            let made = trueline_store::restore(backup, &home, SystemClock)?;
            context.answer(&made, || views::store::backup(&made))?;
        }
        Command::Upgrade => upgrade(context)?,
    }
    Ok(Exit::Done)
}

fn upgrade(context: &Context) -> anyhow::Result<()> {
    let home = context.nearest_home();
    let versions = home.as_deref().map(trueline_store::schema_versions);
    let Some((home, (from, to))) = home.zip(versions.transpose()?.flatten()) else {
        let problem = Problem::new("there is no home here that could be brought to this version");
        return Err(problem.hint("name it with --home or TRUELINE_HOME").into());
    };
    // Opening brings it to this version, or says why it cannot.
    home::open_store(&home)?;
    let data = json!({ "home": home, "from": from, "to": to });
    context.answer(&data, || match from == to {
        true => format!("{} is at version {to} already\n", context.shown(&home)),
        false => format!(
            "{} went from version {from} to version {to}; trueline.v{from}.db in it is as it was before\n",
            context.shown(&home)
        ),
    })?;
    Ok(())
}
