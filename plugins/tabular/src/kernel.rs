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
    /// [`Standardize`](Self::Standardize), then [`Clip`](Self::Clip).
    StandardizeAndClip {
        mean: f64,
        deviation: f64,
        min: f64,
        max: f64,
    },
    /// [`Scale`](Self::Scale), then [`Clip`](Self::Clip).
    ScaleAndClip {
        scale: f64,
        offset: f64,
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
    /// 1 where the number is missing, else 0.
    Missing,
}

/// Lengthens a list of kernels by one, joined with the last if there is one that does both.
pub(crate) fn push(kernels: &mut Vec<Kernel>, next: Kernel) {
    match kernels
        .last_mut()
        .and_then(|last| Some((last.and(&next)?, last)))
    {
        Some((both, last)) => *last = both,
        None => kernels.push(next),
    }
}

impl Kernel {
    /// This kernel and the next in one, if there is one that does both: each takes less time than
    /// reading and writing the block.
    pub(crate) fn and(&self, next: &Self) -> Option<Self> {
        match (self, next) {
            (&Self::Standardize { mean, deviation }, &Self::Clip { min, max }) => {
                Some(Self::StandardizeAndClip {
                    mean,
                    deviation,
                    min,
                    max,
                })
            }
            (&Self::Scale { scale, offset }, &Self::Clip { min, max }) => {
                Some(Self::ScaleAndClip {
                    scale,
                    offset,
                    min,
                    max,
                })
            }
            _ => None,
        }
    }

    /// Sends every number of a block through.
    ///
    /// # Errors
    /// [`Error::Data`] if a number is refused.
    pub(crate) fn apply(&self, block: &mut [f64]) -> Result<()> {
        self.run(None, block)
    }

    /// Writes what becomes of as many numbers that lie elsewhere, which spares a copy of them.
    ///
    /// # Errors
    /// [`Error::Data`] if a number is refused.
    pub(crate) fn apply_to(&self, numbers: &[f64], block: &mut [f64]) -> Result<()> {
        self.run(Some(numbers), block)
    }

    /// `block` holds the numbers, if they are not elsewhere.
    fn run(&self, from: Option<&[f64]>, block: &mut [f64]) -> Result<()> {
        let place = |block: &mut [f64]| {
            if let Some(numbers) = from {
                block.copy_from_slice(numbers);
            }
        };
        match self {
            &Self::Fill(value) => each_from(from, block, |x| if x.is_nan() { value } else { x }),
            &Self::Standardize { mean, deviation } => {
                each_from(from, block, |x| (x - mean) / deviation);
            }
            &Self::Scale { scale, offset } => each_from(from, block, |x| x * scale + offset),
            &Self::Clip { min, max } => each_from(from, block, |x| clamp(x, min, max)),
            &Self::StandardizeAndClip {
                mean,
                deviation,
                min,
                max,
            } => each_from_long(from, block, |x| clamp((x - mean) / deviation, min, max)),
            &Self::ScaleAndClip {
                scale,
                offset,
                min,
                max,
            } => each_from_long(from, block, |x| clamp(x * scale + offset, min, max)),
            Self::Log1p => match from {
                Some(numbers) => math::log1p_slice(numbers, block),
                None => in_blocks(block, math::log1p_slice),
            },
            Self::Power(power) => {
                place(block);
                power.apply(block);
            }
            Self::Ranks(ranks) => {
                place(block);
                block.iter_mut().for_each(|x| *x = ranks.of(*x));
            }
            Self::Bucket(edges) => {
                place(block);
                for x in block.iter_mut().filter(|x| !x.is_nan()) {
                    *x = edges.partition_point(|edge| *edge <= *x) as f64;
                }
            }
            Self::Table(values) => {
                place(block);
                for x in block.iter_mut().filter(|x| !x.is_nan()) {
                    let place = usize::try_from(convert::to_int32(*x));
                    let value = place.ok().and_then(|place| values.get(place));
                    *x = *value.ok_or_else(|| Error::other("a code has no value"))?;
                }
            }
            &Self::Sine { period } => {
                place(block);
                block
                    .iter_mut()
                    .for_each(|x| *x = math::sin_turns(*x / period));
            }
            &Self::Cosine { period } => {
                place(block);
                block
                    .iter_mut()
                    .for_each(|x| *x = math::cos_turns(*x / period));
            }
            Self::Truth => each_from(from, block, |x| match x {
                x if x.is_nan() => x,
                x => f64::from(u8::from(x != 0.0)),
            }),
            Self::Narrow => each_from(from, block, |x| f64::from(convert::to_float32(x))),
            Self::Integer(bounds) => {
                place(block);
                bounds.apply(block)?;
            }
            Self::Missing => each_from(from, block, |x| f64::from(u8::from(x.is_nan()))),
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

/// No less than `min`, no more than `max`. Comparisons, since `f64::max` and `f64::min` would turn a
/// missing number into a bound.
#[inline]
fn clamp(x: f64, min: f64, max: f64) -> f64 {
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}

/// Maps every number.
#[inline]
pub(crate) fn each(block: &mut [f64], f: impl Fn(f64) -> f64) {
    in_chunks::<UNROLLED>(block, f);
}

/// Writes what becomes of each value. There may be more values than numbers.
#[inline]
pub(crate) fn copy<T: Copy>(values: &[T], numbers: &mut [f64], f: impl Fn(T) -> f64) {
    copy_in_chunks::<T, UNROLLED>(values, numbers, f);
}

/// Maps every number from elsewhere, or those of the block.
#[inline]
fn each_from(from: Option<&[f64]>, block: &mut [f64], f: impl Fn(f64) -> f64) {
    match from {
        Some(numbers) => copy(numbers, block, f),
        None => each(block, f),
    }
}

/// The same for a function of several operations.
#[inline]
fn each_from_long(from: Option<&[f64]>, block: &mut [f64], f: impl Fn(f64) -> f64) {
    match from {
        Some(numbers) => copy_in_chunks::<f64, UNROLLED_LONG>(numbers, block, f),
        None => in_chunks::<UNROLLED_LONG>(block, f),
    }
}

/// Iterations of a loop that is unrolled, since in the sandbox every loop's back edge costs a check.
///
/// LLVM writes the iterations out one by one if they are few, and does not find vectors among them
/// again (a subtraction and a division took twice as long); of many it makes vectors first, and writes
/// those out as far as there is room. So a short body wants more iterations than a long one.
pub(crate) const UNROLLED: usize = 64;
/// Iterations of a loop with a body of several operations.
const UNROLLED_LONG: usize = 32;

#[inline]
fn in_chunks<const N: usize>(block: &mut [f64], f: impl Fn(f64) -> f64) {
    let mut chunks = block.chunks_exact_mut(N);
    for chunk in &mut chunks {
        for x in chunk {
            *x = f(*x);
        }
    }
    for x in chunks.into_remainder() {
        *x = f(*x);
    }
}

#[inline]
fn copy_in_chunks<T: Copy, const N: usize>(
    values: &[T],
    numbers: &mut [f64],
    f: impl Fn(T) -> f64,
) {
    let mut value_chunks = values[..numbers.len()].chunks_exact(N);
    let mut chunks = numbers.chunks_exact_mut(N);
    for (numbers, values) in (&mut chunks).zip(&mut value_chunks) {
        for index in 0..N {
            numbers[index] = f(values[index]);
        }
    }
    for (number, value) in chunks
        .into_remainder()
        .iter_mut()
        .zip(value_chunks.remainder())
    {
        *number = f(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kernel: Kernel, cases: &[(f64, f64)]) {
        // Long enough for unrolled and remaining iterations.
        for (x, expected) in cases {
            let numbers = vec![*x; UNROLLED + 3];
            let mut block = numbers.clone();
            kernel.apply(&mut block).unwrap();
            let mut elsewhere = vec![0.5; UNROLLED + 3];
            kernel.apply_to(&numbers, &mut elsewhere).unwrap();
            for result in block.into_iter().chain(elsewhere) {
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

    #[test]
    fn two_kernels_in_one_are_the_two_in_turn() {
        let clip = Kernel::Clip {
            min: -1.0,
            max: 2.5,
        };
        let standardize = Kernel::Standardize {
            mean: 0.1,
            deviation: 3.0,
        };
        let scale = Kernel::Scale {
            scale: 0.7,
            offset: -0.0,
        };
        let nan = f64::NAN;
        let numbers = [
            nan,
            -0.0,
            0.0,
            0.1,
            1e300,
            -1e300,
            7.3,
            -2.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            5e-324,
        ];
        for first in [standardize, scale] {
            let mut expected = numbers;
            first.apply(&mut expected).unwrap();
            clip.apply(&mut expected).unwrap();
            for (x, expected) in numbers.into_iter().zip(expected) {
                check(first.and(&clip).unwrap(), &[(x, expected)]);
            }
        }
        assert_eq!(clip.and(&Kernel::Log1p), None);
    }
}
