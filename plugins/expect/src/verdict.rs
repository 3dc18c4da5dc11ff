//! Whether an expectation was met, for the report and as a finding.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;

use crate::params::Level;
use crate::rows::Example;

/// What an expectation is about and how bad it is if it is not met.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// A column, the columns of a key, or `rows`.
    pub(crate) subject: String,
    /// What is expected: `min -120`.
    pub(crate) expected: String,
    pub(crate) severity: Level,
}

/// The outcome of one expectation.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    subject: String,
    expected: String,
    severity: Level,
    met: bool,
    /// Rows that are not as expected, also if so many may be.
    count: u64,
    /// What was there instead, or what was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<Shown>,
}

/// An example in the report.
#[derive(Debug, Serialize)]
struct Shown {
    row: i64,
    value: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    key: BTreeMap<String, Option<String>>,
}

impl Shown {
    /// What tells a reader which row it is: `5`, or with what names it `5: carrier UA, flight 1545`.
    fn name(&self) -> String {
        let named = |(column, value): (&String, &Option<String>)| {
            let value = value.as_deref().unwrap_or("null");
            format!("{column} {value}")
        };
        let key: Vec<String> = self.key.iter().map(named).collect();
        match key.is_empty() {
            true => self.row.to_string(),
            false => format!("{}: {}", self.row, key.join(", ")),
        }
    }
}

impl About {
    /// The expectation was met or not, with what was seen.
    pub(crate) fn verdict(self, met: bool, count: u64, found: Option<String>) -> Verdict {
        Verdict {
            subject: self.subject,
            expected: self.expected,
            severity: self.severity,
            met,
            count,
            found,
            examples: Vec::new(),
        }
    }
}

impl Verdict {
    /// The same with rows to look at; `names` are the columns that name a row.
    pub(crate) fn with_examples(mut self, examples: Vec<Example>, names: &[String]) -> Self {
        let shown = |example: Example| Shown {
            row: example.row,
            value: example.shown,
            key: names.iter().cloned().zip(example.key).collect(),
        };
        self.examples = examples.into_iter().map(shown).collect();
        self
    }

    /// The finding, if it was not met, with the numbers of rows and what names them.
    pub(crate) fn finding(&self) -> Option<Finding> {
        if self.met {
            return None;
        }
        let mut message = self.found.clone().unwrap_or_else(|| self.expected.clone());
        let mut rows: Vec<String> = self.examples.iter().map(Shown::name).collect();
        shorten(&mut rows);
        if !rows.is_empty() {
            let word = if self.count == 1 { "row" } else { "rows" };
            let is_keyed = self.examples.iter().any(|example| !example.key.is_empty());
            let separator = if is_keyed { "; " } else { ", " };
            if self.count > rows.len() as u64 {
                rows.push("…".to_owned());
            }
            message.push_str(&format!(" ({word} {})", rows.join(separator)));
        }
        Some(Finding {
            severity: self.severity.into(),
            subject: self.subject.clone(),
            message,
            count: self.count,
        })
    }
}

/// Leaves as many names of rows as a line has room for, and the first in any case: keys of several columns are long.
fn shorten(names: &mut Vec<String>) {
    /// In characters.
    const ROOM: usize = 80;
    let mut taken = 0;
    let fits = |name: &&String| {
        taken += name.chars().count();
        taken <= ROOM
    };
    let count = names.iter().take_while(fits).count();
    names.truncate(count.max(1));
}

/// So many of something, `1 value is` or `7 values are`.
pub(crate) fn are(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what} is")
    } else {
        format!("{count} {what}s are")
    }
}

/// A share with as many digits as tell it from `bound`.
pub(crate) fn share(count: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 / of as f64
    }
}
