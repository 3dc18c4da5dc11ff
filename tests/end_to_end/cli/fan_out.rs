//! Sections that stand for several stages: named alone, all together, and by the best of them.

use serde_json::Value as Json;
use trueline_tests::project::Project;

use crate::trips::{self, edited};

const PARAMS: &str = "params = { num_boost_round = 10, max_depth = 3, early_stopping_rounds = 5 }";

/// The trips with further keys for `model`, and with some texts replaced.
fn mapped(map: &str, replaced: &[(&str, &str)]) -> Project {
    let project = trips::project();
    let text = edited(
        PARAMS,
        &format!("params = {{ num_boost_round = 10, early_stopping_rounds = 5 }}\n{map}"),
    );
    let text = replaced.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    project.write("trips.toml", text);
    project
}

fn run(project: &Project, options: &str) -> Json {
    let line = format!("run trips.toml --json {options}");
    project.trueline(&line).exits(0).json()
}

fn stage<'r>(run: &'r Json, name: &str) -> &'r Json {
    let mut stages = run["stages"].as_array().unwrap().iter();
    let found = stages.find(|stage| stage["stage"] == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {run:#}"))
}

fn names(run: &Json) -> Vec<&str> {
    let stages = run["stages"].as_array().unwrap().iter();
    stages
        .map(|stage| stage["stage"].as_str().unwrap())
        .collect()
}

#[test]
fn members_fan_out_and_are_gathered() {
    let project = mapped(
        "map.max_depth = [1, 2, 3]",
        &[
            ("score.accuracy >= 0.8", "score[*].accuracy >= 0.5"),
            ("|| score.auc >=", "|| score[2].auc >="),
            ("features | model\"\nafter", "features | model[2]\"\nafter"),
        ],
    );
    let first = run(&project, "");
    assert_eq!(
        names(&first)[3..],
        [
            "model[0]", "model[1]", "model[2]", "score[0]", "score[1]", "score[2]", "gate"
        ]
    );
    let verdicts = first["gates"][0]["verdicts"].as_array().unwrap();
    assert_eq!(
        verdicts.len(),
        4,
        "a condition for each member: {verdicts:?}"
    );
    assert_eq!(verdicts[1]["text"], "score[1].accuracy >= 0.5");
    assert_eq!(first["package"]["chain"][2], "model[2]");

    // A member's change runs that member and what reads it.
    let text = std::fs::read_to_string(project.path("trips.toml")).unwrap();
    project.write("trips.toml", text.replace("[1, 2, 3]", "[1, 4, 3]"));
    let second = run(&project, "");
    for (name, state) in [
        ("model[0]", "cached"),
        ("model[1]", "succeeded"),
        ("score[1]", "succeeded"),
        ("score[2]", "cached"),
    ] {
        assert_eq!(stage(&second, name)["state"], state, "{name}");
    }
    let explain = format!("explain {} model[1]", second["run"].as_str().unwrap());
    let why = project.trueline(&explain).exits(0);
    why.says(&["something has changed", "params.max_depth"]);
    assert_eq!(second["package"]["digest"], first["package"]["digest"]);
}

#[test]
fn the_best_member_stands_for_the_section() {
    let best = "map = [{ max_depth = 1, eta = 0.01 }, { max_depth = 3 }, { max_depth = 3, eta = 0.02 }]\n\
                best = { metric = \"model.validation_logloss\", goal = \"min\" }";
    let project = mapped(best, &[]);
    let first = run(&project, "");
    let model = stage(&first, "model");
    assert_eq!(model["best"], "model[1]");
    assert_eq!(
        model["state_digest"],
        stage(&first, "model[1]")["state_digest"]
    );
    assert!(!names(&first).contains(&"score[0]"), "nothing lies between");
    assert_eq!(first["package"]["chain"][2], "model");
    project.trueline("show").exits(0).says(&[
        "`model[1]` is the best of 3",
        "model.validation_logloss is 0.",
    ]);
    let ways = ["--home a --threads 1", "--home b --threads 4"];
    for other in ways.map(|way| run(&project, way)) {
        assert_eq!(other["package"]["digest"], first["package"]["digest"]);
    }
    project
        .trueline("reproduce trips@1 --json")
        .exits(0)
        .says(&["model[2]: state"]);
    let proof = project.trueline("verify trips.toml --json").exits(0).json();
    assert_eq!(proof["bits_differing"], 0);
}

#[test]
fn wrong_maps_are_told_with_their_place() {
    let check = |map: &str, replaced: &[(&str, &str)], said: &[&str]| {
        let project = mapped(map, replaced);
        let answer = project.trueline("check trips.toml").exits(2).says(said);
        assert!(answer.stderr.contains("trips.toml:"), "{answer}");
    };
    let chain = ("features | model\"\nafter", "features | model[7]\"\nafter");
    let values = "map.max_depth = [1, 2]";
    check(
        values,
        &[],
        &[
            "`score` stands for several stages",
            "`score[0]`",
            "`model` stands for 2 stages",
        ],
    );
    check(
        values,
        &[chain],
        &["there is no stage `model[7]`", "`model[0]` to `model[1]`"],
    );
    check(
        "map.max_depth = 4",
        &[],
        &["no list of values", "map.max_depth = [4, 6, 8]"],
    );
    check(
        "map.max_dept = [4, 5]",
        &[],
        &["max_dept", "did you mean `max_depth`?"],
    );
    check("map.eta = [0.1, -1.0]", &[], &["eta"]);
    check("best = \"score.auc\"", &[], &["nothing to choose from"]);
    check(
        &format!("{values}\nbest = \"town.rows\""),
        &[],
        &["`town` does not read what `model` answers"],
    );
    check(
        &format!("{values}\nbest = \"scor.auc\""),
        &[],
        &["there is no stage `scor`", "did you mean `score`?"],
    );
    check(
        "map = [{ into = \"a\" }, { into = \"b\" }]\nbest = \"model.trees\"",
        &[],
        &["answer with different columns"],
    );
}
