//! Where each feature's values are cut into bins.
//!
//! A feature with at most `max_bin` distinct values gets exactly XGBoost's cuts: every distinct value
//! but the smallest, then a bound above the largest. With more, XGBoost cuts at approximate quantiles
//! that differ between its versions; here they are the exact (weighted) quantiles that its sketch
//! approximates, so they depend on the values alone, not on the order of rows.

use trueline_sdk::{Error, Result};

use crate::{num::to_whole, rows::Rows};

/// Bins of one feature: bin `i` holds the values `x` with `cuts[i - 1] <= x < cuts[i]`, or category `i`.
pub(crate) type Cuts = Vec<f32>;

/// Bin numbers, and the one that stands for a missing value, have 16 bits.
pub(crate) const MAX_BINS: usize = 65_535;

/// Values that are taken out of the rows at once, feature by feature: 64 MiB.
const VALUES_AT_ONCE: usize = 1 << 24;
/// Features of a cache line.
const FEATURES_AT_ONCE: usize = 16;

/// The cuts of every feature. A feature without any value has none. One of categories, which
/// `categorical` says (none if it is empty), has a bin for each up to the largest.
///
/// # Errors
/// [`Error::Data`] with the feature's number, the row and the value if that is no category.
pub(crate) fn find_cuts(rows: &Rows, max_bin: usize, categorical: &[bool]) -> Result<Vec<Cuts>> {
    let features: Vec<usize> = (0..rows.feature_count()).collect();
    // Rows are read as rarely as the memory for columns allows.
    let at_once = (VALUES_AT_ONCE / rows.len().max(1)).clamp(1, FEATURES_AT_ONCE);
    let mut cuts = Vec::with_capacity(features.len());
    for features in features.chunks(at_once) {
        let columns = rows.columns(features[0]..features[0] + features.len());
        for (&feature, values) in features.iter().zip(columns) {
            cuts.push(if categorical.get(feature).copied().unwrap_or(false) {
                one_bin_a_category(&values)?
            } else {
                cut(&weigh_values(values, rows.weights()), max_bin)
            });
        }
    }
    Ok(cuts)
}

/// Whether a number can stand for a category.
pub(crate) fn is_category(value: f32) -> bool {
    (0.0..MAX_BINS as f32).contains(&value) && value.fract().abs() < f32::MIN_POSITIVE
}

fn one_bin_a_category(values: &[f32]) -> Result<Cuts> {
    let mut count = 0;
    for (row, &value) in values.iter().enumerate() {
        if is_category(value) {
            count = count.max(to_whole(value) + 1);
        } else if !value.is_nan() {
            return Err(Error::data(format!(
                "row {row}: {value} is no category; those are whole numbers from 0 to {}",
                MAX_BINS - 1
            )));
        }
    }
    Ok((0..count).map(|category| category as f32).collect())
}

/// The bin of a number that is not missing: how many cuts are at or below it. Infinity, which no
/// bound lies above, shares the last bin.
pub(crate) fn bin_of(value: f32, cuts: &[f32]) -> usize {
    cuts.partition_point(|&cut| cut <= value)
        .min(cuts.len().saturating_sub(1))
}

/// A distinct value and the weight of the rows that have it.
type Weighed = (f32, f64);

/// The distinct values of a feature, ascending. Without weights every row counts 1. As in XGBoost, a
/// value of no weight is no reason for a cut.
fn weigh_values(values: Vec<f32>, weights: Option<&[f32]>) -> Vec<Weighed> {
    // Adding zero turns -0.0 into 0.0: they are one value to every comparison.
    let present = |value: &f32| !value.is_nan();
    let values = values.into_iter().map(|value| value + 0.0);
    let mut weighed: Vec<Weighed> = Vec::new();
    let mut add = |value: f32, weight: f64| match weighed.last_mut() {
        Some(last) if last.0.total_cmp(&value).is_eq() => last.1 += weight,
        _ => weighed.push((value, weight)),
    };
    if let Some(weights) = weights {
        let mut pairs: Vec<(f32, f32)> = values
            .zip(weights.iter().copied())
            .filter(|(value, weight)| present(value) && *weight > 0.0)
            .collect();
        // Ordering equal values by weight makes the sums independent of the order of rows.
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        pairs
            .into_iter()
            .for_each(|(value, weight)| add(value, f64::from(weight)));
    } else {
        let mut values: Vec<f32> = values.filter(present).collect();
        values.sort_unstable_by(f32::total_cmp);
        values.into_iter().for_each(|value| add(value, 1.0));
    }
    weighed
}

fn cut(values: &[Weighed], max_bin: usize) -> Cuts {
    let (Some(&(_, first_weight)), Some(&(last, last_weight))) = (values.first(), values.last())
    else {
        return Cuts::new();
    };
    let mut cuts: Cuts = if values.len() <= max_bin {
        values[1..].iter().map(|&(value, _)| value).collect()
    } else {
        let total: f64 = values.iter().map(|&(_, weight)| weight).sum();
        let quantiles = quantiles(
            values,
            first_weight,
            total - first_weight - last_weight,
            max_bin,
        );
        // Repeated quantiles leave room for the largest value, which then has a bin of its own.
        let largest = (quantiles.len() + 1 < max_bin).then_some(last);
        quantiles.into_iter().chain(largest).collect()
    };
    cuts.push(bound_above(last));
    cuts
}

/// A bound above a feature's largest value, as far from it as XGBoost puts it. That is no number where all
/// values are negative infinity, which XGBoost refuses.
fn bound_above(largest: f32) -> f32 {
    let bound = largest + (largest.abs() + 1e-5);
    if bound.is_nan() { f32::MIN } else { bound }
}

/// The distinct values at the ranks `begin + k / max_bin * range` for k = 1, …, `max_bin` - 1: the
/// points at which XGBoost prunes an exact summary (`WQSummary::SetPrune`).
fn quantiles(values: &[Weighed], begin: f64, range: f64, max_bin: usize) -> Vec<f32> {
    let mut quantiles = Vec::with_capacity(max_bin);
    let interior = &values[1..values.len() - 1];
    let mut at = 0;
    let mut rank_above = begin + interior[0].1;
    let mut taken = None;
    for k in 1..max_bin {
        let rank = begin + k as f64 * range / max_bin as f64;
        while rank >= rank_above && at + 1 < interior.len() {
            at += 1;
            rank_above += interior[at].1;
        }
        if taken != Some(at) {
            taken = Some(at);
            quantiles.push(interior[at].0);
        }
    }
    quantiles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(values: &[f32], weights: Option<&[f32]>) -> Rows {
        let mut rows = Rows::new(1);
        if weights.is_some() {
            rows = rows.weighted();
        }
        rows.extend(values, &vec![0.0; values.len()], weights, None)
            .unwrap();
        rows
    }

    fn check(values: &[f32], max_bin: usize, expected: &[f32]) {
        let cuts = find_cuts(&rows_of(values, None), max_bin, &[]).unwrap();
        assert_eq!(cuts, [expected], "{} values", values.len());
    }

    #[test]
    fn few_distinct_values_are_all_cuts_but_the_smallest() {
        check(
            &[3.0, 1.0, f32::NAN, 2.0, 1.0],
            256,
            &[2.0, 3.0, bound_above(3.0)],
        );
        check(&[-0.0, 0.0], 256, &[1e-5]);
        check(&[5.0], 256, &[bound_above(5.0)]);
        check(&[f32::NAN], 256, &[]);
        check(&[f32::NEG_INFINITY], 256, &[f32::MIN]);
        check(&[], 256, &[]);
        check(
            &[f32::INFINITY, f32::NEG_INFINITY, 1.0],
            256,
            &[1.0, f32::INFINITY, f32::INFINITY],
        );
    }

    #[test]
    fn many_distinct_values_are_cut_at_quantiles() {
        let values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        check(&values, 4, &[250.0, 500.0, 749.0, bound_above(999.0)]);
    }

    #[test]
    fn a_common_value_takes_several_quantiles_at_once() {
        let mut values: Vec<f32> = (0..100).map(|value| value as f32).collect();
        values.extend([50.0; 900]);
        check(&values, 4, &[50.0, 99.0, bound_above(99.0)]);
    }

    #[test]
    fn every_category_up_to_the_largest_has_a_bin() {
        let rows = rows_of(&[4.0, f32::NAN, 0.0], None);
        let cuts = find_cuts(&rows, 2, &[true]).unwrap();
        assert_eq!(cuts, [[0.0, 1.0, 2.0, 3.0, 4.0]]);
        for value in [0.5, -1.0, 65_535.0, f32::INFINITY] {
            let error = find_cuts(&rows_of(&[1.0, value], None), 256, &[true]).unwrap_err();
            let expected = format!("row 1: {value} is no category");
            assert!(error.message().starts_with(&expected), "{error:?}");
        }
    }

    #[test]
    fn cuts_do_not_depend_on_the_order_of_rows() {
        let values: Vec<f32> = (0..5000)
            .map(|value| ((value * 7919) % 5003) as f32)
            .collect();
        let weights: Vec<f32> = (0..5000)
            .map(|value| ((value * 31) % 17) as f32 * 0.1)
            .collect();
        let forward = find_cuts(&rows_of(&values, Some(&weights)), 64, &[]).unwrap();
        let back: Vec<_> = values.iter().rev().copied().collect();
        let back_weights: Vec<_> = weights.iter().rev().copied().collect();
        let backward = find_cuts(&rows_of(&back, Some(&back_weights)), 64, &[]).unwrap();
        assert_eq!(forward, backward);
        assert_eq!(forward[0].len(), 64);
    }

    #[test]
    fn bins_count_the_cuts_at_or_below() {
        let cuts = [2.0, 3.0, 6.0];
        let bins: Vec<_> = [f32::NEG_INFINITY, 1.9, 2.0, 2.9, 3.0, 5.0, f32::INFINITY]
            .map(|value| bin_of(value, &cuts))
            .into();
        assert_eq!(bins, [0, 0, 1, 1, 2, 2, 2]);
    }
}
