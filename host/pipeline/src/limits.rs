//! Limits as they are written: `{ memory = "512MiB", time = "30s", cpu_time = "20s", output = "64MiB" }`.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use trueline_runtime::Limits;

use crate::source::{Problem, Report};

/// The limits that a stage sets itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct LimitKeys {
    memory: Option<Spanned<String>>,
    time: Option<Spanned<String>>,
    cpu_time: Option<Spanned<String>>,
    output: Option<Spanned<String>>,
}

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

const TIMES_MS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];

const TIME_HINT: &str =
    "write a whole number above 0 with its unit: ms, s, min or h, as in \"30s\"";

impl LimitKeys {
    /// The runtime's limits with these in place of its defaults.
    pub(crate) fn check(&self, report: &mut Report<'_>) -> Limits {
        let mut limits = Limits::default();
        let mut read = |value: &Option<Spanned<String>>, units, hint: &str| {
            let value = value.as_ref()?;
            let problem = || {
                Problem::new(
                    value.span(),
                    format!("`{}` is not a limit", value.get_ref()),
                )
                .hint(hint)
            };
            report.ok(amount(value.get_ref(), units).ok_or_else(problem))
        };
        let size = "write a whole number above 0 with its unit: B, KiB, MiB, GiB, kB, MB or GB, as in \"512MiB\"";
        let time = TIME_HINT;
        // A size beyond the address space limits nothing.
        let bytes = |amount| usize::try_from(amount).unwrap_or(usize::MAX);
        if let Some(amount) = read(&self.memory, SIZES, size) {
            limits.memory_bytes = bytes(amount);
        }
        if let Some(amount) = read(&self.time, TIMES_MS, time) {
            limits.time = Duration::from_millis(amount);
        }
        limits.cpu_time = read(&self.cpu_time, TIMES_MS, time).map(Duration::from_millis);
        if let Some(amount) = read(&self.output, SIZES, size) {
            limits.output_bytes = bytes(amount);
        }
        limits
    }
}

/// A time such as `30s`.
///
/// # Errors
/// If it is none.
pub(crate) fn duration(text: &Spanned<String>) -> Result<Duration, Problem> {
    let ms = amount(text.get_ref(), TIMES_MS);
    ms.map(Duration::from_millis).ok_or_else(|| {
        let message = format!("`{}` is not a time", text.get_ref());
        Problem::new(text.span(), message).hint(TIME_HINT)
    })
}

/// A positive whole number times its unit.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let unit = text[digits..].trim_start();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    text[..digits]
        .parse::<u64>()
        .ok()?
        .checked_mul(*factor)
        .filter(|amount| *amount > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_number_and_a_unit() {
        let check =
            |text: &str, units, expected| assert_eq!(amount(text, units), expected, "{text}");
        check("512MiB", SIZES, Some(512 << 20));
        check(" 2 GB ", SIZES, Some(2_000_000_000));
        check("100ms", TIMES_MS, Some(100));
        check("2min", TIMES_MS, Some(120_000));
        for text in [
            "",
            "MiB",
            "12",
            "1.5GiB",
            "-1B",
            "0B",
            "1 mb",
            "99999999999999999999B",
            "9999999999999GiB",
        ] {
            check(text, SIZES, None);
        }
    }
}
