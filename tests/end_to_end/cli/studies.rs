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

/// A study over what a stage does, of which some break it.
fn hostile(keys: &str, modes: &str) -> Project {
    let project = trips::project();
    project.write("own.wasm", trueline_tests::guests::hostile());
    project.write("numbers.csv", "x\n1.5\n2\n3\n");
    let text = format!(
        r#"[pipeline]
name = "odd"

[dataset.numbers]
path = "numbers.csv"

[stage.odd]
use = "./own.wasm"
fit = "numbers"
params.at = "finish"
{keys}

[stage.after]
use = "expect"
in = "numbers | odd"
params.rows = {{ min = 1 }}
"#
    );
    project.write("odd.toml", text.replace("MODES", modes));
    project
}

const GRID: &str = "tune = { metric = \"odd.rows\", sampler = \"grid\", space.mode = [MODES] }";

#[test]
fn a_trial_that_fails_is_recorded_and_the_study_goes_on() {
    let some = "\"panic\", \"good\", \"recurse\", \"count\"";
    let listed = "map.mode = [MODES]\nbest = \"odd.rows\"";
    for keys in [GRID, listed] {
        let project = hostile(keys, some);
        let report = project.trueline("run odd.toml --json").exits(0).json();
        assert_eq!(stage(&report, "odd")["best"], "odd[1]");
        assert_eq!(stage(&report, "after")["state"], "succeeded");
        let shown = study(&project, "");
        let states = shown["trials"].as_array().unwrap().iter();
        let states: Vec<&str> = states
            .map(|trial| trial["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["failed", "complete", "failed", "complete"]);
        let why = shown["trials"][0]["failure"].as_str().unwrap();
        assert!(
            why.contains("`odd[0]`: ") && why.contains("trapped"),
            "{why}"
        );
        project
            .trueline("study show")
            .exits(0)
            .says(&["2 failed", "failed: `odd[0]`"]);
        project
            .trueline("show")
            .exits(0)
            .says(&["succeeded", "odd[0]"]);
        // What worked is known now; what failed is tried again, and fails again.
        let again = project.trueline("run odd.toml --json").exits(0).json();
        assert_eq!(stage(&again, "odd[1]")["state"], "cached");
        assert_eq!(stage(&again, "odd[0]")["state"], "failed");
        project.trueline("store check").exits(0);
    }
}

#[test]
fn a_study_fails_if_all_of_it_does_or_more_than_may() {
    let check = |keys: &str, modes: &str, said: &[&str]| {
        let project = hostile(keys, modes);
        project.trueline("run odd.toml").exits(1).says(said);
        let report = project.trueline("show --json").exits(0).json();
        let stages = report["stages"].as_array().unwrap();
        let state =
            |name: &str| &stages.iter().find(|stage| stage["name"] == name).unwrap()["state"];
        assert_eq!(
            (state("odd"), state("after")),
            (&"failed".into(), &"blocked".into())
        );
        project.trueline("store check").exits(0);
    };
    let all = "\"panic\", \"recurse\"";
    check(GRID, all, &["all trials failed", "trial 0 with", "trapped"]);
    check(
        "map.mode = [MODES]\nbest = \"odd.rows\"",
        all,
        &["all trials failed"],
    );
    let limited = GRID.replace("sampler", "max_failures = 0, sampler");
    let some = "\"good\", \"panic\", \"count\"";
    check(&limited, some, &["`max_failures = 0`", "trial 1 with"]);
    // Whoever names the very member that failed cannot do without it.
    let project = hostile("map.mode = [MODES]\nbest = \"odd.rows\"", some);
    let text = std::fs::read_to_string(project.path("odd.toml")).unwrap();
    project.write(
        "odd.toml",
        text.replace("numbers | odd", "numbers | odd[1]"),
    );
    project
        .trueline("run odd.toml")
        .exits(1)
        .says(&["stage `after`"]);
    project.trueline("store check").exits(0);
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
