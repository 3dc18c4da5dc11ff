//! Pipelines that read features: made when a run begins, pinned like files, and made again without them.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value as Json, json};
use trueline_tests::project::Project;
use trueline_tests::server::Server;

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

/// A server that finds the weather itself answers as the batch that was told it, and records what it found.
#[test]
fn a_server_finds_the_features_itself() {
    let project = project();
    // Whatever the weather was last; the tests' year is long over.
    project.write("features.toml", FEATURES.replace("ttl = \"12h\"\n", ""));
    project.trueline("run trips.toml").exits(0);
    project.write(
        "rows.csv",
        "distance,city,rain,wind\n70,A,0.75,59.5\n3,B,0.75,59.5\n30,C,,\n",
    );
    let batch = project
        .trueline("predict trips@1 --input rows.csv --format json")
        .exits(0)
        .stdout;
    let bits = |number: &Json| number.to_string().parse::<f32>().unwrap().to_bits();
    let expected: Vec<u32> = batch
        .lines()
        .map(|line| bits(&serde_json::from_str::<Json>(line).unwrap()["prediction"]))
        .collect();
    let server = Server::start(&project, "trips@1 --features .trueline --record log.ndjson");
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let ask = |body: Json| {
        let request = agent
            .post(server.url("/v1/predict"))
            .content_type("application/json");
        let mut response = request.send(body.to_string()).unwrap();
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_string().unwrap();
        (status, serde_json::from_str::<Json>(&body).unwrap())
    };
    let columns = json!({"columns": {"distance": [70, 3, 30], "city": ["A", "B", "C"]}});
    let (status, answer) = ask(columns);
    assert_eq!(status, 200, "{answer}");
    let answered = answer["columns"]["prediction"].as_array().unwrap().iter();
    assert_eq!(answered.map(bits).collect::<Vec<_>>(), expected);
    let (status, answer) = ask(json!({"columns": {"distance": [70], "city": ["A"], "rain": [1]}}));
    assert_eq!(
        status, 400,
        "what is found is not taken from the client: {answer}"
    );
    assert_eq!(server.stop(), Some(0));
    project.trueline("replay log.ndjson").exits(0).says(&["3"]);
    project
        .trueline("package show trips@1 --json")
        .exits(0)
        .says(&["\"service\": \"trip\""]);
}

/// What a gate accepted computes a view, the same as `predict` does; what it refused does not.
#[test]
fn an_accepted_package_computes_a_view() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let features = r#"[entity.trip]
keys = { id = "int64" }

[source.trips]
path = "trips.csv"
event_time = "at"

[view.lateness]
entity = "trip"
source = "trips"
package = "trips@1"

[service.late]
features = ["lateness:prediction"]
"#;
    project.write("features.toml", features);
    project.trueline("features apply").exits(0);
    project.trueline("features materialize").exits(0);
    let found = project
        .trueline("features get --service late id=7 --json")
        .exits(0)
        .json();
    project.write("rows.csv", {
        let text = trips::csv();
        let mut lines = text.lines();
        let head = lines.next().unwrap().to_owned();
        let row = lines.find(|line| line.starts_with("7,")).unwrap();
        format!("{head}\n{row}\n")
    });
    let batch = project
        .trueline("predict trips@1 --input rows.csv --format json")
        .exits(0)
        .json();
    assert_eq!(found[0]["value"], batch["prediction"], "{found}");
    project.write("features.toml", features.replace("trips@1", "trip@1"));
    project
        .trueline("features apply")
        .exits(2)
        .says(&["view `lateness`: there is no package `trip@1`"]);
}
