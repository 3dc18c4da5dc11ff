//! Exit codes, and what is said with them.

use trueline_tests::project::Project;
use trueline_tests::repository;

use crate::trips::{self, edited};

#[test]
fn a_run_that_succeeds_makes_a_package_that_predicts() {
    let project = trips::project();
    project.trueline("check trips.toml").exits(0);
    assert!(!project.path("trips.lock").exists() && !project.path("trueline.lock").exists());
    project
        .trueline("run trips.toml")
        .exits(0)
        .says(&["trips@1", "accuracy", "sha256:"]);
    assert!(project.path("trueline.lock").is_file());
    project.trueline("verify trips.toml").exits(0);
    project
        .trueline("runs")
        .exits(0)
        .says(&["trips", "succeeded"]);
    project
        .trueline("show")
        .exits(0)
        .says(&["validate", "score", "gate"]);
    project.trueline("package list").exits(0).says(&["trips"]);
    project
        .trueline("package show trips")
        .exits(0)
        .says(&["tabular", "gbdt", "distance"]);

    let to_file = "predict trips@1 --input trips.csv --keep id --output answers.csv";
    project.trueline(to_file).exits(0);
    let answers = std::fs::read_to_string(project.path("answers.csv")).unwrap();
    assert_eq!(answers.lines().count(), 1 + trips::ROWS);
    assert!(answers.starts_with("id,prediction"), "{answers}");
    let again = project
        .trueline("predict trips@1 --input trips.csv --keep id")
        .exits(0);
    assert_eq!(again.stdout, answers);
}

#[test]
fn a_package_file_predicts_elsewhere() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("package export trips trips.trueline")
        .exits(0);
    let expected = project.trueline("predict trips --input trips.csv").exits(0);

    let elsewhere = trips::project();
    std::fs::copy(
        project.path("trips.trueline"),
        elsewhere.path("it.trueline"),
    )
    .unwrap();
    let answer = elsewhere
        .trueline("predict it.trueline --input trips.csv")
        .exits(0);
    assert_eq!(answer.stdout, expected.stdout);
    elsewhere.trueline("package show it.trueline").exits(0);
}

#[test]
fn a_failed_expectation_fails_the_run() {
    let project = trips::project();
    project.write("trips.toml", edited("max = 100", "max = 50"));
    project
        .trueline("run trips.toml")
        .exits(1)
        .says(&["validate", "distance", "50"]);
    project.trueline("runs").exits(0).says(&["failed"]);
    // The gate did not wait for the expectation, and passed; the package is refused all the same.
    let packages = project.trueline("package list --json").exits(0).json();
    assert_eq!(packages[0]["verdict"], "refused");
    let report = project.trueline("show --report validate").exits(0).json();
    assert_eq!(report["failed"], 1, "{report}");
    project
        .trueline("show --report validat")
        .exits(1)
        .says(&["stage `validat` of this run has no report", "validate"]);
}

#[test]
fn a_gate_that_says_no_names_the_number_that_fell_short() {
    let project = trips::project();
    project.write("trips.toml", edited("accuracy >= 0.8", "accuracy >= 1.5"));
    let refused = project.trueline("run trips.toml --json").exits(3).json();
    let accuracy = refused["gates"][0]["verdicts"][0]["values"][0][1]
        .as_f64()
        .unwrap();
    assert!(accuracy > 0.8 && accuracy <= 1.0);
    project
        .trueline("show")
        .exits(0)
        .says(&["score.accuracy >= 1.5"]);
    // What was refused is kept to be looked at.
    project
        .trueline("package show trips")
        .exits(0)
        .says(&["refused"]);
}

#[test]
fn wrong_arguments_are_told() {
    let project = trips::project();
    project
        .trueline("rum trips.toml")
        .exits(2)
        .says(&["rum", "run"]);
    project.trueline("run").exits(2);
    project.trueline("run trips.toml --threads 0").exits(2);
    project.trueline("package show nothing").exits(1);
    project
        .trueline("predict nothing --input trips.csv")
        .exits(1);
    project
        .trueline("run missing.toml")
        .exits(2)
        .says(&["missing.toml"]);
}

#[test]
fn rows_that_do_not_fit_a_package_are_told() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    project.write("few.csv", "city\nA\n");
    project
        .trueline("predict trips --input few.csv")
        .exits(1)
        .says(&["distance"]);
    project.write("odd.csv", "distance,city\nfar,A\n");
    project
        .trueline("predict trips --input odd.csv")
        .exits(1)
        .says(&["distance", "far"]);
    project
        .trueline("predict trips --input missing.csv")
        .exits(1)
        .says(&["missing.csv"]);
}

/// A model of several classes that XGBoost trained: its file alone tells how many there are, and damage to it
/// is told at the line that names it, before anything runs.
#[test]
fn a_model_of_several_classes_tells_its_classes() {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let fixture = |end: &str| {
        let name = format!("plugins/gbdt/tests/fixtures/classes.{end}");
        std::fs::read_to_string(repository().join(name)).unwrap()
    };
    let model = fixture("model.json");
    project.write("rows.csv", fixture("csv"));
    project.write("model.json", &model);
    let pipeline = |params: &str| {
        format!(
            r#"[pipeline]
name = "classes"

[dataset.rows]
path = "rows.csv"
label = {{ name = "class", value = "label" }}
drop = ["label", "weight"]

[stage.model]
use = "gbdt"
state = "model.json"
params = {{ features = ["f0", "f1", "f2", "f3"], margin_into = "margin"{params} }}

[stage.score]
use = "metrics"
in = "rows | model"
params = {{ prediction = "prediction" }}

[package]
chain = "model"
"#
        )
    };
    project.write("classes.toml", pipeline(""));
    project
        .trueline("run classes.toml")
        .exits(0)
        .says(&["auc_macro"]);
    let predicted = project
        .trueline("predict classes --input rows.csv --json")
        .exits(0);
    let margins = predicted.stdout.lines().flat_map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let margins = row["margin"].as_array().unwrap().clone();
        margins
            .into_iter()
            .map(|margin| margin.to_string().parse::<f32>().unwrap())
    });
    let expected = fixture("margins.txt");
    let expected = expected.lines().map(|margin| margin.parse().unwrap());
    assert_eq!(
        margins.map(f32::to_bits).collect::<Vec<_>>(),
        expected.map(f32::to_bits).collect::<Vec<_>>()
    );

    for (params, said) in [
        (
            r#", objective = "reg:gamma""#,
            "`objective` is `reg:gamma`, but the model was trained for `multi:softprob`",
        ),
        (
            ", num_class = 3",
            "`num_class` is 3, but the model was trained for 4 classes",
        ),
    ] {
        project.write("classes.toml", pipeline(params));
        project
            .trueline("check classes.toml")
            .exits(2)
            .says(&[said]);
    }
    project.write("classes.toml", pipeline(""));
    for (from, to, said) in [
        (&model[2000..], "", "model file, byte"),
        ("\"version\":[3", "\"version\":[9", "a model of XGBoost 9.4"),
        (
            "\"num_feature\":\"4\",\"num_target",
            "\"num_feature\":\"1\",\"num_target",
            "of 1 features",
        ),
        (
            "\"left_children\":[1,",
            "\"left_children\":[0,",
            "tree 0: node 0",
        ),
        (
            "\"left_children\":[1,",
            "\"left_children\":[999,",
            "node 0 has the child 999",
        ),
    ] {
        assert!(model.contains(from), "{from}");
        project.write("model.json", model.replacen(from, to, 1));
        let line = "state = \"model.json\"";
        project
            .trueline("check classes.toml")
            .exits(2)
            .says(&[said, line]);
    }
}

/// How many rows there were in the last run that succeeded is a parameter like any other, which the run keeps.
#[test]
fn the_rows_of_the_last_run_are_a_parameter() {
    let project = trips::project();
    let pipeline = |change: &str| {
        let rows = format!(
            "in = \"trips\"\nparams.rows = {{ previous = \"$before\", max_change = {change} }}"
        );
        let text = edited("in = \"trips\"", &rows);
        let declared =
            "[params]\nbefore = { last = \"validate.rows\", default = false }\n\n[dataset.trips]";
        text.replace("[dataset.trips]", declared)
    };
    project.write("trips.toml", pipeline("0.1"));
    project.trueline("run trips.toml").exits(0);
    project.trueline("run trips.toml").exits(0);
    let rows = trips::csv();
    let fewer: Vec<&str> = rows.lines().take(301).collect();
    project.write("trips.csv", fewer.join("\n") + "\n");
    let refused =
        "there are 300 rows after 400 before, a change of 0.2500 where at most 0.1 is expected";
    project.trueline("run trips.toml").exits(1).says(&[refused]);
    // One that failed does not count, and another value may be given.
    project.trueline("run trips.toml").exits(1).says(&[refused]);
    project.trueline("run trips.toml --set before=290").exits(0);
    project.trueline("run trips.toml").exits(0);
    project.trueline("reproduce trips").exits(0);

    let unknown = pipeline("0.1").replace("validate.rows", "valdate.rows");
    project.write("trips.toml", unknown);
    project
        .trueline("check trips.toml")
        .exits(2)
        .says(&["there is no stage `valdate`", "{ last = \"stage.metric\""]);
}

/// A model is written in XGBoost's binary form, and takes the place of training in another pipeline.
#[test]
fn a_model_moves_out_of_a_package_and_into_a_pipeline() {
    let project = trips::project();
    let binary = "params = { num_boost_round = 10, model_format = \"ubj\",";
    project.write(
        "trips.toml",
        edited("params = { num_boost_round = 10,", binary),
    );
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("package state trips model.ubj")
        .exits(0)
        .says(&["model.ubj holds the state sha256:"]);
    let model = std::fs::read(project.path("model.ubj")).unwrap();
    assert!(model.starts_with(b"{L\0\0\0\0\0\0\0\x07learner{"));
    let expected = project.trueline("predict trips --input trips.csv").exits(0);
    project
        .trueline("package state trips --link 4 model.ubj")
        .exits(1)
        .says(&["the package has no link 4", "its links are 1 to 3"]);

    let trained = "fit = \"trips.train | town | features\"\nvalidation = \"trips.valid | town | features\"\n\
        params = { num_boost_round = 10, max_depth = 3, early_stopping_rounds = 5 }";
    let given =
        |state: &str| edited(trained, state).replace("name = \"trips\"", "name = \"given\"");
    project.write("given.toml", given("state = \"model.ubj\""));
    project.trueline("run given.toml").exits(0);
    let answer = project.trueline("predict given --input trips.csv").exits(0);
    assert_eq!(answer.stdout, expected.stdout);
    project.trueline("verify given.toml").exits(0);

    // Another model is another result, not one from the cache.
    std::fs::write(project.path("model.ubj"), &model[..model.len() / 2]).unwrap();
    project.trueline("run given.toml").exits(2).says(&[
        "given.toml",
        "state = \"model.ubj\"",
        "model file, byte",
    ]);
    project.write("given.toml", given("state = \"no.ubj\""));
    project
        .trueline("check given.toml")
        .exits(2)
        .says(&["no.ubj cannot be read"]);
    let both = given("state = \"model.ubj\"\nfit = \"trips.train | town | features\"");
    project.write("given.toml", both);
    project
        .trueline("check given.toml")
        .exits(2)
        .says(&["has rows to reduce and a `state` as well"]);
}
