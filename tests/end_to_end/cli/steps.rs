//! Steps that read less than they are told about: columns that are dropped, renamed, or only learned from are
//! not asked for when serving.

use crate::trips::{PIPELINE, ROWS, csv, edited, project};

/// A stage that learns nothing and writes next to nothing, and one that learns from the label.
const SHAPED: &str = r#"[stage.shape]
use = "tabular"
params.steps = [
  { op = "drop", columns = "at" },
  { op = "rename", columns = { city = "town" } },
]

[stage.features]
use = "tabular"
fit = "trips.train | shape"
params.steps = [
  { op = "impute", columns = { type = "number" }, with = "median" },
  { op = "compute", into = "far", value = "distance > 50 and town != 'A'" },
  { op = "target", columns = "t*", smooth = 5 },
  { op = "select", columns = ["*", "!id"] },
  { op = "assemble", into = "features" },
]
"#;

#[test]
fn what_is_dropped_or_only_learned_from_is_not_asked_for() {
    let project = project();
    let text = PIPELINE;
    let (start, rest) = text.split_at(text.find("[stage.town]").unwrap());
    let rest = &rest[rest.find("[stage.model]").unwrap()..];
    let text = format!("{start}{SHAPED}\n{rest}").replace("town | features", "shape | features");
    project.write("shaped.toml", text);
    project.trueline("run shaped.toml").exits(0);
    let proof = project
        .trueline("verify shaped.toml --json")
        .exits(0)
        .json();
    assert_eq!(proof["bits_differing"], 0, "{proof}");

    // Neither `at` nor what the label is made of.
    let rows: String = csv()
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{}\n", cells[0], cells[2], cells[3])
        })
        .collect();
    project.write("rows.csv", rows);
    let answer = project
        .trueline("predict trips --input rows.csv --keep id")
        .exits(0);
    assert_eq!(answer.stdout.lines().count(), ROWS + 1, "{answer}");

    project.write("less.csv", "id,distance\n1,2\n");
    project
        .trueline("predict trips --input less.csv")
        .says(&["city"]);
}

#[test]
fn what_a_step_cannot_use_is_said_before_anything_runs() {
    let project = project();
    for (from, to, parts) in [
        (
            r#"columns = ["distance", "size"], with"#,
            r#"columns = ["distance", "siez"], with"#,
            [
                "steps[0] (`impute`): there is no column `siez`",
                "the columns at this step are",
            ],
        ),
        (
            r#"columns = ["distance"] }"#,
            r#"columns = ["city"] }"#,
            [
                "steps[1] (`standard-scale`): column `city` is utf8",
                "this op takes numbers",
            ],
        ),
        (
            r#"columns = ["distance"] }"#,
            r#"columns = "dist_*" }"#,
            [
                "steps[1] (`standard-scale`): no feature column fits `dist_*`",
                "trips.toml",
            ],
        ),
    ] {
        project.write("trips.toml", edited(from, to));
        project.trueline("check trips.toml").exits(2).says(&parts);
    }
}
