//! Something for each distinct value: how often it occurs, what goes with it.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use trueline_sdk::{Error, Result};

use crate::dictionary::{Dictionary, Hashed};

/// How many distinct values are told apart at most; it bounds the memory of a fit.
const MAX_DISTINCT: usize = 1_000_000;

/// Distinct values and what goes with each. As bytes: in ascending order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    from = "Vec<(K, V)>",
    into = "Vec<(K, V)>",
    bound(
        serialize = "K: Clone + Ord + Serialize, V: Clone + Serialize",
        deserialize = "K: Clone + Eq + Hashed + Deserialize<'de>, V: Deserialize<'de>"
    )
)]
pub(crate) struct Groups<K, V> {
    dictionary: Dictionary<K>,
    /// By the dictionary's numbers.
    values: Vec<V>,
}

/// How often each distinct value occurs.
pub(crate) type Counts<K> = Groups<K, u64>;

/// What is the same for all parts of a group put together, in whatever order.
pub(crate) trait Merge {
    fn merge(&mut self, other: &Self);
}

impl Merge for u64 {
    fn merge(&mut self, other: &Self) {
        // Bytes from elsewhere may claim any count.
        *self = self.saturating_add(*other);
    }
}

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self {
            dictionary: Dictionary::default(),
            values: Vec::new(),
        }
    }
}

impl<K, V> Groups<K, V> {
    /// What goes with a value, made by `new` if it is there for the first time.
    ///
    /// # Errors
    /// [`Error::Data`] if it is one distinct value too many.
    #[inline]
    pub(crate) fn entry<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(
        &mut self,
        key: &Q,
        new: impl FnOnce() -> V,
    ) -> Result<&mut V>
    where
        K: Borrow<Q>,
    {
        let number = self.dictionary.insert(key);
        if number == self.values.len() {
            if number == MAX_DISTINCT {
                return Err(Error::data(format!(
                    "it has more than {MAX_DISTINCT} distinct values, too many to count; leave the column out"
                )));
            }
            self.values.push(new());
        }
        Ok(&mut self.values[number])
    }

    /// Merges all groups of another into these.
    ///
    /// # Errors
    /// [`Error::Data`] if there are too many distinct values in both.
    pub(crate) fn merge<Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized>(
        &mut self,
        other: &Self,
        new: impl Fn() -> V,
    ) -> Result<()>
    where
        K: Borrow<Q>,
        V: Merge,
    {
        let mut groups = other.dictionary.keys().iter().zip(&other.values);
        groups.try_for_each(|(key, value)| {
            self.entry(key.borrow(), &new)?.merge(value);
            Ok(())
        })
    }
}

impl<K: Clone + Ord, V: Clone> Groups<K, V> {
    /// The values in ascending order, each with what goes with it.
    pub(crate) fn sorted(&self) -> Vec<(K, V)> {
        let keys = self.dictionary.keys().iter().cloned();
        let mut groups: Vec<_> = keys.zip(self.values.iter().cloned()).collect();
        groups.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        groups
    }
}

impl<K: Clone + Ord> Counts<K> {
    /// The most frequent value, the smallest of several.
    pub(crate) fn most_frequent(&self) -> Option<K> {
        let counted = self.dictionary.keys().iter().zip(&self.values);
        let best = counted.max_by_key(|(key, count)| (**count, std::cmp::Reverse(*key)));
        best.map(|(key, _)| key.clone())
    }
}

impl<K: Clone + Ord, V: Clone> From<Groups<K, V>> for Vec<(K, V)> {
    fn from(groups: Groups<K, V>) -> Self {
        groups.sorted()
    }
}

impl<K: Clone + Eq + Hashed, V> From<Vec<(K, V)>> for Groups<K, V> {
    fn from(pairs: Vec<(K, V)>) -> Self {
        let mut groups = Self::default();
        for (key, value) in pairs {
            let number = groups.dictionary.insert::<K>(&key);
            // A key that bytes from elsewhere repeat counts once.
            if number == groups.values.len() {
                groups.values.push(value);
            }
        }
        groups
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
            for text in texts {
                *counts.entry(*text, || 0).unwrap() += 1;
            }
            counts
        };
        let whole = count(&["b", "", "a", "b", "a", "c"]);
        let mut merged = count(&["c", "a", "b"]);
        merged.merge::<str>(&count(&["a", "b", ""]), || 0).unwrap();
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
        for key in 0..1_000_000 {
            counts.entry(&key, || 1).unwrap();
        }
        counts.entry(&0, || 1).unwrap();
        let error = counts.entry(&-1, || 1).unwrap_err();
        assert!(
            error
                .message()
                .contains("more than 1000000 distinct values"),
            "{}",
            error.message()
        );
    }
}
