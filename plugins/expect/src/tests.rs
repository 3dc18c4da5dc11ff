use proptest::prelude::*;
use trueline_sdk::testing::{Table, check_laws, describe, fit, tables};

use super::*;

fn flights() -> Table {
    Table::new()
        .with_column(
            "origin",
            [
                Some("JFK"),
                Some("EWR"),
                Some("jfk"),
                None,
                Some(""),
                Some("EWR"),
            ],
        )
        .with_column("flight", [1, 2, 3, 4, 1, 2])
        .with_column(
            "delay",
            [
                Some(-121.0),
                Some(5.5),
                Some(f64::NAN),
                None,
                Some(2100.5),
                Some(-300.0),
            ],
        )
        .with_column("share", [0.1_f32, 0.2, 0.3, f32::INFINITY, 0.0, -0.0])
        .with_field(
            Field::new("day", DataType::Date),
            [15_706, 15_707, -1, 15_706, 15_706, 15_706],
        )
        .with_field(
            Field::new("time", DataType::Timestamp),
            [1_357_016_400_000_000_i64; 6],
        )
        .with_column("late", [true, true, false, true, true, true])
        .with_column("vector", [[1.0, 2.0]; 6])
}

/// The findings as `severity subject (count): message`.
fn findings(params: &str, table: &Table) -> Vec<String> {
    let outcome = fit::<Expect>(params, &[("rows", table)]).unwrap();
    let show = |finding: &Finding| {
        let severity = if finding.severity == Severity::Fail {
            "fail"
        } else {
            "warn"
        };
        format!(
            "{severity} {} ({}): {}",
            finding.subject, finding.count, finding.message
        )
    };
    outcome.findings.iter().map(show).collect()
}

#[track_caller]
fn check(params: &str, expected: &[&str]) {
    assert_eq!(findings(params, &flights()), expected, "{params}");
}

#[test]
fn what_is_met_is_silent() {
    check(
        r#"{
            "names": ["origin", "flight", "delay", "share", "day", "time", "late", "vector"],
            "rows": {"min": 6, "max": 6},
            "unique": ["flight", "delay"],
            "columns": {
                "origin": {"type": "utf8", "allowed": ["JFK", "EWR", "jfk", ""], "max_null_share": 0.17},
                "flight": {"type": "int32", "min": 1, "max": 4.0, "allowed": [1, 2, 3, 4, 5]},
                "delay": {"type": "float64"},
                "share": {"type": "float32", "min": 0},
                "day": {"min": "1969-12-31", "max": "2013-01-02"},
                "time": {"min": "2013-01-01T05:00:00Z", "max": "2013-01-01T05:00:00Z"},
                "late": {"allowed": [true, false]},
                "vector": {"type": "float64-list(2)", "max_null_share": 0}
            }
        }"#,
        &[],
    );
}

#[test]
fn what_is_not_met_is_told_with_counts_and_values() {
    check(
        r#"{"rows": {"min": 7}}"#,
        &["fail rows (6): there are 6 rows, fewer than the 7 expected"],
    );
    check(
        r#"{"rows": {"max": 2, "severity": "warn"}}"#,
        &["warn rows (6): there are 6 rows, more than the 2 expected"],
    );
    check(
        r#"{"columns": {"delay": {"min": -120, "max": 2000, "max_null_share": 0.1}}}"#,
        &[
            "fail delay (1): 1 of 6 values are null, a share of 0.1667 where at most 0.1 is expected",
            "fail delay (2): 2 values are below -120; the lowest is -300",
            "fail delay (1): 1 value is above 2000; the highest is 2100.5",
            "fail delay (1): 1 value is NaN, which lies in no range",
        ],
    );
    check(
        r#"{"columns": {"delay": {"finite": true}, "share": {"finite": true, "severity": "warn"}}}"#,
        &[
            "fail delay (1): 1 value is NaN or infinite",
            "warn share (1): 1 value is NaN or infinite",
        ],
    );
    check(
        r#"{"severity": "warn", "columns": {"origin": {"allowed": ["JFK"]}, "flight": {"allowed": [2, 7], "severity": "fail"}}}"#,
        &[
            "fail flight (4): 4 values are not one of the 2 allowed, such as 1, 3, 4",
            r#"warn origin (4): 4 values are not the allowed one, such as "", "EWR", "jfk""#,
        ],
    );
    check(
        r#"{"columns": {"share": {"max": 0.2, "allowed": [0, 0.1, 0.2]}, "day": {"min": "1970-01-01"}, "time": {"max": "2013-01-01"}}}"#,
        &[
            "fail day (1): 1 value is below 1970-01-01; the lowest is 1969-12-31",
            "fail share (2): 2 values are above 0.2; the highest is inf",
            "fail share (2): 2 values are not one of the 3 allowed, such as 0.3, inf",
            "fail time (6): 6 values are above 2013-01-01T00:00:00Z; the highest is 2013-01-01T05:00:00Z",
        ],
    );
}

#[test]
fn keys_are_unique_but_for_nulls() {
    check(
        r#"{"unique": ["flight"]}"#,
        &["fail flight (2): 2 rows repeat the key of another row"],
    );
    check(
        r#"{"unique": {"columns": ["origin", "flight", "late"], "severity": "warn"}}"#,
        &["warn origin, flight, late (1): 1 row repeats the key of another row"],
    );
    // Rows 0 and 1 and a null; -0.0 is 0.0.
    check(
        r#"{"unique": ["share"]}"#,
        &["fail share (1): 1 row repeats the key of another row"],
    );
    let nulls = Table::new().with_column("x", [None::<i32>, None]);
    assert!(findings(r#"{"unique": ["x"]}"#, &nulls).is_empty());
}

#[test]
fn missing_columns_and_other_types_warn_in_the_run() {
    check(
        r#"{"severity": "warn", "columns": {"tail": {"min": 1}, "flight": {"type": "int64", "min": 9}, "late": {}}}"#,
        &[
            "warn flight (0): column `flight` is int32, but int64 is expected",
            "warn tail (0): there is no column `tail`",
        ],
    );
}

#[test]
fn an_empty_table_meets_every_expectation_of_its_values() {
    let params = r#"{"rows": {"max": 0}, "unique": ["flight"], "columns": {"delay": {"min": 1, "max_null_share": 0}}}"#;
    assert!(findings(params, &flights().take(&[])).is_empty());
}

#[test]
fn the_report_lists_every_expectation() {
    let params = r#"{"rows": {"min": 1}, "columns": {"delay": {"min": -120, "severity": "warn"}, "late": {"allowed": [true]}}}"#;
    let outcome = fit::<Expect>(params, &[("rows", &flights())]).unwrap();
    assert_eq!(
        outcome.metrics,
        [
            Metric::new("rows", 6.0),
            Metric::new("failed", 1.0),
            Metric::new("warnings", 2.0)
        ]
    );
    let report: serde_json::Value = serde_json::from_str(&outcome.report.unwrap()).unwrap();
    let expected = serde_json::json!({
        "rows": 6, "failed": 1, "warnings": 2,
        "expectations": [
            {"subject": "rows", "expected": "min 1", "severity": "fail", "met": true, "count": 0, "found": "6 rows"},
            {"subject": "delay", "expected": "min -120", "severity": "warn", "met": false, "count": 2,
             "found": "2 values are below -120; the lowest is -300"},
            {"subject": "delay", "expected": "not NaN", "severity": "warn", "met": false, "count": 1,
             "found": "1 value is NaN, which lies in no range"},
            {"subject": "late", "expected": "one of true", "severity": "fail", "met": false, "count": 1,
             "found": "1 value is not the allowed one, such as false"},
        ],
    });
    assert_eq!(report, expected);
}

#[test]
fn only_what_is_checked_is_read() {
    let signature = |params| {
        describe::<Expect>(params, &[("rows", &flights())], None)
            .unwrap()
            .reduction
            .unwrap()
    };
    let reduction =
        signature(r#"{"unique": ["late", "flight"], "columns": {"delay": {}, "flight": {}}}"#);
    assert_eq!(reduction.reads, [["flight", "delay", "late"]]);
    assert_eq!(
        (
            reduction.passes,
            reduction.mergeable,
            reduction.bytes_per_row
        ),
        (1, true, 32)
    );
    assert_eq!(signature(r#"{"columns": {"delay": {}}}"#).bytes_per_row, 0);
}

#[test]
fn mistakes_are_named_before_anything_runs() {
    let check = |params: &str, expected: &str| {
        let error = describe::<Expect>(params, &[("rows", &flights())], None).expect_err(params);
        assert!(
            error.message().contains(expected),
            "{params}\n{}",
            error.message()
        );
    };
    check(
        r#"{"column": {}}"#,
        "unknown field `column`, expected one of `columns`, `names`",
    );
    check(
        r#"{"columns": {"delay": {"mn": 1}}}"#,
        "unknown field `mn`, expected one of `type`",
    );
    check(
        r#"{"columns": {"delay": {"type": "double"}}}"#,
        "`double` is not a type; the types are boolean",
    );
    check(
        r#"{"columns": {"delay": {"severity": "bad"}}}"#,
        "unknown variant `bad`, expected `warn` or `fail`",
    );
    check(
        r#"{"columns": {"dealy": {}}}"#,
        "no column `dealy`; the columns are origin, flight",
    );
    check(
        r#"{"columns": {"delay": {"type": "float32"}}}"#,
        "`delay` is float64, but float32 is expected",
    );
    check(
        r#"{"columns": {"delay": {"min": "a"}}}"#,
        r#"`min` of column `delay` (float64) cannot be "a": it takes a number"#,
    );
    check(
        r#"{"columns": {"flight": {"max": 1.5}}}"#,
        "cannot be 1.5: it takes a whole number",
    );
    check(
        r#"{"columns": {"day": {"max": "2013-02-30"}}}"#,
        "it takes a date such as",
    );
    check(
        r#"{"columns": {"origin": {"max": "b"}}}"#,
        "only numbers, dates and timestamps have bounds",
    );
    check(
        r#"{"columns": {"origin": {"allowed": ["a", 1]}}}"#,
        "cannot be 1: it takes a text",
    );
    check(
        r#"{"columns": {"origin": {"allowed": []}}}"#,
        "`allowed` of column `origin` is empty",
    );
    check(
        r#"{"columns": {"origin": {"finite": true}}}"#,
        "only floats can be infinite",
    );
    check(
        r#"{"columns": {"delay": {"min": 2, "max": 1}}}"#,
        "`min` above its `max`",
    );
    check(
        r#"{"columns": {"delay": {"max_null_share": 3}}}"#,
        "must be from 0 to 1",
    );
    check(r#"{"rows": {}}"#, "`rows` needs `min`, `max` or both");
    check(
        r#"{"rows": {"min": 2, "max": 1}}"#,
        "`rows` has a `min` above",
    );
    check(r#"{"unique": []}"#, "at least one column");
    check(
        r#"{"unique": "flight"}"#,
        "`unique` must be a list of columns",
    );
    check(
        r#"{"unique": ["vector"]}"#,
        "`vector` is float64-list(2), not a key",
    );
    check(
        r#"{"names": ["origin"]}"#,
        "there are columns that `names` does not have: flight, delay",
    );
    check(
        r#"{"names": ["x", "flight", "delay", "share", "day", "time", "late", "vector"]}"#,
        "columns are missing: x; and `names` does not have: origin",
    );
    check(
        r#"{"names": ["flight", "origin", "delay", "share", "day", "time", "late", "vector"]}"#,
        "the columns are in another order: origin, flight",
    );
}

/// Rows that have the key of an earlier row, found by comparing each with each.
fn repeated(table: &Table, columns: &[&str]) -> u64 {
    let key = |row: usize| {
        columns
            .iter()
            .map(|name| table.column(name)[row].clone())
            .collect::<Vec<_>>()
    };
    let has_null = |row| key(row).contains(&trueline_sdk::testing::Cell::Null);
    let is_repeated =
        |row: &usize| !has_null(*row) && (0..*row).any(|earlier| key(earlier) == key(*row));
    (0..table.rows()).filter(is_repeated).count() as u64
}

fn any_schema() -> Schema {
    use DataType::*;
    let types = [
        Boolean,
        Int32,
        Int64,
        Float32,
        Float64,
        Utf8,
        Binary,
        Timestamp,
        Date,
        Float32List(2),
    ];
    Schema::new(types.map(|data_type| Field::new(data_type.to_string(), data_type)))
}

const EVERYTHING: &str = r#"{
    "rows": {"min": 3, "max": 12},
    "unique": ["utf8", "int32", "binary"],
    "columns": {
        "boolean": {"allowed": [true], "max_null_share": 0.2},
        "int32": {"min": -2, "max": 2, "allowed": [1, 2, 3]},
        "int64": {"min": -2, "max": 2, "severity": "warn"},
        "float32": {"min": -1, "max": 0.25},
        "float64": {"min": -0.0, "max": 1e300, "finite": true},
        "utf8": {"allowed": ["", "a", "é"]},
        "timestamp": {"min": "1970-01-01", "max": "1970-01-02"},
        "date": {"allowed": ["1970-01-01"], "max": "2013-01-01"},
        "binary": {"max_null_share": 0.1},
        "float32-list(2)": {"type": "float32-list(3)", "severity": "warn"},
        "missing": {"severity": "warn"}
    }
}"#;

proptest! {
    #[test]
    fn the_laws_hold(table in tables(&any_schema(), 0..30)) {
        check_laws::<Expect>(EVERYTHING, &[("rows", &table)], None);
    }

    #[test]
    fn keys_are_compared_as_values(table in tables(&Schema::new([
        Field::new("a", DataType::Utf8), Field::new("b", DataType::Int32), Field::new("c", DataType::Binary),
    ]), 0..60)) {
        for columns in [&["a"][..], &["b"], &["a", "b"], &["b", "c"]] {
            let params = format!(r#"{{"unique": {columns:?}}}"#);
            let outcome = fit::<Expect>(&params, &[("rows", &table)]).unwrap();
            let count = outcome.findings.first().map_or(0, |finding| finding.count);
            prop_assert_eq!(count, repeated(&table, columns));
        }
    }
}
