//! A small data set and a pipeline over it with every kind of stage.

use std::fmt::Write as _;

use trueline_tests::project::Project;

/// Hourly trips: the longer, the later they arrive. Some distances are missing.
pub(crate) const ROWS: usize = 400;

/// A folder with the data and `trips.toml`, the pipeline below.
pub(crate) fn project() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("trips.csv", csv());
    project.write("cities.csv", "city,size\nA,10\nB,20\nC,\n");
    project.write("trips.toml", PIPELINE);
    project
}

/// The pipeline with one text in it replaced by another.
#[track_caller]
pub(crate) fn edited(from: &str, to: &str) -> String {
    assert!(PIPELINE.contains(from), "{from}");
    PIPELINE.replacen(from, to, 1)
}

pub(crate) const PIPELINE: &str = r#"[pipeline]
name = "trips"
seed = 7

[dataset.trips]
path = "trips.csv"
key = ["id"]
label = { name = "late", value = "delay > 10" }
split = { by = "at", valid_from = "2020-01-11T00:00:00Z", test_from = "2020-01-13T00:00:00Z" }
drop = ["delay"]

[dataset.cities]
path = "cities.csv"

[stage.validate]
use = "expect"
in = "trips"
params.unique = ["id"]
params.columns.distance = { min = 0, max = 100 }

[stage.town]
use = "lookup"
fit = "cities"
params = { on = "city", take = ["size"] }

[stage.features]
use = "tabular"
fit = "trips.train | town"
params.steps = [
  { op = "impute", columns = ["distance", "size"], with = "median" },
  { op = "standard-scale", columns = ["distance"] },
  { op = "one-hot", columns = ["city"], unknown = "ignore" },
  { op = "assemble", into = "features", columns = ["distance", "size", "city"] },
]

[stage.model]
use = "gbdt"
fit = "trips.train | town | features"
validation = "trips.valid | town | features"
params = { num_boost_round = 10, max_depth = 3, early_stopping_rounds = 5 }

[stage.score]
use = "metrics"
in = "trips.test | town | features | model"

[stage.gate]
require = ["score.accuracy >= 0.8", "!has(champion.auc) || score.auc >= champion.auc - 0.01"]

[package]
chain = "town | features | model"
after = "gate"
"#;

pub(crate) fn csv() -> String {
    let mut text = String::from("id,at,distance,city,delay\n");
    for row in 0..ROWS {
        let distance = row * 37 % 100;
        let shown = if row % 17 == 3 {
            String::new()
        } else {
            distance.to_string()
        };
        let (day, hour) = (1 + row / 24, row % 24);
        let city = ["A", "B", "C", "D"][row % 4];
        let delay = distance / 4 + row % 3;
        writeln!(
            text,
            "{row},2020-01-{day:02}T{hour:02}:00:00Z,{shown},{city},{delay}"
        )
        .unwrap();
    }
    text
}
