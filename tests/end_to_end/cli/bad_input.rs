//! What people give a pipeline that it can do nothing with: each is told with the step or stage, the column and the value.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use trueline_tests::project::Project;
use trueline_tests::repository;

const ROWS: usize = 60;

/// A row an hour. `negative` is -1 in one row, `gaps` is missing in every seventh, `nothing` in all of them, and `city` has a
/// value near the end that is nowhere else.
fn csv() -> String {
    let mut csv = "id,at,x,gaps,nothing,constant,city,bit,four,negative\n".to_owned();
    for row in 0..ROWS {
        let gap = if row % 7 == 0 {
            String::new()
        } else {
            row.to_string()
        };
        let city = if row < ROWS - 5 {
            "AB".chars().nth(row % 2).unwrap()
        } else {
            'Z'
        };
        let (day, hour) = (1 + row / 24, row % 24);
        let (bit, four) = (row % 2, row % 4);
        let negative = if row == 17 { -1 } else { 1 };
        writeln!(
            csv,
            "{row},2020-01-{day:02}T{hour:02}:00:00Z,{}.5,{gap},,5,{city},{bit},{four},{negative}",
            row * 37 % 50
        )
        .unwrap();
    }
    csv
}

/// Runs a stage that learns from the first two days, with a label; `rest` are its own keys and further stages.
#[track_caller]
fn check(label: &str, rest: &str, code: i32, parts: &[&str]) {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("rows.csv", csv());
    project.write(
        "rows.toml",
        format!(
            r#"[pipeline]
name = "rows"

[dataset.rows]
path = "rows.csv"
key = ["id"]
types = {{ nothing = "float64" }}
label = {{ name = "wanted", value = "{label}" }}
split = {{ by = "at", test_from = "2020-01-03T00:00:00Z" }}

[stage.it]
fit = "rows.train"
{rest}
"#
        ),
    );
    project.trueline("run rows.toml").exits(code).says(parts);
}

#[test]
fn steps_name_the_column_and_the_value() {
    let steps = |steps: &str| format!("use = \"tabular\"\nparams.steps = [{{ {steps} }}]\n");
    let applied = "[stage.after]\nuse = \"profile\"\nin = \"rows.test | it\"\n";
    for (step, after, code, parts) in [
        (
            r#"op = "impute", columns = ["x", "y"], with = "mean""#,
            "",
            2,
            &[
                "stage `it`: steps[0] (`impute`): there is no column `y`",
                "the columns at this step are id, at, x",
            ][..],
        ),
        (
            r#"op = "standard-scale", columns = "city""#,
            "",
            2,
            &["steps[0] (`standard-scale`): column `city` is utf8, and this op takes numbers"],
        ),
        (
            r#"op = "one-hot", columns = "city""#,
            applied,
            1,
            &[
                r#"steps[0] (`one-hot`): column `city` holds "Z", which is none of its categories; set `unknown`"#,
            ],
        ),
        (
            r#"op = "cast", columns = "city", to = "timestamp""#,
            applied,
            1,
            &[
                r#"steps[0] (`cast`): column `city` holds "A", which is no timestamp such as 2013-12-31T18:00:00Z"#,
            ],
        ),
        (
            r#"op = "robust-scale", columns = "nothing""#,
            "",
            1,
            &["steps[0] (`robust-scale`): column `nothing`: it has no value to learn from"],
        ),
        (
            r#"op = "power", columns = "negative", method = "box-cox""#,
            "",
            1,
            &["steps[0] (`power`): column `negative`"],
        ),
        (
            r#"op = "standard-scale", columns = "constant""#,
            applied,
            0,
            &["succeeded"],
        ),
    ] {
        check("bit", &(steps(step) + after), code, parts);
    }
}

#[test]
fn models_name_the_column_the_row_and_the_value() {
    let model = |plugin: &str, params: &str| {
        format!("use = \"{plugin}\"\nparams = {{ features = [\"x\"], {params} }}")
    };
    for (label, plugin, params, part) in [
        (
            "four",
            "gbdt",
            r#"objective = "binary:logistic""#,
            "column `wanted`, row 2: `binary:logistic` learns labels from 0 to 1, not 2",
        ),
        (
            "four",
            "gbdt",
            r#"objective = "multi:softprob", num_class = 3"#,
            "column `wanted`: the training rows have the label 3, but there are 3 classes",
        ),
        (
            "negative",
            "gbdt",
            r#"objective = "multi:softprob""#,
            "not -1",
        ),
        (
            "bit",
            "gbdt",
            r#"objective = "reg:gamma""#,
            "column `wanted`, row 0: `reg:gamma` learns labels above 0, not 0",
        ),
        (
            "negative",
            "gbdt",
            r#"objective = "count:poisson""#,
            "column `wanted`, row 17: `count:poisson` learns labels of 0 or more, not -1",
        ),
        (
            "negative",
            "gbdt",
            r#"objective = "reg:tweedie""#,
            "column `wanted`, row 17: `reg:tweedie` learns labels of 0 or more, not -1",
        ),
        (
            "negative",
            "gbdt",
            r#"objective = "rank:ndcg", group = "four""#,
            "column `wanted`, row 17: `rank:ndcg` learns labels that are whole numbers",
        ),
        (
            "gaps",
            "gbdt",
            r#"objective = "reg:squarederror""#,
            "column `wanted`, row 0: the label is missing (null or NaN)",
        ),
        (
            "bit",
            "gbdt",
            r#"weight = "negative""#,
            "column `negative`, row 17: the weight is -1",
        ),
        (
            "gaps",
            "linear",
            r#"model = "ridge""#,
            "label `wanted` has a null",
        ),
        (
            "four",
            "linear",
            r#"model = "logistic""#,
            "label `wanted` has 2, but classes are 0 and 1",
        ),
        (
            "bit",
            "linear",
            r#"model = "ridge", weight = "negative""#,
            "weight `negative` has -1",
        ),
    ] {
        check(label, &model(plugin, params), 1, &[part]);
    }
    check(
        "city",
        &model("gbdt", ""),
        2,
        &[
            "the column `wanted` is utf8, but must be a number",
            r#"the step { op = "ordinal", columns = "wanted" }"#,
        ],
    );
}

/// Each of these changes makes the file one that is refused before anything runs.
#[test]
fn a_model_file_that_cannot_be_true_is_refused_by_name() {
    let fixture = repository().join("plugins/gbdt/tests/fixtures/squared_dense.model.json");
    let good = std::fs::read_to_string(fixture).unwrap();
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("rows.csv", "id,f0,f1,f2,f3\n1,0.5,1,2,3\n2,,1,2,3\n");
    project.write(
        "rows.toml",
        r#"[pipeline]
name = "rows"

[dataset.rows]
path = "rows.csv"
key = ["id"]

[stage.model]
use = "gbdt"
state = "model.json"
params = { features = ["f0", "f1", "f2", "f3"] }

[stage.answers]
use = "profile"
in = "rows | model"
"#,
    );
    project.write("model.json", &good);
    project.trueline("run rows.toml").exits(0);

    let refused = |bytes: &[u8], part: &str| {
        project.write("model.json", bytes);
        let answer = project.trueline("check rows.toml").exits(2);
        answer.says(&["stage `model`", "rows.toml:10", part]);
    };
    let edit = |pointer: &str, value: Json| {
        let mut file: Json = serde_json::from_str(&good).unwrap();
        let place = file
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer}"));
        *place = value;
        file.to_string()
    };
    let tree =
        |array: &str, at: usize| format!("/learner/gradient_booster/model/trees/0/{array}/{at}");
    for length in [0, 1, good.len() / 3, good.len() - 2] {
        let part = if length == 0 {
            "is empty"
        } else {
            "model file, byte"
        };
        refused(&good.as_bytes()[..length], part);
    }
    for (pointer, value, part) in [
        (
            "/version".to_owned(),
            json!([4, 0, 0]),
            "a model of XGBoost 4.0; up to 3.4 is",
        ),
        (
            tree("left_children", 1),
            json!(0),
            "tree 0: node 0 is reached in two ways",
        ),
        (
            tree("left_children", 0),
            json!(0),
            "tree 0: node 0 is reached in two ways",
        ),
        (
            tree("right_children", 0),
            json!(999),
            "tree 0: node 0 has the child 999",
        ),
        (
            tree("right_children", 0),
            json!(-5),
            "tree 0: node 0 has the child -5",
        ),
        (
            tree("split_indices", 0),
            json!(77),
            "tree 0: node 0 splits on feature 77, of 4",
        ),
        (
            tree("split_conditions", 0),
            json!("x"),
            "a number must stand here, not `\"`",
        ),
    ] {
        refused(edit(&pointer, value).as_bytes(), part);
    }
    let bytes: Vec<u8> = (0..=255).collect();
    refused(&bytes, "neither UBJSON nor UTF-8 JSON");
}
