//! Data and plugins that go wrong while a pipeline runs: the attempt fails with the reason and the
//! stage's name, and what was committed stays.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::Value as Json;
use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::trips;

/// Validates numbers, then does `params` to them with the hostile stage.
fn hostile(params: &str, limits: &str) -> Project {
    let project = trips::project();
    project.write("hostile.wasm", guests::hostile());
    project.write("numbers.csv", "x\n1\n2.5\n\n4\n");
    project.write(
        "p.toml",
        format!(
            r#"[pipeline]
name = "numbers"

[dataset.numbers]
path = "numbers.csv"

[stage.validate]
use = "expect"
in = "numbers"
params.columns.x = {{ min = 0 }}

[stage.odd]
use = "./hostile.wasm"
fit = "numbers"
params = {{ {params} }}
limits = {{ {limits} }}

[stage.after]
use = "expect"
in = "numbers | odd"
params.columns.y = {{ min = 0 }}

[stage.gate]
require = ["odd.rows >= 0"]

[package]
chain = "odd"
after = "gate"
"#
        ),
    );
    project
}

fn stage<'j>(run: &'j Json, name: &str) -> &'j Json {
    let stages = run["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["stage"] == name).unwrap()
}

/// Asserts that a run fails in this stage for this reason, that a stage before it succeeded, and that
/// the next pipeline in the same home runs.
#[track_caller]
fn check(params: &str, limits: &str, failed: &str, reason: &str) {
    let project = hostile(params, limits);
    let run = project.trueline("run p.toml --json").exits(1).json();
    assert_eq!(run["state"], "failed");
    assert_eq!(stage(&run, "validate")["state"], "succeeded");
    let message = stage(&run, failed)["message"].as_str().unwrap();
    assert!(message.contains(reason), "{message}");
    let whole = run["message"].as_str().unwrap();
    assert!(
        whole.contains(&format!("stage `{failed}`")) && whole.contains(reason),
        "{whole}"
    );
    assert_ne!(run["package"]["accepted"], true);

    let shown = project.trueline("show --json").exits(0).json();
    assert_eq!(shown["run"]["state"], "failed", "{shown}");
    let attempts = shown["attempts"].as_array().unwrap();
    assert!(
        attempts.iter().all(|attempt| attempt["state"] != "running"),
        "{shown}"
    );
    assert!(
        shown
            .to_string()
            .contains(reason.split('`').next().unwrap()),
        "{shown}"
    );

    project.write(
        "p.toml",
        std::fs::read_to_string(project.path("p.toml"))
            .unwrap()
            .replace(params, ""),
    );
    let good = project.trueline("run p.toml --json").exits(0).json();
    assert_eq!(good["state"], "succeeded");
}

#[test]
fn a_good_stage_of_ones_own_runs() {
    let project = hostile("", "");
    project.trueline("run p.toml").exits(0);
    project.trueline("verify p.toml").exits(0);
    project
        .trueline("plugin inspect hostile.wasm")
        .exits(0)
        .says(&["transform"]);
}

#[test]
fn a_plugin_that_panics() {
    check(r#"mode = "panic", at = "update""#, "", "odd", "trapped");
    // A map runs where its rows are wanted: in the stage that reads them.
    check(r#"mode = "panic", at = "map""#, "", "after", "trapped");
}

#[test]
fn a_plugin_that_loops() {
    let limit = r#"time = "300ms""#;
    check(
        r#"mode = "loop", at = "finish""#,
        limit,
        "odd",
        "longer than its limit of 300 ms",
    );
    check(
        r#"mode = "loop", at = "map""#,
        limit,
        "after",
        "longer than its limit of 300 ms",
    );
}

#[test]
fn a_plugin_that_allocates_without_end() {
    let limit = r#"memory = "32MiB""#;
    let reason = "more memory than its limit of 33554432 bytes";
    check(r#"mode = "allocate", at = "begin""#, limit, "odd", reason);
    check(r#"mode = "allocate", at = "map""#, limit, "after", reason);
}

#[test]
fn a_plugin_that_answers_without_end() {
    let limit = r#"output = "1MiB""#;
    check(
        r#"mode = "huge-output""#,
        limit,
        "after",
        "more than its limit of 1048576 bytes",
    );
}

#[test]
fn a_plugin_that_answers_with_what_it_did_not_say() {
    check(r#"mode = "one-row-more""#, "", "after", "rows in");
    check(r#"mode = "other-type""#, "", "after", "not a frame");
}

#[test]
fn a_plugin_that_cannot_describe_itself() {
    for params in [
        r#"mode = "panic", at = "describe""#,
        r#"mode = "no-passes""#,
        r#"mode = "read-missing-column""#,
    ] {
        let project = hostile(params, "");
        project
            .trueline("run p.toml")
            .exits(2)
            .says(&["odd", "p.toml:"]);
        assert!(!project.path(".trueline/trueline.db").exists());
    }
}

#[test]
fn a_plugin_that_remembers_is_found_out() {
    let project = hostile(r#"mode = "count""#, "");
    project.trueline("run p.toml").exits(0);
    // Fresh instances answer alike, so what it remembers shows only against a batch's long life.
    let rows = project
        .trueline("predict numbers --input numbers.csv")
        .exits(0)
        .stdout;
    let mut answers = rows.lines().skip(1);
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first), "{rows}");
    let proof = project.trueline("verify p.toml --json").exits(1).json();
    assert!(proof["bits_differing"].as_u64().unwrap() > 0, "{proof}");
}

#[test]
fn a_plugin_that_wants_a_clock_is_named_with_what_it_wants() {
    let project = hostile("", "");
    project.write(
        "hostile.wasm",
        wat::parse_str(
            r#"(component
                (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))
                (instance $none)
                (export "trueline:stage/describe@0.1.0" (instance $none))
                (export "trueline:stage/reduce@0.1.0" (instance $none)))"#,
        )
        .unwrap(),
    );
    let named = &["wasi:clocks/monotonic-clock@0.2.0"];
    project
        .trueline("run p.toml")
        .exits(2)
        .says(&["p.toml:"])
        .says(named);
    project
        .trueline("plugin inspect hostile.wasm")
        .exits(1)
        .says(named);
}

/// A Parquet file whose pages carry checksums.
fn parquet(project: &Project) -> Vec<u8> {
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..10_000).map(f64::from)));
    let batch = RecordBatch::try_from_iter_with_nullable([("x", numbers, true)]).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let text = std::fs::read_to_string(project.path("p.toml")).unwrap();
    project.write("p.toml", text.replace("numbers.csv", "numbers.parquet"));
    bytes
}

#[test]
fn a_parquet_file_without_its_end_is_named_before_anything_runs() {
    let project = hostile("", "");
    let good = parquet(&project);
    project.write("numbers.parquet", &good[..good.len() / 2]);
    project
        .trueline("run p.toml")
        .exits(2)
        .says(&["numbers.parquet", "p.toml:"]);
}

#[test]
fn a_parquet_file_with_broken_pages_fails_the_run_by_name() {
    let project = hostile("", "");
    let mut bytes = parquet(&project);
    project.write("numbers.parquet", &bytes);
    let before = project.trueline("run p.toml --json").exits(0).json();
    bytes[4..64].fill(0xff);
    project.write("numbers.parquet", &bytes);
    project
        .trueline("run p.toml")
        .exits(1)
        .says(&["numbers.parquet"]);
    project
        .trueline("runs")
        .exits(0)
        .says(&["failed", "succeeded"]);
    // What the run before has made is still there.
    let digest = before["package"]["digest"].as_str().unwrap();
    project.trueline("package list").exits(0).says(&["numbers"]);
    project.trueline(&format!("package show {digest}")).exits(0);
}
