//! When and how stages run: again, not at all, in spite of everything, until someone gives up.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::trips;

/// Three checks of numbers behind a stage of one's own; `own` is what else the file says about it, `rest` is
/// the end of the file.
fn numbers(own: &str, rest: &str) -> Project {
    let project = trips::project();
    project.write("own.wasm", guests::hostile());
    project.write("numbers.csv", "x\n1\n2.5\n3\n4\n");
    project.write("p.toml", text(own, rest));
    project
}

fn text(own: &str, rest: &str) -> String {
    format!(
        r#"[pipeline]
name = "numbers"

[params]
depth = 3
rate = 0.5
mode = "good"
fast = false

[pools]
gpu = 1

[dataset.numbers]
path = "numbers.csv"

[stage.first]
use = "expect"
in = "numbers"
params.columns.x = {{ min = 0 }}

[stage.own]
use = "./own.wasm"
fit = "numbers"
{own}

[stage.last]
use = "expect"
in = "numbers | own"
params.columns.y = {{ min = 0 }}
{rest}
"#
    )
}

/// Runs the pipeline; each stage with its state.
fn states(project: &Project, options: &str, code: i32) -> Vec<(String, String)> {
    let line = format!("run p.toml --json {options}");
    let run = project.trueline(&line).exits(code).json();
    states_of(&run)
}

fn states_of(run: &Json) -> Vec<(String, String)> {
    let word = |value: &Json| value.as_str().unwrap().to_owned();
    let stages = run["stages"].as_array().unwrap().iter();
    stages
        .map(|stage| (word(&stage["stage"]), word(&stage["state"])))
        .collect()
}

#[track_caller]
fn check(found: &[(String, String)], expected: &[(&str, &str)]) {
    let found: Vec<_> = found
        .iter()
        .map(|(stage, state)| (stage.as_str(), state.as_str()))
        .collect();
    assert_eq!(found, expected);
}

fn attempts(project: &Project, stage: &str) -> Vec<Json> {
    let shown = project.trueline("show --json").exits(0).json();
    let attempts = shown["attempts"].as_array().unwrap().iter();
    attempts
        .filter(|attempt| attempt["stage"] == stage)
        .cloned()
        .collect()
}

#[test]
fn a_stage_is_tried_again_for_what_it_is_told_to() {
    let fails = "params = { mode = \"panic\", at = \"finish\" }\nretry = { max = 2, backoff = \"10ms\", on = [\"trap\"] }";
    let project = numbers(fails, "");
    let answer = project.trueline("run p.toml").exits(1);
    answer.says(&["attempt 2 follows in 10 ms", "attempt 3 follows in 20 ms"]);
    let tried = attempts(&project, "own");
    assert_eq!(tried.len(), 3);
    assert!(
        tried.iter().all(|attempt| attempt["failure"] == "trap"),
        "{tried:?}"
    );

    // A trap is no timeout; and what succeeds is not tried again.
    project.write(
        "p.toml",
        text(&fails.replace("\"trap\"", "\"timeout\""), ""),
    );
    project.trueline("run p.toml").exits(1);
    assert_eq!(attempts(&project, "own").len(), 1);
    project.write("p.toml", text(&fails.replace("panic", "good"), ""));
    project.trueline("run p.toml").exits(0);
    assert_eq!(attempts(&project, "own").len(), 1);
}

#[test]
fn an_attempt_as_a_whole_may_not_take_longer_than_its_timeout() {
    for at in ["begin", "finish"] {
        let own = format!("params = {{ mode = \"loop\", at = \"{at}\" }}\ntimeout = \"300ms\"");
        let project = numbers(&own, "");
        let started = Instant::now();
        project
            .trueline("run p.toml")
            .exits(1)
            .says(&["longer than its timeout of 300 ms", "`timeout`"]);
        assert!(started.elapsed() < Duration::from_secs(20));
        assert_eq!(attempts(&project, "own")[0]["failure"], "timeout");
    }
}

#[test]
fn limits_end_a_call_without_output() {
    let check = |mode: &str, at: &str, limits: &str, failure: &str, said: &str| {
        let own =
            format!("params = {{ mode = \"{mode}\", at = \"{at}\" }}\nlimits = {{ {limits} }}");
        let project = numbers(&own, "");
        project.trueline("run p.toml").exits(1).says(&[said]);
        assert_eq!(attempts(&project, "own")[0]["failure"], failure);
        let shown = project.trueline("show --json").exits(0).json();
        let outputs = shown["outputs"].as_array().unwrap().iter();
        assert!(
            outputs.clone().all(|output| output["stage"] != "own"),
            "{shown}"
        );
    };
    for at in ["update", "finish"] {
        let said = "more processor time than its limit of 200 ms";
        check("loop", at, "cpu_time = \"200ms\"", "timeout", said);
    }
    check(
        "loop",
        "finish",
        "time = \"200ms\"",
        "timeout",
        "limit of 200 ms",
    );
    check(
        "allocate",
        "finish",
        "memory = \"16MiB\"",
        "memory",
        "`limits.memory`",
    );
    let project = numbers("limits = { cpu_tim = \"1s\" }", "");
    let wrong = project.trueline("check p.toml").exits(2);
    wrong.says(&["did you mean `cpu_time`?"]);
}

#[test]
fn a_stage_whose_condition_does_not_hold_is_skipped_with_what_needs_it() {
    let project = numbers("when = \"params.depth > 3 || params.fast\"", "");
    let skipped = [
        ("first", "succeeded"),
        ("own", "skipped"),
        ("last", "skipped"),
    ];
    check(&states(&project, "", 0), &skipped);
    check(
        &states(&project, "--set depth=4", 0),
        &[
            ("first", "cached"),
            ("own", "succeeded"),
            ("last", "succeeded"),
        ],
    );
    check(
        &states(&project, "--set fast=true", 0),
        &[("first", "cached"), ("own", "cached"), ("last", "cached")],
    );
    project.write(
        "p.toml",
        text("when = 'params.mode == \"good\" && first.rows > 100.0'", ""),
    );
    project
        .trueline("run p.toml")
        .exits(0)
        .says(&["does not hold", "`own` was skipped"]);
    project.write("p.toml", text("when = \"params.depht > 3\"", ""));
    project
        .trueline("check p.toml")
        .exits(2)
        .says(&["did you mean `depth`?", "p.toml:"]);
}

#[test]
fn what_is_to_run_after_a_failure_runs_then_and_only_then() {
    let rest = r#"
[stage.sorry]
use = "expect"
in = "numbers"
params.rows = { min = 1 }
after = ["own"]
run_if = "failure"

[stage.report]
use = "expect"
in = "numbers"
params.rows = { min = 2 }
after = ["last"]
run_if = "always"
"#;
    let project = numbers("", rest);
    check(
        &states(&project, "", 0),
        &[
            ("first", "succeeded"),
            ("own", "succeeded"),
            ("last", "succeeded"),
            ("sorry", "skipped"),
            ("report", "succeeded"),
        ],
    );
    project.write(
        "p.toml",
        text("params = { mode = \"panic\", at = \"begin\" }", rest),
    );
    check(
        &states(&project, "", 1),
        &[
            ("first", "cached"),
            ("own", "failed"),
            ("last", "blocked"),
            ("sorry", "succeeded"),
            ("report", "cached"),
        ],
    );
    project.write("p.toml", text("", &rest.replace("\"last\"", "\"lsat\"")));
    project
        .trueline("check p.toml")
        .exits(2)
        .says(&["did you mean `last`?"]);
}

#[test]
fn parameters_stand_for_their_values_and_are_kept_with_the_run() {
    let project = numbers("params = { mode = \"$mode\" }", "");
    project.trueline("run p.toml").exits(0);
    project
        .trueline("run p.toml --set mode=panic")
        .exits(0)
        .says(&["succeeded"]);
    let shown = project.trueline("show --json").exits(0).json();
    assert_eq!(shown["run"]["params"]["params"]["mode"], "panic");
    let own = shown["stages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|stage| stage["name"] == "own");
    assert_eq!(own.unwrap()["params"]["mode"], "panic");
    let wrong = |set: &str, said: &[&str]| {
        project
            .trueline(&format!("run p.toml --set {set}"))
            .exits(2)
            .says(said);
    };
    wrong(
        "mod=good",
        &["there is no parameter `mod`", "did you mean `mode`?"],
    );
    wrong("depth=deep", &["a whole number", "`deep`"]);
    wrong("depth", &["name=value"]);
    project.write("p.toml", text("params = { mode = \"$mood\" }", ""));
    project
        .trueline("check p.toml")
        .exits(2)
        .says(&["there is no parameter `mood`"]);
}

#[test]
fn a_part_of_a_pipeline_can_be_run() {
    let project = numbers("", "");
    check(
        &states(&project, "--only own", 0),
        &[
            ("first", "skipped"),
            ("own", "succeeded"),
            ("last", "skipped"),
        ],
    );
    check(
        &states(&project, "--only last", 0),
        &[
            ("first", "skipped"),
            ("own", "cached"),
            ("last", "succeeded"),
        ],
    );
    check(
        &states(&project, "--from own", 0),
        &[
            ("first", "succeeded"),
            ("own", "succeeded"),
            ("last", "succeeded"),
        ],
    );
    check(
        &states(&project, "--from last", 0),
        &[
            ("first", "cached"),
            ("own", "cached"),
            ("last", "succeeded"),
        ],
    );
    project
        .trueline("run p.toml --from lats")
        .exits(1)
        .says(&["did you mean `last`?"]);
}

#[test]
fn pools_and_priorities_say_what_goes_first() {
    let rest = r#"
[stage.urgent]
use = "expect"
in = "numbers"
params.rows = { min = 1 }
priority = 5
pool = "gpu"
"#;
    let project = numbers("pool = \"gpu\"", rest);
    project.trueline("run p.toml --threads 1").exits(0);
    let shown = project.trueline("show --json").exits(0).json();
    let mut stages: Vec<_> = shown["stages"].as_array().unwrap().clone();
    stages.sort_by_key(|stage| stage["started_us"].as_i64());
    assert_eq!(stages[0]["name"], "urgent");
    project.write("p.toml", text("pool = \"gpus\"", ""));
    project
        .trueline("check p.toml")
        .exits(2)
        .says(&["there is no pool `gpus`", "[pools]"]);
}

/// Starts a run that never ends by itself, and waits until its stage runs.
#[cfg(unix)]
fn endless(project: &Project, keys: &str) -> std::process::Child {
    let own = format!("params = {{ mode = \"loop\", at = \"finish\" }}\n{keys}");
    project.write("p.toml", text(&own, ""));
    let mut child = Command::new(env!("CARGO_BIN_EXE_trueline"))
        .args(["run", "p.toml", "--json"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let is_running = || {
        let shown = project.trueline("show --json");
        // `first` has come to its end, and `own` never does.
        shown.stdout.contains("\"own\"") && {
            let attempts = shown.json()["attempts"].to_string();
            attempts.contains("\"running\"") && attempts.contains("\"succeeded\"")
        }
    };
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if is_running() {
            return child;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("it does not start");
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
#[test]
fn who_gives_up_leaves_a_clean_state() {
    let project = numbers("", "");
    let child = endless(&project, "");
    let started = Instant::now();
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["state"], "cancelled");
    let shown = project.trueline("show --json").exits(0).json();
    assert_eq!(shown["run"]["state"], "cancelled");
    let attempts = shown["attempts"].as_array().unwrap();
    assert!(
        attempts
            .iter()
            .any(|attempt| attempt["state"] == "cancelled"),
        "{attempts:?}"
    );
    assert!(!shown.to_string().contains("\"running\""), "{shown}");
    project.trueline("runs").exits(0).says(&["cancelled"]);
    // What had come to an end need not be done again.
    project.write("p.toml", text("", ""));
    check(
        &states(&project, "", 0),
        &[
            ("first", "cached"),
            ("own", "succeeded"),
            ("last", "succeeded"),
        ],
    );
}

#[cfg(unix)]
#[test]
fn who_is_killed_is_noticed_and_the_next_run_goes_on_from_there() {
    let project = numbers("", "");
    let mut child = endless(&project, "");
    signal(&child, "-KILL");
    child.wait().unwrap();
    let shown = project.trueline("show --json").exits(0).json();
    assert_eq!(
        (&shown["run"]["state"], &shown["run"]["failure"]),
        (&"failed".into(), &"lost".into())
    );
    project.write("p.toml", text("", ""));
    check(
        &states(&project, "", 0),
        &[
            ("first", "cached"),
            ("own", "succeeded"),
            ("last", "succeeded"),
        ],
    );
    project.trueline("store check").exits(0);
}

#[cfg(unix)]
#[test]
fn a_run_is_taken_up_with_what_it_was_made_from() {
    let project = numbers("", "");
    let mut child = endless(&project, "timeout = \"4s\"");
    signal(&child, "-KILL");
    child.wait().unwrap();
    // What lies in the folder now does not matter.
    for file in ["p.toml", "own.wasm", "numbers.csv"] {
        std::fs::remove_file(project.path(file)).unwrap();
    }
    let resumed = project.trueline("resume --json").exits(1);
    let said = resumed
        .clone()
        .says(&["taking up run_", "1 of its 3 stages were done"]);
    let run = said.json();
    check(
        &states_of(&run),
        &[("first", "cached"), ("own", "failed"), ("last", "blocked")],
    );
    let shown = project.trueline("show --json").exits(0).json();
    assert!(shown["run"]["params"]["resumes"].is_string(), "{shown}");
    assert_eq!(shown["datasets"][0]["files"][0]["path"], "numbers.csv");

    let project = numbers("", "");
    project.trueline("run p.toml").exits(0);
    project
        .trueline("resume")
        .exits(1)
        .says(&["it has succeeded", "hint: "]);
}
