//! Pipelines that read features: made when a run begins, pinned like files, and made again without them.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value as Json;
use trueline_tests::project::Project;

use crate::trips;

const FEATURES: &str = r#"[entity.town]
keys = { city = "utf8" }

[source.weather]
path = "weather.csv"
event_time = "at"

[view.weather]
entity = "town"
source = "weather"
features = ["rain", "wind"]
ttl = "12h"

[service.trip]
features = ["weather:rain", "weather:wind"]
"#;

/// Weather of every sixth hour in two towns.
fn weather() -> String {
    let mut text = String::from("city,at,rain,wind\n");
    for step in 0..60 {
        let (day, hour) = (1 + step / 4, step % 4 * 6);
        for city in ["A", "B"] {
            let rain = f64::from(step * 7 % 10) / 4.0;
            writeln!(
                text,
                "{city},2020-01-{day:02}T{hour:02}:00:00Z,{rain},{step}.5"
            )
            .unwrap();
        }
    }
    text
}

/// The trips' pipeline, whose trips have the weather of their town and hour.
fn project() -> Project {
    let project = trips::project();
    project.write("weather.csv", weather());
    project.write("features.toml", FEATURES);
    let text = trips::edited(
        "[dataset.trips]\npath = \"trips.csv\"\n",
        "[dataset.rides]\npath = \"trips.csv\"\n\n[dataset.trips]\nfeatures = { service = \"trip\", spine = \"rides\" }\n",
    );
    let text = text.replace(
        "\"distance\", \"size\", \"city\"] },",
        "\"distance\", \"size\", \"city\", \"rain\", \"wind\"] },",
    );
    project.write("trips.toml", text);
    project
}

fn digests(run: &Json) -> Vec<String> {
    let stages = run["stages"].as_array().unwrap().iter();
    let digest = |stage: &Json| format!("{} {}", stage["stage"], stage["cached_from"]);
    stages
        .map(digest)
        .chain([run["package"]["digest"].to_string()])
        .collect()
}

#[test]
fn checking_knows_the_columns_and_writes_nothing() {
    let project = project();
    let plan = project.trueline("check trips.toml --json").exits(0).json();
    let columns = plan["datasets"][0]["schema"].as_array().unwrap();
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["id", "at", "distance", "city", "rain", "wind", "late"]
    );
    assert_eq!(plan["features"][0]["service"], "trip");
    assert!(!project.path(".trueline/features").exists());
}

#[test]
fn a_run_makes_them_and_its_package_is_made_again_without_them() {
    let project = project();
    let run = project.trueline("run trips.toml --json").exits(0).json();
    project
        .trueline("features list")
        .exits(0)
        .says(&["weather", "trip"]);
    project.trueline("verify trips.toml").exits(0);
    project.trueline("lineage trips@1").exits(0).says(&[
        "service trip",
        "features weather",
        "file trips.csv",
    ]);
    for path in ["trips.csv", "weather.csv", "features.toml", "trips.toml"] {
        fs::remove_file(project.path(path)).unwrap();
    }
    fs::remove_dir_all(project.path(".trueline/features")).unwrap();
    let again = project.trueline("reproduce trips --json").exits(0).json();
    assert_eq!(again["package"], run["package"]["digest"]);
    let compared = again["ways"][0]["compared"].as_array().unwrap();
    assert!(
        compared.iter().all(|one| one["found"] == one["expected"]),
        "{compared:?}"
    );
}

#[test]
fn stages_run_again_if_features_change_and_only_then() {
    let project = project();
    let first = project.trueline("run trips.toml --json").exits(0).json();
    let second = project.trueline("run trips.toml --json").exits(0).json();
    assert_eq!(first["package"]["digest"], second["package"]["digest"]);
    let is_cached = |run: &Json| {
        let stages = run["stages"].as_array().unwrap().iter();
        stages
            .filter(|stage| stage["kind"] != "gate")
            .all(|stage| stage["state"] != "succeeded" || stage["stage"] == "gate")
    };
    assert!(is_cached(&second), "{:?}", digests(&second));
    // What nobody asks for: the weather of a town without trips.
    let elsewhere = format!("{}Z,2020-01-01T00:00:00Z,9,9\n", weather());
    project.write("weather.csv", elsewhere);
    let third = project.trueline("run trips.toml --json").exits(0).json();
    assert!(is_cached(&third), "{:?}", digests(&third));
    // Another observation of the first day.
    let corrected = format!("{}A,2020-01-01T01:00:00Z,2.25,9\n", weather());
    project.write("weather.csv", corrected);
    let fourth = project.trueline("run trips.toml --json").exits(0).json();
    assert!(!is_cached(&fourth), "{:?}", digests(&fourth));
}

#[test]
fn what_others_read_is_not_broken_by_a_run() {
    let project = project();
    project.trueline("run trips.toml").exits(0);
    let features = FEATURES.replace("[\"rain\", \"wind\"]", "[\"rain\"]");
    let features = features.replace(", \"weather:wind\"", "");
    project.write("features.toml", features);
    let pipeline = fs::read_to_string(project.path("trips.toml")).unwrap();
    project.write("trips.toml", pipeline.replace(", \"wind\"", ""));
    project.trueline("run trips.toml").exits(1).says(&[
        "applying features.toml would break what others read",
        "trueline features apply --allow-breaking features.toml",
    ]);
    project
        .trueline("features apply --allow-breaking features.toml")
        .exits(0);
    project.trueline("run trips.toml").exits(0);
}
