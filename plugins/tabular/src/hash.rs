//! Categories told apart by their hash alone.

use trueline_sdk::{Batch, Result};

use crate::{value::Text, vectors::Element};

/// A column whose values are hashed, each with the column's name.
#[derive(Clone, Debug)]
pub(crate) struct Hashed {
    pub(crate) texts: Text,
    /// The column's name and an equals sign.
    prefix: String,
    width: u32,
    /// Whether half of the values count as -1.
    signed: bool,
}

impl Hashed {
    pub(crate) fn new(texts: Text, column: &str, width: u32, signed: bool) -> Self {
        Self {
            texts,
            prefix: format!("{column}="),
            width,
            signed,
        }
    }

    /// Writes a 1, or a -1, into every row that has a value. `rows` is zero there.
    pub(crate) fn write<T: Element>(
        &self,
        batch: &Batch<'_>,
        start: usize,
        rows: &mut [T],
        row_width: usize,
        offset: usize,
    ) -> Result<()> {
        let count = rows.len() / row_width;
        let texts = self.texts.block(batch, start, count)?;
        let mut token = self.prefix.clone();
        for (index, row) in rows.chunks_exact_mut(row_width).enumerate() {
            if let Some(text) = texts.get(index) {
                token.truncate(self.prefix.len());
                token.push_str(text);
                let (place, sign) = place(token.as_bytes(), self.width);
                row[offset + place] = T::from_number(if self.signed { sign } else { 1.0 });
            }
        }
        Ok(())
    }
}

/// The element for a token, and its sign: the hash as a signed number tells both, as in
/// scikit-learn's `FeatureHasher`.
fn place(token: &[u8], width: u32) -> (usize, f64) {
    let hash = i32::from_ne_bytes(murmur3(token).to_ne_bytes());
    let sign = if hash < 0 { -1.0 } else { 1.0 };
    // scikit-learn maps the hash -2^31 as if it were 2^31, too.
    ((hash.unsigned_abs() % width) as usize, sign)
}

/// MurmurHash3 for 32 bits with seed 0. Source: A. Appleby, `MurmurHash3_x86_32` (public domain).
fn murmur3(bytes: &[u8]) -> u32 {
    let scrambled = |word: u32| {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let mut hash = 0_u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes(word.try_into().expect("a word has four bytes"));
        hash = (hash ^ scrambled(word))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let rest = words.remainder();
    let rest = rest
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte));
    hash ^= scrambled(rest);
    // The length counts modulo 2^32, as in the original.
    hash ^= u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or(u32::MAX);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_original() {
        // From scikit-learn's `sklearn.utils.murmurhash3_32(…, positive=True)`.
        for (token, hash) in [
            ("", 0),
            ("a", 0x3c25_69b2),
            ("ab", 0x9bbf_d75f),
            ("abc", 0xb3dd_93fa),
            ("abcd", 0x43ed_676a),
            ("carrier=UA", 0x3dd5_2939),
        ] {
            assert_eq!(murmur3(token.as_bytes()), hash, "{token}");
        }
    }
}
