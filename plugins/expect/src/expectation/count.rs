//! How many rows there are.

use trueline_sdk::prelude::*;

use super::{Expectation, Seen};
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

/// At least or at most so many rows. They are counted for all expectations together.
pub(crate) struct RowCount {
    pub(crate) about: About,
    pub(crate) bound: u64,
    pub(crate) is_least: bool,
}

/// Not many more or fewer rows than before.
pub(crate) struct Change {
    pub(crate) about: About,
    pub(crate) previous: Before,
    pub(crate) max: f64,
}

/// How many rows there were before.
pub(crate) enum Before {
    /// So many.
    Rows(u64),
    /// As many as the input `previous` has.
    Input,
    /// This is the first time.
    Nothing,
}

impl RowCount {
    fn judge(self, rows: u64) -> Verdict {
        let (met, relation) = if self.is_least {
            (rows >= self.bound, "fewer")
        } else {
            (rows <= self.bound, "more")
        };
        let found = if met {
            format!("{rows} rows")
        } else {
            format!(
                "there are {rows} rows, {relation} than the {} expected",
                self.bound
            )
        };
        self.about
            .verdict(met, if met { 0 } else { rows }, Some(found))
    }
}

impl Change {
    fn judge(self, seen: &Seen<'_>) -> Verdict {
        let rows = seen.rows;
        let previous = match self.previous {
            Before::Rows(previous) => previous,
            Before::Input => seen.previous.unwrap_or_default(),
            Before::Nothing => {
                let found = format!("{rows} rows, and nothing before");
                return self.about.verdict(true, 0, Some(found));
            }
        };
        let change = match previous {
            0 if rows == 0 => 0.0,
            0 => f64::INFINITY,
            _ => rows.abs_diff(previous) as f64 / previous as f64,
        };
        let met = change <= self.max;
        let mut found = format!("{rows} rows after {previous}");
        if !met {
            found = format!(
                "there are {rows} rows after {previous} before, a change of {change:.4} where at most {} is \
                 expected",
                self.max
            );
        }
        self.about
            .verdict(met, if met { 0 } else { rows }, Some(found))
    }
}

macro_rules! only_judges {
    ($type:ty, $judge:expr) => {
        impl Expectation for $type {
            fn update(&mut self, _rows: &Rows<'_>) -> Result<()> {
                Ok(())
            }

            fn partial(&self) -> Result<Vec<u8>> {
                Ok(Vec::new())
            }

            fn merge(&mut self, _partial: &[u8]) -> Result<()> {
                Ok(())
            }

            fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
                $judge(*self, seen)
            }

            fn reads(&self) -> Vec<usize> {
                Vec::new()
            }
        }
    };
}

only_judges!(RowCount, |count: Self, seen: &Seen<'_>| count
    .judge(seen.rows));
only_judges!(Change, |change: Self, seen: &Seen<'_>| change.judge(seen));
