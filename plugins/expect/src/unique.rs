//! Keys that should be unique, as hashes.

use trueline_sdk::prelude::*;

use crate::kind;

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
            let mut hash = Hash::default();
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
            _ => Self::Keys(kind::keys(column, rows)?),
        })
    }

    fn write(&self, row: usize, hash: &mut Hash) {
        match self {
            Self::Keys(keys) => hash.word(keys[row] as u64),
            Self::Texts(texts) => hash.bytes(texts.get(row).as_bytes()),
            Self::Blobs(blobs) => hash.bytes(blobs.get(row)),
        }
    }
}

/// Two lanes of 64 bits, each multiplying and folding with constants of its own: what collides in
/// one does not in the other.
struct Hash {
    lanes: [u64; 2],
}

impl Default for Hash {
    fn default() -> Self {
        Self {
            lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344],
        }
    }
}

impl Hash {
    /// The length in front keeps `ab, c` apart from `a, bc`.
    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
    fn word(&mut self, word: u64) {
        const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
        for (lane, factor) in self.lanes.iter_mut().zip(FACTORS) {
            let product = u128::from((*lane ^ word).wrapping_add(factor)) * u128::from(factor);
            *lane ^= (product as u64 ^ (product >> 64) as u64).rotate_left(23);
        }
    }

    fn finish(&mut self) -> u128 {
        self.word(0);
        let [high, low] = self.lanes;
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Keys that differ little must differ in both halves.
    #[test]
    fn close_keys_have_far_hashes() {
        let mut halves = [BTreeSet::<u64>::new(), BTreeSet::new()];
        for number in 0..100_000_u64 {
            let mut hash = Hash::default();
            hash.word(number % 316);
            hash.word(number / 316);
            hash.finish();
            halves.iter_mut().zip(hash.lanes).for_each(|(half, lane)| {
                half.insert(lane);
            });
        }
        assert_eq!(halves.map(|half| half.len()), [100_000; 2]);
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let hash = |texts: &[&str]| {
            let mut hash = Hash::default();
            texts.iter().for_each(|text| hash.bytes(text.as_bytes()));
            hash.finish()
        };
        let keys: [&[&str]; 7] = [
            &["ab", "c"],
            &["a", "bc"],
            &["", "abc"],
            &["abc", ""],
            &["abc"],
            &["abc\0", ""],
            &[""],
        ];
        let hashes: BTreeSet<u128> = keys.iter().map(|key| hash(key)).collect();
        assert_eq!(hashes.len(), keys.len());
    }
}
