//! Whether each expectation was met, as findings and as a report.

use trueline_sdk::prelude::*;

use crate::expectation::ColumnExpectation;
use crate::params::{Level, Rows};
use crate::tally::Tally;
use trueline_sdk::order::{Kind, Value};

/// The outcome of one expectation.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// The column, the columns of a key, or `rows`.
    subject: String,
    /// What was expected: `min -120`.
    expected: String,
    severity: Level,
    met: bool,
    /// Rows that do not meet it.
    count: u64,
    /// What was there instead, or what was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
}

impl Verdict {
    /// An expectation that was not met, whatever the rows.
    pub(crate) fn unmet(subject: &str, severity: Level, message: String) -> Self {
        Self {
            subject: subject.to_owned(),
            expected: "the column is there and has its type".to_owned(),
            severity,
            met: false,
            count: 0,
            found: Some(message),
        }
    }

    /// The finding, if it was not met.
    pub(crate) fn finding(&self) -> Option<Finding> {
        (!self.met).then(|| Finding {
            severity: self.severity.into(),
            subject: self.subject.clone(),
            message: self.found.clone().unwrap_or_else(|| self.expected.clone()),
            count: self.count,
        })
    }
}

/// Judges the number of rows.
pub(crate) fn of_rows(expected: &Rows, default: Level, rows: u64) -> Vec<Verdict> {
    let verdict = |what: &str, bound: u64, met: bool, relation: &str| Verdict {
        subject: "rows".to_owned(),
        expected: format!("{what} {bound}"),
        severity: expected.severity.unwrap_or(default),
        met,
        count: if met { 0 } else { rows },
        found: Some(if met {
            format!("{rows} rows")
        } else {
            format!("there are {rows} rows, {relation} than the {bound} expected")
        }),
    };
    let min = expected
        .min
        .map(|min| verdict("min", min, rows >= min, "fewer"));
    let max = expected
        .max
        .map(|max| verdict("max", max, rows <= max, "more"));
    [min, max].into_iter().flatten().collect()
}

/// Judges the uniqueness of a key.
pub(crate) fn of_unique(columns: &[String], severity: Level, repeated: u64) -> Verdict {
    Verdict {
        subject: columns.join(", "),
        expected: "unique".to_owned(),
        severity,
        met: repeated == 0,
        count: repeated,
        found: (repeated > 0).then(|| format!("{} the key of another row", rows_repeat(repeated))),
    }
}

/// Judges a column by what was counted of it.
pub(crate) fn of_column(expected: &ColumnExpectation, tally: &Tally, rows: u64) -> Vec<Verdict> {
    let kind = expected.kind;
    let show = |key: Option<i64>| key.map_or("none".to_owned(), |key| kind.show(&Value::Key(key)));
    let mut verdicts = Vec::new();
    let mut judge = |what: String, count: u64, met: bool, seen: Option<String>, unmet: String| {
        verdicts.push(Verdict {
            subject: expected.name.clone(),
            expected: what,
            severity: expected.level,
            met,
            count: if met { 0 } else { count },
            found: if met { seen } else { Some(unmet) },
        });
    };
    if let Some(max) = expected.max_null_share {
        let share = if rows == 0 {
            0.0
        } else {
            tally.nulls as f64 / rows as f64
        };
        let seen = format!("{} of {rows} values are null", tally.nulls);
        let unmet = format!("{seen}, a share of {share:.4} where at most {max} is expected");
        judge(
            format!("max_null_share {max}"),
            tally.nulls,
            share <= max,
            Some(seen),
            unmet,
        );
    }
    if let Some(min) = expected.min {
        let (min, lowest) = (show(Some(min)), show(tally.lowest));
        let unmet = format!(
            "{} below {min}; the lowest is {lowest}",
            values_are(tally.below)
        );
        judge(
            format!("min {min}"),
            tally.below,
            tally.below == 0,
            Some(format!("the lowest is {lowest}")),
            unmet,
        );
    }
    if let Some(max) = expected.max {
        let (max, highest) = (show(Some(max)), show(tally.highest));
        let unmet = format!(
            "{} above {max}; the highest is {highest}",
            values_are(tally.above)
        );
        judge(
            format!("max {max}"),
            tally.above,
            tally.above == 0,
            Some(format!("the highest is {highest}")),
            unmet,
        );
    }
    if expected.finite {
        let count = tally.nans + tally.infinities;
        judge(
            "finite".to_owned(),
            count,
            count == 0,
            None,
            format!("{} NaN or infinite", values_are(count)),
        );
    } else if kind.is_float() && (expected.min.is_some() || expected.max.is_some()) {
        let unmet = format!("{} NaN, which lies in no range", values_are(tally.nans));
        judge(
            "not NaN".to_owned(),
            tally.nans,
            tally.nans == 0,
            None,
            unmet,
        );
    }
    if let Some(allowed) = &expected.allowed {
        let (what, unmet) = (list(kind, allowed), not_allowed(kind, tally, allowed.len()));
        judge(
            format!("one of {what}"),
            tally.not_allowed,
            tally.not_allowed == 0,
            None,
            unmet,
        );
    }
    verdicts
}

fn not_allowed(kind: Kind, tally: &Tally, allowed: usize) -> String {
    let strays = list(kind, &tally.strays);
    let values = if allowed == 1 {
        "the allowed one".to_owned()
    } else {
        format!("one of the {allowed} allowed")
    };
    format!(
        "{} not {values}, such as {strays}",
        values_are(tally.not_allowed)
    )
}

/// Values with commas between them; the first ten of many.
fn list<'v>(kind: Kind, values: impl IntoIterator<Item = &'v Value>) -> String {
    const LONGEST: usize = 10;
    let mut shown: Vec<String> = values
        .into_iter()
        .take(LONGEST + 1)
        .map(|value| kind.show(value))
        .collect();
    if shown.len() > LONGEST {
        shown[LONGEST] = "…".to_owned();
    }
    shown.join(", ")
}

fn values_are(count: u64) -> String {
    if count == 1 {
        "1 value is".to_owned()
    } else {
        format!("{count} values are")
    }
}

fn rows_repeat(count: u64) -> String {
    if count == 1 {
        "1 row repeats".to_owned()
    } else {
        format!("{count} rows repeat")
    }
}
