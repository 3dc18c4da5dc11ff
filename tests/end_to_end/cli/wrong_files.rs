//! A wrong pipeline file: exit 2 before anything runs, with the line and a hint.

use crate::trips::{self, PIPELINE, edited};

/// Replaces `from` by `to` in the pipeline; the error must say all of `said`, and point at the line.
#[track_caller]
fn check(from: &str, to: &str, said: &[&str]) {
    check_at(to.lines().next().unwrap(), from, to, said);
}

/// The same, but the error points at the line that holds `place`.
#[track_caller]
fn check_at(place: &str, from: &str, to: &str, said: &[&str]) {
    let project = trips::project();
    let text = edited(from, to);
    project.write("trips.toml", &text);
    let line = 1 + text.lines().position(|line| line.contains(place)).unwrap();
    let place = format!("trips.toml:{line}:");
    for command in ["check", "run"] {
        let answer = project
            .trueline(&format!("{command} trips.toml"))
            .exits(2)
            .says(said);
        assert!(
            answer.stderr.contains(&place),
            "{place} is missing: {answer}"
        );
        assert!(
            !project.path(".trueline/trueline.db").exists(),
            "something has run"
        );
        assert!(
            !project.path("trueline.lock").exists(),
            "something was locked"
        );
    }
    let errors = project.trueline("check trips.toml --json").exits(2).json();
    assert!(!errors["errors"].as_array().unwrap().is_empty());
}

#[test]
fn an_unknown_key() {
    check(
        "seed = 7",
        "sede = 7",
        &["sede", "hint: did you mean `seed`?"],
    );
    check(
        "fit = \"cities\"",
        "fitt = \"cities\"",
        &["fitt", "hint: did you mean `fit`?"],
    );
}

#[test]
fn an_unknown_parameter() {
    check("max_depth = 3", "max_dept = 3", &["max_dept", "max_depth"]);
}

#[test]
fn an_unknown_stage() {
    check(
        "fit = \"trips.train | town\"\n",
        "fit = \"trips.train | twon\"\n",
        &["twon", "hint: did you mean `town`?"],
    );
}

#[test]
fn a_wrong_type() {
    check(
        "seed = 7",
        "seed = \"seven\"",
        &["expected a whole number", "\"seven\""],
    );
    check("max_depth = 3", "max_depth = \"three\"", &["max_depth"]);
}

#[test]
fn a_cycle() {
    check_at(
        "[stage.town]",
        "fit = \"cities\"",
        "fit = \"cities | features\"",
        &["town → features → town", "hint: "],
    );
}

#[test]
fn a_missing_column() {
    check(
        "columns = [\"distance\", \"size\"]",
        "columns = [\"distanze\", \"size\"]",
        &["distanze", "distance"],
    );
    check("key = [\"id\"]", "key = [\"idd\"]", &["idd"]);
}

#[test]
fn a_plugin_that_does_not_exist() {
    check(
        "use = \"tabular\"",
        "use = \"tablar\"",
        &["tablar", "hint: did you mean `tabular`?"],
    );
    check(
        "use = \"tabular\"",
        "use = \"./tabular.wasm\"",
        &["tabular.wasm"],
    );
}

#[test]
fn a_plugin_that_is_no_component() {
    let project = trips::project();
    project.write(
        "trips.toml",
        edited("use = \"tabular\"", "use = \"./trips.csv\""),
    );
    project
        .trueline("check trips.toml")
        .exits(2)
        .says(&["trips.csv", "trips.toml:"]);
}

#[test]
fn an_error_in_an_expression() {
    check(
        "value = \"delay > 10\"",
        "value = \"dealy > 10\"",
        &["dealy", "delay"],
    );
    check(
        "value = \"delay > 10\"",
        "value = \"delay > \"",
        &["delay > "],
    );
    check(
        "\"score.accuracy >= 0.8\"",
        "\"score.accuracy >= \"",
        &["score.accuracy >= "],
    );
    check(
        "\"score.accuracy >= 0.8\"",
        "\"scroe.accuracy >= 0.8\"",
        &["scroe", "score"],
    );
}

#[test]
fn a_file_that_does_not_exist() {
    check(
        "path = \"cities.csv\"",
        "path = \"citties.csv\"",
        &["citties.csv"],
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let project = trips::project();
    let text = PIPELINE
        .replace("\"tabular\"", "\"tablar\"")
        .replace("seed = 7", "sede = 7")
        .replace("cities.csv", "citties.csv");
    project.write("trips.toml", text);
    project
        .trueline("check trips.toml")
        .exits(2)
        .says(&["tablar", "sede"]);
}
