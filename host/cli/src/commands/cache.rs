//! `trueline cache stats|prune|purge`

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use serde_json::json;

use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the cache holds, who made it, and what came out differently the second time
    Stats,
    /// Forget results that nobody has used for a while; what runs have made stays
    Prune {
        /// How long, such as `30d`, `12h` or `0s`
        #[arg(long, value_name = "TIME", default_value = "30d")]
        unused_for: String,
    },
    /// Forget the results that a faulty engine made, or all of them; what runs have made stays
    Purge {
        /// The engine's fingerprint, or the start of it; `cache stats` lists them
        #[arg(long, value_name = "FINGERPRINT", required_unless_present = "all")]
        made_by: Option<String>,
        /// Everything, whoever made it
        #[arg(long, conflicts_with = "made_by")]
        all: bool,
    },
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    match command {
        Command::Stats => {
            let (stats, incidents) = (store.cache_stats()?, store.incidents()?);
            let data = json!({ "stats": stats, "incidents": incidents });
            context.answer(&data, || {
                views::cache::stats(&stats, &incidents, context.style)
            })?;
        }
        Command::Prune { unused_for } => {
            let forgotten = store.prune_cache(now_us() - duration_us(unused_for)?)?;
            context.answer(&forgotten, || views::cache::forgotten(&forgotten))?;
        }
        Command::Purge { made_by, .. } => {
            let forgotten = store.purge_cache(made_by.as_deref())?;
            context.answer(&forgotten, || views::cache::forgotten(&forgotten))?;
        }
    }
    Ok(Exit::Done)
}

/// The time, in microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// A time such as `30d` in microseconds.
pub(crate) fn duration_us(text: &str) -> anyhow::Result<i64> {
    let units = [
        ("s", 1),
        ("min", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 604_800),
    ];
    let digits = text.find(|character: char| !character.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let seconds = units.iter().find(|(name, _)| *name == unit.trim());
    let amount = seconds.and_then(|(_, seconds)| {
        let seconds = number.parse::<i64>().ok()?.checked_mul(*seconds)?;
        seconds.checked_mul(1_000_000)
    });
    amount.ok_or_else(|| {
        let problem = Problem::new(format!("`{text}` is not a time"));
        problem
            .hint("write a whole number with its unit: s, min, h, d or w, as in 30d")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_and_a_unit() {
        let day = 86_400_000_000;
        for (text, expected) in [
            ("30d", 30 * day),
            ("12h", day / 2),
            ("0s", 0),
            ("2 w", 14 * day),
        ] {
            assert_eq!(duration_us(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "30",
            "d",
            "1.5h",
            "-1d",
            "3 years",
            "99999999999999999d",
        ] {
            assert!(duration_us(text).is_err(), "{text}");
        }
    }
}
