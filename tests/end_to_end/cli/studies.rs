//! Studies: the same trials every time, the best of which stands for the stage.

use serde_json::Value as Json;
use trueline_tests::project::Project;

use crate::trips::{self, edited};

const PARAMS: &str = "params = { num_boost_round = 10, max_depth = 3, early_stopping_rounds = 5 }";

/// The trips with a study of `model`, measured on the rows that it watches.
fn project(keys: &str) -> Project {
    let project = trips::project();
    let tune = format!(
        r#"params = {{ num_boost_round = 8, eval_metric = "auc" }}

[stage.model.tune]
metric = "quality.auc"
{keys}
space.max_depth = {{ low = 1, high = 4 }}
space.eta = {{ low = 0.01, high = 0.5, log = true }}
space.grow_policy = ["depthwise", "lossguide"]

[stage.quality]
use = "metrics"
in = "trips.valid | town | features | model"
"#
    );
    // What few rounds learn is no good model.
    let text = edited(PARAMS, &tune).replace("score.accuracy >= 0.8", "score.accuracy >= 0.1");
    project.write("trips.toml", text);
    project
}

fn run(project: &Project, options: &str) -> Json {
    let line = format!("run trips.toml --json {options}");
    project.trueline(&line).exits(0).json()
}

fn study(project: &Project, options: &str) -> Json {
    let line = format!("study show --json {options}");
    project.trueline(&line).exits(0).json()[0].clone()
}

fn stage<'r>(run: &'r Json, name: &str) -> &'r Json {
    let mut stages = run["stages"].as_array().unwrap().iter();
    stages.find(|stage| stage["stage"] == name).unwrap()
}

#[test]
fn the_same_study_has_the_same_trials() {
    let keys = "trials = 8\nparallel = 2\nstartup = 3\npruner = { kind = \"asha\", factor = 2 }";
    let project = project(keys);
    let first = run(&project, "--threads 4");
    let shown = study(&project, "");
    let trials = shown["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 8);
    let stopped = trials.iter().filter(|trial| trial["state"] == "stopped");
    let stopped: Vec<&Json> = stopped.collect();
    assert!(!stopped.is_empty() && stopped.iter().all(|trial| trial["value"].is_null()));
    let best = usize::try_from(shown["best"].as_u64().unwrap()).unwrap();
    let value = |trial: &Json| trial["value"].as_f64();
    assert!(
        trials
            .iter()
            .all(|trial| value(trial) <= value(&trials[best]))
    );
    assert_eq!(trials[best]["curve"].as_array().unwrap().len(), 8);

    // Again, all of it is known; elsewhere, on one thread and by other batches, it comes out the same.
    let again = run(&project, "");
    let states = again["stages"].as_array().unwrap().iter();
    let ran: Vec<&Json> = states
        .filter(|stage| stage["state"] == "succeeded")
        .collect();
    assert_eq!(ran.len(), 2, "the study and the gate: {ran:?}");
    for way in [
        "--home a --threads 1 --batch-rows 7",
        "--home b --threads 3",
    ] {
        let other = run(&project, way);
        assert_eq!(other["package"]["digest"], first["package"]["digest"]);
        let home = way.split(' ').nth(1).unwrap();
        assert_eq!(
            study(&project, &format!("--home {home}"))["trials"],
            shown["trials"]
        );
    }
    project.trueline("study show").exits(0).says(&[
        "quality.auc",
        "stopped after step",
        "max_depth",
    ]);
    project.trueline("reproduce trips@1").exits(0);
}

#[test]
fn a_grid_tries_everything_and_a_failure_ends_the_study() {
    let project = project("sampler = \"grid\"");
    let text = std::fs::read_to_string(project.path("trips.toml")).unwrap();
    let text = text.replace(
        "low = 0.01, high = 0.5, log = true",
        "low = 0.1, high = 0.3, step = 0.2",
    );
    project.write("trips.toml", &text);
    run(&project, "");
    assert_eq!(
        study(&project, "")["trials"].as_array().unwrap().len(),
        4 * 2 * 2
    );

    project.write("trips.toml", text.replace("quality.auc", "quality.acu"));
    project
        .trueline("run trips.toml")
        .exits(1)
        .says(&["stage `quality[0]` has no metric `acu`", "`auc`"]);
}

#[cfg(unix)]
#[test]
fn a_study_that_was_killed_goes_on_and_comes_to_the_same() {
    use std::process::{Command, Stdio};
    let project = project("trials = 16\nparallel = 2\nstartup = 4\npruner = \"asha\"");
    let undisturbed = run(&project, "--home other");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
    command
        .args(["run", "trips.toml"])
        .current_dir(project.path(""));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.env_remove("TRUELINE_HOME").spawn().unwrap();
    let has_begun = || {
        let shown = project.trueline("study show --json");
        shown.stdout.contains("\"complete\"")
    };
    while !has_begun() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = project.trueline("resume --json").exits(0).json();
    assert_eq!(
        resumed["package"]["digest"],
        undisturbed["package"]["digest"]
    );
    assert_eq!(stage(&resumed, "model[0]")["state"], "cached");
    assert_eq!(
        study(&project, "")["trials"],
        study(&project, "--home other")["trials"]
    );
    project.trueline("store check").exits(0);
}

#[test]
fn wrong_studies_are_told_with_their_place() {
    let check = |keys: &str, (from, to): (&str, &str), said: &[&str]| {
        let project = project(keys);
        let text = std::fs::read_to_string(project.path("trips.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        project.write("trips.toml", text.replace(from, to));
        let answer = project.trueline("check trips.toml").exits(2).says(said);
        assert!(answer.stderr.contains("trips.toml:"), "{answer}");
    };
    let same = ("", "");
    check(
        "sampler = \"tpe\"",
        same,
        &["how many trials", "trials = 30"],
    );
    check("trials = 0", same, &["`trials` is 0"]);
    check(
        "trials = 3\nsampler = \"tpa\"",
        same,
        &["`tpa`", "did you mean `tpe`?"],
    );
    check(
        "trials = 3\nprunner = \"asha\"",
        same,
        &["prunner", "did you mean `pruner`?"],
    );
    check(
        "trials = 3\npruner = \"median\"",
        same,
        &["no pruner `median`", "`asha`"],
    );
    check(
        "sampler = \"grid\"",
        same,
        &["a grid needs all values of `eta`", "`step`"],
    );
    let edits = [
        ("low = 1, high = 4", "low = 4, high = 1", "below it"),
        ("low = 0.01", "low = 0.0", "above 0"),
        (
            "space.max_depth",
            "space.max_dept",
            "did you mean `max_depth`?",
        ),
        ("\"lossguide\"]", "\"losguide\"]", "losguide"),
        (
            "quality.auc",
            "validate.rows",
            "does not read what `model` answers",
        ),
        ("in = \"trips.valid", "in = \"trips.vaild", "vaild"),
    ];
    for (from, to, said) in edits {
        check("trials = 3", (from, to), &[said]);
    }
}
