//! `trueline features quarantine list|show|release|drop`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::store;
use crate::commands::cache::now_us;
use crate::context::Context;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what waits for a decision, in the order in which it came
    List {
        /// Also what was released or dropped
        #[arg(long)]
        all: bool,
    },
    /// Show a batch: the reasons, and its first rows
    Show {
        /// Its number
        number: i64,
        /// Write all of its rows to this file, to be mended and pushed: .parquet, .csv, .ndjson or .arrow
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take batches in as they are, into both stores
    Release {
        /// Their numbers
        #[arg(required = true)]
        numbers: Vec<i64>,
    },
    /// Forget batches; sending them again under their identifiers changes nothing
    Drop {
        /// Their numbers
        #[arg(required = true)]
        numbers: Vec<i64>,
    },
}

/// Rows that are shown.
const ROWS: usize = 10;

pub(super) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let store = store(context)?;
    match command {
        Command::List { all } => {
            let batches = store.quarantined(*all)?;
            context.answer(&batches, || {
                views::features::quarantine(&batches, *all, context.style)
            })?;
        }
        Command::Show { number, out } => {
            let (batch, rows) = store.quarantined_rows(*number)?;
            if let Some(file) = out {
                store.write_quarantined(*number, file)?;
            }
            let shown = rows
                .first()
                .map(|rows| rows.slice(0, rows.num_rows().min(ROWS)));
            let shown = shown.as_ref();
            let data = json!({ "batch": batch, "rows": shown.map(views::features::json_rows) });
            context.answer(&data, || {
                views::features::quarantined(&batch, shown, context.style)
            })?;
        }
        Command::Release { numbers } => {
            let mut receipts = Vec::new();
            for number in numbers {
                receipts.push(store.release(*number, now_us())?);
            }
            context.answer(&receipts, || views::features::pushed(&receipts))?;
        }
        Command::Drop { numbers } => {
            let mut dropped = Vec::new();
            for number in numbers {
                dropped.push(store.drop_quarantined(*number, now_us())?);
            }
            context.answer(&dropped, || views::features::dropped(&dropped))?;
        }
    }
    Ok(Exit::Done)
}
