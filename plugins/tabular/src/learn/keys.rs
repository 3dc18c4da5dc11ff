//! Groups by the values of a column, whatever its type.

use serde::{Deserialize, Serialize};
use trueline_sdk::{Batch, Error, Result, order};

use super::groups::{Groups, Merge};
use crate::{encoder::Categories, value::Operand};

/// Something for each distinct value of a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "V: Clone + Serialize",
    deserialize = "V: Deserialize<'de>"
))]
pub(crate) enum Keyed<V> {
    Texts(Groups<String, V>),
    Integers(Groups<i64, V>),
    /// Numbers by their place in the order of numbers.
    Numbers(Groups<i64, V>),
}

impl<V: Clone + Merge> Keyed<V> {
    pub(crate) fn new(operand: &Operand) -> Self {
        match operand {
            Operand::Texts(_) => Self::Texts(Groups::default()),
            Operand::Integers(_) => Self::Integers(Groups::default()),
            Operand::Numbers(_) => Self::Numbers(Groups::default()),
        }
    }

    /// Goes through the rows of a batch with the group of each; rows without a value have none.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values.
    pub(crate) fn each_row(
        &mut self,
        operand: &Operand,
        batch: &Batch<'_>,
        numbers: &mut Vec<f64>,
        new: impl Fn() -> V,
        mut work: impl FnMut(usize, Option<&mut V>),
    ) -> Result<()> {
        match (self, operand) {
            (Self::Texts(groups), Operand::Texts(text)) => {
                let texts = text.block(batch, 0, batch.rows())?;
                for row in 0..batch.rows() {
                    let key = texts.get(row);
                    work(row, key.map(|key| groups.entry(key, &new)).transpose()?);
                }
            }
            (Self::Integers(groups), Operand::Integers(integers)) => {
                let integers = integers.block(batch, 0, batch.rows())?;
                for row in 0..batch.rows() {
                    let key = integers.get(row);
                    work(row, key.map(|key| groups.entry(&key, &new)).transpose()?);
                }
            }
            (Self::Numbers(groups), Operand::Numbers(scalar)) => {
                numbers.clear();
                numbers.resize(batch.rows(), 0.0);
                scalar.eval_all(batch, numbers)?;
                for (row, number) in numbers.iter().enumerate() {
                    let key = (!number.is_nan()).then(|| order::key(*number));
                    work(row, key.map(|key| groups.entry(&key, &new)).transpose()?);
                }
            }
            _ => return Err(other_kind()),
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Data`] if the other one has other keys, or there are too many in both.
    pub(crate) fn merge(&mut self, other: &Self, new: impl Fn() -> V) -> Result<()> {
        match (self, other) {
            (Self::Texts(own), Self::Texts(other)) => own.merge::<str>(other, new),
            (Self::Integers(own), Self::Integers(other))
            | (Self::Numbers(own), Self::Numbers(other)) => own.merge::<i64>(other, new),
            _ => Err(other_kind()),
        }
    }

    /// The values in ascending order, and what goes with each.
    pub(crate) fn sorted(&self) -> (Categories, Vec<V>) {
        match self {
            Self::Texts(groups) => {
                let (keys, values) = groups.sorted().into_iter().unzip();
                (Categories::Texts(keys), values)
            }
            Self::Integers(groups) => {
                let (keys, values) = groups.sorted().into_iter().unzip();
                (Categories::Integers(keys), values)
            }
            Self::Numbers(groups) => {
                let (keys, values): (Vec<i64>, _) = groups.sorted().into_iter().unzip();
                let numbers = keys.into_iter().map(order::float);
                (Categories::Numbers(numbers.collect()), values)
            }
        }
    }
}

fn other_kind() -> Error {
    Error::data("a partial result of another stage or pass cannot be merged")
}
