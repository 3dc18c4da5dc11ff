//! Keys and the order in which they came, found by hashing.
//!
//! `std`'s hash map would do, but for its random seed and its iteration order. Here nothing is random,
//! and keys are only ever listed in an order of their own.

use std::borrow::Borrow;

/// A key's hash, the same everywhere and always.
pub(crate) trait Hashed {
    fn hashed(&self) -> u64;

    /// Whether two such keys are the same if their hashes are. It saves comparing them.
    fn is_told_by_hash(&self) -> bool;
}

/// Distinct keys, numbered from 0 in the order of insertion.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary<K> {
    keys: Vec<K>,
    /// By the keys' numbers.
    hashes: Vec<u64>,
    /// Key numbers plus 1, 0 where there is none; open addressing in a power of two of places, at
    /// most a quarter of them taken.
    places: Vec<u32>,
}

impl<K> Default for Dictionary<K> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            hashes: Vec::new(),
            places: vec![0; 16],
        }
    }
}

impl<K> Dictionary<K> {
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// The number of this key, if it is there.
    #[inline]
    pub(crate) fn find<Q: Hashed + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.seek(key).ok()
    }

    /// The number of this key, inserted if it is not there.
    pub(crate) fn insert<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        match self.seek(key) {
            Ok(number) => number,
            Err(place) => {
                let number = self.keys.len();
                self.keys.push(key.to_owned());
                self.hashes.push(key.hashed());
                self.places[place] = stored(number);
                if 4 * self.keys.len() > self.places.len() {
                    self.grow();
                }
                number
            }
        }
    }

    /// The number of this key, or the place where it belongs.
    #[inline]
    fn seek<Q: Hashed + Eq + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        let mask = self.places.len() - 1;
        let hash = key.hashed();
        let mut place = low(hash) & mask;
        loop {
            match self.places[place] {
                0 => return Err(place),
                stored if self.is(stored as usize - 1, hash, key) => {
                    return Ok(stored as usize - 1);
                }
                _ => place = (place + 1) & mask,
            }
        }
    }

    #[inline]
    fn is<Q: Hashed + Eq + ?Sized>(&self, number: usize, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let own = || self.keys[number].borrow();
        self.hashes[number] == hash
            && (key.is_told_by_hash() && own().is_told_by_hash() || own() == key)
    }

    fn grow(&mut self) {
        let mask = 4 * self.places.len() - 1;
        self.places = vec![0; mask + 1];
        for (number, hash) in self.hashes.iter().enumerate() {
            let mut place = low(*hash) & mask;
            while self.places[place] != 0 {
                place = (place + 1) & mask;
            }
            self.places[place] = stored(number);
        }
    }
}

/// Texts of so many bytes fit a word together with their length.
const SHORT: usize = 7;

impl Hashed for str {
    #[inline]
    fn hashed(&self) -> u64 {
        let bytes = self.as_bytes();
        let word = |bytes: &[u8]| {
            let bytes = bytes.iter();
            bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
        };
        if bytes.len() <= SHORT {
            return mix(word(bytes) << 8 | bytes.len() as u64);
        }
        let mut hash = bytes.len() as u64;
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let word = word.try_into().expect("a word has eight bytes");
            hash = mix(hash ^ u64::from_le_bytes(word));
        }
        mix(hash ^ word(words.remainder()))
    }

    #[inline]
    fn is_told_by_hash(&self) -> bool {
        self.len() <= SHORT
    }
}

impl Hashed for String {
    #[inline]
    fn hashed(&self) -> u64 {
        self.as_str().hashed()
    }

    #[inline]
    fn is_told_by_hash(&self) -> bool {
        self.as_str().is_told_by_hash()
    }
}

impl Hashed for i64 {
    #[inline]
    fn hashed(&self) -> u64 {
        mix(u64::from_ne_bytes(self.to_ne_bytes()))
    }

    #[inline]
    fn is_told_by_hash(&self) -> bool {
        true
    }
}

/// Spreads the bits: every bit of the input reaches the low bits that choose a place, and no two inputs
/// give the same.
#[inline]
fn mix(bits: u64) -> u64 {
    let product = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits are what is asked for"
)]
fn low(hash: u64) -> usize {
    hash as usize
}

fn stored(number: usize) -> u32 {
    u32::try_from(number + 1).expect("learners stop long before 2^32 keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_under_the_number_that_they_got() {
        let mut texts = Dictionary::<String>::default();
        let names: Vec<String> = (0..1000)
            .map(|number| "é".repeat(number % 7) + &number.to_string())
            .collect();
        for name in names.iter().chain(&names) {
            texts.insert(name.as_str());
        }
        assert_eq!(texts.keys(), names);
        for (number, name) in names.iter().enumerate() {
            assert_eq!(texts.find(name.as_str()), Some(number));
        }
        assert_eq!(texts.find(""), None);
        // Zero bytes and lengths about that of a word.
        let alike: Vec<String> = (0..20).map(|length| "\0".repeat(length)).collect();
        let mut texts = Dictionary::<String>::default();
        for text in alike.iter().chain(&alike) {
            texts.insert(text.as_str());
        }
        assert_eq!(texts.keys(), alike);

        let mut integers = Dictionary::<i64>::default();
        let keys: Vec<i64> = (0..64)
            .map(|shift| i64::MIN >> shift)
            .chain([0, 1, i64::MAX])
            .collect();
        for key in &keys {
            integers.insert(key);
        }
        assert_eq!(integers.keys(), keys);
        assert!(
            keys.iter()
                .enumerate()
                .all(|(number, key)| integers.find(key) == Some(number))
        );
        assert_eq!(integers.find(&7), None);
    }
}
