//! A batch as expectations see it, and the rows that they show as examples.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use trueline_sdk::order::{Kind, Value, keys};
use trueline_sdk::prelude::*;

/// A batch, with what several expectations need of it computed once.
pub(crate) struct Rows<'b> {
    batch: &'b Batch<'b>,
    /// Rows before it; none if that would depend on how rows were spread.
    first: Option<u64>,
    /// The places of the columns that name a row.
    key: &'b [usize],
    /// The keys of each column that has an order, once somebody asked.
    keys: Vec<OnceCell<Vec<i64>>>,
}

impl<'b> Rows<'b> {
    pub(crate) fn new(batch: &'b Batch<'b>, first: Option<u64>, key: &'b [usize]) -> Self {
        Self {
            batch,
            first,
            key,
            keys: vec![OnceCell::new(); batch.columns().len()],
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.batch.rows()
    }

    pub(crate) fn column(&self, place: usize) -> &Column<'b> {
        self.batch.column(place)
    }

    /// The keys of a column of any kind but text and bytes.
    pub(crate) fn keys(&self, place: usize) -> Result<&[i64]> {
        let cell = &self.keys[place];
        if cell.get().is_none() {
            // Nobody else can have set it in between.
            let _ = cell.set(keys(self.batch.column(place), self.count())?);
        }
        Ok(cell.get().map_or(&[], Vec::as_slice))
    }

    /// The number of a row, from 0, if it is known.
    pub(crate) fn number(&self, row: usize) -> Option<u64> {
        self.first.map(|first| first + row as u64)
    }

    /// A row to show: `order` decides which of many are shown, `shown` is what is wrong with it.
    pub(crate) fn example(&self, row: usize, order: Value, shown: String) -> Result<Example> {
        let name = |&place: &usize| {
            let column = self.column(place);
            if !column.is_valid(row) {
                return Ok(None);
            }
            let kind = Kind::of(column.data_type());
            let value = match &column.values {
                Values::Utf8(texts) => return Ok(Some(texts.get(row).to_owned())),
                _ => Value::Key(self.keys(place)?[row]),
            };
            Ok(Some(kind.show(&value)))
        };
        let key = self.key.iter().map(name).collect::<Result<_>>()?;
        Ok(Example::new(self.number(row), order, shown, key))
    }
}

/// A row that does not meet an expectation. Sorted by its number if that is known, else by its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Example {
    pub(crate) row: Option<u64>,
    order: Value,
    pub(crate) shown: String,
    /// The values of the columns that name the row.
    pub(crate) key: Vec<Option<String>>,
}

impl Example {
    pub(crate) fn new(
        row: Option<u64>,
        order: Value,
        shown: String,
        key: Vec<Option<String>>,
    ) -> Self {
        Self {
            row,
            order,
            shown,
            key,
        }
    }
}

/// The first few of all examples: the same in whatever order they come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Examples(BTreeSet<Example>);

/// Which examples are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// How many.
    pub(crate) most: usize,
    /// Those with the highest values rather than the lowest. Row numbers go before values.
    pub(crate) highest: bool,
}

impl Examples {
    pub(crate) fn add(&mut self, example: Example, keep: Keep) {
        self.0.insert(example);
        while self.0.len() > keep.most {
            let is_numbered = self.0.first().is_some_and(|first| first.row.is_some());
            if keep.highest && !is_numbered {
                self.0.pop_first();
            } else {
                self.0.pop_last();
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self, keep: Keep) {
        other
            .0
            .into_iter()
            .for_each(|example| self.add(example, keep));
    }

    pub(crate) fn into_vec(self, keep: Keep) -> Vec<Example> {
        let mut examples: Vec<Example> = self.0.into_iter().collect();
        if keep.highest && examples.first().is_some_and(|first| first.row.is_none()) {
            examples.reverse();
        }
        examples
    }
}
