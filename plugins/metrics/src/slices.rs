//! Records by slice: all rows, and those with each value of the columns that `by` names.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;

use crate::reader::SliceKey;
use crate::records::Records;

/// More slices than these are likely a mistake, such as a column of keys.
const MOST_SLICES: usize = 10_000;

/// Records by the values of the columns that `by` names, all of them together.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sliced(BTreeMap<SliceKey, Records>);

/// A value of a column, and its rows.
pub(crate) struct Slice {
    pub(crate) column: String,
    /// None for null.
    pub(crate) value: Option<String>,
    pub(crate) records: Records,
}

impl Sliced {
    /// Counts a row.
    pub(crate) fn add(&mut self, key: &SliceKey, words: &[u64]) {
        match self.0.get_mut(key) {
            Some(records) => records.add(words, 1),
            None => self.records(key, words.len()).add(words, 1),
        }
    }

    /// # Errors
    /// If there are too many slices.
    pub(crate) fn check(&self, columns: &[Field]) -> Result<()> {
        if self.0.len() <= MOST_SLICES {
            return Ok(());
        }
        let names: Vec<&str> = columns.iter().map(|field| field.name.as_str()).collect();
        Err(Error::data(format!(
            "`by` makes more than {MOST_SLICES} slices of {}: take columns with fewer values",
            names.join(", ")
        )))
    }

    /// Adds what another instance counted, its records changed by `change`.
    pub(crate) fn merge(&mut self, other: Self, width: usize, change: impl Fn(&mut [u64])) {
        for (key, records) in other.0 {
            self.records(&key, width).merge(&records.map(&change));
        }
    }

    /// All rows, their records changed by `change`, and the slices of each of `columns`.
    pub(crate) fn finish(
        self,
        columns: &[Field],
        width: usize,
        change: impl Fn(&mut [u64]),
    ) -> (Records, Vec<Slice>) {
        let parts: Vec<(SliceKey, Records)> = self
            .0
            .into_iter()
            .map(|(key, records)| (key, records.map(&change)))
            .collect();
        let mut all = Records::new(width);
        parts.iter().for_each(|(_, records)| all.merge(records));
        let mut slices = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let mut values: BTreeMap<&Option<String>, Records> = BTreeMap::new();
            for (key, records) in &parts {
                let value = values.entry(&key[place]);
                value.or_insert_with(|| Records::new(width)).merge(records);
            }
            slices.extend(values.into_iter().map(|(value, records)| Slice {
                column: column.name.clone(),
                value: value.clone(),
                records,
            }));
        }
        (all, slices)
    }

    fn records(&mut self, key: &SliceKey, width: usize) -> &mut Records {
        self.0
            .entry(key.clone())
            .or_insert_with(|| Records::new(width))
    }
}
