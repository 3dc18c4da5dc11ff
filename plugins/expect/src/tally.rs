//! What is counted of a column.

use std::collections::BTreeSet;

use trueline_sdk::prelude::*;

use crate::expectation::ColumnExpectation;
use trueline_sdk::order::{self, Kind, Value};

/// How many values that are not allowed are named.
const EXAMPLES: usize = 5;

/// Counts and extremes: the same in any order of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) nulls: u64,
    pub(crate) nans: u64,
    pub(crate) infinities: u64,
    pub(crate) below: u64,
    pub(crate) above: u64,
    /// The extremes of all values but NaN, of a column with a range.
    pub(crate) lowest: Option<i64>,
    pub(crate) highest: Option<i64>,
    pub(crate) not_allowed: u64,
    /// The first values that are not allowed, in their own order.
    pub(crate) strays: BTreeSet<Value>,
}

impl Tally {
    /// Counts a batch of the column.
    pub(crate) fn update(
        &mut self,
        expected: &ColumnExpectation,
        column: &Column<'_>,
        rows: usize,
    ) -> Result<()> {
        self.nulls += column.validity.null_count() as u64;
        match (expected.kind, &expected.allowed) {
            (Kind::Other, _) | (Kind::Text, None) => {}
            (Kind::Text, Some(allowed)) => {
                let texts = column.utf8()?;
                for row in (0..rows).filter(|&row| column.is_valid(row)) {
                    let value = Value::Text(texts.get(row).to_owned());
                    if !allowed.contains(&value) {
                        self.stray(value);
                    }
                }
            }
            (kind, allowed) => {
                let keys = order::keys(column, rows)?;
                for (row, key) in keys.into_iter().enumerate() {
                    if column.is_valid(row) {
                        self.count(kind, expected, key);
                        if allowed
                            .as_ref()
                            .is_some_and(|allowed| !allowed.contains(&Value::Key(key)))
                        {
                            self.stray(Value::Key(key));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds what another instance counted.
    pub(crate) fn merge(&mut self, other: Self) {
        self.nulls += other.nulls;
        self.nans += other.nans;
        self.infinities += other.infinities;
        self.below += other.below;
        self.above += other.above;
        self.lowest = [self.lowest, other.lowest].into_iter().flatten().min();
        self.highest = self.highest.max(other.highest);
        self.not_allowed += other.not_allowed;
        self.strays.extend(other.strays);
        self.forget_strays();
    }

    fn count(&mut self, kind: Kind, expected: &ColumnExpectation, key: i64) {
        if kind.is_float() {
            if order::is_nan(key) {
                self.nans += 1;
                return;
            }
            self.infinities += u64::from(order::is_infinite(key));
        }
        self.below += u64::from(expected.min.is_some_and(|min| key < min));
        self.above += u64::from(expected.max.is_some_and(|max| key > max));
        self.lowest = Some(self.lowest.map_or(key, |lowest| lowest.min(key)));
        self.highest = self.highest.max(Some(key));
    }

    fn stray(&mut self, value: Value) {
        self.not_allowed += 1;
        self.strays.insert(value);
        self.forget_strays();
    }

    fn forget_strays(&mut self) {
        while self.strays.len() > EXAMPLES {
            self.strays.pop_last();
        }
    }
}
