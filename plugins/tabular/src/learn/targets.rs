//! What a target is on average where a column has a value.

use serde::{Deserialize, Serialize};
use trueline_sdk::{Batch, Result, exact_sum::ExactMoments};

use super::{groups::Merge, keys::Keyed};
use crate::{
    encoder::Categories,
    kernel::Kernel,
    value::{Operand, Scalar},
};

/// Sums of a target, for all rows and for those of each category.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TargetSums {
    groups: Keyed<Sums>,
    /// Of the rows in which the category is missing.
    missing: Sums,
    all: Sums,
}

/// Count, sum and sum of squares of some numbers, exact.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Sums {
    /// Of booleans and int32: small, since there may be many categories.
    Integers {
        count: u64,
        sum: i128,
        squares: u128,
    },
    Floats(Box<ExactMoments>),
}

/// What a target is in some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetMoments {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    /// Divisor n.
    pub(crate) variance: f64,
}

/// What was learned about a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetsByCategory {
    pub(crate) categories: Categories,
    /// In the order of the categories.
    pub(crate) each: Vec<TargetMoments>,
    pub(crate) missing: Option<TargetMoments>,
    pub(crate) all: TargetMoments,
}

impl TargetSums {
    /// `is_small` says that the target is boolean or int32.
    pub(crate) fn new(operand: &Operand, target: &Operand) -> Self {
        Self {
            groups: Keyed::new(operand),
            missing: Sums::new(target),
            all: Sums::new(target),
        }
    }

    /// Takes in the rows of a batch that have a target.
    ///
    /// # Errors
    /// As evaluating the columns, or if there are too many distinct values.
    pub(crate) fn update(
        &mut self,
        (operand, target): (&Operand, &Operand),
        batch: &Batch<'_>,
        numbers: &mut Vec<f64>,
    ) -> Result<()> {
        let targets = targets(target, batch)?;
        let Self {
            groups,
            missing,
            all,
        } = self;
        let new = || Sums::new(target);
        groups.each_row(operand, batch, numbers, new, |row, group| {
            if !targets[row].is_nan() {
                all.add(targets[row]);
                group.unwrap_or(missing).add(targets[row]);
            }
        })
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        let like = self.all.empty();
        self.groups.merge(&other.groups, || like.clone())?;
        self.missing.merge(&other.missing);
        self.all.merge(&other.all);
        Ok(())
    }

    /// `None` if no row had a target and a value.
    pub(crate) fn finish(&self) -> Option<TargetsByCategory> {
        let (categories, sums) = self.groups.sorted();
        // A category without any target is like one that never occurred.
        let each: Vec<_> = sums.iter().map(Sums::moments).collect();
        let seen: Vec<bool> = each.iter().map(Option::is_some).collect();
        let each: Vec<TargetMoments> = each.into_iter().flatten().collect();
        (!each.is_empty()).then_some(())?;
        Some(TargetsByCategory {
            categories: categories.filtered(&seen),
            each,
            missing: self.missing.moments(),
            all: self.all.moments()?,
        })
    }
}

/// The target of every row; NaN where it is missing.
fn targets(target: &Operand, batch: &Batch<'_>) -> Result<Vec<f64>> {
    let mut targets = vec![f64::NAN; batch.rows()];
    match target {
        Operand::Numbers(scalar) => scalar.eval_all(batch, &mut targets)?,
        Operand::Integers(integers) => {
            let integers = integers.block(batch, 0, batch.rows())?;
            for (row, target) in targets.iter_mut().enumerate() {
                *target = integers.get(row).map_or(f64::NAN, |integer| integer as f64);
            }
        }
        Operand::Texts(_) => {}
    }
    Ok(targets)
}

/// Whether all numbers are 0 and 1, as those that tell one class from all others.
fn is_truth(scalar: &Scalar) -> bool {
    let is_bit = |value: &f64| *value == 0.0 || *value == 1.0;
    matches!(scalar.kernels.last(), Some(Kernel::Table(values)) if values.iter().all(is_bit))
}

impl Sums {
    fn new(target: &Operand) -> Self {
        match target {
            Operand::Integers(_) => Self::integers(),
            Operand::Numbers(scalar) if is_truth(scalar) => Self::integers(),
            _ => Self::Floats(Box::default()),
        }
    }

    fn integers() -> Self {
        Self::Integers {
            count: 0,
            sum: 0,
            squares: 0,
        }
    }

    fn empty(&self) -> Self {
        match self {
            Self::Integers { .. } => Self::integers(),
            Self::Floats(_) => Self::Floats(Box::default()),
        }
    }

    fn add(&mut self, number: f64) {
        match self {
            Self::Integers {
                count,
                sum,
                squares,
            } => {
                let integer = i64::from(crate::convert::to_int32(number));
                *count += 1;
                *sum += i128::from(integer);
                *squares += u128::from(integer.unsigned_abs() * integer.unsigned_abs());
            }
            Self::Floats(moments) => moments.add(number),
        }
    }

    fn moments(&self) -> Option<TargetMoments> {
        match self {
            Self::Integers { count: 0, .. } => None,
            Self::Integers {
                count,
                sum,
                squares,
            } => {
                let n = *count as f64;
                let mean = *sum as f64 / n;
                let scaled = u128::from(*count)
                    .checked_mul(*squares)
                    .zip(sum.unsigned_abs().checked_mul(sum.unsigned_abs()))
                    .map(|(squares, square)| squares.saturating_sub(square));
                let variance = match scaled {
                    Some(scaled) => scaled as f64 / n / n,
                    None => (*squares as f64 / n - mean * mean).max(0.0),
                };
                Some(TargetMoments {
                    count: *count,
                    mean,
                    variance,
                })
            }
            Self::Floats(moments) => Some(TargetMoments {
                count: moments.count(),
                mean: moments.mean()?,
                variance: moments.variance()?,
            }),
        }
    }
}

impl Merge for Sums {
    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (
                Self::Integers {
                    count,
                    sum,
                    squares,
                },
                Self::Integers {
                    count: other_count,
                    sum: other_sum,
                    squares: other_squares,
                },
            ) => {
                // Bytes from elsewhere may claim any sums.
                *count = count.saturating_add(*other_count);
                *sum = sum.saturating_add(*other_sum);
                *squares = squares.saturating_add(*other_squares);
            }
            (Self::Floats(own), Self::Floats(other)) => own.merge(other),
            // Both were made for one target, whose type is in the schema.
            (Self::Integers { .. } | Self::Floats(_), _) => {}
        }
    }
}
