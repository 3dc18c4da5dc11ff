//! Keys that should be unique, as hashes.

use trueline_sdk::hash::Hasher;
use trueline_sdk::order::keys;
use trueline_sdk::prelude::*;

/// A hash of the key of every row without nulls in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    hashes: Vec<u128>,
}

impl Keys {
    /// Takes in the keys of a batch.
    pub(crate) fn update(&mut self, columns: &[&Column<'_>], rows: usize) -> Result<()> {
        let parts: Result<Vec<Part<'_>>> = columns
            .iter()
            .map(|column| Part::new(column, rows))
            .collect();
        let parts = parts?;
        for row in (0..rows).filter(|&row| columns.iter().all(|column| column.is_valid(row))) {
            let mut hash = Hasher::new();
            for part in &parts {
                part.write(row, &mut hash);
            }
            self.hashes.push(hash.finish());
        }
        Ok(())
    }

    /// The hashes, 16 bytes each.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.hashes
            .iter()
            .flat_map(|hash| hash.to_le_bytes())
            .collect()
    }

    /// Takes in what `to_bytes` wrote.
    ///
    /// # Errors
    /// If the bytes are cut short.
    pub(crate) fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let hashes = bytes.chunks_exact(16);
        if !hashes.remainder().is_empty() {
            return Err(Error::data("the partial is cut short"));
        }
        self.hashes
            .extend(hashes.filter_map(|hash| hash.try_into().ok().map(u128::from_le_bytes)));
        Ok(())
    }

    /// How many rows have the key of another row, not counting one row of each key.
    pub(crate) fn repeated(mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .count() as u64
    }
}

/// A column of the key.
enum Part<'c> {
    Keys(Vec<i64>),
    Texts(&'c trueline_sdk::Texts<'c>),
    Blobs(&'c trueline_sdk::Blobs<'c>),
}

impl<'c> Part<'c> {
    fn new(column: &'c Column<'c>, rows: usize) -> Result<Self> {
        Ok(match &column.values {
            Values::Utf8(texts) => Self::Texts(texts),
            Values::Binary(blobs) => Self::Blobs(blobs),
            _ => Self::Keys(keys(column, rows)?),
        })
    }

    fn write(&self, row: usize, hash: &mut Hasher) {
        match self {
            Self::Keys(keys) => hash.word(keys[row] as u64),
            Self::Texts(texts) => hash.bytes(texts.get(row).as_bytes()),
            Self::Blobs(blobs) => hash.bytes(blobs.get(row)),
        }
    }
}
