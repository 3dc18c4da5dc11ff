//! The same trees and margins as XGBoost: `fixtures/` holds what version 3.4.1 made of small tables,
//! written by `tests/python/xgboost_parity.py fixtures`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../examples/train_csv/csv.rs"]
mod csv;

use std::{collections::BTreeMap, fs};

use gbdt::{Forest, Format, Model, Objective, Params, train};

/// Trains on `NAME.csv` with `NAME.params.json` and compares with XGBoost's `NAME.model.json` and
/// `NAME.margins.txt`.
fn check(name: &str) {
    let path = |end: &str| format!("{}/tests/fixtures/{name}{end}", env!("CARGO_MANIFEST_DIR"));
    let read = |end: &str| fs::read_to_string(path(end)).unwrap();
    let params: Params = trueline_sdk::parse_params(&read(".params.json")).unwrap();
    let (names, rows) = csv::read_csv(&path(".csv")).unwrap();
    let params = params
        .check(Objective::SquaredError)
        .unwrap()
        .with_features(&params, &names)
        .unwrap();
    let features: Vec<f32> = rows.blocks().flatten().copied().collect();
    let mut trained = train(&params, rows, None, &mut |_, _| true).unwrap();
    trained.model.feature_names = names.clone();

    let theirs = Model::read(read(".model.json").as_bytes()).unwrap();
    assert_eq!(theirs.trees.len(), trained.model.trees.len(), "{name}");
    for (id, (theirs, ours)) in theirs.trees.iter().zip(&trained.model.trees).enumerate() {
        assert_eq!(theirs, ours, "{name}, tree {id}");
    }
    assert_eq!(theirs, trained.model, "{name}");
    for format in [Format::Json, Format::Ubj] {
        let back = Model::read(&trained.model.write(format)).unwrap();
        assert_eq!(back, trained.model, "{name}, read back from {format:?}");
    }

    let margins: Vec<f32> = read(".margins.txt")
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    let outputs = theirs.loss.output_count();
    let mut predicted = theirs.start().repeat(margins.len() / outputs);
    Forest::new(&theirs.trees, outputs).add_margins(&features, names.len(), &mut predicted);
    let bits = |margins: &[f32]| {
        margins
            .iter()
            .map(|margin| margin.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&margins), bits(&predicted), "{name}, margins");
}

#[test]
fn logistic_with_missing_values() {
    check("logistic_missing");
}

#[test]
fn squared_error_without_missing_values() {
    check("squared_dense");
}

#[test]
fn weights_and_every_regularization() {
    check("regularized_weighted");
}

#[test]
fn every_objective() {
    for name in ["classes", "counts", "amounts", "zeros", "ranking"] {
        check(name);
    }
}

#[test]
fn splits_of_categories_one_by_one_and_in_sets() {
    check("categories");
}

#[test]
fn leaves_by_loss() {
    check("loss_guided");
}

#[test]
fn constraints_and_few_leaves() {
    check("constrained");
}

#[test]
fn file_is_xgboosts_but_for_its_version() {
    let path = format!(
        "{}/tests/fixtures/squared_dense.model.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let theirs = fs::read_to_string(path).unwrap();
    let mut model = Model::read(theirs.as_bytes()).unwrap();
    model.attributes = BTreeMap::new();
    let ours = String::from_utf8(model.write(Format::Json)).unwrap();
    // The keys that 3.1 added, and the list around `base_score` that earlier versions misread.
    let expected = theirs
        .replace(
            r#""cats":{"enc":[],"feature_segments":[],"sorted_idx":[]},"#,
            "",
        )
        .replace(r#""base_score":"["#, r#""base_score":""#)
        .replace(r#"]","boost_from_average""#, r#"","boost_from_average""#)
        .replace(r#""version":[3,4,1]"#, r#""version":[1,7,6]"#);
    assert!(ours == expected.trim_end(), "{ours}\n{expected}");
}
