//! The ways in which caches of other engines were found to be wrong. None of them works here.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::trips;

/// A stage of one's own over some numbers, and a check of what it makes of them.
fn numbers(params: &str) -> Project {
    let project = trips::project();
    project.write("own.wasm", guests::hostile());
    project.write("numbers.csv", "x\n1\n2.5\n3\n4\n");
    project.write(
        "p.toml",
        format!(
            r#"[pipeline]
name = "numbers"

[dataset.numbers]
path = "numbers.csv"

[stage.own]
use = "./own.wasm"
fit = "numbers"
params = {{ {params} }}

[stage.after]
use = "expect"
in = "numbers | own"
params.columns.y = {{ min = 0 }}
"#
        ),
    );
    project
}

fn run(project: &Project, options: &str) -> Json {
    project
        .trueline(&format!("run p.toml --json {options}"))
        .exits(0)
        .json()
}

#[track_caller]
fn check(run: &Json, expected: &[(&str, &str)]) {
    let stages = run["stages"].as_array().unwrap().iter();
    let found = stages.map(|stage| {
        (
            stage["stage"].as_str().unwrap(),
            stage["state"].as_str().unwrap(),
        )
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// A component of other bytes that does the same.
fn rebuilt(component: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    // A custom section called `x`, with nothing in it.
    bytes.extend([0, 2, 1, b'x']);
    bytes
}

/// <https://github.com/flyteorg/flyte/issues/2899>: the code was not part of the key, so an edited task
/// returned its old answer. <https://github.com/zenml-io/zenml/issues/1011>: the code of a helper was not.
/// A component holds the code of all its helpers, and its digest is part of the key.
#[test]
fn edited_code_runs() {
    let project = numbers("");
    check(
        &run(&project, ""),
        &[("own", "succeeded"), ("after", "succeeded")],
    );
    project.write("own.wasm", rebuilt(guests::hostile()));
    // It does the same, so what reads its rows need not run.
    check(
        &run(&project, ""),
        &[("own", "succeeded"), ("after", "cached")],
    );
    project.write("own.wasm", guests::hostile());
    check(
        &run(&project, ""),
        &[("own", "cached"), ("after", "cached")],
    );
}

/// <https://github.com/PrefectHQ/prefect/issues/23062>: two tasks of the same source, closed over different
/// values, shared an entry. Here `after` is the same stage with the same parameters; what differs is
/// a parameter of the map upstream that changes nothing of what that map has learned.
#[test]
fn what_a_stage_is_closed_over_is_part_of_it() {
    let project = numbers("");
    let before = run(&project, "");
    let text = fs::read_to_string(project.path("p.toml")).unwrap();
    project.write(
        "p.toml",
        text.replace("params = {  }", "params = { mode = \"count\" }"),
    );
    let after = run(&project, "");
    assert_eq!(
        after["stages"][0]["state_digest"],
        before["stages"][0]["state_digest"]
    );
    check(&after, &[("own", "succeeded"), ("after", "succeeded")]);
}

/// The file of the only artifact that is large enough to be one.
fn state_file(project: &Project, run: &Json) -> PathBuf {
    let digest = run["stages"][0]["state_digest"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    project.path(format!(
        ".trueline/blobs/sha256/{}/{}",
        &hex[..2],
        &hex[2..]
    ))
}

/// <https://github.com/kubeflow/pipelines/issues/7939>: a hit although the artifact was deleted.
#[test]
fn a_deleted_or_changed_artifact_is_made_again() {
    let project = numbers("mode = \"huge-state\"");
    let first = run(&project, "");
    let file = state_file(&project, &first);
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    check(
        &run(&project, ""),
        &[("own", "succeeded"), ("after", "cached")],
    );
    assert_eq!(fs::read(&file).unwrap(), bytes);
    project
        .trueline("explain")
        .exits(0)
        .says(&["could not be used", "missing"]);

    let mut changed = bytes.clone();
    changed[1000] ^= 1;
    fs::write(&file, changed).unwrap();
    check(
        &run(&project, ""),
        &[("own", "succeeded"), ("after", "cached")],
    );
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

/// <https://github.com/kubeflow/pipelines/issues/10189>: what was mounted was not part of the key. Here the
/// data changes where it is, keeping its size, its name and its times.
#[test]
fn data_that_changed_in_place_is_noticed() {
    let project = numbers("");
    run(&project, "");
    let path = project.path("numbers.csv");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "x\n1\n2.5\n3\n9\n").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let again = run(&project, "");
    check(&again, &[("own", "succeeded"), ("after", "succeeded")]);
}

/// <https://github.com/iterative/dvc/issues/4551>: what was to run always was taken from the cache.
#[test]
fn who_wants_everything_to_run_gets_it() {
    let project = numbers("");
    run(&project, "");
    for _ in 0..2 {
        check(
            &run(&project, "--no-cache"),
            &[("own", "succeeded"), ("after", "succeeded")],
        );
    }
    project
        .trueline("explain")
        .exits(0)
        .says(&["the cache was not asked"]);
    check(
        &run(&project, ""),
        &[("own", "cached"), ("after", "cached")],
    );
}

/// Most engines: the latest result wins, and nobody hears of the other one.
#[test]
fn another_result_from_the_same_ingredients_fails_the_run() {
    let project = numbers("mode = \"batches\"");
    let first = run(&project, "--threads 1");
    let line = "run p.toml --json --threads 1 --batch-rows 1 --no-cache";
    let second = project.trueline(line).exits(1).json();
    let message = second["message"].as_str().unwrap();
    let before = first["run"].as_str().unwrap();
    assert!(
        message.contains("not deterministic") && message.contains(before),
        "{message}"
    );
    check(&second, &[("own", "failed"), ("after", "blocked")]);
    let stats = project.trueline("cache stats --json").exits(0).json();
    assert_eq!(stats["incidents"][0]["known_run"], before);
    assert_eq!(stats["incidents"][0]["found_run"], second["run"]);
    project
        .trueline("cache stats")
        .exits(0)
        .says(&["not deterministic", "own"]);
    // Nobody relies on either result any more.
    check(
        &run(&project, "--threads 1"),
        &[("own", "succeeded"), ("after", "cached")],
    );
}
