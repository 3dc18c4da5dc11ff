//! What each option promises, on tables drawn by chance.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use gbdt::{Explainer, Forest, Model, NodeKind, Objective, Params, Rows, Tree, train};
use proptest::prelude::*;

/// Rows of three features and a label that depends on all of them; a few values are missing.
#[derive(Clone, Debug)]
struct Sample {
    features: Vec<f32>,
    labels: Vec<f32>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn samples() -> impl Strategy<Value = Sample> {
    let row = (0u8..12, 0u8..30, 0u8..5, -20i8..20, 0u8..10);
    prop::collection::vec(row, 20..120).prop_map(|rows| {
        let (mut features, mut labels) = (Vec::new(), Vec::new());
        for (a, b, c, noise, missing) in rows {
            let (a, b, c) = (f32::from(a), f32::from(b), f32::from(c));
            labels.push((a - 6.0) * (c - 2.0) + b * 0.3 + f32::from(noise) * 0.1);
            let hidden = |of: u8, value: f32| if missing == of { f32::NAN } else { value };
            features.extend([hidden(0, a), hidden(1, b), c]);
        }
        Sample { features, labels }
    })
}

impl Sample {
    fn model(&self, json: &str, labels: &[f32], weights: Option<&[f32]>) -> Model {
        let params: Params = trueline_sdk::parse_params(json).unwrap();
        let names = NAMES.map(str::to_owned);
        let checked = params
            .check(Objective::SquaredError)
            .and_then(|checked| checked.with_features(&params, &names))
            .unwrap();
        let mut rows = Rows::new(3);
        if weights.is_some() {
            rows = rows.weighted();
        }
        rows.extend(&self.features, labels, weights, None).unwrap();
        train(&checked, rows, None, &mut |_, _| true).unwrap().model
    }

    fn fit(&self, json: &str) -> Model {
        self.model(json, &self.labels, None)
    }

    /// The labels as 0 and 1.
    fn halves(&self) -> Vec<f32> {
        let above = |&label: &f32| f32::from(u8::from(label > 3.0));
        self.labels.iter().map(above).collect()
    }
}

fn predict(model: &Model, rows: &[f32]) -> Vec<f32> {
    let mut margins = model.start().repeat(rows.len() / 3);
    Forest::new(&model.trees, model.loss.output_count()).add_margins(rows, 3, &mut margins);
    margins
}

fn leaf_count(tree: &Tree) -> usize {
    let is_leaf = |node: &&gbdt::Node| matches!(node.kind, NodeKind::Leaf { .. });
    tree.nodes.iter().filter(is_leaf).count()
}

/// The features that every path from the root to a leaf looks at.
fn paths(tree: &Tree) -> Vec<BTreeSet<u32>> {
    let mut above = vec![BTreeSet::new(); tree.nodes.len()];
    let mut paths = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let mut path = above[at].clone();
        match node.kind {
            NodeKind::Leaf { .. } => paths.push(path),
            NodeKind::Split {
                feature,
                left,
                right,
                ..
            } => {
                path.insert(feature);
                above[left as usize] = path.clone();
                above[right as usize] = path;
            }
        }
    }
    paths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn monotone_predictions_never_turn(sample in samples(), b in 0u8..30, c in 0u8..5) {
        let model = sample.fit(r#"{"num_boost_round": 5, "monotone_constraints": {"a": 1, "b": -1}}"#);
        let rising: Vec<f32> = (0..13u8).flat_map(|a| [f32::from(a), f32::from(b), f32::from(c)]).collect();
        prop_assert!(predict(&model, &rising).is_sorted());
        let falling: Vec<f32> = (0..31u8).flat_map(|b| [3.0, f32::from(b), f32::from(c)]).collect();
        prop_assert!(predict(&model, &falling).is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn no_path_mixes_features_that_may_not_interact(sample in samples()) {
        let model = sample.fit(r#"{"num_boost_round": 4, "interaction_constraints": [["a", "b"], ["c"]]}"#);
        for path in model.trees.iter().flat_map(paths) {
            prop_assert!(path.is_subset(&[0, 1].into()) || path.is_subset(&[2].into()), "{path:?}");
        }
    }

    #[test]
    fn no_tree_has_more_leaves_or_levels_than_allowed(
        sample in samples(), leaves in 1usize..9, policy in prop::sample::select(vec!["depthwise", "lossguide"]),
    ) {
        let model = sample.fit(&format!(
            r#"{{"num_boost_round": 3, "max_leaves": {leaves}, "max_depth": 3, "grow_policy": "{policy}"}}"#
        ));
        for tree in &model.trees {
            prop_assert!(leaf_count(tree) <= leaves);
            prop_assert!(paths(tree).len() <= 8);
        }
    }

    #[test]
    fn without_a_limit_of_leaves_the_order_of_growth_changes_nothing(sample in samples()) {
        let by_depth = sample.fit(r#"{"num_boost_round": 3}"#);
        let by_loss = sample.fit(r#"{"num_boost_round": 3, "grow_policy": "lossguide"}"#);
        let leveled: Vec<Tree> = by_loss.trees.iter().map(Tree::in_level_order).collect();
        prop_assert_eq!(by_depth.trees, leveled);
    }

    #[test]
    fn a_tree_splits_on_the_features_that_were_drawn_for_it(sample in samples(), seed in any::<u64>()) {
        let one = format!(r#"{{"num_boost_round": 4, "colsample_bytree": 0.34, "seed": {seed}}}"#);
        let model = sample.fit(&one);
        for tree in &model.trees {
            let features: BTreeSet<u32> = paths(tree).into_iter().flatten().collect();
            prop_assert!(features.len() <= 1, "{features:?}");
        }
        prop_assert_eq!(&model, &sample.fit(&one));
    }

    #[test]
    fn sampling_everything_is_not_sampling(sample in samples(), seed in any::<u64>()) {
        let plain = sample.fit(r#"{"num_boost_round": 3}"#);
        prop_assert_eq!(plain, sample.fit(&format!(
            r#"{{"num_boost_round": 3, "subsample": 1, "colsample_bynode": 1, "seed": {seed}}}"#
        )));
    }

    #[test]
    fn rows_of_weight_0_do_not_exist(sample in samples()) {
        let weights: Vec<f32> = (0..sample.labels.len()).map(|row| f32::from(u8::from(row % 3 > 0))).collect();
        let params = r#"{"num_boost_round": 3, "max_bin": 64}"#;
        let weighted = sample.model(params, &sample.labels, Some(&weights));
        let kept: Vec<usize> = (0..sample.labels.len()).filter(|row| row % 3 > 0).collect();
        let fewer = Sample {
            features: kept.iter().flat_map(|row| sample.features[row * 3..][..3].to_vec()).collect(),
            labels: kept.iter().map(|&row| sample.labels[row]).collect(),
        };
        let ones = vec![1.0; kept.len()];
        prop_assert_eq!(weighted, fewer.model(params, &fewer.labels, Some(&ones)));
    }

    #[test]
    fn scaling_positives_is_weighing_them(sample in samples()) {
        let halves = sample.halves();
        let params = r#""num_boost_round": 3, "objective": "binary:logistic", "base_score": 0.4"#;
        let scaled = sample.model(&format!(r#"{{{params}, "scale_pos_weight": 2.5}}"#), &halves, None);
        let weights: Vec<f32> = halves.iter().map(|&label| if label > 0.0 { 2.5 } else { 1.0 }).collect();
        let weighted = sample.model(&format!("{{{params}}}"), &halves, Some(&weights));
        prop_assert_eq!(scaled.trees, weighted.trees);
    }

    #[test]
    fn renaming_categories_changes_no_prediction(sample in samples(), one_hot in any::<bool>()) {
        // Each category of `a` gets another number; none is missing, so their order does not matter.
        let turned = Sample {
            features: sample.features.chunks(3).flat_map(|row| [(row[0] * 7.0 + 3.0) % 12.0, row[1], row[2]]).collect(),
            labels: sample.labels.clone(),
        };
        let params = format!(
            r#"{{"num_boost_round": 1, "max_depth": 1, "categorical": ["a"], "features": ["a"], "colsample_bytree": 1,
                "interaction_constraints": [["a"]], "max_cat_to_onehot": {}}}"#,
            if one_hot { 100 } else { 1 }
        );
        let (model, renamed) = (sample.fit(&params), turned.fit(&params));
        let split = |model: &Model| model.trees[0].nodes.first().map(|node| match node.kind {
            NodeKind::Split { feature, loss_change, .. } => Some((feature, loss_change)),
            NodeKind::Leaf { .. } => None,
        });
        let (here, there) = (split(&model), split(&renamed));
        // Ties between categories are broken by number, and sums are rounded in their order.
        if let (Some(Some((a, here))), Some(Some((b, there)))) = (here, there) {
            prop_assert!(a != b || (here - there).abs() <= here.abs() * 1e-4, "{here} {there}");
        }
    }

    #[test]
    fn contributions_add_up_to_the_margin(sample in samples(), classes in any::<bool>()) {
        let model = if classes {
            let labels: Vec<f32> = sample.labels.iter().map(|label| label.rem_euclid(3.0).floor().min(2.0)).collect();
            sample.model(r#"{"num_boost_round": 3, "objective": "multi:softprob", "num_class": 3}"#, &labels, None)
        } else {
            sample.fit(r#"{"num_boost_round": 5, "categorical": ["c"]}"#)
        };
        let explainer = Explainer::new(&model);
        let mut contributions = vec![0.0; explainer.width()];
        let outputs = model.loss.output_count();
        let margins = predict(&model, &sample.features);
        for (row, margins) in sample.features.chunks(3).zip(margins.chunks(outputs)) {
            explainer.explain(row, &mut contributions);
            for (contributions, margin) in contributions.chunks(4).zip(margins) {
                let sum: f32 = contributions.iter().sum();
                prop_assert!((sum - margin).abs() <= 1e-4 * (1.0 + margin.abs()), "{sum} {margin}");
            }
        }
    }

    #[test]
    fn importances_count_the_splits(sample in samples()) {
        let model = sample.fit(r#"{"num_boost_round": 3}"#);
        let splits: usize = model.trees.iter().map(|tree| leaf_count(tree) - 1).sum();
        let importances = model.importances();
        prop_assert_eq!(importances.iter().map(|one| one.weight as usize).sum::<usize>(), splits);
        for one in importances {
            prop_assert!((one.gain * f64::from(one.weight) - one.total_gain).abs() <= 1e-9 * one.total_gain);
            prop_assert!((one.cover * f64::from(one.weight) - one.total_cover).abs() <= 1e-9 * one.total_cover);
        }
    }
}
