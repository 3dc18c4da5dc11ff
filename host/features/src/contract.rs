//! The time contract: which row of a history is the value of a feature at an instant. Both stores decide
//! by this module alone, so they cannot disagree.
//!
//! Instants are microseconds since the epoch, UTC. At the instant `at`, a row counts if
//!
//! - its event is not in the future: `event ≤ at`;
//! - it was known by then: `known ≤ at` (unless knowledge is ignored, for parity with stores that do);
//!
//! of those, the greatest in the order (event, created, sequence) is the value: sequences differ, so there
//! are no ties. If its age `at − event` is more than the view's ttl, the value has expired. An older row
//! never stands in, neither for an expired value nor for a null in the value.
//!
//! Of a window of the length `over`, the rows that count are those of them that happened in
//! (`at − over`, `at`]: one that is exactly as old as the window has left it.

use serde::{Deserialize, Serialize};

/// Where a row stands among the rows of its key; the greatest is the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    /// When it happened.
    pub event_us: i64,
    /// When its source says that it was made; a row without is before those with.
    pub created_us: Option<i64>,
    /// Its place in the ingest log.
    pub sequence: i64,
}

/// Whether what became known later counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowledge {
    /// Rows count from the instant on at which they were known: no backfill leaks into the past.
    #[default]
    AsOf,
    /// Rows count from their event on, as if all had been known at once.
    Now,
}

/// The rule of one view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// How old a value may be, at least 0; without, it never expires.
    pub ttl_us: Option<i64>,
    pub knowledge: Knowledge,
}

/// What there is of a key at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<T> {
    Value(T),
    /// There is a value, which is older than the ttl.
    Expired,
    Nothing,
}

impl<T> Found<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Expired | Self::Nothing => None,
        }
    }
}

impl Rule {
    /// The instant from which on a row counts.
    pub fn due_us(&self, event_us: i64, known_us: i64) -> i64 {
        match self.knowledge {
            Knowledge::AsOf => event_us.max(known_us),
            Knowledge::Now => event_us,
        }
    }

    /// Whether a value has an age that is allowed; exactly the ttl is.
    pub fn is_fresh(&self, event_us: i64, at_us: i64) -> bool {
        // No age is beyond int64 but for instants that are three hundred thousand years apart.
        self.ttl_us
            .is_none_or(|ttl_us| at_us.saturating_sub(event_us) <= ttl_us)
    }

    /// The value at an instant, of the rows of one key that are ever its value.
    pub fn as_of(&self, history: History<'_>, at_us: i64) -> Found<usize> {
        let History { due, events } = history;
        match due
            .partition_point(|due_us| *due_us <= at_us)
            .checked_sub(1)
        {
            None => Found::Nothing,
            Some(newest) if self.is_fresh(events[newest], at_us) => Found::Value(newest),
            Some(_) => Found::Expired,
        }
    }
}

/// The instant after which rows of a window count: they leave it when they are as old as it is long.
pub fn window_start(at_us: i64, over_us: i64) -> i64 {
    at_us.saturating_sub(over_us)
}

/// The rows of one key that a [`Succession`] kept, in ascending [`Order`]: from when on each counts, and when
/// it happened. Both ascend, so that the value at an instant is a binary search away.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    pub due: &'a [i64],
    pub events: &'a [i64],
}

/// Tells which rows of a key are ever its value: those that count before every greater one does. However
/// many rows came late, one look at each is enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Succession {
    earliest_us: Option<i64>,
}

impl Succession {
    /// Whether a row is the value at some instant. The rows of a key are asked about from the greatest down.
    pub fn keeps(&mut self, due_us: i64) -> bool {
        let is_first = self
            .earliest_us
            .is_none_or(|earliest_us| due_us < earliest_us);
        if is_first {
            self.earliest_us = Some(due_us);
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as (event, known), in order.
    fn check(rows: &[(i64, i64)], ttl_us: Option<i64>, at_us: i64, expected: Found<usize>) {
        let rule = Rule {
            ttl_us,
            knowledge: Knowledge::AsOf,
        };
        assert_eq!(
            value(rule, rows, at_us),
            expected,
            "{rows:?} ttl {ttl_us:?} at {at_us}"
        );
    }

    /// Which of some rows is the value, by the rows that are kept of them.
    fn value(rule: Rule, rows: &[(i64, i64)], at_us: i64) -> Found<usize> {
        let mut succession = Succession::default();
        let mut kept: Vec<usize> = (0..rows.len())
            .rev()
            .filter(|&row| succession.keeps(rule.due_us(rows[row].0, rows[row].1)))
            .collect();
        kept.reverse();
        let due: Vec<i64> = kept
            .iter()
            .map(|&row| rule.due_us(rows[row].0, rows[row].1))
            .collect();
        let events: Vec<i64> = kept.iter().map(|&row| rows[row].0).collect();
        let history = History {
            due: &due,
            events: &events,
        };
        match rule.as_of(history, at_us) {
            Found::Value(index) => Found::Value(kept[index]),
            Found::Expired => Found::Expired,
            Found::Nothing => Found::Nothing,
        }
    }

    #[test]
    fn instants_are_inclusive() {
        use Found::*;
        check(&[], None, 0, Nothing);
        check(&[(10, 10)], None, 9, Nothing);
        check(&[(10, 10)], None, 10, Value(0));
        check(&[(10, 10)], Some(5), 15, Value(0));
        check(&[(10, 10)], Some(5), 16, Expired);
        check(&[(10, 10)], Some(0), 10, Value(0));
        check(&[(10, 12)], None, 11, Nothing);
        check(&[(10, 12)], None, 12, Value(0));
    }

    #[test]
    fn what_was_not_known_yet_is_passed_over() {
        use Found::*;
        let rows = [(10, 10), (20, 90), (30, 80)];
        check(&rows, None, 79, Value(0));
        check(&rows, None, 80, Value(2));
        check(&rows, None, 95, Value(2));
        check(&[(10, 10), (20, 90)], None, 90, Value(1));
        check(&[(10, 90), (20, 20)], Some(15), 36, Expired);
        check(&[(i64::MIN, i64::MIN)], Some(1), i64::MAX, Expired);
    }

    #[test]
    fn knowledge_can_be_ignored() {
        let rule = Rule {
            ttl_us: None,
            knowledge: Knowledge::Now,
        };
        let rows = [(10, 10), (20, 90)];
        assert_eq!(value(rule, &rows, 30), Found::Value(1));
        assert_eq!(value(rule, &rows, 5), Found::Nothing);
    }

    proptest::proptest! {
        /// The rule as it is written above, row by row.
        #[test]
        fn the_greatest_row_that_counts_is_the_value(
            mut rows in proptest::collection::vec((0..20_i64, 0..25_i64), 0..30),
            ttl_us in proptest::option::of(0..8_i64),
            is_known in proptest::bool::ANY,
            at_us in -1..27_i64,
        ) {
            rows.sort_by_key(|row| row.0);
            let knowledge = if is_known { Knowledge::AsOf } else { Knowledge::Now };
            let rule = Rule { ttl_us, knowledge };
            let counts = |row: &(i64, i64)| row.0 <= at_us && (!is_known || row.1 <= at_us);
            let expected = match rows.iter().rposition(counts) {
                None => Found::Nothing,
                Some(row) if ttl_us.is_none_or(|ttl_us| at_us - rows[row].0 <= ttl_us) => Found::Value(row),
                Some(_) => Found::Expired,
            };
            proptest::prop_assert_eq!(value(rule, &rows, at_us), expected);
        }
    }

    #[test]
    fn later_events_then_created_rows_then_later_sequences_are_newer() {
        let order = |event_us, created_us, sequence| Order {
            event_us,
            created_us,
            sequence,
        };
        let ascending = [
            order(1, Some(9), 9),
            order(2, None, 8),
            order(2, Some(1), 7),
            order(2, Some(2), 5),
            order(2, Some(2), 6),
        ];
        assert!(ascending.is_sorted() && ascending.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
