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

    /// The rows whose number is not NaN, which is how a missing number is computed with.
    pub fn of_numbers(numbers: &[f64]) -> Validity<'static> {
        if any_nan(numbers) {
            Validity::from_fn(numbers.len(), |row| !numbers[row].is_nan())
        } else {
            Validity::ALL
        }
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

/// Looks at many numbers between two branches: in the sandbox every loop's back edge costs a check.
fn any_nan(numbers: &[f64]) -> bool {
    let in_block = |block: &[f64]| block.iter().fold(false, |found, x| found | x.is_nan());
    let blocks = numbers.chunks_exact(64);
    in_block(blocks.remainder()) || blocks.into_iter().any(in_block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missing_number_is_found_wherever_it_is() {
        let mut numbers = vec![f64::INFINITY; 67];
        assert_eq!(Validity::of_numbers(&numbers), Validity::ALL);
        assert_eq!(Validity::of_numbers(&[]), Validity::ALL);
        for index in 0..numbers.len() {
            numbers[index] = f64::NAN;
            let validity = Validity::of_numbers(&numbers);
            assert_eq!(validity.null_count(), 1);
            assert!((0..numbers.len()).all(|row| validity.is_valid(row) == (row != index)));
            numbers[index] = 0.0;
        }
    }
}
