//! Numbers of other types, and numbers that texts say.

use std::rc::Rc;

use trueline_sdk::{Batch, DataType, Error, Result};

use crate::value::Text;

/// 2^53 - 1, to which every float64 stands for one integer alone.
const EXACT: f64 = 9_007_199_254_740_991.0;

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
    /// Those of int32, or of the int64 that float64 tells apart.
    pub(crate) fn of(data_type: DataType, invalid: Invalid) -> Rc<Self> {
        let (lowest, highest) = match data_type {
            DataType::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            _ => (-EXACT, EXACT),
        };
        Rc::new(Self {
            lowest,
            highest,
            data_type,
            invalid,
        })
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
                let exactly = match data_type {
                    DataType::Int64 => " within 2^53, which is where numbers are exact",
                    DataType::Timestamp => {
                        " such as 2013-12-31T18:00:00Z, unless `format` says what it looks like"
                    }
                    DataType::Date => {
                        " such as 2013-12-31, unless `format` says what it looks like"
                    }
                    _ => "",
                };
                Err(Error::data(format!(
                    "{place} holds {value}, which is no {data_type}{exactly}; set `invalid` to \"null\" to make \
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

    /// The numbers of the rows from `start` on.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        let texts = self.text.block(batch, start, numbers.len())?;
        for (index, number) in numbers.iter_mut().enumerate() {
            *number = match texts.get(index) {
                None => f64::NAN,
                Some(text) => match self.number(text.trim()) {
                    Some(number) => number,
                    None => {
                        self.invalid.refuse(self.data_type, &format!("{text:?}"))?;
                        f64::NAN
                    }
                },
            };
        }
        Ok(())
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
            DataType::Int64 => {
                let integer = text.parse::<i64>().ok()?;
                (integer.unsigned_abs() < 1 << 53).then_some(integer as f64)
            }
            _ => text.parse().ok(),
        }
    }
}
