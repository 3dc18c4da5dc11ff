//! Values that follow each other in order.

use trueline_sdk::order::{Kind, Value, is_nan};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, Tolerance};
use crate::params::Order;
use crate::rows::{Examples, Rows};
use crate::verdict::{About, Verdict};

/// Each value follows the one before as it should; nulls and NaN are left out. The only expectation that
/// the order of rows means something to, so it is not mergeable.
pub(crate) struct Monotone {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    pub(crate) order: Order,
    pub(crate) tolerance: Tolerance,
    pub(crate) most: usize,
    pub(crate) walked: Walked,
}

/// What was seen on the way.
#[derive(Default)]
pub(crate) struct Walked {
    last: Option<Value>,
    values: u64,
    bad: u64,
    examples: Examples,
}

impl Monotone {
    fn follows(&self, last: &Value, value: &Value) -> bool {
        match self.order {
            Order::Increasing => value >= last,
            Order::StrictlyIncreasing => value > last,
            Order::Decreasing => value <= last,
            Order::StrictlyDecreasing => value < last,
        }
    }

    fn step(&mut self, rows: &Rows<'_>, row: usize, value: Value) -> Result<()> {
        self.walked.values += 1;
        if let Some(last) = &self.walked.last {
            if !self.follows(last, &value) {
                let shown = || {
                    let [value, last] = [&value, last].map(|value| self.kind.show(value));
                    Ok(format!("{value} after {last}"))
                };
                let examples = &mut self.walked.examples;
                examples.add(rows, row, self.most, 0, shown)?;
                self.walked.bad += 1;
            }
        }
        self.walked.last = Some(value);
        Ok(())
    }
}

impl Expectation for Monotone {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        for row in (0..rows.count()).filter(|&row| column.is_valid(row)) {
            let value = match &column.values {
                Values::Utf8(texts) => Value::Text(texts.get(row).to_owned()),
                _ => Value::Key(rows.keys(self.place)?[row]),
            };
            let is_nan = matches!(value, Value::Key(key) if self.kind.is_float() && is_nan(key));
            if !is_nan {
                self.step(rows, row, value)?;
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        Err(ordered())
    }

    fn merge(&mut self, _partial: &[u8]) -> Result<()> {
        Err(ordered())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let Walked {
            values,
            bad,
            examples,
            ..
        } = self.walked;
        let met = self.tolerance.allows(bad, values);
        let examples = examples.into_vec();
        let found = examples.first().map(|first| {
            let what = if bad == 1 {
                "1 value breaks"
            } else {
                &format!("{bad} values break")
            };
            format!(
                "{what} the order, such as {}{}",
                first.shown,
                self.tolerance.told(bad, values)
            )
        });
        self.about
            .verdict(met, bad, found)
            .with_examples(examples, seen.key)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}

fn ordered() -> Error {
    Error::other("`order` looks at one row after another: this reduction is not mergeable")
}
