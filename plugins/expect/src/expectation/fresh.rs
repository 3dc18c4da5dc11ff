//! How old the newest value may be.

use trueline_sdk::civil::show_timestamp;
use trueline_sdk::order::Kind;
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, decode, encode};
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// The newest value is not older than this. A date counts from its midnight.
pub(crate) struct Fresh {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    /// In microseconds since the epoch, as what follows.
    pub(crate) oldest: i64,
    pub(crate) newest: Option<i64>,
}

impl Expectation for Fresh {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        let keys = rows.keys(self.place)?.iter().enumerate();
        let newest = keys
            .filter(|(row, _)| column.is_valid(*row))
            .map(|(_, &key)| match self.kind {
                Kind::Date => key.saturating_mul(MICROSECONDS_PER_DAY),
                _ => key,
            })
            .max();
        self.newest = self.newest.max(newest);
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.newest)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.newest = self.newest.max(decode(partial)?);
        Ok(())
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        let met = self.newest.is_some_and(|newest| newest >= self.oldest);
        let found = match self.newest {
            // Nothing is not fresh.
            None => "there is no value".to_owned(),
            Some(newest) if met => format!("the newest is {}", show_timestamp(newest)),
            Some(newest) => format!(
                "the newest is {}, older than {}",
                show_timestamp(newest),
                show_timestamp(self.oldest)
            ),
        };
        self.about.verdict(met, 0, Some(found))
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}

/// Reads `"36h"` as microseconds: a whole number of `s`, `min`, `h`, `d` or `w`.
pub(crate) fn parse_age(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(seconds * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units() {
        let cases = [
            ("90min", Some(5_400_000_000)),
            ("36h", Some(129_600_000_000)),
            ("2d", Some(172_800_000_000)),
            ("1w", Some(604_800_000_000)),
            ("0s", Some(0)),
            ("2", None),
            ("h", None),
            ("1.5h", None),
            ("-1h", None),
            ("99999999999999w", None),
        ];
        for (text, micros) in cases {
            assert_eq!(parse_age(text), micros, "{text}");
        }
    }
}
