//! How many values may be null, NaN or infinite.

use trueline_sdk::order::{is_infinite, is_nan};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, decode, encode};
use crate::rows::Rows;
use crate::verdict::{About, Verdict, share};

/// What is counted, by all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Null,
    Nan,
    Infinite,
}

/// At most this share of the rows.
pub(crate) struct MaxShare {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) what: What,
    pub(crate) max: f64,
    pub(crate) count: u64,
}

impl Expectation for MaxShare {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        if self.what == What::Null {
            self.count += column.validity.null_count() as u64;
            return Ok(());
        }
        let is_counted = |key: i64| match self.what {
            What::Nan => is_nan(key),
            _ => is_infinite(key),
        };
        let keys = rows.keys(self.place)?.iter().enumerate();
        let counted = keys.filter(|(row, key)| column.is_valid(*row) && is_counted(**key));
        self.count += counted.count() as u64;
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.count)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.count += decode::<u64>(partial)?;
        Ok(())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let (count, rows, max) = (self.count, seen.rows, self.max);
        let share = share(count, rows);
        let what = match self.what {
            What::Null => "null",
            What::Nan => "NaN",
            What::Infinite => "infinite",
        };
        let mut found = format!("{count} of {rows} values are {what}");
        let met = share <= max;
        if !met {
            found += &format!(", a share of {share:.4} where at most {max} is expected");
        }
        self.about.verdict(met, count, Some(found))
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}
