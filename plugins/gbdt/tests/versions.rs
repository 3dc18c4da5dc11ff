//! Models of XGBoost 1.7 to 3.4 answer here as they do there, to the bit: `versions/` holds a model of
//! every objective from each, written by `tests/python/xgboost_parity.py version`, with missing values and
//! categories.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use gbdt::{Forest, Format, Model, Objective};
use serde::Deserialize;

/// A model and what its XGBoost answers.
#[derive(Deserialize)]
struct Answered {
    /// With null for a missing value.
    rows: Vec<Vec<Option<f32>>>,
    json: String,
    /// In hexadecimal digits.
    ubj: String,
    margins: Vec<f32>,
    predictions: Vec<f32>,
}

#[test]
fn models_of_every_version_answer_alike() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions");
    let mut versions = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let version = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let models: BTreeMap<String, Answered> = serde_json::from_str(&text).unwrap();
        assert!(models.keys().map(String::as_str).eq(sorted_objectives()));
        let mut categorical = 0;
        for (objective, answered) in models {
            let model = check(&format!("{objective} of {version}"), &answered);
            categorical += model.categorical_features().len();
        }
        assert!(categorical > 3, "models of {version} split categories");
        versions.push(version);
    }
    versions.sort();
    assert_eq!(
        versions,
        [
            "1.7.6", "2.0.3", "2.1.4", "3.0.5", "3.1.2", "3.2.0", "3.4.1"
        ]
    );
}

fn sorted_objectives() -> Vec<&'static str> {
    let mut names = Objective::ALL.map(Objective::name).to_vec();
    names.sort_unstable();
    names
}

#[track_caller]
fn check(name: &str, answered: &Answered) -> Model {
    let of_json = Model::read(answered.json.as_bytes()).unwrap();
    let of_binary = Model::read(&bytes(&answered.ubj)).unwrap();
    assert_eq!(of_json, of_binary, "{name}");
    let width = of_json.feature_count;
    let values = answered.rows.iter().flatten();
    let rows: Vec<f32> = values.map(|value| value.unwrap_or(f32::NAN)).collect();
    let written = [Format::Json, Format::Ubj].map(|format| of_json.write(format));
    let again = written.map(|file| Model::read(&file).unwrap());
    for model in [&of_json, &again[0], &again[1]] {
        let mut answers = model.start().repeat(answered.rows.len());
        let forest = Forest::new(&model.trees, model.loss.output_count());
        forest.add_margins(&rows, width, &mut answers);
        assert_eq!(bits(&answers), bits(&answered.margins), "{name}, margins");
        model.loss.predict(&mut answers);
        assert_eq!(bits(&answers), bits(&answered.predictions), "{name}");
    }
    of_json
}

fn bits(answers: &[f32]) -> Vec<u32> {
    answers.iter().map(|answer| answer.to_bits()).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}
