//! Hashes of values: the same on every machine and for ever, unlike those of the standard library.
//!
//! They are not cryptographic: they keep apart what differs by nature, not what somebody chose so that it
//! collides. 128 bits tell values apart (among a billion, two collide with a probability of 10⁻²¹);
//! [`mix`] makes independent random numbers of counters.
//!
//! ```
//! use trueline_sdk::hash::Hasher;
//!
//! let hash = |texts: &[&str]| {
//!     let mut hasher = Hasher::new();
//!     texts.iter().for_each(|text| hasher.bytes(text.as_bytes()));
//!     hasher.finish()
//! };
//! assert_eq!(hash(&["ab", "c"]), hash(&["ab", "c"]));
//! assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
//! ```

/// Hashes words and bytes one after another.
///
/// Two lanes of 64 bits, each multiplying and folding with constants of its own: what collides in
/// one does not in the other.
#[derive(Clone, Debug)]
pub struct Hasher {
    lanes: [u64; 2],
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher {
    /// The hasher of nothing.
    pub const fn new() -> Self {
        Self {
            lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344],
        }
    }

    /// Takes in bytes. Their length goes in front, which keeps `ab, c` apart from `a, bc`.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// Takes in a number.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
    pub fn word(&mut self, word: u64) {
        const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
        for (lane, factor) in self.lanes.iter_mut().zip(FACTORS) {
            let product = u128::from((*lane ^ word).wrapping_add(factor)) * u128::from(factor);
            *lane ^= (product as u64 ^ (product >> 64) as u64).rotate_left(23);
        }
    }

    /// The hash of what was taken in.
    pub fn finish(mut self) -> u128 {
        self.word(0);
        let [high, low] = self.lanes;
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Makes a random number of a counter or of a hash with few good bits: every bit of the result depends on
/// every bit of the number.
///
/// Source: S. Vigna, `splitmix64`; the constants are D. Stafford's *Mix13*.
pub const fn mix(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
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
            let mut hasher = Hasher::new();
            hasher.word(number % 316);
            hasher.word(number / 316);
            hasher.word(0);
            halves
                .iter_mut()
                .zip(hasher.lanes)
                .for_each(|(half, lane)| {
                    half.insert(lane);
                });
        }
        assert_eq!(halves.map(|half| half.len()), [100_000; 2]);
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let hash = |texts: &[&str]| {
            let mut hasher = Hasher::new();
            texts.iter().for_each(|text| hasher.bytes(text.as_bytes()));
            hasher.finish()
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

    /// Results are kept in states and decide what is sampled, so they may never change.
    #[test]
    fn the_bits_are_pinned() {
        let mut hasher = Hasher::new();
        hasher.word(42);
        hasher.bytes(b"JFK");
        assert_eq!(hasher.finish(), 0xb149_5e58_e02e_ff96_864d_0003_b70e_3959);
        assert_eq!(mix(1), 0x5692_161d_100b_05e5);
    }
}
