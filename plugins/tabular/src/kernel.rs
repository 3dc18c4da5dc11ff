//! Arithmetic on blocks of numbers. Within the steps a missing number is NaN.

use std::rc::Rc;

use trueline_sdk::{Error, Result, math};

use crate::{cast::Bounds, convert, power::Power, quantile::Ranks};

/// How many rows are worked on at a time: a block stays in the fastest cache through all of a
/// column's kernels and until it is scattered into the rows of a vector. A multiple of 64.
pub(crate) const BLOCK: usize = 128;

/// What a number goes through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kernel {
    /// Puts this where the number is missing.
    Fill(f64),
    /// `(x - mean) / deviation`, each operation rounded.
    Standardize {
        mean: f64,
        deviation: f64,
    },
    /// `x * scale + offset`, each operation rounded.
    Scale {
        scale: f64,
        offset: f64,
    },
    /// No less than `min`, no more than `max`.
    Clip {
        min: f64,
        max: f64,
    },
    /// `ln(1 + x)`; missing below -1.
    Log1p,
    /// Yeo-Johnson's or Box-Cox's transform.
    Power(Power),
    /// Where the number lies among quantiles.
    Ranks(Rc<Ranks>),
    /// How many of these edges, in ascending order, are not above the number.
    Bucket(Rc<[f64]>),
    /// The number at this place; there is one for every number that comes.
    Table(Rc<[f64]>),
    /// The sine, or the cosine, of an angle of which so many make a turn.
    Sine {
        period: f64,
    },
    Cosine {
        period: f64,
    },
    /// 0 for 0, else 1.
    Truth,
    /// The nearest float32.
    Narrow,
    /// Without what is behind the point, if it is within bounds.
    Integer(Rc<Bounds>),
}

impl Kernel {
    /// Sends every number of a block through.
    ///
    /// # Errors
    /// [`Error::Data`] if a number is refused.
    pub(crate) fn apply(&self, block: &mut [f64]) -> Result<()> {
        match self {
            &Self::Fill(value) => each(block, |x| if x.is_nan() { value } else { x }),
            &Self::Standardize { mean, deviation } => each(block, |x| (x - mean) / deviation),
            &Self::Scale { scale, offset } => each(block, |x| x * scale + offset),
            // Comparisons, since `f64::max` and `f64::min` would turn a missing number into a bound.
            &Self::Clip { min, max } => each(block, |x| {
                let x = if x < min { min } else { x };
                if x > max { max } else { x }
            }),
            Self::Log1p => in_blocks(block, math::log1p_slice),
            Self::Power(power) => power.apply(block),
            Self::Ranks(ranks) => block.iter_mut().for_each(|x| *x = ranks.of(*x)),
            Self::Bucket(edges) => {
                for x in block.iter_mut().filter(|x| !x.is_nan()) {
                    *x = edges.partition_point(|edge| *edge <= *x) as f64;
                }
            }
            Self::Table(values) => {
                for x in block.iter_mut().filter(|x| !x.is_nan()) {
                    let place = usize::try_from(convert::to_int32(*x));
                    let value = place.ok().and_then(|place| values.get(place));
                    *x = *value.ok_or_else(|| Error::other("a code has no value"))?;
                }
            }
            &Self::Sine { period } => block
                .iter_mut()
                .for_each(|x| *x = math::sin_turns(*x / period)),
            &Self::Cosine { period } => block
                .iter_mut()
                .for_each(|x| *x = math::cos_turns(*x / period)),
            Self::Truth => each(block, |x| match x {
                x if x.is_nan() => x,
                x => f64::from(u8::from(x != 0.0)),
            }),
            Self::Narrow => each(block, |x| f64::from(convert::to_float32(x))),
            Self::Integer(bounds) => bounds.apply(block)?,
        }
        Ok(())
    }
}

/// Sends blocks of numbers through a function of slices.
pub(crate) fn in_blocks(numbers: &mut [f64], function: impl Fn(&[f64], &mut [f64])) {
    let mut input = [0.0; BLOCK];
    for block in numbers.chunks_mut(BLOCK) {
        let input = &mut input[..block.len()];
        input.copy_from_slice(block);
        function(input, block);
    }
}

/// Maps every number. The inner loop has a length that the compiler knows, so that it is unrolled:
/// in the sandbox every loop's back edge costs a check.
#[inline]
pub(crate) fn each(block: &mut [f64], f: impl Fn(f64) -> f64) {
    let mut chunks = block.chunks_exact_mut(UNROLLED);
    for chunk in &mut chunks {
        for x in chunk {
            *x = f(*x);
        }
    }
    for x in chunks.into_remainder() {
        *x = f(*x);
    }
}

/// Whether a number is missing.
pub(crate) fn any_missing(numbers: &[f64]) -> bool {
    let in_chunk = |chunk: &[f64]| chunk.iter().fold(false, |missing, x| missing | x.is_nan());
    let chunks = numbers.chunks_exact(UNROLLED);
    in_chunk(chunks.remainder()) || chunks.into_iter().any(in_chunk)
}

/// Iterations of a loop that is unrolled.
pub(crate) const UNROLLED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missing_number_is_found_wherever_it_is() {
        let mut numbers = vec![f64::INFINITY; UNROLLED + 3];
        assert!(!any_missing(&numbers) && !any_missing(&[]));
        for index in 0..numbers.len() {
            numbers[index] = f64::NAN;
            assert!(any_missing(&numbers), "{index}");
            numbers[index] = 0.0;
        }
    }

    #[track_caller]
    fn check(kernel: Kernel, cases: &[(f64, f64)]) {
        // Long enough for unrolled and remaining iterations.
        for (x, expected) in cases {
            let mut block = vec![*x; UNROLLED + 3];
            kernel.apply(&mut block).unwrap();
            for result in block {
                assert_eq!(
                    result.to_bits(),
                    expected.to_bits(),
                    "{kernel:?} of {x}: {result}"
                );
            }
        }
    }

    #[test]
    fn missing_numbers_stay_missing_unless_filled() {
        let nan = f64::NAN;
        check(
            Kernel::Fill(-0.0),
            &[
                (nan, -0.0),
                (1.5, 1.5),
                (0.0, 0.0),
                (f64::INFINITY, f64::INFINITY),
            ],
        );
        check(
            Kernel::Standardize {
                mean: 1.0,
                deviation: 2.0,
            },
            &[(nan, nan), (4.0, 1.5)],
        );
        check(
            Kernel::Scale {
                scale: 0.5,
                offset: -1.0,
            },
            &[(nan, nan), (4.0, 1.0)],
        );
        let infinite = (f64::NEG_INFINITY, -1.0);
        check(
            Kernel::Clip {
                min: -1.0,
                max: 2.0,
            },
            &[(nan, nan), (-3.0, -1.0), (9.0, 2.0), (-0.0, -0.0), infinite],
        );
        check(
            Kernel::Log1p,
            &[
                (nan, nan),
                (0.0, 0.0),
                (-0.0, -0.0),
                (-1.0, f64::NEG_INFINITY),
            ],
        );
    }
}
