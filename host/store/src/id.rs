//! Ids: a prefix that says of what, then 16 letters and digits that sort by time.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use crate::{Clock, Error, Result};

/// Crockford's base 32: digits and letters in ASCII order, without i, l, o and u, which are misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 11 digits for the time in microseconds (55 bits, which last until the year 3111) ...
const TIME_DIGITS: u32 = 11;
/// ... and 5 random ones, for two processes that draw an id in one microsecond.
const RANDOM_DIGITS: u32 = 5;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// How such an id starts.
            pub const PREFIX: &'static str = $prefix;

            /// A new id. Ids sort by the time they were made at.
            ///
            /// # Errors
            /// [`Error::Io`] if the clock has no randomness to give.
            pub fn new(clock: &dyn Clock) -> Result<Self> {
                Ok(Self(format!("{}{}", $prefix, draw(clock)?)))
            }

            /// The id as text, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let tail = text.strip_prefix($prefix).unwrap_or_default();
                let digits = tail.bytes().all(|byte| ALPHABET.contains(&byte));
                if digits && tail.len() == (TIME_DIGITS + RANDOM_DIGITS) as usize {
                    return Ok(Self(text.to_owned()));
                }
                Err(Error::Invalid {
                    what: $what,
                    value: text.to_owned(),
                    problem: format!("is not `{}` and 16 letters and digits", $prefix),
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(FromSqlError::other)
            }
        }
    };
}

id!(
    /// Names a run: `run_…`.
    RunId,
    "run id",
    "run_"
);
id!(
    /// Names one opening of a home by one process: `boot_…`.
    BootId,
    "boot id",
    "boot_"
);

impl RunId {
    /// This id, or one behind `newest` if it is not behind that already: a clock that was set back must not put
    /// a new run among the old ones. The random digits stay.
    #[must_use]
    pub(crate) fn behind(self, newest: Option<&Self>) -> Self {
        let Some(newest) = newest.filter(|newest| **newest >= self) else {
            return self;
        };
        let digits = |id: &Self| id.0[Self::PREFIX.len()..].to_owned();
        let (newest, own) = (digits(newest), digits(&self));
        let time = newest[..TIME_DIGITS as usize]
            .bytes()
            .fold(0, |time, digit| {
                // Every digit is one of the alphabet, or the id could not have been read.
                let value = ALPHABET.iter().position(|known| *known == digit);
                (time << 5) | value.unwrap_or_default() as u64
            });
        let time = base32(time + 1, TIME_DIGITS);
        Self(format!(
            "{}{time}{}",
            Self::PREFIX,
            &own[TIME_DIGITS as usize..]
        ))
    }
}

fn draw(clock: &dyn Clock) -> Result<String> {
    let random = clock.random().map_err(|source| Error::Io {
        action: "get randomness from",
        path: "the operating system".into(),
        source,
    })?;
    let time = u64::try_from(clock.now_us()).unwrap_or_default();
    Ok(base32(time, TIME_DIGITS) + &base32(random, RANDOM_DIGITS))
}

/// The lowest `digits` digits of `number`, so many always, the highest first.
fn base32(number: u64, digits: u32) -> String {
    (0..digits)
        .rev()
        .map(|place| char::from(ALPHABET[(number >> (5 * place) & 31) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn ids_sort_by_time() {
        let clock = TestClock::default();
        let ids: Vec<_> = (0..100).map(|_| RunId::new(&clock).unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids[0].as_str().len(), "run_".len() + 16);
    }

    #[test]
    fn an_id_behind_the_newest() {
        let id = |text: &str| text.parse::<RunId>().unwrap();
        let cases = [
            ("run_000000000020abcd", None, "run_000000000020abcd"),
            (
                "run_00000000002abcde",
                Some("run_000000000015zzzz"),
                "run_00000000002abcde",
            ),
            (
                "run_00000000001abcde",
                Some("run_00000000001abcde"),
                "run_00000000002abcde",
            ),
            (
                "run_00000000001abcde",
                Some("run_0000000000z00000"),
                "run_00000000010abcde",
            ),
        ];
        for (drawn, newest, expected) in cases {
            let newest = newest.map(id);
            assert_eq!(id(drawn).behind(newest.as_ref()), id(expected), "{drawn}");
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let id = RunId::new(&TestClock::default()).unwrap();
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<RunId>(&json).unwrap(), id);
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "run_",
            "boot_0000000000000000",
            "run_000000000000000l",
            "run_00000000000000000",
        ] {
            let error = text.parse::<RunId>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("run id `{text}` is not `run_`")),
                "{error}"
            );
        }
    }
}
