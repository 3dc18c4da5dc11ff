//! A batch as expectations see it, and the rows that they show as examples.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use trueline_sdk::order::{Kind, Value, keys};
use trueline_sdk::prelude::*;

/// A batch, with what several expectations need of it computed once.
pub(crate) struct Rows<'b> {
    batch: &'b Batch<'b>,
    /// The number of each row; nothing if no row is shown.
    numbers: &'b [i64],
    /// The places of the columns that name a row.
    key: &'b [usize],
    /// The keys of each column that has an order, once somebody asked.
    keys: Vec<OnceCell<Vec<i64>>>,
}

impl<'b> Rows<'b> {
    /// `numbers` is the place of the rows' numbers.
    ///
    /// # Errors
    /// If these are no int64.
    pub(crate) fn new(
        batch: &'b Batch<'b>,
        numbers: Option<usize>,
        key: &'b [usize],
    ) -> Result<Self> {
        Ok(Self {
            batch,
            numbers: match numbers {
                Some(place) => batch.column(place).int64()?,
                None => &[],
            },
            key,
            keys: vec![OnceCell::new(); batch.columns().len()],
        })
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

    /// The number of a row, if rows are shown.
    pub(crate) fn number(&self, row: usize) -> Option<i64> {
        self.numbers.get(row).copied()
    }

    /// What names a row: the values of its key.
    fn key_of(&self, row: usize) -> Result<Vec<Option<String>>> {
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
        self.key.iter().map(name).collect()
    }
}

/// A row that does not meet an expectation. Those of the lowest rank go first, of these the first rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Example {
    rank: i64,
    /// Its number, from 0.
    pub(crate) row: i64,
    /// What is wrong with it.
    pub(crate) shown: String,
    /// The values of the columns that name the row, as far as they were kept.
    pub(crate) key: Vec<Option<String>>,
}

impl Example {
    /// A row of which nothing is known but its number.
    pub(crate) fn numbered(row: i64, shown: String) -> Self {
        Self {
            rank: 0,
            row,
            shown,
            key: Vec::new(),
        }
    }
}

/// The first few of all examples: the same in whatever order they come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Examples(BTreeSet<Example>);

impl Examples {
    /// Keeps a row if it is among the first `most`; `shown` says what is wrong with it, and is only asked then.
    ///
    /// # Errors
    /// If what names the row cannot be read.
    pub(crate) fn add(
        &mut self,
        rows: &Rows<'_>,
        row: usize,
        most: usize,
        rank: i64,
        shown: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        let Some(number) = rows.number(row) else {
            return Ok(());
        };
        let last = self.0.last().filter(|_| self.0.len() >= most);
        if most == 0 || last.is_some_and(|last| (last.rank, last.row) <= (rank, number)) {
            return Ok(());
        }
        self.keep(
            Example {
                rank,
                row: number,
                shown: shown()?,
                key: rows.key_of(row)?,
            },
            most,
        );
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: Self, most: usize) {
        other
            .0
            .into_iter()
            .for_each(|example| self.keep(example, most));
    }

    fn keep(&mut self, example: Example, most: usize) {
        self.0.insert(example);
        while self.0.len() > most {
            self.0.pop_last();
        }
    }

    /// The examples in order.
    pub(crate) fn into_vec(self) -> Vec<Example> {
        self.0.into_iter().collect()
    }
}
