//! A package made again from what it was made from, and followed back to that.

use std::fs;

use serde_json::Value as Json;
use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::trips::{self, edited};

fn ran() -> (Project, Json) {
    let project = trips::project();
    let run = project.trueline("run trips.toml --json").exits(0).json();
    (project, run)
}

#[test]
fn a_package_is_made_again_without_its_working_folder() {
    let (project, run) = ran();
    for file in ["trips.toml", "trips.csv", "cities.csv", "trueline.lock"] {
        fs::remove_file(project.path(file)).unwrap();
    }
    project.trueline("cache purge --all").exits(0);
    let report = project
        .trueline("reproduce trips --json --threads 1")
        .exits(0)
        .json();
    assert_eq!(report["package"], run["package"]["digest"]);
    let compared = report["ways"][0]["compared"].as_array().unwrap();
    for one in compared {
        assert_eq!(one["found"], one["expected"], "{one}");
    }
    for what in [
        "validate: report",
        "town: state",
        "features: state",
        "model: steps",
        "score: all with metrics",
        "package",
    ] {
        assert!(
            compared.iter().any(|one| one["what"] == what),
            "{what} in {compared:?}"
        );
    }
    project
        .trueline("reproduce trips@1 --batch-rows 7")
        .exits(0)
        .says(&["is made again", "model: state"]);
    // What it was made in is gone.
    let left = fs::read_dir(project.path(".trueline")).unwrap();
    let names: Vec<_> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().all(|name| !name.contains("reproduce")),
        "{names:?}"
    );
}

#[test]
fn a_home_that_was_moved_still_makes_it_again() {
    let (project, run) = ran();
    let moved = trips::project();
    let status = std::process::Command::new("cp")
        .args(["-r", "--no-target-directory"])
        .args([project.path(".trueline"), moved.path("elsewhere")])
        .status();
    assert!(status.unwrap().success());
    drop(project);
    let report = moved
        .trueline("reproduce trips --json --home elsewhere")
        .exits(0)
        .json();
    assert_eq!(report["package"], run["package"]["digest"]);
}

#[test]
fn deep_is_in_other_ways_too() {
    let (project, _) = ran();
    let report = project
        .trueline("reproduce trips --deep --json")
        .exits(0)
        .json();
    assert_eq!(report["ways"].as_array().unwrap().len(), 3);
    assert_eq!(report["proof"]["bits_differing"], 0);
    assert!(report["proof"]["ways"].to_string().contains("Pulley"));
}

#[test]
fn what_is_not_kept_is_named() {
    let project = trips::project();
    let text = edited(
        "path = \"cities.csv\"",
        "path = \"cities.csv\"\npin = \"reference\"",
    );
    project.write("trips.toml", text);
    project.trueline("run trips.toml").exits(0);
    project.trueline("reproduce trips").exits(0);
    project.write("cities.csv", "city,size\nA,1\n");
    project.trueline("reproduce trips").exits(1).says(&[
        "`cities`",
        "cities.csv",
        "sha256:",
        "hint: ",
    ]);
    project
        .trueline("reproduce nothing")
        .exits(1)
        .says(&["there is no package `nothing`"]);
}

#[test]
fn what_comes_out_otherwise_is_told() {
    let project = trips::project();
    project.write("own.wasm", guests::hostile());
    project.write("numbers.csv", "x\n1\n2\n3\n");
    let text = r#"[pipeline]
name = "numbers"
[dataset.numbers]
path = "numbers.csv"
[stage.own]
use = "./own.wasm"
fit = "numbers"
params = { mode = "batches" }
[package]
chain = "own"
"#;
    project.write("p.toml", text);
    project.trueline("run p.toml").exits(0);
    fs::remove_file(project.path("own.wasm")).unwrap();
    project.trueline("reproduce numbers").exits(0);
    project
        .trueline("reproduce numbers --batch-rows 1")
        .exits(1)
        .says(&["is not what it was", "own: state", "now"]);
}

#[test]
fn anything_is_followed_back_and_forward() {
    let (project, run) = ran();
    project
        .trueline("package promote trips --reason x")
        .exits(0);
    let package = run["package"]["digest"].as_str().unwrap();
    let nodes = |reference: &str| {
        let lineage = project
            .trueline(&format!("lineage {reference} --json"))
            .exits(0)
            .json();
        let nodes = lineage["nodes"].as_array().unwrap().iter();
        let names: Vec<String> = nodes
            .map(|node| {
                format!(
                    "{} {}",
                    node["kind"].as_str().unwrap(),
                    node["label"].as_str().unwrap()
                )
            })
            .collect();
        names
    };
    let all = [
        "file trips.csv",
        "file cities.csv",
        "dataset trips",
        "dataset cities",
        "stage model",
        "stage features",
        "component tabular",
        "component gbdt",
        "pipeline-file pipeline file",
        "output state of model",
        "package trips@1 (accepted)",
        "alias trips@champion",
    ];
    // From the package back, and from a file forward, one sees the same.
    let datasets = project.trueline("show --json").exits(0).json();
    let file = datasets["datasets"][0]["files"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    for reference in [package, &package["sha256:".len()..][..10], "trips@1", &file] {
        let found = nodes(reference);
        for name in all {
            let is_there = found.iter().any(|found| found == name);
            // The cities did not come from the trips, nor did what was learned from them alone.
            let unrelated = reference == file && name == "file trips.csv";
            assert!(is_there || unrelated, "{name} from {reference}: {found:?}");
        }
    }
    let score = nodes(package);
    assert!(!score.contains(&"stage validate".to_owned()), "{score:?}");
    let dot = project
        .trueline(&format!("lineage {package} --dot"))
        .exits(0)
        .stdout;
    assert!(
        dot.starts_with("digraph") && dot.matches("->").count() > 10,
        "{dot}"
    );
    project.trueline("lineage trips").exits(0).says(&[
        "comes from",
        "went into",
        "cities.csv",
        "champion",
    ]);
    project
        .trueline("lineage sha256:")
        .exits(1)
        .says(&["more than one digest", "(component)"]);
    project
        .trueline("lineage 00zz")
        .exits(1)
        .says(&["there is no digest `00zz`"]);
}
