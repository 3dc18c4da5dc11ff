//! Moments and days: those of columns, and those that casts make of texts, numbers and each other.

use std::rc::Rc;

use trueline_sdk::{Batch, DataType, Error, Result, Values};

use crate::{
    cast::Invalid,
    civil,
    eval::unexpected,
    format::Format,
    value::{Operand, Text, Weight},
};

pub(crate) const MICROSECONDS_PER_DAY: i128 = 86_400_000_000;

/// Moments in microseconds since 1970-01-01T00:00:00Z, or days since 1970-01-01.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    /// [`DataType::Timestamp`] or [`DataType::Date`].
    data_type: DataType,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A column of the batch.
    Input(usize),
    Cast(Rc<Cast>),
}

/// What moments or days are made of.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) from: From,
    /// How far the clock is ahead of UTC that tells where a day begins, and what a text means without a zone.
    pub(crate) offset_seconds: i32,
    pub(crate) invalid: Invalid,
}

/// Values that mean moments or days.
#[derive(Debug)]
pub(crate) enum From {
    /// Days of moments, or the moments at which days begin.
    Time(Time),
    Text(Text, Format),
    /// Numbers of this unit, since 1970-01-01T00:00:00Z.
    Number {
        operand: Operand,
        unit_nanoseconds: i64,
    },
}

impl Time {
    /// A timestamp or date column of the batch.
    pub(crate) fn input(input: usize, data_type: DataType) -> Self {
        Self {
            data_type,
            source: Source::Input(input),
        }
    }

    pub(crate) fn cast(data_type: DataType, cast: Cast) -> Self {
        Self {
            data_type,
            source: Source::Cast(Rc::new(cast)),
        }
    }

    pub(crate) fn is_date(&self) -> bool {
        self.data_type == DataType::Date
    }

    /// The column of the batch that this is, if nothing was done to it.
    pub(crate) fn untouched(&self) -> Option<usize> {
        match self.source {
            Source::Input(input) => Some(input),
            Source::Cast(_) => None,
        }
    }

    pub(crate) fn weight(&self) -> Weight {
        match &self.source {
            Source::Input(_) => Weight::default(),
            Source::Cast(cast) => Weight::around([match &cast.from {
                From::Time(time) => time.weight(),
                From::Text(text, _) => text.weight(),
                From::Number { operand, .. } => operand.weight(),
            }]),
        }
    }

    /// The moments or days of so many rows from `start` on, a multiple of 8; none where they are missing.
    ///
    /// # Errors
    /// [`Error::Data`] if a value means none.
    pub(crate) fn block(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
    ) -> Result<Vec<Option<i64>>> {
        let input = match &self.source {
            Source::Input(input) => *input,
            Source::Cast(cast) => return cast.block(self.data_type, batch, start, count),
        };
        let column = batch.column(input);
        let at = |row: usize| match &column.values {
            Values::Timestamp(values) => Ok(values[row]),
            Values::Date(values) => Ok(i64::from(values[row])),
            _ => Err(unexpected(column)),
        };
        let rows = start..start + count;
        rows.map(|row| column.is_valid(row).then(|| at(row)).transpose())
            .collect()
    }

    /// A moment of this kind in microseconds since 1970-01-01T00:00:00Z; a day is its midnight.
    fn microseconds(&self, value: i64) -> i128 {
        if self.is_date() {
            i128::from(value) * MICROSECONDS_PER_DAY
        } else {
            i128::from(value)
        }
    }
}

impl Cast {
    fn block(
        &self,
        to: DataType,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
    ) -> Result<Vec<Option<i64>>> {
        match &self.from {
            From::Time(time) => {
                let moved = i128::from(self.offset_seconds) * 1_000_000;
                let times = time.block(batch, start, count)?.into_iter();
                times
                    .map(|value| {
                        let Some(value) = value else { return Ok(None) };
                        let moment = time.microseconds(value);
                        let made = match to {
                            DataType::Date => (moment + moved).div_euclid(MICROSECONDS_PER_DAY),
                            _ => moment - moved,
                        };
                        self.checked(to, Some(made), || civil::show(value, time.is_date(), 0))
                    })
                    .collect()
            }
            From::Text(text, format) => {
                let texts = text.block(batch, start, count)?;
                (0..count)
                    .map(|index| {
                        let Some(text) = texts.get(index) else {
                            return Ok(None);
                        };
                        let read = match to {
                            DataType::Date => format.date(text.trim()),
                            _ => format.moment(text.trim(), self.offset_seconds),
                        };
                        self.checked(to, read, || format!("{text:?}"))
                    })
                    .collect()
            }
            From::Number {
                operand: Operand::Integers(integers),
                unit_nanoseconds,
            } => {
                let integers = integers.block(batch, start, count)?;
                (0..count)
                    .map(|index| {
                        let Some(integer) = integers.get(index) else {
                            return Ok(None);
                        };
                        let nanoseconds = i128::from(integer) * i128::from(*unit_nanoseconds);
                        let made = of_kind(to, rounded(nanoseconds));
                        self.checked(to, Some(made), || integer.to_string())
                    })
                    .collect()
            }
            From::Number {
                operand: Operand::Numbers(scalar),
                unit_nanoseconds,
            } => {
                let mut numbers = vec![0.0; count];
                scalar.eval_from(batch, start, &mut numbers)?;
                numbers
                    .into_iter()
                    .map(|number| {
                        if number.is_nan() {
                            return Ok(None);
                        }
                        let made = nearest(number, *unit_nanoseconds);
                        let made = made.map(|microseconds| of_kind(to, microseconds));
                        self.checked(to, made, || number.to_string())
                    })
                    .collect()
            }
            From::Number { .. } => Err(Error::other("a text was taken for a number")),
        }
    }

    /// A moment or day that the type holds; else missing or an error with the value.
    fn checked(
        &self,
        to: DataType,
        made: Option<i128>,
        shown: impl FnOnce() -> String,
    ) -> Result<Option<i64>> {
        let fits = |made: i128| match to {
            DataType::Date => i32::try_from(made).ok().map(i64::from),
            _ => i64::try_from(made).ok(),
        };
        match made.and_then(fits) {
            Some(time) => Ok(Some(time)),
            None => self.invalid.refuse(to, &shown()).map(|()| None),
        }
    }
}

/// The day of a moment, if days are asked for.
fn of_kind(to: DataType, microseconds: i128) -> i128 {
    match to {
        DataType::Date => microseconds.div_euclid(MICROSECONDS_PER_DAY),
        _ => microseconds,
    }
}

/// The nearest microsecond, halves to even.
fn rounded(nanoseconds: i128) -> i128 {
    let (below, rest) = (nanoseconds.div_euclid(1000), nanoseconds.rem_euclid(1000));
    let up = rest > 500 || rest == 500 && below % 2 != 0;
    below + i128::from(up)
}

/// The same of a number of units, if it is finite.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number; of one beyond i128 comes the last, which no type holds"
)]
fn nearest(number: f64, unit_nanoseconds: i64) -> Option<i128> {
    // A unit is a nanosecond, or a whole number of microseconds.
    let microseconds = match unit_nanoseconds {
        1 => number / 1000.0,
        unit => number * (unit / 1000) as f64,
    };
    let nearest = microseconds.round_ties_even();
    nearest.is_finite().then_some(nearest as i128)
}

/// The time from one moment to another, in a unit.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) unit_microseconds: i64,
    /// Whether only whole units count, those that are over before `to`.
    pub(crate) whole: bool,
}

/// A moment of a row, or one for all rows.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    Of(Time),
    /// Microseconds since the epoch.
    Fixed(i64),
}

impl Difference {
    /// The numbers of the rows from `start` on; missing where a moment is.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        if self.whole {
            let units = self.whole_units(batch, start, numbers.len())?;
            for (number, units) in numbers.iter_mut().zip(units) {
                *number = units.map_or(f64::NAN, |units| units as f64);
            }
            return Ok(());
        }
        let microseconds = self.microseconds(batch, start, numbers.len())?;
        for (number, microseconds) in numbers.iter_mut().zip(microseconds) {
            // The quotient is rounded once more.
            *number = microseconds.map_or(f64::NAN, |microseconds| {
                microseconds as f64 / self.unit_microseconds as f64
            });
        }
        Ok(())
    }

    /// The units that are over, of so many rows from `start` on; none where a moment is missing.
    pub(crate) fn whole_units(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
    ) -> Result<Vec<Option<i128>>> {
        let unit = i128::from(self.unit_microseconds);
        let microseconds = self.microseconds(batch, start, count)?.into_iter();
        Ok(microseconds
            .map(|microseconds| Some(microseconds?.div_euclid(unit)))
            .collect())
    }

    /// Wider than int64, which dates and differences leave.
    fn microseconds(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
    ) -> Result<Vec<Option<i128>>> {
        let from = self.from.block(batch, start, count)?;
        let to = self.to.block(batch, start, count)?;
        let pairs = from.into_iter().zip(to);
        Ok(pairs
            .map(|(from, to)| from.zip(to).map(|(from, to)| to - from))
            .collect())
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::around([&self.from, &self.to].map(|moment| match moment {
            Moment::Of(time) => time.weight(),
            Moment::Fixed(_) => Weight::default(),
        }))
    }
}

impl Moment {
    /// In microseconds since the epoch.
    fn block(&self, batch: &Batch<'_>, start: usize, count: usize) -> Result<Vec<Option<i128>>> {
        Ok(match self {
            Self::Fixed(microseconds) => vec![Some(i128::from(*microseconds)); count],
            Self::Of(time) => {
                let times = time.block(batch, start, count)?.into_iter();
                times
                    .map(|value| value.map(|value| time.microseconds(value)))
                    .collect()
            }
        })
    }
}
