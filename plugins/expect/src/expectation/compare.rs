//! One column against another, row by row.

use std::cmp::Ordering;

use trueline_sdk::order::{Kind, Value, is_nan};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, Tolerance, decode, encode};
use crate::params::Operator;
use crate::rows::{Examples, Rows};
use crate::verdict::{About, Verdict};

/// Values of two columns relate as they should; rows with a null in one are left out.
pub(crate) struct Comparison {
    pub(crate) about: About,
    pub(crate) places: [usize; 2],
    pub(crate) kinds: [Kind; 2],
    pub(crate) operator: Operator,
    pub(crate) tolerance: Tolerance,
    pub(crate) most: usize,
    pub(crate) counted: Counted,
}

/// What was taken in of row by row expectations over several columns.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) rows: u64,
    pub(crate) bad: u64,
    pub(crate) examples: Examples,
}

impl Counted {
    pub(crate) fn merge(&mut self, more: Self, most: usize) {
        self.rows += more.rows;
        self.bad += more.bad;
        self.examples.merge(more.examples, most);
    }

    /// Says how many rows are otherwise, `what` they are.
    pub(crate) fn verdict(
        self,
        about: About,
        tolerance: Tolerance,
        what: &str,
        seen: &Seen<'_>,
    ) -> Verdict {
        let Self { rows, bad, .. } = self;
        let examples = self.examples.into_vec();
        let found = examples.first().map(|first| {
            let rows_are = if bad == 1 {
                "1 row has".to_owned()
            } else {
                format!("{bad} rows have")
            };
            let told = tolerance.told(bad, rows);
            format!("{rows_are} {what}, such as {}{told}", first.shown)
        });
        about
            .verdict(tolerance.allows(bad, rows), bad, found)
            .with_examples(examples, seen.key)
    }
}

impl Operator {
    /// As parameters write it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// What cannot be compared, NaN, is only unequal.
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::NotEqual => ordering != Some(Ordering::Equal),
            Self::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
            Self::Greater => ordering == Some(Ordering::Greater),
        }
    }
}

/// Whether two columns can be compared: values of one kind, or numbers.
pub(crate) fn is_comparable(kinds: [Kind; 2]) -> bool {
    let [a, b] = kinds;
    a != Kind::Other && (a == b || a.is_number() && b.is_number())
}

impl Comparison {
    fn show(&self, rows: &Rows<'_>, side: usize, row: usize) -> Result<String> {
        let column = rows.column(self.places[side]);
        Ok(match &column.values {
            Values::Utf8(texts) => self.kinds[side].show(&Value::Text(texts.get(row).to_owned())),
            _ => self.kinds[side].show(&Value::Key(rows.keys(self.places[side])?[row])),
        })
    }

    /// How each row's values relate.
    fn orderings(&self, rows: &Rows<'_>) -> Result<Vec<Option<Ordering>>> {
        let [left, right] = self.places;
        let count = rows.count();
        if let (Values::Utf8(a), Values::Utf8(b)) =
            (&rows.column(left).values, &rows.column(right).values)
        {
            return Ok((0..count)
                .map(|row| Some(a.get(row).cmp(b.get(row))))
                .collect());
        }
        if self.kinds[0] == self.kinds[1] {
            let (a, b) = (rows.keys(left)?, rows.keys(right)?);
            let can_be_nan = self.kinds[0].is_float();
            let is_number = |key: i64| !(can_be_nan && is_nan(key));
            let pairs = a.iter().zip(b);
            let compare =
                |(&a, &b): (&i64, &i64)| (is_number(a) && is_number(b)).then(|| a.cmp(&b));
            return Ok(pairs.map(compare).collect());
        }
        let a = rows.column(left).numbers(count)?;
        let b = rows.column(right).numbers(count)?;
        Ok(a.iter()
            .zip(b.iter())
            .map(|(a, b)| a.partial_cmp(b))
            .collect())
    }
}

impl Expectation for Comparison {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let [left, right] = self.places.map(|place| rows.column(place));
        for (row, ordering) in self.orderings(rows)?.into_iter().enumerate() {
            if !(left.is_valid(row) && right.is_valid(row)) {
                continue;
            }
            self.counted.rows += 1;
            if !self.operator.holds(ordering) {
                self.counted.bad += 1;
                let mut examples = std::mem::take(&mut self.counted.examples);
                examples.add(rows, row, self.most, 0, || {
                    let [left, right] = [self.show(rows, 0, row)?, self.show(rows, 1, row)?];
                    Ok(format!("{left} and {right}"))
                })?;
                self.counted.examples = examples;
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.counted)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.counted.merge(decode(partial)?, self.most);
        Ok(())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let what = format!("values that are not {}", self.operator.symbol());
        self.counted
            .verdict(self.about, self.tolerance, &what, seen)
    }

    fn reads(&self) -> Vec<usize> {
        self.places.to_vec()
    }
}
