//! A clock that was set back between two runs, or ahead.

use serde_json::Value as Json;
use trueline_tests::project::{Answer, Project};

use crate::ledger::Ledger;
use crate::pipelines;

fn run(project: &Project, options: &str, ahead_s: i64) -> Answer {
    let line = format!("run p.toml --json {options}");
    let mut command = project.command(&line.split_whitespace().collect::<Vec<_>>());
    command.env("TRUELINE_FAULT_CLOCK", ahead_s.to_string());
    project.answer(command)
}

#[test]
fn the_newest_run_is_the_one_that_began_last() {
    const DAY_S: i64 = 86_400;
    let project = pipelines::everything();
    let mut expected: Vec<Json> = Vec::new();
    let mut digests = Vec::new();
    for (ahead_s, depth) in [
        (0, 3),
        (40 * DAY_S, 4),
        (-40 * DAY_S, 3),
        (-41 * DAY_S, 4),
        (0, 3),
    ] {
        let options = format!("--set depth={depth}");
        let report = run(&project, &options, ahead_s).exits(0).json();
        expected.insert(0, report["run"].clone());
        digests.push(report["package"]["digest"].clone());
        let latest = project.trueline("show --json").exits(0).json();
        assert_eq!(latest["run"]["id"], report["run"]);
        assert!(report["elapsed_ms"].as_u64().unwrap() < 600_000);
    }
    let listed = project.trueline("runs --json").exits(0).json();
    let listed = listed.as_array().unwrap().iter();
    let listed: Vec<Json> = listed.map(|run| run["id"].clone()).collect();
    assert_eq!(listed, expected);
    digests.dedup();
    assert_eq!(digests.len(), 1, "no result depends on a clock");

    // The gate that came last counts, and so does the move that came last.
    for (version, ahead_s) in [("trips@1", 10 * DAY_S), ("trips@1", -10 * DAY_S)] {
        let line = ["package", "promote", version, "--reason", "x"];
        let mut command = project.command(&line);
        command.env("TRUELINE_FAULT_CLOCK", ahead_s.to_string());
        project.answer(command).exits(0);
    }
    // An age that is counted back from now keeps what the clock says is of tomorrow.
    project.trueline("cache prune --unused-for 1h").exits(0);
    project.trueline("store gc --runs-older-than 1h").exits(0);
    Ledger::default().inspect(&project.path(".trueline"));
    run(&project, "", -DAY_S).exits(0);
}
