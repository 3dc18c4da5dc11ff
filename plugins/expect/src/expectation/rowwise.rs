//! What each value by itself must be.

use std::collections::BTreeSet;

use regex::Regex;
use trueline_sdk::order::{Kind, Value, is_infinite, is_nan};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, decode, encode};
use crate::rows::{Examples, Rows};
use crate::verdict::{About, Verdict, are, share};

/// What is asked of a value that is not null.
pub(crate) enum Test {
    /// NaN lies in no range, but has an expectation of its own there.
    Min(i64),
    Max(i64),
    Above(i64),
    Below(i64),
    NotNan,
    Finite,
    Allowed(BTreeSet<Value>),
    Forbidden(BTreeSet<Value>),
    Matches(Regex),
    NotMatches(Regex),
    MinLength(u64),
    MaxLength(u64),
}

/// How many may be otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// The share of values that must be as expected.
    pub(crate) mostly: f64,
}

impl Tolerance {
    /// Whether so many of so many may be otherwise.
    pub(crate) fn allows(self, bad: u64, of: u64) -> bool {
        bad == 0 || share(of - bad, of) >= self.mostly
    }

    /// What to add to a message about so many of so many.
    pub(crate) fn told(self, bad: u64, of: u64) -> String {
        if self.mostly < 1.0 {
            let good = share(of - bad, of);
            format!(
                "; of {of}, a share of {good:.6} is as expected where {} must be",
                self.mostly
            )
        } else {
            String::new()
        }
    }
}

/// A test of every value of a column.
pub(crate) struct Rowwise {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    pub(crate) test: Test,
    pub(crate) tolerance: Tolerance,
    /// How many examples are kept.
    pub(crate) most: usize,
    pub(crate) taken: Taken,
}

/// What was taken in.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Taken {
    values: u64,
    bad: u64,
    /// The lowest or highest value but NaN, whichever the test is about.
    extreme: Option<i64>,
    examples: Examples,
}

impl Rowwise {
    fn is_upper(&self) -> bool {
        matches!(self.test, Test::Max(_) | Test::Below(_))
    }

    fn further(&self, a: Option<i64>, b: Option<i64>) -> Option<i64> {
        let both = [a, b].into_iter().flatten();
        if self.is_upper() {
            both.max()
        } else {
            both.min()
        }
    }

    /// Counts a row that is otherwise.
    fn count(
        &mut self,
        rows: &Rows<'_>,
        row: usize,
        rank: i64,
        shown: impl FnOnce() -> String,
    ) -> Result<()> {
        self.taken.bad += 1;
        let examples = &mut self.taken.examples;
        examples.add(rows, row, self.most, rank, || Ok(shown()))
    }

    /// What orders examples: beyond a bound, those that are furthest from it go first.
    fn rank(&self, key: i64) -> i64 {
        match self.test {
            Test::Min(_) | Test::Above(_) => key,
            // The order the other way round.
            Test::Max(_) | Test::Below(_) => !key,
            _ => 0,
        }
    }

    fn update_texts(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        let texts = column.utf8()?;
        for row in (0..rows.count()).filter(|&row| column.is_valid(row)) {
            self.taken.values += 1;
            let text = texts.get(row);
            if !self.test.accepts_text(text) {
                let kind = self.kind;
                let shown = || kind.show(&Value::Text(text.to_owned()));
                self.count(rows, row, 0, shown)?;
            }
        }
        Ok(())
    }

    fn update_bytes(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        let blobs = column.binary()?;
        for row in (0..rows.count()).filter(|&row| column.is_valid(row)) {
            self.taken.values += 1;
            let length = blobs.get(row).len();
            if !self.test.accepts_length(length as u64) {
                self.count(rows, row, 0, || format!("{length} bytes"))?;
            }
        }
        Ok(())
    }

    fn update_keys(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        let (kind, is_float) = (self.kind, self.kind.is_float());
        for (row, &key) in rows.keys(self.place)?.iter().enumerate() {
            if !column.is_valid(row) {
                continue;
            }
            self.taken.values += 1;
            if !(is_float && is_nan(key)) {
                self.taken.extreme = self.further(self.taken.extreme, Some(key));
            }
            if !self.test.accepts_key(key, is_float) {
                let rank = self.rank(key);
                self.count(rows, row, rank, || kind.show(&Value::Key(key)))?;
            }
        }
        Ok(())
    }
}

impl Test {
    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Matches(regex) => regex.is_match(text),
            Self::NotMatches(regex) => !regex.is_match(text),
            Self::Allowed(values) => values.contains(&Value::Text(text.to_owned())),
            Self::Forbidden(values) => !values.contains(&Value::Text(text.to_owned())),
            _ => self.accepts_length(text.chars().count() as u64),
        }
    }

    fn accepts_length(&self, length: u64) -> bool {
        match self {
            Self::MinLength(min) => length >= *min,
            Self::MaxLength(max) => length <= *max,
            _ => true,
        }
    }

    fn accepts_key(&self, key: i64, is_float: bool) -> bool {
        let is_nan = is_float && is_nan(key);
        match self {
            Self::Min(min) => is_nan || key >= *min,
            Self::Max(max) => is_nan || key <= *max,
            Self::Above(bound) => is_nan || key > *bound,
            Self::Below(bound) => is_nan || key < *bound,
            Self::NotNan => !is_nan,
            Self::Finite => !(is_nan || is_float && is_infinite(key)),
            Self::Allowed(values) => values.contains(&Value::Key(key)),
            Self::Forbidden(values) => !values.contains(&Value::Key(key)),
            // Of texts only.
            Self::Matches(_) | Self::NotMatches(_) | Self::MinLength(_) | Self::MaxLength(_) => {
                true
            }
        }
    }
}

impl Expectation for Rowwise {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        match rows.column(self.place).values {
            Values::Utf8(_) => self.update_texts(rows),
            Values::Binary(_) => self.update_bytes(rows),
            _ => self.update_keys(rows),
        }
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.taken)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let more: Taken = decode(partial)?;
        self.taken.values += more.values;
        self.taken.bad += more.bad;
        self.taken.extreme = self.further(self.taken.extreme, more.extreme);
        self.taken.examples.merge(more.examples, self.most);
        Ok(())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let Taken { values, bad, .. } = self.taken;
        let met = self.tolerance.allows(bad, values);
        let extreme = self
            .taken
            .extreme
            .map(|key| self.kind.show(&Value::Key(key)));
        let extreme = extreme.unwrap_or_else(|| "none".to_owned());
        let bound = |key: i64| self.kind.show(&Value::Key(key));
        let examples = self.taken.examples.into_vec();
        let mut found = match &self.test {
            Test::Min(min) => format!(
                "{} below {}; the lowest is {extreme}",
                are(bad, "value"),
                bound(*min)
            ),
            Test::Above(min) => format!(
                "{} not above {}; the lowest is {extreme}",
                are(bad, "value"),
                bound(*min)
            ),
            Test::Max(max) => format!(
                "{} above {}; the highest is {extreme}",
                are(bad, "value"),
                bound(*max)
            ),
            Test::Below(max) => format!(
                "{} not below {}; the highest is {extreme}",
                are(bad, "value"),
                bound(*max)
            ),
            Test::NotNan => format!("{} NaN, which lies in no range", are(bad, "value")),
            Test::Finite => format!("{} NaN or infinite", are(bad, "value")),
            Test::Allowed(allowed) if allowed.len() == 1 => {
                format!("{} not the allowed one", are(bad, "value"))
            }
            Test::Allowed(allowed) => {
                format!(
                    "{} not one of the {} allowed",
                    are(bad, "value"),
                    allowed.len()
                )
            }
            Test::Forbidden(_) => format!("{} forbidden", are(bad, "value")),
            Test::Matches(regex) => format!("{} without a match of {regex}", are(bad, "value")),
            Test::NotMatches(regex) => format!("{} with a match of {regex}", are(bad, "value")),
            Test::MinLength(min) => format!("{} shorter than {min}", are(bad, "value")),
            Test::MaxLength(max) => format!("{} longer than {max}", are(bad, "value")),
        };
        let shows_values = !matches!(
            self.test,
            Test::Min(_)
                | Test::Max(_)
                | Test::Above(_)
                | Test::Below(_)
                | Test::NotNan
                | Test::Finite
        );
        if shows_values && !examples.is_empty() {
            let mut shown: Vec<&str> = Vec::new();
            for example in &examples {
                if !shown.contains(&example.shown.as_str()) {
                    shown.push(&example.shown);
                }
            }
            found += &format!(", such as {}", shown.join(", "));
        }
        found += &self.tolerance.told(bad, values);
        let found = match (bad, &self.test) {
            (0, Test::Min(_) | Test::Above(_)) => Some(format!("the lowest is {extreme}")),
            (0, Test::Max(_) | Test::Below(_)) => Some(format!("the highest is {extreme}")),
            (0, _) => None,
            _ => Some(found),
        };
        self.about
            .verdict(met, bad, found)
            .with_examples(examples, seen.key)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}
