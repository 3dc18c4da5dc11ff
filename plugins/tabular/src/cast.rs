//! Numbers of other types, and numbers that texts say.

use std::rc::Rc;

use trueline_sdk::{Batch, DataType, Error, Result};

use crate::value::Text;

/// The last float64 before 2^63, beyond which there is no int64.
const HIGHEST_INT64: f64 = 9_223_372_036_854_774_784.0;

/// What becomes of a value that the new type does not have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Invalid {
    /// An error that names this place.
    Refused(String),
    /// A missing value.
    Missing,
}

/// Integers that a type holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    lowest: f64,
    highest: f64,
    data_type: DataType,
    invalid: Invalid,
}

/// Reading numbers from texts.
#[derive(Clone, Debug)]
pub(crate) struct Parse {
    pub(crate) text: Text,
    data_type: DataType,
    invalid: Invalid,
}

impl Bounds {
    /// Those of int32 or int64.
    pub(crate) fn of(data_type: DataType, invalid: Invalid) -> Rc<Self> {
        let (lowest, highest) = match data_type {
            DataType::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            _ => (-9_223_372_036_854_775_808.0, HIGHEST_INT64),
        };
        Rc::new(Self {
            lowest,
            highest,
            data_type,
            invalid,
        })
    }

    /// The int64 that this number is; none if it is to be missing.
    ///
    /// # Errors
    /// [`Error::Data`] if there is none and that is refused.
    pub(crate) fn int64(&self, number: i128) -> Result<Option<i64>> {
        match i64::try_from(number) {
            Ok(integer) => Ok(Some(integer)),
            Err(_) => {
                self.invalid.refuse(self.data_type, &number.to_string())?;
                Ok(None)
            }
        }
    }

    /// Takes what is behind the point from every number.
    pub(crate) fn apply(&self, numbers: &mut [f64]) -> Result<()> {
        for number in numbers.iter_mut().filter(|number| !number.is_nan()) {
            let whole = number.trunc();
            *number = if (self.lowest..=self.highest).contains(&whole) {
                // The zero added turns -0.0 into 0.0.
                whole + 0.0
            } else {
                self.invalid.refuse(self.data_type, &number.to_string())?;
                f64::NAN
            };
        }
        Ok(())
    }
}

impl Invalid {
    /// # Errors
    /// [`Error::Data`] with the place and the value, unless the value is to be missing.
    #[cold]
    pub(crate) fn refuse(&self, data_type: DataType, value: &str) -> Result<()> {
        match self {
            Self::Missing => Ok(()),
            Self::Refused(place) => {
                let looks = match data_type {
                    DataType::Timestamp => {
                        " such as 2013-12-31T18:00:00Z, unless `format` says what it looks like"
                    }
                    DataType::Date => {
                        " such as 2013-12-31, unless `format` says what it looks like"
                    }
                    _ => "",
                };
                Err(Error::data(format!(
                    "{place} holds {value}, which is no {data_type}{looks}; set `invalid` to \"null\" to make \
                     such values missing"
                )))
            }
        }
    }
}

impl Parse {
    pub(crate) fn new(text: Text, data_type: DataType, invalid: Invalid) -> Rc<Self> {
        Rc::new(Self {
            text,
            data_type,
            invalid,
        })
    }

    /// The numbers of the rows from `start` on; an int64 is rounded to the nearest.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        let read = self.read(batch, start, numbers.len(), |text| self.number(text))?;
        for (number, read) in numbers.iter_mut().zip(read) {
            *number = read.unwrap_or(f64::NAN);
        }
        Ok(())
    }

    /// Those of an int64, exactly.
    pub(crate) fn integers(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
    ) -> Result<Vec<Option<i64>>> {
        self.read(batch, start, count, |text| text.parse().ok())
    }

    /// What each text says; none where it is missing, or is nothing to be `read` and may be missing.
    fn read<T>(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>> {
        let texts = self.text.block(batch, start, count)?;
        let value = |index| {
            let Some(text) = texts.get(index) else {
                return Ok(None);
            };
            let value = read(text.trim());
            if value.is_none() {
                self.invalid.refuse(self.data_type, &format!("{text:?}"))?;
            }
            Ok(value)
        };
        (0..count).map(value).collect()
    }

    fn number(&self, text: &str) -> Option<f64> {
        match self.data_type {
            DataType::Boolean => match text {
                "1" => Some(1.0),
                "0" => Some(0.0),
                _ if text.eq_ignore_ascii_case("true") => Some(1.0),
                _ if text.eq_ignore_ascii_case("false") => Some(0.0),
                _ => None,
            },
            DataType::Int32 => text.parse::<i32>().ok().map(f64::from),
            DataType::Int64 => text.parse::<i64>().ok().map(|integer| integer as f64),
            _ => text.parse().ok(),
        }
    }
}
