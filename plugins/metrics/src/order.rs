//! What follows from the order of the predictions.

use crate::binary::Scored;

/// Rows by rising prediction.
pub(crate) struct Order {
    rows: Vec<Scored>,
    /// Where the rows of each distinct prediction end.
    ends: Vec<usize>,
}

impl Order {
    /// Of rows that are sorted.
    pub(crate) fn new(rows: Vec<Scored>) -> Self {
        let is_last = |at: &usize| {
            let next = rows.get(at + 1);
            next.is_none_or(|next| next.prediction != rows[*at].prediction)
        };
        let ends = (0..rows.len()).filter(is_last).map(|at| at + 1).collect();
        Self { rows, ends }
    }

    pub(crate) fn rows(&self) -> &[Scored] {
        &self.rows
    }

    /// The weights of the positive and the negative rows of each distinct prediction, by rising prediction.
    pub(crate) fn tied(&self, weights: &[f64]) -> Vec<(f64, f64)> {
        let mut start = 0;
        let total = |&end: &usize| {
            let (mut positive, mut negative) = (0.0, 0.0);
            for (row, weight) in self.rows[start..end].iter().zip(&weights[start..end]) {
                let side = if row.is_positive {
                    &mut positive
                } else {
                    &mut negative
                };
                *side += weight;
            }
            start = end;
            (positive, negative)
        };
        self.ends.iter().map(total).collect()
    }
}

/// The weights of all positive and of all negative rows.
fn totals(tied: &[(f64, f64)]) -> (f64, f64) {
    let add = |sum: (f64, f64), more: &(f64, f64)| (sum.0 + more.0, sum.1 + more.1);
    tied.iter().fold((0.0, 0.0), add)
}

/// The weight of the pairs in the right order, half of the ties, by the weight of all pairs: what the
/// trapezoids under the ROC curve add up to.
pub(crate) fn area_under_curve(tied: &[(f64, f64)]) -> f64 {
    let (mut right_order, mut below) = (0.0, 0.0);
    for (positive, negative) in tied {
        right_order += positive * (below + 0.5 * negative);
        below += negative;
    }
    let (positives, negatives) = totals(tied);
    right_order / (positives * negatives)
}

/// The area under the steps of precision over recall.
pub(crate) fn average_precision(tied: &[(f64, f64)]) -> f64 {
    let (mut hits, mut all, mut area) = (0.0, 0.0, 0.0);
    for &(positive, negative) in tied.iter().rev() {
        hits += positive;
        all += positive + negative;
        // Rows without weight say nothing, and could be the first.
        if positive > 0.0 {
            area += positive * (hits / all);
        }
    }
    area / hits
}

/// The largest distance between the shares of positives and of negatives up to a prediction.
pub(crate) fn kolmogorov_smirnov(tied: &[(f64, f64)]) -> f64 {
    let (positives, negatives) = totals(tied);
    if positives <= 0.0 || negatives <= 0.0 {
        return f64::NAN;
    }
    let (mut positive, mut negative) = (0.0, 0.0);
    let distances = tied.iter().map(|(more_positive, more_negative)| {
        positive += more_positive;
        negative += more_negative;
        (positive / positives - negative / negatives).abs()
    });
    distances.fold(0.0, f64::max)
}
