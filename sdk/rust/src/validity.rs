//! Which rows of a column hold a value.

use std::borrow::Cow;

/// A bit a row: 1 is a value, 0 is null. Without bits, every row holds a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity<'a> {
    bits: Option<Cow<'a, [u8]>>,
    null_count: usize,
}

impl<'a> Validity<'a> {
    /// Every row holds a value.
    pub const ALL: Validity<'static> = Validity {
        bits: None,
        null_count: 0,
    };

    /// The rows for which `is_valid` says so.
    pub fn from_fn(rows: usize, mut is_valid: impl FnMut(usize) -> bool) -> Validity<'static> {
        let mut bits = vec![0_u8; rows.div_ceil(8)];
        let mut null_count = 0;
        for row in 0..rows {
            if is_valid(row) {
                bits[row / 8] |= 1 << (row % 8);
            } else {
                null_count += 1;
            }
        }
        Validity::from_bits(Cow::Owned(bits), null_count)
    }

    pub(crate) fn from_bits(bits: Cow<'a, [u8]>, null_count: usize) -> Self {
        if null_count == 0 {
            Validity::ALL
        } else {
            Self {
                bits: Some(bits),
                null_count,
            }
        }
    }

    /// Whether this row holds a value.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.bits
            .as_ref()
            .is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1)
    }

    /// How many rows are null.
    pub fn null_count(&self) -> usize {
        self.null_count
    }

    /// The bits, if any row is null.
    pub fn bits(&self) -> Option<&[u8]> {
        self.bits.as_deref()
    }

    /// The rows that hold a value in both, out of `rows`.
    pub fn and(&self, other: &Validity<'_>, rows: usize) -> Validity<'static> {
        Validity::from_fn(rows, |row| self.is_valid(row) && other.is_valid(row))
    }
}
