//! The metrics of a classification of several classes.

use serde_json::{Map, Value as Json, json};
use trueline_sdk::DataType;
use trueline_sdk::math;

use crate::Params;
use crate::binary::{Scored, unit};
use crate::bootstrap::Unit;
use crate::classes::Classes;
use crate::measured::{Measured, Named, epsilon, named, sum};
use crate::order::{Order, area_under_curve};
use crate::params::Task;
use crate::records::Records;

/// A distinct row.
struct Classified {
    label: usize,
    predicted: usize,
    /// How many classes have a higher probability than the label, or the same and come later.
    rank: u32,
    /// Of the label.
    probability: f64,
    /// The sum of (probability - label)² over the classes.
    squared_error: f64,
}

/// Rows in the order of their records.
pub(crate) struct MultiClass {
    rows: Vec<Classified>,
    units: Vec<Unit>,
    names: Vec<String>,
    /// For each class, the rows by rising probability of it; none if only classes were predicted.
    by_class: Vec<(Vec<usize>, Order)>,
    /// Whether there are probabilities.
    has_probabilities: bool,
    at: Vec<u32>,
    epsilon: f64,
}

impl MultiClass {
    pub(crate) fn new(
        params: &Params,
        prediction: DataType,
        classes: &Classes,
        records: &mut Records,
    ) -> Self {
        let has_probabilities = matches!(
            prediction,
            DataType::Float32List(_) | DataType::Float64List(_)
        );
        let names = classes.names();
        let (mut rows, mut units) = (Vec::new(), Vec::new());
        let mut by_class: Vec<Vec<(usize, Scored)>> =
            vec![Vec::new(); if has_probabilities { names.len() } else { 0 }];
        for (words, count) in records.iter() {
            let label = index(words[0]);
            if has_probabilities {
                let probabilities: Vec<f64> = words[2..]
                    .iter()
                    .map(|&bits| f64::from_bits(bits))
                    .collect();
                for ((class, scored), &prediction) in (0..).zip(&mut by_class).zip(&probabilities) {
                    let is_positive = label == class;
                    scored.push((
                        rows.len(),
                        Scored {
                            prediction,
                            is_positive,
                        },
                    ));
                }
                rows.push(Classified::of_probabilities(label, &probabilities));
            } else {
                rows.push(Classified {
                    label,
                    predicted: index(words[2]),
                    rank: 0,
                    probability: f64::NAN,
                    squared_error: f64::NAN,
                });
            }
            units.push(unit(words, words[1], count));
        }
        let by_class = by_class.into_iter().map(|mut scored| {
            // Stable: ties stay in the order of the records.
            scored.sort_by(|(_, a), (_, b)| a.prediction.total_cmp(&b.prediction));
            let (places, scored) = scored.into_iter().unzip();
            (places, Order::new(scored))
        });
        Self {
            by_class: by_class.collect(),
            rows,
            units,
            names,
            has_probabilities,
            at: params.at(Task::MultiClass),
            epsilon: epsilon(prediction),
        }
    }

    /// The weight of rows of each label (outer) and predicted class (inner).
    fn confusion(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let mut confusion = vec![vec![0.0; self.names.len()]; self.names.len()];
        for (row, weight) in self.rows.iter().zip(weights) {
            confusion[row.label][row.predicted] += weight;
        }
        confusion
    }

    /// The area under the curve of each class against all others; NaN without rows of either.
    fn areas(&self, weights: &[f64]) -> Vec<f64> {
        let area = |(places, order): &(Vec<usize>, Order)| {
            let weights: Vec<f64> = places.iter().map(|&row| weights[row]).collect();
            area_under_curve(&order.tied(&weights))
        };
        self.by_class.iter().map(area).collect()
    }
}

impl Classified {
    fn of_probabilities(label: usize, probabilities: &[f64]) -> Self {
        let of_label = probabilities.get(label).copied().unwrap_or(f64::NAN);
        let (mut predicted, mut rank, mut squared_error) = (0, 0, 0.0);
        for (class, &probability) in probabilities.iter().enumerate() {
            if probability > probabilities[predicted] {
                predicted = class;
            }
            if probability > of_label || probability == of_label && class > label {
                rank += 1;
            }
            let error = probability - f64::from(class == label);
            squared_error += error * error;
        }
        Self {
            label,
            predicted,
            rank,
            probability: of_label,
            squared_error,
        }
    }
}

/// Precision, recall, F1 and the weight of a class.
struct ClassScores {
    precision: f64,
    recall: f64,
    f1: f64,
    support: f64,
    predicted: f64,
}

fn class_scores(confusion: &[Vec<f64>]) -> Vec<ClassScores> {
    (0..confusion.len())
        .map(|class| {
            let hits = confusion[class][class];
            let support: f64 = confusion[class].iter().sum();
            let predicted: f64 = confusion.iter().map(|row| row[class]).sum();
            ClassScores {
                precision: hits / predicted,
                recall: hits / support,
                f1: 2.0 * hits / (support + predicted),
                support,
                predicted,
            }
        })
        .collect()
}

impl Measured for MultiClass {
    fn units(&self) -> &[Unit] {
        &self.units
    }

    fn metrics(&self, weights: &[f64]) -> Vec<Named> {
        let confusion = self.confusion(weights);
        let classes = class_scores(&confusion);
        let total: f64 = weights.iter().sum();
        let right: f64 = (0..classes.len())
            .map(|class| confusion[class][class])
            .sum();
        // As in scikit-learn, the means are over the classes that are there or were predicted, and what is
        // not defined of one of them counts as 0.
        let present: Vec<&ClassScores> = classes
            .iter()
            .filter(|class| class.support + class.predicted > 0.0)
            .collect();
        let or_zero = |value: f64| if value.is_nan() { 0.0 } else { value };
        let mean_of = |of: fn(&ClassScores) -> f64| {
            let sum: f64 = present.iter().map(|class| or_zero(of(class))).sum();
            sum / present.len() as f64
        };
        let weighted = |of: fn(&ClassScores) -> f64| {
            let sum: f64 = present
                .iter()
                .map(|class| class.support * or_zero(of(class)))
                .sum();
            sum / total
        };
        let met: Vec<&ClassScores> = classes.iter().filter(|class| class.support > 0.0).collect();
        let recalls: f64 = met.iter().map(|class| class.recall).sum();
        // What would be right by chance, and how far labels and predictions are from constant.
        let by_chance: f64 = classes
            .iter()
            .map(|class| class.support * class.predicted)
            .sum();
        let squares = |of: fn(&ClassScores) -> f64| {
            total * total
                - classes
                    .iter()
                    .map(|class| of(class) * of(class))
                    .sum::<f64>()
        };
        let spread =
            squares(|class| class.support).sqrt() * squares(|class| class.predicted).sqrt();
        let mut metrics = named(&[
            ("accuracy", right / total),
            ("balanced_accuracy", recalls / met.len() as f64),
            ("precision_macro", mean_of(|class| class.precision)),
            ("recall_macro", mean_of(|class| class.recall)),
            ("f1_macro", mean_of(|class| class.f1)),
            ("precision_weighted", weighted(|class| class.precision)),
            ("recall_weighted", weighted(|class| class.recall)),
            ("f1_weighted", weighted(|class| class.f1)),
            (
                "kappa",
                (total * right - by_chance) / (total * total - by_chance),
            ),
            ("mcc", (total * right - by_chance) / spread),
        ]);
        if self.has_probabilities {
            let mean = |term: &dyn Fn(&Classified) -> f64| {
                sum(&self.rows, weights, |row, weight| weight * term(row)) / total
            };
            let areas = self.areas(weights);
            let weighted_areas: f64 = areas
                .iter()
                .zip(&classes)
                .map(|(area, class)| area * class.support)
                .sum();
            let clip = |p: f64| p.clamp(self.epsilon, 1.0 - self.epsilon);
            metrics.extend(named(&[
                ("log_loss", mean(&|row| -math::ln(clip(row.probability)))),
                ("brier", mean(&|row| row.squared_error)),
                ("auc_macro", areas.iter().sum::<f64>() / areas.len() as f64),
                ("auc_weighted", weighted_areas / total),
            ]));
            metrics.extend(self.at.iter().map(|&at| {
                let share = mean(&|row| f64::from(row.rank < at));
                (format!("top_{at}_accuracy"), share)
            }));
        }
        metrics
    }

    fn details(&self, weights: &[f64]) -> Map<String, Json> {
        let confusion = self.confusion(weights);
        let scores = class_scores(&confusion);
        let areas = self.areas(weights);
        let classes = self.names.iter().zip(&scores).enumerate();
        let classes: Vec<Json> = classes
            .map(|(at, (name, class))| {
                let mut shown = json!({
                    "class": name, "precision": class.precision, "recall": class.recall, "f1": class.f1,
                    "weight": class.support,
                });
                if let Some(area) = areas.get(at) {
                    shown["auc"] = json!(area);
                }
                shown
            })
            .collect();
        let confusion = json!({"classes": self.names, "weights": confusion});
        [
            ("classes".to_owned(), json!(classes)),
            ("confusion_matrix".to_owned(), confusion),
        ]
        .into_iter()
        .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "there are at most as many classes as a vector is wide"
)]
fn index(class: u64) -> usize {
    class as usize
}
