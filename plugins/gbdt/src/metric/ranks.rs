//! Metrics of the order in which predictions put rows.

use crate::loss::{Queries, Ranking, discount, sum_gains};

pub(super) fn area_under_curve(
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
) -> f64 {
    let weight_of = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    let mut order: Vec<usize> = (0..predictions.len()).collect();
    order.sort_by(|&a, &b| predictions[b].total_cmp(&predictions[a]));
    let (mut negatives, mut positives, mut area) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|&a, &b| predictions[a].total_cmp(&predictions[b]).is_eq()) {
        let (negatives_before, positives_before) = (negatives, positives);
        for &row in ties {
            let label = f64::from(labels[row]);
            positives += label * weight_of(row);
            negatives += (1.0 - label) * weight_of(row);
        }
        area += (negatives - negatives_before) * (positives + positives_before) / 2.0;
    }
    area / (negatives * positives)
}

/// The mean over groups, each with its weight; a group without a relevant row counts 1.
pub(super) fn ndcg(
    scores: &[f32],
    labels: &[f32],
    queries: &Queries,
    ranking: &Ranking,
    top: Option<u32>,
) -> f64 {
    let top = top.map_or(usize::MAX, |top| top as usize);
    let (mut sum, mut total) = (0.0, 0.0);
    for (group, weight) in queries.groups.iter().zip(queries.weights()) {
        let mut ranked = group.to_vec();
        ranked.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        let discounts: Vec<f64> = (0..ranked.len().min(top)).map(discount).collect();
        let gain = |labels: &[f32]| sum_gains(labels, &discounts, top, ranking.exponential_gain);
        let mut labels: Vec<f32> = ranked.iter().map(|&row| labels[row as usize]).collect();
        let reached = gain(&labels);
        labels.sort_by(|a, b| b.total_cmp(a));
        let ideal = gain(&labels);
        let share = if ideal > 0.0 { reached / ideal } else { 1.0 };
        sum += share * f64::from(weight);
        total += f64::from(weight);
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;

    #[test]
    fn gains_are_discounted_by_rank() {
        let labels = [3.0, 2.0, 0.0, 0.0];
        let mut rows = Rows::new(1).grouped();
        rows.extend(&[0.0; 4], &labels, None, Some(&[0, 0, 0, 1]))
            .unwrap();
        let ranking = Ranking::default();
        let queries = Queries::new(&ranking, &rows, 0).unwrap();
        let ndcg = |scores: &[f32], top| ndcg(scores, &labels, &queries, &ranking, top);
        assert_eq!(ndcg(&[3.0, 2.0, 1.0, 0.0], None), 1.0);
        // (3 + 7 / log2 3) / (7 + 3 / log2 3), and 1 for the group without relevance.
        let swapped = ndcg(&[2.0, 3.0, 1.0, 0.0], None);
        assert!(
            (swapped - (1.0 + 0.833_992_7) / 2.0).abs() < 1e-6,
            "{swapped}"
        );
        let first = ndcg(&[2.0, 3.0, 1.0, 0.0], Some(1));
        assert!((first - (1.0 + 3.0 / 7.0) / 2.0).abs() < 1e-9, "{first}");
    }
}
