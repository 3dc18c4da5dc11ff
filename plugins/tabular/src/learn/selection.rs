//! Which of the values that occur become categories.

use trueline_sdk::{Error, Result};

use super::keys::Keyed;
use crate::encoder::Categories;

/// What is asked of a category.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// It occurs at least so often,
    pub(crate) min_count: u64,
    /// and in at least this share of the rows that have a value;
    pub(crate) min_share: f64,
    /// it is among so many that are the most frequent, the smallest of equally frequent ones;
    pub(crate) keep: Option<usize>,
    /// and there are never more than this
    pub(crate) limit: usize,
    /// or less than this.
    pub(crate) at_least: usize,
}

impl Selection {
    /// Every value.
    pub(crate) const ALL: Self = Self {
        min_count: 0,
        min_share: 0.0,
        keep: None,
        limit: usize::MAX,
        at_least: 1,
    };

    /// The categories in ascending order; `None` if nothing was counted.
    pub(crate) fn of(&self, counts: &Keyed<u64>) -> Result<Option<Categories>> {
        match counts {
            Keyed::Texts(counts) => {
                let keys = self.select(counts.sorted())?;
                Ok(keys.map(Categories::Texts))
            }
            Keyed::Integers(counts) => {
                let keys = self.select(counts.sorted())?;
                Ok(keys.map(Categories::Integers))
            }
            Keyed::Numbers(counts) => {
                let keys = self.select(counts.sorted())?;
                let numbers =
                    |keys: Vec<i64>| keys.into_iter().map(trueline_sdk::order::float).collect();
                Ok(keys.map(|keys| Categories::Numbers(numbers(keys))))
            }
        }
    }

    fn select<K: Ord>(&self, mut counted: Vec<(K, u64)>) -> Result<Option<Vec<K>>> {
        if counted.is_empty() {
            return Ok(None);
        }
        let total: u64 = counted
            .iter()
            .fold(0, |total, (_, count)| total.saturating_add(*count));
        let share = self.min_share * total as f64;
        counted.retain(|(_, count)| *count >= self.min_count && *count as f64 >= share);
        if counted.is_empty() {
            return Err(Error::data(
                "none of its values occurs as often as `min_count` or `min_share` asks for",
            ));
        }
        if let Some(keep) = self.keep {
            // The sort is stable, so that the smallest of equally frequent ones come first.
            counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counted.truncate(keep);
        }
        if counted.len() > self.limit {
            return Err(Error::data(format!(
                "it has {} categories, more than {}; keep the most frequent with `max_categories`, `min_count` or \
                 `min_share`, or take `ordinal`, `frequency`, `target` or `hash`",
                counted.len(),
                self.limit
            )));
        }
        if counted.len() < self.at_least {
            return Err(Error::data(
                "it has one category only, so that `drop` leaves nothing; leave `drop` or the column out",
            ));
        }
        let mut keys: Vec<K> = counted.into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        Ok(Some(keys))
    }
}
