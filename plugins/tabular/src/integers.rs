//! Whole numbers, taken exactly: an int64 holds more of them than float64 tells apart.

use std::rc::Rc;

use trueline_sdk::{Batch, Column, DataType, Result, Values};

use crate::{
    cast::{Bounds, Parse},
    eval::{bit, unexpected},
    kernel::Kernel,
    time::Difference,
    value::{Scalar, Source, Weight},
};

/// Where whole numbers come from.
#[derive(Clone, Debug)]
pub(crate) enum Integers {
    /// A boolean or integer column of the batch.
    Input(usize),
    /// What texts say.
    Parsed(Rc<Parse>),
    /// Whole units of time.
    Counted(Difference, Rc<Bounds>),
}

/// The whole numbers of some rows.
pub(crate) enum Block<'a> {
    /// As they are in the batch, from a row on.
    Input {
        column: &'a Column<'a>,
        start: usize,
    },
    Made(Vec<Option<i64>>),
}

impl Integers {
    /// The same numbers as these, of a column of this type, if they need not become floats on the way.
    pub(crate) fn of(scalar: &Scalar, data_type: DataType) -> Option<Self> {
        let is_integer = matches!(
            data_type,
            DataType::Boolean | DataType::Int32 | DataType::Int64
        );
        match (&scalar.source, &scalar.kernels[..]) {
            (Source::Input(input), []) if is_integer => Some(Self::Input(*input)),
            (Source::Parsed(parse), []) if data_type == DataType::Int64 => {
                Some(Self::Parsed(parse.clone()))
            }
            (Source::Difference(difference), [Kernel::Integer(bounds)])
                if data_type == DataType::Int64 && difference.whole =>
            {
                Some(Self::Counted(difference.clone(), bounds.clone()))
            }
            _ => None,
        }
    }

    /// The numbers of so many rows from `start` on.
    ///
    /// # Errors
    /// [`trueline_sdk::Error::Data`] if a row holds what is no int64.
    pub(crate) fn block<'a>(
        &self,
        batch: &'a Batch<'a>,
        start: usize,
        count: usize,
    ) -> Result<Block<'a>> {
        match self {
            Self::Input(input) => {
                let column = batch.column(*input);
                match &column.values {
                    Values::Boolean(_) | Values::Int32(_) | Values::Int64(_) => {
                        Ok(Block::Input { column, start })
                    }
                    _ => Err(unexpected(column)),
                }
            }
            Self::Parsed(parse) => parse.integers(batch, start, count).map(Block::Made),
            Self::Counted(difference, bounds) => {
                let units = difference.whole_units(batch, start, count)?.into_iter();
                let integer = |units: Option<i128>| match units {
                    Some(units) => bounds.int64(units),
                    None => Ok(None),
                };
                units.map(integer).collect::<Result<_>>().map(Block::Made)
            }
        }
    }

    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::Input(_) => Weight::default(),
            Self::Parsed(parse) => Weight::around([parse.text.weight()]),
            Self::Counted(difference, _) => Weight::around([difference.weight()]),
        }
    }
}

impl Block<'_> {
    /// The number of a row, counted from where the block starts; none where it is missing.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<i64> {
        let (column, row) = match self {
            Self::Input { column, start } => (column, start + index),
            Self::Made(integers) => return integers[index],
        };
        if !column.is_valid(row) {
            return None;
        }
        match &column.values {
            Values::Int64(values) => Some(values[row]),
            Values::Int32(values) => Some(i64::from(values[row])),
            Values::Boolean(bits) => Some(i64::from(bit(bits, row))),
            _ => None,
        }
    }
}
