//! The package in use: what puts it there, what comes after it, and what is compared with it.

use serde_json::Value as Json;
use trueline_tests::project::Project;

use crate::trips::{self, edited};

/// A run whose package is in use.
fn with_champion() -> (Project, Json) {
    let project = trips::project();
    let run = project.trueline("run trips.toml --json").exits(0).json();
    assert!(run["champion"].is_null());
    promote(&project, "trips@1")
        .exits(0)
        .says(&["trips@champion is trips@1"]);
    (project, run)
}

fn promote(project: &Project, package: &str) -> trueline_tests::project::Answer {
    project.trueline(&format!("package promote {package} --reason better"))
}

/// The value that a gate was told, if it was.
fn value(run: &Json, name: &str) -> Option<f64> {
    let verdicts = run["gates"][0]["verdicts"].as_array().unwrap();
    let values = verdicts
        .iter()
        .flat_map(|verdict| verdict["values"].as_array().unwrap());
    let named = values.filter(|value| value[0] == name);
    named.map(|value| value[1].as_f64().unwrap()).next()
}

#[test]
fn a_champion_is_scored_on_the_rows_of_the_run() {
    let (project, first) = with_champion();
    assert_eq!(value(&first, "champion.auc"), None);
    let again = project.trueline("run trips.toml --json").exits(0).json();
    assert_eq!(again["champion"]["package"], "trips@1");
    // It is the same package on the same rows.
    assert_eq!(value(&again, "champion.auc"), value(&first, "score.auc"));

    // On other rows it does otherwise.
    let csv = trips::csv();
    let (head, tail) = csv.split_at(csv.len() - 300);
    project.write(
        "trips.csv",
        head.to_owned() + &tail.replace(",C,", ",A,").replace("3\n", "90\n"),
    );
    let other = project.trueline("run trips.toml --json").json();
    assert_ne!(value(&other, "champion.auc"), value(&first, "score.auc"));
    assert_eq!(
        value(&other, "champion.auc"),
        value(&other, "score.auc"),
        "it learned from the same rows"
    );
}

#[test]
fn a_champion_is_scored_once_for_the_same_rows() {
    let (project, _) = with_champion();
    let states = || {
        let run = project.trueline("run trips.toml --json").exits(0).json();
        let stages = run["stages"].as_array().unwrap().iter();
        let scored = stages.filter(|stage| stage["stage"] == "champion.score");
        scored
            .map(|stage| stage["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The rows that the champion answers with are those that `score` has read.
    assert_eq!(states(), ["cached"]);
    assert_eq!(states(), ["cached"]);
    project
        .trueline("explain")
        .exits(0)
        .says(&["champion.score"]);
}

#[test]
fn who_falls_behind_the_champion_is_refused_and_cannot_take_its_place() {
    let (project, first) = with_champion();
    let worse = edited(
        "num_boost_round = 10, max_depth = 3",
        "num_boost_round = 1, max_depth = 1",
    );
    project.write(
        "trips.toml",
        worse.replace("score.accuracy >= 0.8", "score.accuracy >= 0.1"),
    );
    let run = project.trueline("run trips.toml --json").exits(3).json();
    let (champion, score) = (
        value(&run, "champion.auc").unwrap(),
        value(&run, "score.auc").unwrap(),
    );
    assert_eq!(Some(champion), value(&first, "score.auc"));
    assert!(score < champion - 0.01, "{score} {champion}");
    assert_eq!(run["package"]["version"], 2);
    promote(&project, "trips@2")
        .exits(3)
        .says(&["its gate refused it", "champion.auc", "hint: "]);
    let to_challenger = "package promote trips@2 --alias challenger --reason x";
    project.trueline(to_challenger).exits(3).says(&["refused"]);
    project
        .trueline("package show trips@champion")
        .exits(0)
        .says(&["trips@1"]);
}

#[test]
fn a_champion_that_cannot_be_scored_is_told_and_passes_nobody() {
    let (project, _) = with_champion();
    project.write("trips.csv", trips::csv().replacen("distance", "far", 1));
    project.write("trips.toml", trips::PIPELINE.replace("distance", "far"));
    let run = project.trueline("run trips.toml --json").exits(3).json();
    let message = run["message"].as_str().unwrap();
    for said in ["the champion trips@1 cannot be scored", "`distance`"] {
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_champion_whose_bytes_are_gone_passes_nobody() {
    let (project, _) = with_champion();
    let shown = project
        .trueline("package show trips --json")
        .exits(0)
        .json();
    let component = shown["manifest"]["chain"][0]["component"].as_str().unwrap();
    let hex = component.strip_prefix("sha256:").unwrap();
    let blob = project.path(format!(
        ".trueline/blobs/sha256/{}/{}",
        &hex[..2],
        &hex[2..]
    ));
    std::fs::write(blob, "something else").unwrap();
    let run = project.trueline("run trips.toml --json").exits(3).json();
    assert!(
        run["message"]
            .as_str()
            .unwrap()
            .contains("cannot be scored"),
        "{run}"
    );
}

#[test]
fn moves_are_kept_with_their_reasons_and_go_back() {
    let (project, _) = with_champion();
    project.write("trips.toml", edited("max_depth = 3", "max_depth = 4"));
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("package rollback trips --reason x")
        .exits(1)
        .says(&["no earlier package", "hint: "]);
    promote(&project, "trips@2").exits(0);
    project
        .trueline("package list")
        .exits(0)
        .says(&["champion"]);
    project
        .trueline("package rollback trips --reason slower")
        .exits(0)
        .says(&["trips@champion is trips@1"]);
    let history = project
        .trueline("package history trips --json")
        .exits(0)
        .json();
    let moves: Vec<_> = history["moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                step["kind"].as_str().unwrap(),
                step["version"].as_u64().unwrap(),
                step["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        moves,
        [
            ("promote", 1, "better"),
            ("promote", 2, "better"),
            ("rollback", 1, "slower")
        ]
    );
    project
        .trueline("package history trips")
        .exits(0)
        .says(&["back to", "slower", "trips@2"]);
    project
        .trueline("package promote trips@1")
        .exits(2)
        .says(&["--reason"]);
    promote(&project, "trips@7")
        .exits(1)
        .says(&["there is no package `trips@7`"]);
    project
        .trueline("package promote trips --alias 7 --reason x")
        .exits(1)
        .says(&["alias"]);
}

#[test]
fn a_package_from_elsewhere_is_used_but_not_promoted() {
    let (project, run) = with_champion();
    project
        .trueline("package export trips it.trueline")
        .exits(0);
    let elsewhere = trips::project();
    std::fs::copy(project.path("it.trueline"), elsewhere.path("it.trueline")).unwrap();
    let taken = elsewhere
        .trueline("package import it.trueline --json")
        .exits(0)
        .json();
    assert_eq!(
        (&taken["digest"], &taken["name"]),
        (&run["package"]["digest"], &"it".into())
    );
    elsewhere.trueline("predict it --input trips.csv").exits(0);
    promote(&elsewhere, "it")
        .exits(3)
        .says(&["it was imported"]);
    // Where a gate has accepted it, that still holds.
    project
        .trueline("package import it.trueline --name trips")
        .exits(0)
        .says(&["trips@1"]);
    project
        .trueline("package list --json")
        .exits(0)
        .says(&["accepted"]);
    project
        .trueline("package import nothing.trueline")
        .exits(1)
        .says(&["nothing.trueline"]);
    elsewhere.write("it.trueline", "no package");
    elsewhere
        .trueline("package import it.trueline")
        .exits(1)
        .says(&["it.trueline"]);
}
