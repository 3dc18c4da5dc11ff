use serde_json::{Value as Json, json};

use super::*;

fn report(params: &str, table: &Table) -> Json {
    let outcome = fit::<Expect>(params, &[("rows", table)]).unwrap();
    serde_json::from_str(&outcome.report.unwrap()).unwrap()
}

#[test]
fn it_lists_every_expectation() {
    let params = r#"{"rows": {"min": 1}, "columns": {"delay": {"min": -120, "severity": "warn"}, "late": {"allowed": [true]}}}"#;
    let outcome = fit::<Expect>(params, &[("rows", &flights())]).unwrap();
    assert_eq!(
        outcome.metrics,
        [
            Metric::new("rows", 6.0),
            Metric::new("expectations", 4.0),
            Metric::new("failed", 1.0),
            Metric::new("warnings", 2.0)
        ]
    );
    let expected = json!({
        "rows": 6, "failed": 1, "warnings": 2,
        "expectations": [
            {"subject": "rows", "expected": "min 1", "severity": "fail", "met": true, "count": 0, "found": "6 rows"},
            {"subject": "delay", "expected": "min -120", "severity": "warn", "met": false, "count": 2,
             "found": "2 values are below -120; the lowest is -300", "examples": [{"row": 5, "value": "-300"}, {"row": 0, "value": "-121"}]},
            {"subject": "delay", "expected": "not NaN", "severity": "warn", "met": false, "count": 1,
             "found": "1 value is NaN, which lies in no range", "examples": [{"row": 2, "value": "NaN"}]},
            {"subject": "late", "expected": "one of true", "severity": "fail", "met": false, "count": 1,
             "found": "1 value is not the allowed one, such as false", "examples": [{"row": 2, "value": "false"}]},
        ],
    });
    assert_eq!(report(params, &flights()), expected);
}

#[test]
fn examples_have_keys_and_row_numbers() {
    let examples = |params: &str| report(params, &flights())["expectations"][0]["examples"].clone();
    assert_eq!(
        examples(r#"{"key": ["origin", "day"], "examples": 2, "columns": {"flight": {"max": 1}}}"#),
        json!([
            {"row": 3, "value": "4", "key": {"origin": null, "day": "2013-01-01"}},
            {"row": 2, "value": "3", "key": {"origin": "jfk", "day": "1969-12-31"}},
        ])
    );
    assert_eq!(
        examples(r#"{"examples": 2, "columns": {"flight": {"allowed": [1]}}}"#),
        json!([{"row": 1, "value": "2"}, {"row": 2, "value": "3"}])
    );
    assert_eq!(
        examples(r#"{"key": ["origin"], "unique": ["flight"]}"#),
        json!([{"row": 4, "value": "as row 0"}, {"row": 5, "value": "as row 1"}])
    );
    assert_eq!(
        examples(r#"{"columns": {"origin": {"max_null_share": 0.5}}}"#),
        json!([{"row": 3, "value": "null"}])
    );
    assert_eq!(
        examples(r#"{"examples": 0, "columns": {"flight": {"max": 1}}}"#),
        Json::Null
    );
    check(
        r#"{"examples": 3, "columns": {"flight": {"max": 1}, "day": {"min": "1970-01-01"}}}"#,
        &[
            "fail day (1): 1 value is below 1970-01-01; the lowest is 1969-12-31 (row 2)",
            "fail flight (4): 4 values are above 1; the highest is 4 (rows 3, 2, 1, …)",
        ],
    );
}

#[test]
fn columns_with_the_role_of_a_key_name_rows() {
    let id = Field::new("id", DataType::Int64).with_role(Role::Key);
    let table = Table::new()
        .with_field(id, [7_i64, 8])
        .with_column("x", [1, -1]);
    let report = report(r#"{"columns": {"x": {"min": 0}}}"#, &table);
    let examples = &report["expectations"][0]["examples"];
    assert_eq!(
        *examples,
        json!([{"row": 1, "value": "-1", "key": {"id": "8"}}])
    );
    let finding = |params: &str| {
        let outcome = fit::<Expect>(params, &[("rows", &table)]).unwrap();
        outcome.findings[0].message.clone()
    };
    assert_eq!(
        finding(r#"{"columns": {"x": {"min": 0}}}"#),
        "1 value is below 0; the lowest is -1 (row 1: id 8)"
    );
    assert_eq!(
        finding(r#"{"key": ["id", "x"], "examples": 1, "columns": {"x": {"max": -2}}}"#),
        "2 values are above -2; the highest is 1 (rows 0: id 7, x 1; …)"
    );
    // A line has room for some of them.
    let long = ["a", "b", "c"].map(|letter| letter.repeat(33));
    let table = Table::new()
        .with_column("id", long)
        .with_column("x", [1, 2, 3]);
    let outcome = fit::<Expect>(
        r#"{"key": ["id"], "columns": {"x": {"max": 0}}}"#,
        &[("rows", &table)],
    )
    .unwrap();
    assert_eq!(
        outcome.findings[0].message,
        format!(
            "3 values are above 0; the highest is 3 (rows 2: id {}; 1: id {}; …)",
            "c".repeat(33),
            "b".repeat(33)
        )
    );
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
    assert_eq!(reduction.reads, [["flight", "delay", "late", "@row"]]);
    assert_eq!(
        (
            reduction.passes,
            reduction.mergeable,
            reduction.bytes_per_row
        ),
        (1, true, 64)
    );
    let cases = [
        (r#"{"columns": {"delay": {"min": 1}}}"#, 0, true),
        (
            r#"{"columns": {"delay": {"median": {"min": 1}, "distinct": {"min": 1}}}}"#,
            48,
            true,
        ),
        (r#"{"columns": {"delay": {"most_common": [1]}}}"#, 64, true),
        (r#"{"examples": 0, "unique": ["flight"]}"#, 32, true),
        (
            r#"{"columns": {"delay": {"order": "increasing"}}}"#,
            0,
            false,
        ),
    ];
    for (params, bytes_per_row, mergeable) in cases {
        let reduction = signature(params);
        assert_eq!(
            (reduction.bytes_per_row, reduction.mergeable),
            (bytes_per_row, mergeable),
            "{params}"
        );
    }
}
