//! Which values a column has at all, and most of the time.

use std::collections::{BTreeMap, BTreeSet};

use trueline_sdk::order::{Kind, Value};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, decode, encode};
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

/// Each value of a column that is not null.
fn each(rows: &Rows<'_>, place: usize, mut take: impl FnMut(Value)) -> Result<()> {
    let column = rows.column(place);
    let valid = (0..rows.count()).filter(|&row| column.is_valid(row));
    if let Values::Utf8(texts) = &column.values {
        valid.for_each(|row| take(Value::Text(texts.get(row).to_owned())));
    } else {
        let keys = rows.keys(place)?;
        valid.for_each(|row| take(Value::Key(keys[row])));
    }
    Ok(())
}

/// Values with commas between them; the first ten of many.
pub(crate) fn list<'v>(kind: Kind, values: impl IntoIterator<Item = &'v Value>) -> String {
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

/// Each of these values is there.
pub(crate) struct Contains {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    pub(crate) wanted: BTreeSet<Value>,
    pub(crate) found: BTreeSet<Value>,
}

impl Expectation for Contains {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let (wanted, found) = (&self.wanted, &mut self.found);
        if found.len() == wanted.len() {
            return Ok(());
        }
        each(rows, self.place, |value| {
            if wanted.contains(&value) {
                found.insert(value);
            }
        })
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.found)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.found.extend(decode::<BTreeSet<Value>>(partial)?);
        Ok(())
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        let missing: Vec<&Value> = self.wanted.difference(&self.found).collect();
        let found = (!missing.is_empty()).then(|| match missing.len() {
            1 => format!("a value is not there: {}", list(self.kind, missing.clone())),
            count => format!(
                "{count} values are not there: {}",
                list(self.kind, missing.clone())
            ),
        });
        self.about.verdict(missing.is_empty(), 0, found)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}

/// The value that is there most often is one of these; of several such values one at least.
pub(crate) struct MostCommon {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    pub(crate) wanted: BTreeSet<Value>,
    pub(crate) counts: BTreeMap<Value, u64>,
}

impl Expectation for MostCommon {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let counts = &mut self.counts;
        each(rows, self.place, |value| {
            *counts.entry(value).or_default() += 1;
        })
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.counts)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        for (value, count) in decode::<BTreeMap<Value, u64>>(partial)? {
            *self.counts.entry(value).or_default() += count;
        }
        Ok(())
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        let most = self.counts.values().max().copied().unwrap_or_default();
        let common: Vec<&Value> = self
            .counts
            .iter()
            .filter(|(_, count)| **count == most)
            .map(|(value, _)| value)
            .collect();
        let met = common.is_empty() || common.iter().any(|value| self.wanted.contains(value));
        let shown = list(self.kind, common.iter().copied());
        let found = match common.len() {
            0 => "there is no value".to_owned(),
            1 => format!("the most common value is {shown}, {most} times"),
            _ => format!("the most common values are {shown}, {most} times each"),
        };
        self.about.verdict(met, 0, Some(found))
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }

    /// A value and its count in a tree, if all are different.
    fn bytes_per_row(&self) -> u32 {
        64
    }
}
