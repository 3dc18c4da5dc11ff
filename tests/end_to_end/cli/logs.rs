//! What a stage noted while it ran: `trueline show RUN STAGE`.

use serde_json::Value as Json;
use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::trips;

fn shown(project: &Project, stage: &str) -> Json {
    let run = project.trueline("show --json").exits(0).json();
    let run = run["run"]["id"].as_str().unwrap();
    let line = format!("show {run} {stage} --json");
    project.trueline(&line).exits(0).json()
}

fn messages(shown: &Json) -> Vec<&str> {
    let log = shown["log"].as_array().unwrap().iter();
    log.map(|line| line["message"].as_str().unwrap()).collect()
}

#[test]
fn a_stage_has_a_log() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let model = shown(&project, "model");
    let log = messages(&model);
    assert_eq!(
        log[..2],
        [
            "reads `rows`: trips.train | town | features, 2 of 4 columns",
            "reads `validation`: trips.valid | town | features, 2 of 4 columns",
        ]
    );
    assert!(
        log.iter().any(|line| line.starts_with("step 1: ")),
        "{log:?}"
    );
    assert_eq!(log[2], "took in 288 rows");
    assert_eq!(log[3].split(':').next(), Some("step 1"));
    assert!(log[log.len() - 1].starts_with("learned "), "{log:?}");
    assert_eq!(model["attempts"].as_array().unwrap().len(), 1);
    let text = project.trueline("show").exits(0).stdout;
    let run = text
        .split_whitespace()
        .find(|word| word.starts_with("run_"));
    let line = format!("show {} model", run.unwrap());
    project
        .trueline(&line)
        .exits(0)
        .says(&["log", "step 1: ", "outputs", "attempts"]);
    let line = format!("show {} modle", run.unwrap());
    project
        .trueline(&line)
        .exits(1)
        .says(&["no stage `modle`", "did you mean `model`?"]);

    // A result that is taken over has no log of its own, but says where it is from.
    project.trueline("run trips.toml").exits(0);
    let model = shown(&project, "model");
    assert_eq!(messages(&model), [""; 0]);
    assert_eq!(model["why"]["compared_with"], run.unwrap());
}

#[test]
fn every_attempt_notes_why_it_failed() {
    let project = trips::project();
    project.write("own.wasm", guests::hostile());
    project.write("numbers.csv", "x\n1\n2\n3\n");
    project.write("p.toml", ODD);
    project.trueline("run p.toml").exits(1);
    let odd = shown(&project, "odd");
    let errors = odd["log"].as_array().unwrap().iter();
    let errors: Vec<&Json> = errors.filter(|line| line["level"] == "error").collect();
    assert_eq!(errors.len(), 2, "{odd:#}");
    let attempts = errors.iter().map(|line| line["attempt"].as_u64().unwrap());
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 2]);
    assert!(errors[0]["message"].as_str().unwrap().contains("trapped"));
    let check = shown(&project, "check");
    let found = messages(&check);
    assert!(
        found.iter().any(|line| line.starts_with("x: ")),
        "{found:?}"
    );
}

const ODD: &str = r#"[pipeline]
name = "odd"

[dataset.numbers]
path = "numbers.csv"

[stage.odd]
use = "./own.wasm"
fit = "numbers"
params = { mode = "panic", at = "finish" }
retry = { max = 1, backoff = "1ms", on = ["trap"] }

[stage.check]
use = "expect"
in = "numbers"
params.columns.x = { max = 2 }
"#;
