//! `rank:ndcg`: LambdaMART on the pairs of each group, as XGBoost 2.0 and later do it (positions are not
//! debiased).

use std::cmp::Ordering;

use serde::Deserialize;
use trueline_sdk::{Error, Result, math::ln};

use super::sigmoid;
use crate::{
    histogram::Gradient,
    num::{to_f32, to_whole},
    rows::Rows,
    sample::PairDraw,
};

/// Which pairs of a group count. The names are XGBoost's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairMethod {
    /// One of the rows with the highest scores, and any row after it.
    #[default]
    Topk,
    /// Each row, and rows of other relevance that are drawn for it.
    Mean,
}

impl PairMethod {
    /// XGBoost's default of `lambdarank_num_pair_per_sample`.
    pub(crate) fn default_pairs(self) -> u32 {
        match self {
            Self::Topk => 32,
            Self::Mean => 1,
        }
    }
}

/// How pairs of a group count. The names are XGBoost's, less the prefix `lambdarank_`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// How pairs are chosen.
    pub pair_method: PairMethod,
    /// With [`PairMethod::Topk`] how many rows count as the highest; with [`PairMethod::Mean`] how many are
    /// drawn for each row.
    pub num_pair_per_sample: u32,
    /// Whether the derivatives of a group are divided by what they add up to, or by the pairs of a row where
    /// these are drawn.
    pub normalization: bool,
    /// Whether a pair counts less the further apart its scores are.
    pub score_normalization: bool,
    /// Whether relevance r is worth 2^r - 1, or r itself.
    pub exponential_gain: bool,
}

impl Default for Ranking {
    fn default() -> Self {
        let pair_method = PairMethod::default();
        Self {
            pair_method,
            num_pair_per_sample: pair_method.default_pairs(),
            normalization: true,
            score_normalization: true,
            exponential_gain: true,
        }
    }
}

/// Which rows belong together, whether or not they follow each other.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Row numbers, group by group, in the order of rows within each.
    rows: Vec<u32>,
    /// Where each group begins, and the end of the last.
    starts: Vec<usize>,
}

impl Groups {
    /// From the group number of every row, numbered from 0.
    pub(crate) fn new(numbers: &[u32]) -> Self {
        let count = numbers.iter().max().map_or(0, |&most| most as usize + 1);
        let mut starts = vec![0; count + 1];
        for &number in numbers {
            starts[number as usize + 1] += 1;
        }
        for group in 0..count {
            starts[group + 1] += starts[group];
        }
        let (mut next, mut rows) = (starts.clone(), vec![0; numbers.len()]);
        for (&number, row) in numbers.iter().zip(0..) {
            rows[next[number as usize]] = row;
            next[number as usize] += 1;
        }
        Self { rows, starts }
    }

    /// The rows of each group.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts
            .windows(2)
            .map(|bounds| &self.rows[bounds[0]..bounds[1]])
    }
}

/// Groups with what does not change from round to round.
#[derive(Debug)]
pub(crate) struct Queries {
    pub groups: Groups,
    /// One over the best discounted gain that a group can have; 0 if none of its rows is relevant.
    inverse_ideals: Vec<f64>,
    /// Of each position.
    discounts: Vec<f64>,
    /// Of each group.
    weights: Vec<f32>,
    /// What brings their mean to 1.
    weight_norm: f32,
    /// What the drawn pairs follow from.
    seed: u64,
}

impl Queries {
    /// Prepares the groups of some rows. Pairs that are drawn follow from `seed`.
    ///
    /// # Errors
    /// [`Error::Data`] if rows of one group have different weights.
    pub(crate) fn new(ranking: &Ranking, rows: &Rows, seed: u64) -> Result<Self> {
        let groups = Groups::new(rows.groups().unwrap_or_default());
        let longest = groups.iter().map(<[u32]>::len).max().unwrap_or(0);
        let discounts: Vec<f64> = (0..longest).map(discount).collect();
        let mut weights = Vec::new();
        let mut inverse_ideals = Vec::new();
        for group in groups.iter() {
            weights.push(group_weight(group, rows)?);
            let mut labels: Vec<f32> = group
                .iter()
                .map(|&row| rows.labels()[row as usize])
                .collect();
            labels.sort_by(|a, b| b.total_cmp(a));
            let ideal = sum_gains(
                &labels,
                &discounts,
                ranking
                    .truncation()
                    .map_or(usize::MAX, |count| count as usize),
                ranking.exponential_gain,
            );
            inverse_ideals.push(if ideal > 0.0 { 1.0 / ideal } else { 0.0 });
        }
        let total: f64 = weights.iter().copied().map(f64::from).sum();
        let norm = to_f32(weights.len() as f64 / total);
        Ok(Self {
            groups,
            inverse_ideals,
            discounts,
            weights,
            weight_norm: norm,
            seed,
        })
    }

    /// The weight of each group.
    pub(crate) fn weights(&self) -> impl Iterator<Item = f32> {
        self.weights.iter().copied()
    }
}

fn group_weight(group: &[u32], rows: &Rows) -> Result<f32> {
    let Some(weights) = rows.weights() else {
        return Ok(1.0);
    };
    let first = group.first().map_or(1.0, |&row| weights[row as usize]);
    let other = group
        .iter()
        .find(|&&row| weights[row as usize].total_cmp(&first).is_ne());
    match other {
        None => Ok(first),
        Some(&row) => Err(Error::data(format!(
            "row {row} has weight {}, and row {} of the same group has weight {first}: for `rank:ndcg` \
             all rows of a group need one weight",
            weights[row as usize], group[0]
        ))),
    }
}

/// What a position is worth, counted from 0.
pub(crate) fn discount(position: usize) -> f64 {
    1.0 / log2(position as f64 + 2.0)
}

/// What a relevance is worth.
pub(crate) fn gain(label: f32, exponential: bool) -> f64 {
    if exponential {
        // Labels were checked to be whole numbers up to 31.
        ((1u64 << to_whole(label).min(62)) - 1) as f64
    } else {
        f64::from(label)
    }
}

/// The discounted gain of labels in this order, of the first `limit`.
pub(crate) fn sum_gains(labels: &[f32], discounts: &[f64], limit: usize, exponential: bool) -> f64 {
    let gains = labels.iter().take(limit).zip(discounts);
    gains
        .map(|(&label, discount)| discount * gain(label, exponential))
        .sum()
}

fn log2(value: f64) -> f64 {
    let (mantissa, exponent) = (value.to_bits() << 12, value.to_bits() >> 52);
    // Powers of two, the only values whose logarithm is exact, stay so.
    if mantissa == 0 {
        return exponent as f64 - 1023.0;
    }
    ln(value) * std::f64::consts::LOG2_E
}

impl Ranking {
    /// After how many rows of a group their order means nothing.
    pub(crate) fn truncation(&self) -> Option<u32> {
        (self.pair_method == PairMethod::Topk).then_some(self.num_pair_per_sample)
    }

    /// The derivatives of every row, from the pairs of its group.
    pub(super) fn gradients(
        &self,
        margins: &[f32],
        rows: &Rows,
        queries: &Queries,
        round: u32,
        out: &mut Vec<Gradient>,
    ) {
        let draw = PairDraw::new(queries.seed, round);
        out.resize(rows.len(), Gradient::default());
        let mut ranked: Vec<u32> = Vec::new();
        for (number, group) in queries.groups.iter().enumerate() {
            ranked.clear();
            ranked.extend_from_slice(group);
            // Stable: of equal scores the earlier row comes first.
            ranked.sort_by(|&a, &b| margins[b as usize].total_cmp(&margins[a as usize]));
            let of_group = Group {
                ranking: self,
                margins,
                labels: rows.labels(),
                ranked: &ranked,
                discounts: &queries.discounts,
                inverse_ideal: queries.inverse_ideals[number],
            };
            let sum = match self.pair_method {
                PairMethod::Topk => of_group.add_highest(out),
                PairMethod::Mean => of_group.add_drawn(&draw, out),
            };
            let norm = match self.pair_method {
                _ if !self.normalization => 1.0,
                PairMethod::Topk if sum > 0.0 => to_f32(log2(1.0 + sum) / sum),
                PairMethod::Topk => 1.0,
                PairMethod::Mean => 1.0 / self.num_pair_per_sample as f32,
            };
            for &row in group {
                let one = &mut out[row as usize];
                *one = one
                    .times(norm)
                    .times(queries.weights[number])
                    .times(queries.weight_norm);
            }
        }
    }
}

/// A group as the model ranks it now.
struct Group<'a> {
    ranking: &'a Ranking,
    margins: &'a [f32],
    labels: &'a [f32],
    /// Rows by falling score.
    ranked: &'a [u32],
    discounts: &'a [f64],
    inverse_ideal: f64,
}

impl Group<'_> {
    fn label(&self, rank: usize) -> f32 {
        self.labels[self.ranked[rank] as usize]
    }

    /// Adds the derivatives of the pairs with one of the highest rows; returns what the first ones add up to.
    fn add_highest(&self, out: &mut [Gradient]) -> f64 {
        let mut sum = 0.0;
        let count = self.ranked.len();
        for first in 0..count.min(self.ranking.num_pair_per_sample as usize) {
            for second in first + 1..count {
                sum += match self.label(first).total_cmp(&self.label(second)) {
                    Ordering::Equal => continue,
                    Ordering::Greater => self.add_pair(first, second, out),
                    Ordering::Less => self.add_pair(second, first, out),
                };
            }
        }
        sum
    }

    /// Adds the derivatives of each row with others that are drawn from those of another relevance; returns
    /// what the first ones add up to.
    fn add_drawn(&self, draw: &PairDraw, out: &mut [Gradient]) -> f64 {
        let count = self.ranked.len();
        let mut by_label: Vec<usize> = (0..count).collect();
        by_label.sort_by(|&a, &b| {
            let relevance = self.label(b).total_cmp(&self.label(a));
            relevance.then(self.ranked[a].cmp(&self.ranked[b]))
        });
        let mut sum = 0.0;
        for alike in by_label.chunk_by(|&a, &b| self.label(a).total_cmp(&self.label(b)).is_eq()) {
            let others = count - alike.len();
            if others == 0 {
                break;
            }
            let label = self.label(alike[0]);
            let higher = by_label.partition_point(|&rank| self.label(rank) > label);
            for &rank in alike {
                for number in 0..self.ranking.num_pair_per_sample {
                    let drawn = draw.of(self.ranked[rank], number, others);
                    sum += if drawn < higher {
                        self.add_pair(by_label[drawn], rank, out)
                    } else {
                        self.add_pair(rank, by_label[drawn + alike.len()], out)
                    };
                }
            }
        }
        sum
    }

    /// Adds the derivatives of a pair, the rank of the more relevant row first; returns how strongly it is
    /// pulled apart.
    fn add_pair(&self, high: usize, low: usize, out: &mut [Gradient]) -> f64 {
        let pair = self.pair(high, low);
        let (high, low) = (self.ranked[high] as usize, self.ranked[low] as usize);
        out[high].gradient += pair.gradient;
        out[high].hessian += pair.hessian;
        out[low].gradient -= pair.gradient;
        out[low].hessian += pair.hessian;
        -2.0 * f64::from(pair.gradient)
    }

    /// The derivatives of the more relevant row of a pair.
    fn pair(&self, high: usize, low: usize) -> Gradient {
        let score = |rank: usize| self.margins[self.ranked[rank] as usize];
        let gain_of = |rank: usize| {
            gain(
                self.labels[self.ranked[rank] as usize],
                self.ranking.exponential_gain,
            )
        };
        let difference = score(high) - score(low);
        let sigmoid = f64::from(sigmoid(difference));
        let original = gain_of(high) * self.discounts[high] + gain_of(low) * self.discounts[low];
        let swapped = gain_of(low) * self.discounts[high] + gain_of(high) * self.discounts[low];
        let mut change = ((original - swapped) * self.inverse_ideal).abs();
        let last = self.ranked.len() - 1;
        if self.ranking.score_normalization && score(0).total_cmp(&score(last)).is_ne() {
            change /= f64::from(difference.abs()) + 0.01;
        }
        Gradient {
            gradient: to_f32((sigmoid - 1.0) * change),
            hessian: to_f32((sigmoid * (1.0 - sigmoid)).max(1e-16) * change * 2.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_need_not_follow_each_other() {
        let groups = Groups::new(&[0, 1, 0, 2, 1]);
        let rows: Vec<_> = groups.iter().map(<[u32]>::to_vec).collect();
        assert_eq!(rows, [vec![0, 2], vec![1, 4], vec![3]]);
    }

    #[test]
    fn a_pair_in_the_wrong_order_is_pushed_apart() {
        let mut rows = Rows::new(1).grouped();
        rows.extend(&[0.0; 3], &[0.0, 2.0, 0.0], None, Some(&[0, 0, 1]))
            .unwrap();
        for pair_method in [PairMethod::Topk, PairMethod::Mean] {
            let ranking = Ranking {
                pair_method,
                ..Ranking::default()
            };
            let queries = Queries::new(&ranking, &rows, 0).unwrap();
            let mut gradients = Vec::new();
            ranking.gradients(&[1.0, -1.0, 5.0], &rows, &queries, 0, &mut gradients);
            assert!(gradients[0].gradient > 0.0 && gradients[1].gradient < 0.0);
            assert_eq!(gradients[0].gradient, -gradients[1].gradient);
            assert_eq!(gradients[2], Gradient::default());
        }
    }

    #[test]
    fn rows_are_paired_with_others_that_are_drawn_for_them() {
        let labels = [0.0, 2.0, 1.0, 0.0, 2.0, 1.0, 0.0];
        let mut rows = Rows::new(1).grouped();
        rows.extend(&[0.0; 7], &labels, None, Some(&[0; 7]))
            .unwrap();
        let ranking = Ranking {
            pair_method: PairMethod::Mean,
            num_pair_per_sample: 3,
            ..Ranking::default()
        };
        let queries = Queries::new(&ranking, &rows, 5).unwrap();
        let gradients = |round| {
            let mut gradients = Vec::new();
            ranking.gradients(&[0.0; 7], &rows, &queries, round, &mut gradients);
            gradients
        };
        let first = gradients(0);
        assert_eq!(first, gradients(0));
        assert_ne!(first, gradients(1));
        // The most relevant are only pulled up, the least relevant only down.
        for (one, label) in first.iter().zip(labels) {
            assert!(one.hessian > 0.0, "every row is in a pair");
            assert!(label < 2.0 || one.gradient < 0.0, "{first:?}");
            assert!(label > 0.0 || one.gradient > 0.0, "{first:?}");
        }
    }

    #[test]
    fn rows_of_a_group_weigh_the_same() {
        let mut rows = Rows::new(1).weighted().grouped();
        rows.extend(&[0.0; 2], &[0.0, 1.0], Some(&[1.0, 2.0]), Some(&[0, 0]))
            .unwrap();
        let error = Queries::new(&Ranking::default(), &rows, 0).unwrap_err();
        assert!(
            error.message().starts_with("row 1 has weight 2"),
            "{error:?}"
        );
    }

    #[test]
    fn logarithms_of_powers_of_two_are_exact() {
        assert_eq!(log2(8.0), 3.0);
        assert!((log2(3.0) - 3f64.log2()).abs() < 1e-15);
    }
}
