//! `--json` of every subcommand is JSON on standard output, and holds what scripts need.

use crate::trips;

#[test]
fn every_subcommand_answers_with_json() {
    let project = trips::project();
    let json = |line: &str| project.trueline(&format!("{line} --json")).exits(0).json();

    let plan = json("check trips.toml");
    assert!(plan.is_object());
    let run = json("run trips.toml");
    assert_eq!(run["state"], "succeeded");
    assert_eq!(run["package"]["version"], 1);
    let digest = run["package"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{digest}");
    let accuracy = run["stages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|stage| stage["stage"] == "score");
    assert!(accuracy.unwrap()["metrics"]["accuracy"].is_f64());

    let runs = json("runs");
    assert_eq!(runs.as_array().unwrap().len(), 1);
    let id = run["run"].as_str().unwrap();
    let shown = json(&format!("show {id}"));
    assert_eq!(shown["run"]["id"], id);
    let explained = json(&format!("explain {id}"));
    assert_eq!(explained["stages"][0]["decision"], "miss");
    assert_eq!(
        json(&format!("explain {id} model"))["stages"][0]["stage"],
        "model"
    );
    assert_eq!(json("cache stats")["stats"]["entries"], 5);
    assert_eq!(json("cache prune --unused-for 30d")["entries"], 0);
    assert_eq!(json("cache purge --all")["entries"], 5);
    let proof = json("verify trips.toml");
    assert_eq!(proof["bits_differing"], 0);
    assert_eq!(proof["package"], digest);
    assert!(proof["ways"].as_array().unwrap().len() >= 6);

    assert_eq!(json("package list")[0]["digest"], digest);
    assert!(json("package show trips@1").is_object());
    assert_eq!(json("package export trips it.trueline")["digest"], digest);
    // Answers are as many as rows, so they come line by line.
    let answers = project.trueline("predict trips --input trips.csv --json");
    let answers: Vec<serde_json::Value> = answers
        .exits(0)
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), trips::ROWS);
    assert!(answers.iter().all(|row| row["prediction"].is_f64()));

    let plugins = json("plugin list");
    assert_eq!(plugins.as_array().unwrap().len(), 7);
    assert_eq!(json("plugin inspect tabular")["world"], "transform");
}
