//! What JSON and UBJSON have in common: the values of a model file, one after another.

use std::{fmt::Display, str::FromStr};

use trueline_sdk::{Error, Result};

/// How deep unknown values may nest before they are refused: they are skipped by recursion.
pub(super) const MAX_DEPTH: usize = 64;

/// A place in a file. It visits keys and items in order, skips what nobody asked for, and names the
/// byte where it stops.
pub(super) trait Source: Sized {
    /// What is wrong at this place.
    fn error(&self, what: impl Display) -> Error;

    /// Visits the keys of an object. `visit` must read or [`skip`](Self::skip) the value.
    fn object(&mut self, visit: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()>;

    /// Visits the items of an array. `visit` must read or [`skip`](Self::skip) the item.
    fn array(&mut self, visit: impl FnMut(&mut Self) -> Result<()>) -> Result<()>;

    /// An array of numbers.
    fn numbers<T: Number>(&mut self) -> Result<Vec<T>>;

    /// A number, also an infinite one or NaN, rounded once; true and false are 1 and 0.
    fn number<T: Number>(&mut self) -> Result<T>;

    /// A string.
    fn string(&mut self) -> Result<String>;

    /// Passes over a value of any kind.
    fn skip(&mut self) -> Result<()>;

    /// Makes sure that nothing follows.
    fn end(&mut self) -> Result<()>;
}

/// A kind of number that a file may have, as text or as bytes.
pub(super) trait Number: FromStr {
    /// From a whole number, if it has that value.
    fn from_integer(value: i64) -> Option<Self>;
    /// From a float32 or float64, if it is of that kind.
    fn from_float(value: f64) -> Option<Self>;
}

impl Number for f32 {
    fn from_integer(value: i64) -> Option<Self> {
        Some(value as f32)
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(crate::num::to_f32(value))
    }
}

/// Integers take no floats.
macro_rules! integer {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn from_integer(value: i64) -> Option<Self> {
                value.try_into().ok()
            }

            fn from_float(_: f64) -> Option<Self> {
                None
            }
        }
    )*};
}

integer!(u8, u32, i64);
