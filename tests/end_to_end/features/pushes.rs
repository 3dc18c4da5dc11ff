//! What a push says: first of all what the sender has to know.

use trueline_tests::project::Project;

const FILE: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'int64' }
event_time = 'at'
[source.clicks.expect]
columns.count = { min = 0 }
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
";

#[test]
fn rows_that_went_to_quarantine_are_all_that_is_told_if_none_was_taken_in() {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("features.toml", FILE);
    let row =
        |count: i64| format!(r#"{{"user": 1, "at": "2026-01-01T00:00:00Z", "count": {count}}}"#);
    project.write("good.ndjson", row(1));
    project.write("bad.ndjson", row(-1));
    project.trueline("features apply").exits(0);

    let bad = project.trueline("features push clicks bad.ndjson").exits(1);
    assert_eq!(bad.stdout, "");
    let expected =
        "error: source `clicks`: the row is not as expected, and in quarantine as number 1";
    assert!(bad.stderr.starts_with(expected), "{}", bad.stderr);
    let listed = project.trueline("features push clicks bad.ndjson --json");
    assert_eq!(listed.exits(1).json(), serde_json::json!([]));

    for expected in [
        "1 row taken in, in both stores\n",
        "1 row had been there already\n",
    ] {
        let good = project.trueline("features push clicks good.ndjson --id good");
        assert_eq!(good.exits(0).stdout, expected);
    }
}
