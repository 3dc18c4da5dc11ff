//! How often each value occurs.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use trueline_sdk::{Error, Result};

use crate::dictionary::{Dictionary, Hashed};

/// How many distinct values are counted at most; it bounds the memory of a fit.
const MAX_DISTINCT: usize = 1_000_000;

/// Distinct values and how often each occurred. As bytes: in ascending order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    from = "Vec<(K, u64)>",
    into = "Vec<(K, u64)>",
    bound(
        serialize = "K: Clone + Ord + Serialize",
        deserialize = "K: Clone + Eq + Hashed + Deserialize<'de>"
    )
)]
pub(crate) struct Counts<K> {
    dictionary: Dictionary<K>,
    /// By the dictionary's numbers.
    counts: Vec<u64>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self {
            dictionary: Dictionary::default(),
            counts: Vec::new(),
        }
    }
}

impl<K> Counts<K> {
    /// Counts a value once more.
    ///
    /// # Errors
    /// [`Error::Data`] if it is one distinct value too many.
    pub(crate) fn add<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(
        &mut self,
        key: &Q,
    ) -> Result<()>
    where
        K: Borrow<Q>,
    {
        self.add_many(key, 1)
    }

    /// Adds all counts of another.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values in both.
    pub(crate) fn merge<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(
        &mut self,
        other: &Self,
    ) -> Result<()>
    where
        K: Borrow<Q>,
    {
        let mut counted = other.dictionary.keys().iter().zip(&other.counts);
        counted.try_for_each(|(key, count)| self.add_many(key.borrow(), *count))
    }

    fn add_many<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(
        &mut self,
        key: &Q,
        count: u64,
    ) -> Result<()>
    where
        K: Borrow<Q>,
    {
        let number = self.dictionary.insert(key);
        match self.counts.get_mut(number) {
            // Bytes from elsewhere may claim any count.
            Some(own) => *own = own.saturating_add(count),
            None if number < MAX_DISTINCT => self.counts.push(count),
            None => {
                return Err(Error::data(format!(
                    "it has more than {MAX_DISTINCT} distinct values, too many to count; leave the column out"
                )));
            }
        }
        Ok(())
    }
}

impl<K: Clone + Ord> Counts<K> {
    /// The values in ascending order, each with its count.
    pub(crate) fn sorted(&self) -> Vec<(K, u64)> {
        let mut counted: Vec<_> = self
            .dictionary
            .keys()
            .iter()
            .cloned()
            .zip(self.counts.iter().copied())
            .collect();
        counted.sort_unstable();
        counted
    }

    /// The most frequent value, the smallest of several.
    pub(crate) fn most_frequent(&self) -> Option<K> {
        let counted = self.dictionary.keys().iter().zip(&self.counts);
        let best = counted.max_by_key(|(key, count)| (**count, std::cmp::Reverse(*key)));
        best.map(|(key, _)| key.clone())
    }
}

impl<K: Clone + Ord> From<Counts<K>> for Vec<(K, u64)> {
    fn from(counts: Counts<K>) -> Self {
        counts.sorted()
    }
}

impl<K: Clone + Eq + Hashed> From<Vec<(K, u64)>> for Counts<K> {
    fn from(counted: Vec<(K, u64)>) -> Self {
        let mut counts = Self::default();
        for (key, count) in counted {
            let number = counts.dictionary.insert::<K>(&key);
            // A key that bytes from elsewhere repeat counts once.
            if number == counts.counts.len() {
                counts.counts.push(count);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueline_sdk::state;

    #[test]
    fn counts_and_bytes_do_not_depend_on_order() {
        let count = |texts: &[&str]| {
            let mut counts = Counts::<String>::default();
            texts.iter().for_each(|text| counts.add(*text).unwrap());
            counts
        };
        let whole = count(&["b", "", "a", "b", "a", "c"]);
        let mut merged = count(&["c", "a", "b"]);
        merged.merge::<str>(&count(&["a", "b", ""])).unwrap();
        let bytes = state::encode(&whole).unwrap();
        assert_eq!(bytes, state::encode(&merged).unwrap());
        let read: Counts<String> = state::decode(&bytes).unwrap();
        assert_eq!(
            read.sorted(),
            [
                ("".into(), 1),
                ("a".into(), 2),
                ("b".into(), 2),
                ("c".into(), 1)
            ]
        );
        assert_eq!(read.most_frequent().as_deref(), Some("a"));
    }

    #[test]
    fn too_many_distinct_values_are_refused() {
        let mut counts = Counts::<i64>::default();
        (0..1_000_000).for_each(|key| counts.add(&key).unwrap());
        counts.add(&0).unwrap();
        let error = counts.add(&-1).unwrap_err();
        assert!(
            error
                .message()
                .contains("more than 1000000 distinct values"),
            "{}",
            error.message()
        );
    }
}
