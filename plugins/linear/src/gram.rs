//! Sums of products over all rows, exactly: all that least squares needs, and the same in any order.

use ndarray::{Array1, Array2};
use trueline_sdk::exact_sum::{ExactMoments, ExactSum};
use trueline_sdk::prelude::*;

/// A mean that is so many standard deviations from 0 would cost digits; others may keep their zeros, which
/// take no time.
const FAR_FROM_ZERO: f64 = 4.0;

/// What a first pass learns of each feature and the label, which is the last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Centers(Vec<ExactMoments>);

impl Centers {
    pub(crate) fn new(features: usize) -> Self {
        Self(vec![ExactMoments::new(); features + 1])
    }

    pub(crate) fn update(&mut self, features: &[f64], labels: &[f64]) {
        let Some((of_label, of_features)) = self.0.split_last_mut() else {
            return;
        };
        of_label.add_slice(labels);
        let count = of_features.len();
        for (at, moments) in of_features.iter_mut().enumerate() {
            let column: Vec<f64> = features.iter().skip(at).step_by(count).copied().collect();
            moments.add_slice(&column);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (moments, more) in self.0.iter_mut().zip(&other.0) {
            moments.merge(more);
        }
    }

    /// What is subtracted before squaring: with an intercept any numbers would do, and these keep the digits.
    pub(crate) fn finish(&self, intercept: bool) -> Vec<f64> {
        let center = |moments: &ExactMoments| {
            if !intercept {
                return 0.0;
            }
            let mean = moments.mean().unwrap_or(0.0);
            let deviation = moments.standard_deviation().unwrap_or(0.0);
            if mean.abs() > FAR_FROM_ZERO * deviation {
                mean
            } else {
                0.0
            }
        };
        self.0.iter().map(center).collect()
    }
}

/// Weighted sums of what is left of each feature and the label, and of the products of each two.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gram {
    centers: Vec<f64>,
    rows: u64,
    weight: ExactSum,
    sums: Vec<ExactSum>,
    /// Of a and b ≤ a at a (a + 1) / 2 + b.
    products: Vec<ExactSum>,
}

/// The sums, rounded, around the means.
pub(crate) struct Moments {
    pub(crate) rows: u64,
    pub(crate) weight: f64,
    /// Of the features and, last, the label.
    pub(crate) means: Vec<f64>,
    /// The weighted sums of products of features (p × p), and of each with the label.
    pub(crate) gram: Array2<f64>,
    pub(crate) with_label: Array1<f64>,
    /// Of the label with itself.
    pub(crate) of_label: f64,
}

impl Gram {
    pub(crate) fn new(centers: Vec<f64>) -> Self {
        let columns = centers.len();
        Self {
            centers,
            rows: 0,
            weight: ExactSum::new(),
            sums: vec![ExactSum::new(); columns],
            products: vec![ExactSum::new(); columns * (columns + 1) / 2],
        }
    }

    pub(crate) fn update(&mut self, features: &[f64], labels: &[f64], weights: &[f64]) {
        let count = self.centers.len() - 1;
        let mut left: Vec<(usize, f64)> = Vec::with_capacity(count + 1);
        for (row, (&label, &weight)) in labels.iter().zip(weights).enumerate() {
            self.rows += 1;
            self.weight.add(weight);
            let values = features[row * count..][..count].iter().chain([&label]);
            let centered = values
                .zip(&self.centers)
                .map(|(value, center)| value - center);
            left.clear();
            left.extend(centered.enumerate().filter(|(_, value)| *value != 0.0));
            for (at, &(a, value)) in left.iter().enumerate() {
                let weighted = weight * value;
                self.sums[a].add(weighted);
                let products = &mut self.products[a * (a + 1) / 2..][..=a];
                for &(b, other) in &left[..=at] {
                    products[b].add_product(weighted, other);
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.weight.merge(&other.weight);
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            sum.merge(more);
        }
        for (sum, more) in self.products.iter_mut().zip(&other.products) {
            sum.merge(more);
        }
    }

    /// The sums around the means; around 0 without an intercept.
    ///
    /// # Errors
    /// [`Error::Data`] if no row counts, or squares are too large for float64.
    pub(crate) fn finish(&self, intercept: bool) -> Result<Moments> {
        let weight = self.weight.value();
        if weight <= 0.0 {
            return Err(Error::data(if self.rows == 0 {
                "there is no row to learn from"
            } else {
                "no row has a weight above 0"
            }));
        }
        let label = self.centers.len() - 1;
        // The means of what is left, and where products are taken around.
        let rest: Vec<f64> = self.sums.iter().map(|sum| sum.value() / weight).collect();
        let means: Vec<f64> = match intercept {
            true => self
                .centers
                .iter()
                .zip(&rest)
                .map(|(center, rest)| center + rest)
                .collect(),
            false => vec![0.0; label + 1],
        };
        let product = |a: usize, b: usize| {
            let (high, low) = (a.max(b), a.min(b));
            let sum = self.products[high * (high + 1) / 2 + low].value();
            if intercept {
                sum - weight * rest[a] * rest[b]
            } else {
                sum
            }
        };
        let moments = Moments {
            rows: self.rows,
            weight,
            gram: Array2::from_shape_fn((label, label), |(a, b)| product(a, b)),
            with_label: Array1::from_shape_fn(label, |a| product(a, label)),
            of_label: product(label, label),
            means,
        };
        let numbers = moments.gram.iter().chain(&moments.with_label);
        if !numbers
            .chain([&moments.of_label])
            .all(|number| number.is_finite())
        {
            return Err(Error::data(
                "squares of features or labels are too large for float64: scale them before",
            ));
        }
        Ok(moments)
    }
}
