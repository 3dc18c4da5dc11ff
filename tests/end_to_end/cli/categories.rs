//! From texts to splits of categories: `tabular` numbers them, `gbdt` parts them, and the package does both.

use serde_json::Value as Json;
use trueline_tests::project::Project;
use trueline_tests::repository;

const PIPELINE: &str = r#"[pipeline]
name = "categories"

[dataset.flights]
path = "FLIGHTS"
key = ["time_hour", "carrier", "flight", "origin"]
where = "arr_delay != null"
label = { name = "late", value = "arr_delay > 15" }
split = { by = "time_hour", valid_from = "2013-11-01T00:00:00Z", test_from = "2013-12-01T00:00:00Z" }

[stage.features]
use = "tabular"
fit = "flights.train"
params.steps = [{ op = "ordinal", columns = ["carrier", "origin", "dest"], unknown = "null" }]

[stage.model]
use = "gbdt"
fit = "flights.train | features"
[stage.model.params]
features = ["carrier", "origin", "dest", "distance"]
categorical = ["carrier", "origin", "dest"]
num_boost_round = 5

[stage.score]
use = "metrics"
in = "flights.test | features | model"

[package]
chain = "features | model"
"#;

#[test]
fn carriers_origins_and_destinations_of_flights_are_parted_by_sets() {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let flights = repository().join("examples/flights/data/flights.parquet");
    project.write(
        "categories.toml",
        PIPELINE.replace("FLIGHTS", flights.to_str().unwrap()),
    );
    project.trueline("run categories.toml").exits(0);
    let shown = project.trueline("show --json").exits(0).json();
    let metrics = shown["metrics"].as_array().unwrap();
    let area = metrics
        .iter()
        .find(|metric| metric["name"] == "auc")
        .unwrap();
    assert!(area["value"].as_f64().unwrap() > 0.55, "{area}");

    // The model splits on sets of categories, of each of the three.
    project
        .trueline("package state categories model.json")
        .exits(0);
    let model: Json =
        serde_json::from_slice(&std::fs::read(project.path("model.json")).unwrap()).unwrap();
    let types = &model["learner"]["feature_types"];
    assert_eq!(*types, serde_json::json!(["c", "c", "c", "q"]));
    let trees = model["learner"]["gradient_booster"]["model"]["trees"]
        .as_array()
        .unwrap();
    let is_parted = |feature: u64| {
        trees.iter().any(|tree| {
            let nodes = tree["categories_nodes"].as_array().unwrap().iter();
            nodes
                .map(|node| usize::try_from(node.as_u64().unwrap()).unwrap())
                .any(|node| tree["split_indices"][node] == feature)
        })
    };
    assert!((0..3).all(is_parted), "{trees:?}");

    // A carrier that was never seen is answered as one that is missing; so is one row as it is among others.
    let header = "carrier,origin,dest,distance\n";
    let rows = [
        "ZZ,EWR,ATL,746",
        ",EWR,ATL,746",
        "UA,EWR,ATL,746",
        "UA,EWR,XXX,746",
    ];
    project.write("rows.csv", format!("{header}{}\n", rows.join("\n")));
    let answers = project
        .trueline("predict categories --input rows.csv")
        .exits(0)
        .stdout;
    let answers: Vec<&str> = answers.lines().skip(1).collect();
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[2]);
    for (row, expected) in rows.iter().zip(&answers) {
        project.write("row.csv", format!("{header}{row}\n"));
        let alone = project
            .trueline("predict categories --input row.csv")
            .exits(0)
            .stdout;
        assert_eq!(alone.lines().nth(1), Some(*expected), "{row}");
    }
}
