//! What is computed again after a change, and what is not.

use serde_json::Value as Json;
use trueline_tests::project::Project;

use crate::trips::{self, PIPELINE, edited};

/// Runs the pipeline; the stages that were computed, in the order of the plan.
fn computed(project: &Project, options: &str) -> Vec<String> {
    let run = project
        .trueline(&format!("run trips.toml --json {options}"))
        .json();
    stages_in(&run, "succeeded")
}

fn stages_in(run: &Json, state: &str) -> Vec<String> {
    let stages = run["stages"].as_array().unwrap().iter();
    stages
        .filter(|stage| stage["state"] == state && stage["plugin"] != "gate")
        .map(|stage| stage["stage"].as_str().unwrap().to_owned())
        .collect()
}

/// After a first run, edits the project; the next run computes just these stages.
#[track_caller]
fn check(edit: impl Fn(&Project), expected: &[&str]) {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    edit(&project);
    assert_eq!(computed(&project, ""), expected);
    assert_eq!(computed(&project, ""), [""; 0], "once more");
}

/// Replaces a text of a file.
fn replace(project: &Project, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(project.path(file)).unwrap();
    assert!(text.contains(from), "{from}");
    project.write(file, text.replacen(from, to, 1));
}

#[test]
fn a_second_run_computes_nothing_and_is_the_same() {
    let project = trips::project();
    let first = project.trueline("run trips.toml --json").exits(0).json();
    let second = project.trueline("run trips.toml --json").exits(0).json();
    let all = ["validate", "town", "features", "model", "score"];
    assert_eq!(stages_in(&first, "succeeded"), all);
    assert_eq!(stages_in(&second, "cached"), all);
    assert_eq!(second["package"]["digest"], first["package"]["digest"]);
    let learned = |run: &Json| {
        let stages = run["stages"].as_array().unwrap().iter();
        let facts = ["metrics", "findings", "report", "state_digest", "rows"];
        let stage = |stage: &Json| facts.map(|fact| stage[fact].clone());
        stages.map(stage).collect::<Vec<_>>()
    };
    assert_eq!(learned(&second), learned(&first));
    for stage in second["stages"].as_array().unwrap() {
        let from = &stage["cached_from"];
        assert!(
            *from == first["run"] || stage["plugin"] == "gate",
            "{stage}"
        );
    }
    // What can be shown of the first run can be shown of the second.
    let shown = |run: &Json| {
        let id = run["run"].as_str().unwrap();
        project
            .trueline(&format!("show {id} --json"))
            .exits(0)
            .json()
    };
    let (first, second) = (shown(&first), shown(&second));
    for what in ["metrics", "findings", "outputs", "datasets", "gates"] {
        assert_eq!(second[what], first[what], "{what}");
    }
    assert!(second["attempts"].as_array().unwrap().is_empty());
}

#[test]
fn threads_and_batches_are_no_ingredients() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    assert_eq!(computed(&project, "--threads 1 --batch-rows 7"), [""; 0]);
}

#[test]
fn a_comment_or_another_order_computes_nothing() {
    check(
        |project| {
            let (head, stages) = PIPELINE.split_once("[stage.validate]").unwrap();
            let (validate, rest) = stages.split_once("[stage.town]").unwrap();
            // The stages behind one another in another order, a comment, other spaces, keys the other way.
            let text = format!("# Trips\n{head}[stage.town]{rest}\n[stage.validate]{validate}");
            let text = text.replace(
                r#"params = { on = "city", take = ["size"] }"#,
                r#"params = { take = [ "size" ],   on = "city" }  # the other way round"#,
            );
            assert_ne!(text.len(), PIPELINE.len());
            project.write("trips.toml", text);
        },
        &[],
    );
    check(
        |project| {
            project.write(
                "trips.toml",
                edited("seed = 7", "seed = 7\ndescription = \"x\""),
            )
        },
        &[],
    );
}

#[test]
fn a_changed_parameter_computes_what_depends_on_it() {
    let check = |from: &str, to: &str, expected: &[&str]| {
        check(
            |project| project.write("trips.toml", edited(from, to)),
            expected,
        );
    };
    check("max = 100", "max = 101", &["validate"]);
    check("max_depth = 3", "max_depth = 4", &["model", "score"]);
    check(
        r#"with = "median""#,
        r#"with = "mean""#,
        &["features", "model", "score"],
    );
    // The rows without the label are the same.
    check("delay > 10", "delay > 12", &["model", "score"]);
    check("2020-01-13T00", "2020-01-14T00", &["model", "score"]);
    check("accuracy >= 0.8", "accuracy >= 0.7", &[]);
    // Nothing here draws; for a stage that does, the seed is a parameter.
    check("seed = 7", "seed = 8", &[]);
}

#[test]
fn a_changed_value_computes_what_reads_it() {
    let row = |number: usize| {
        let csv = trips::csv();
        csv.lines().nth(1 + number).unwrap().to_owned()
    };
    let edit = |number: usize, column: usize, value: &'static str| {
        let row = row(number);
        let mut cells: Vec<&str> = row.split(',').collect();
        cells[column] = value;
        let (from, to) = (row.clone(), cells.join(","));
        move |project: &Project| replace(project, "trips.csv", &from, &to)
    };
    // The columns are id, at, distance, city, delay.
    check(edit(7, 0, "7000"), &["validate"]);
    // The model is another one, and answers the same for the rows of the test.
    check(edit(7, 2, "99"), &["validate", "features", "model"]);
    check(edit(7, 3, "C"), &["features", "model"]);
    check(edit(0, 4, "900"), &["model", "score"]);
    // In test, which nothing learns from.
    check(edit(399, 2, "1"), &["validate", "score"]);
    check(edit(300, 4, "900"), &["score"]);
    check(
        |project| replace(project, "cities.csv", "A,10", "A,11"),
        &["town", "features", "model"],
    );
}

#[test]
fn what_nobody_reads_and_how_it_is_written_down_computes_nothing() {
    check(
        |project| {
            let with = "city,size,mayor\nA,10,Ann\nB,20,Bob\nC,,Cas\n";
            project.write("cities.csv", with);
        },
        &[],
    );
    check(
        |project| {
            let rows = "{\"city\":\"A\",\"size\":10}\n{\"city\":\"B\",\"size\":20}\n{\"city\":\"C\",\"size\":null}\n";
            project.write("cities.ndjson", rows);
            project.write("trips.toml", edited("cities.csv", "cities.ndjson"));
        },
        &[],
    );
    check(
        |project| {
            std::fs::create_dir(project.path("moved")).unwrap();
            std::fs::rename(project.path("trips.csv"), project.path("moved/t.csv")).unwrap();
            project.write("trips.toml", edited("trips.csv", "moved/t.csv"));
        },
        &[],
    );
}

#[test]
fn an_explanation_names_what_changed_with_both_values() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let first = project.trueline("explain --json").exits(0).json();
    for stage in first["stages"].as_array().unwrap() {
        let why = stage["why"].as_str().unwrap();
        assert!(
            why.contains("for the first time") || why.contains("gate"),
            "{why}"
        );
    }
    project.write("trips.toml", edited("max_depth = 3", "max_depth = 4"));
    project.trueline("run trips.toml").exits(0);
    let explained = project.trueline("explain --json").exits(0).json();
    let stage = |name: &str| {
        let stages = explained["stages"].as_array().unwrap();
        stages
            .iter()
            .find(|stage| stage["stage"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(stage("features")["decision"], "hit");
    assert_eq!(stage("features")["compared_with"], first["run"]);
    let model = stage("model");
    let changed = serde_json::json!([{ "ingredient": "params.max_depth", "old": 3, "new": 4 }]);
    assert_eq!(
        (&model["decision"], &model["changes"]),
        (&"miss".into(), &changed)
    );
    let score = stage("score")["changes"].to_string();
    for ingredient in [
        "rows: table",
        "rows: through model, params.max_depth",
        "rows: through model, state",
    ] {
        assert!(score.contains(ingredient), "{ingredient}: {score}");
    }
    project
        .trueline("explain")
        .exits(0)
        .says(&["model", "params.max_depth", "cached"]);
    let run = explained["run"].as_str().unwrap();
    project
        .trueline(&format!("explain {run} model"))
        .exits(0)
        .says(&["max_depth", "component"]);
    project
        .trueline(&format!("explain {run} modle"))
        .exits(1)
        .says(&["did you mean `model`?"]);
    project
        .trueline("explain run_zzz")
        .exits(1)
        .says(&["there is no run", "hint: "]);
    project
        .trueline("explain run_")
        .exits(1)
        .says(&["more than one run", run]);
}

#[test]
fn what_was_forgotten_is_computed_again() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let stats = project.trueline("cache stats --json").exits(0).json();
    let engine = stats["stats"]["made_by"][0][0].as_str().unwrap().to_owned();
    project.trueline("cache purge").exits(2);
    project
        .trueline("cache purge --made-by sha256:00")
        .exits(1)
        .says(&["sha256:00"]);
    let digits = &engine["sha256:".len()..][..12];
    project
        .trueline(&format!("cache purge --made-by {digits}"))
        .exits(0)
        .says(&["forgot 5 results"]);
    assert_eq!(computed(&project, "").len(), 5);
    project
        .trueline("cache prune --unused-for 1")
        .exits(1)
        .says(&["hint: "]);
    project
        .trueline("cache prune --unused-for 1h")
        .exits(0)
        .says(&["forgot 0 results"]);
    project
        .trueline("cache prune --unused-for 0s")
        .exits(0)
        .says(&["forgot 5 results"]);
    project.trueline("package show trips").exits(0);
}

#[test]
fn two_processes_compute_a_thing_once() {
    let project = trips::project();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| project.trueline("run trips.toml").exits(0));
        }
    });
    let runs = project.trueline("runs --json").exits(0).json();
    let attempts = runs.as_array().unwrap().iter().flat_map(|run| {
        let id = run["id"].as_str().unwrap();
        let shown = project
            .trueline(&format!("show {id} --json"))
            .exits(0)
            .json();
        shown["attempts"].as_array().unwrap().clone()
    });
    let mut stages: Vec<_> = attempts
        .map(|attempt| attempt["stage"].to_string())
        .collect();
    let all = stages.len();
    stages.sort();
    stages.dedup();
    assert_eq!((stages.len(), all), (5, 5));
}
