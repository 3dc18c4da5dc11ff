use proptest::prelude::*;
use serde_json::{Value as Json, json};
use trueline_sdk::testing::{Table, check_laws, describe, every_type, fit, tables};

use super::*;

fn report(params: &str, table: &Table) -> Json {
    let outcome = fit::<Profile>(params, &[("rows", table)]).unwrap();
    serde_json::from_str(&outcome.report.unwrap()).unwrap()
}

/// The report of the only column, but `name`, `type`, `nulls` and what is worked out of these.
#[track_caller]
fn check(params: &str, table: Table, expected: Json) {
    let report = report(params, &table);
    let mut column = report["columns"][0].as_object().unwrap().clone();
    for key in ["name", "type", "nulls", "null_share", "values"] {
        column.remove(key);
    }
    assert_eq!(Json::Object(column), expected);
}

#[test]
fn numbers() {
    check(
        r#"{"bins": 2, "quantiles": [0, 0.5, 1], "top": 2}"#,
        Table::new().with_column(
            "x",
            [
                Some(1.0),
                Some(-3.0),
                None,
                Some(f64::NAN),
                Some(1.0),
                Some(5.0),
            ],
        ),
        json!({
            "nans": 1, "infinities": 0, "zeros": 0, "negatives": 1, "min": -3.0, "max": 5.0,
            "mean": 1.0, "std": (32.0_f64 / 3.0).sqrt(), "sum": 4.0,
            "distinct": {"count": 4, "exact": true},
            "quantiles": [{"q": 0.0, "value": -3.0}, {"q": 0.5, "value": 1.0}, {"q": 1.0, "value": 5.0}],
            "histogram": {"edges": [-3.0, 1.0, 5.0], "counts": [1, 3], "below": 0, "above": 0},
            "top": [{"value": 1.0, "count": 2, "share": 0.4}, {"value": -3.0, "count": 1, "share": 0.2}],
        }),
    );
    check(
        r#"{"quantiles": [], "top": 1, "edges": {"x": [0, 1, 3]}}"#,
        Table::new().with_column("x", [1.0_f32, f32::INFINITY, f32::NEG_INFINITY, 0.0]),
        json!({
            "nans": 0, "infinities": 2, "zeros": 1, "negatives": 1, "min": "-inf", "max": "inf",
            "mean": null, "std": null, "sum": null,
            "distinct": {"count": 4, "exact": true}, "quantiles": [],
            "histogram": {"edges": [0.0, 1.0, 3.0], "counts": [1, 1], "below": 1, "above": 1},
            "top": [{"value": "-inf", "count": 1, "share": 0.25}],
        }),
    );
}

#[test]
fn texts_bytes_and_booleans() {
    check(
        "{}",
        Table::new().with_column("s", [Some("é"), Some(""), Some("é"), None]),
        json!({
            "distinct": {"count": 2, "exact": true},
            "lengths": {"min": 0, "max": 1, "mean": 2.0 / 3.0},
            "top": [{"value": "é", "count": 2, "share": 2.0 / 3.0}, {"value": "", "count": 1, "share": 1.0 / 3.0}],
        }),
    );
    check(
        "{}",
        Table::new().with_column("s", [vec![0_u8, 255]]),
        json!({
            "distinct": {"count": 1, "exact": true},
            "lengths": {"min": 2, "max": 2, "mean": 2.0},
            "top": [{"value": "00ff", "count": 1, "share": 1.0}],
        }),
    );
    check(
        "{}",
        Table::new().with_column("s", [true, false, true]),
        json!({
            "distinct": {"count": 2, "exact": true},
            "top": [{"value": true, "count": 2, "share": 2.0 / 3.0}, {"value": false, "count": 1, "share": 1.0 / 3.0}],
        }),
    );
}

#[test]
fn dates() {
    check(
        r#"{"bins": 1, "quantiles": [1], "top": 1}"#,
        Table::new().with_field(Field::new("d", DataType::Date), [15_706, 0, 15_706]),
        json!({
            "min": "1970-01-01", "max": "2013-01-01",
            "distinct": {"count": 2, "exact": true},
            "quantiles": [{"q": 1.0, "value": "2013-01-01"}],
            "histogram": {"edges": ["1970-01-01", "2013-01-01"], "counts": [3], "below": 0, "above": 0},
            "top": [{"value": "2013-01-01", "count": 2, "share": 2.0 / 3.0}],
        }),
    );
}

#[test]
fn vectors_are_described_element_by_element() {
    let field =
        Field::new("v", DataType::Float32List(2)).with_elements(vec!["a".into(), "b".into()]);
    let table = Table::new()
        .with_field(field, [[1.0_f32, 10.0], [3.0, 30.0]])
        .with_column("x", [1, 2]);
    let report = report("{}", &table);
    let columns = report["columns"].as_array().unwrap();
    let means: Vec<_> = columns
        .iter()
        .map(|column| (&column["element"], &column["mean"]))
        .collect();
    assert_eq!(
        means,
        [
            (&json!("a"), &json!(2.0)),
            (&json!("b"), &json!(20.0)),
            (&Json::Null, &json!(1.5))
        ]
    );
    assert_eq!(columns[0]["type"], "float32-list(2)");
}

#[test]
fn nothing_is_described_too() {
    let table = Table::new().with_column("x", [None::<f64>, None]);
    let column = &report("{}", &table)["columns"][0];
    assert_eq!(
        (&column["nulls"], &column["null_share"]),
        (&json!(2), &json!(1.0))
    );
    assert_eq!((&column["mean"], &column["top"]), (&Json::Null, &json!([])));
    assert_eq!(column.get("min"), None);
    assert_eq!(column.get("histogram"), None);
    let empty = &report("{}", &table.take(&[]));
    assert_eq!(
        (&empty["rows"], &empty["columns"][0]["null_share"]),
        (&json!(0), &json!(0.0))
    );
}

#[test]
fn mistakes_are_named() {
    let table = Table::new().with_column("x", [1.0]).with_column("s", ["a"]);
    let cases = [
        (
            r#"{"column": []}"#,
            "unknown field `column`, expected one of `columns`, `quantiles`",
        ),
        (
            r#"{"columns": ["y"]}"#,
            "no column `y`; the columns are x, s",
        ),
        (r#"{"columns": ["x", "x"]}"#, "`columns` names `x` twice"),
        (
            r#"{"quantiles": [2]}"#,
            "`quantiles` has 2, which is not within 0 and 1",
        ),
        (r#"{"bins": 0}"#, "`bins` is 0: it takes 1 to 10000"),
        (
            r#"{"edges": {"x": [1]}}"#,
            "`edges` of column `x` must be two or more finite numbers that rise",
        ),
        (r#"{"edges": {"x": [1, 1]}}"#, "that rise"),
        (
            r#"{"edges": {"s": [1, 2]}}"#,
            "column `s` is utf8, which has no histogram",
        ),
        (
            r#"{"columns": ["s"], "edges": {"x": [1, 2]}}"#,
            "`edges` names `x`, which is not profiled",
        ),
    ];
    for (params, expected) in cases {
        let error = describe::<Profile>(params, &[("rows", &table)], None).expect_err(params);
        assert!(
            error.message().contains(expected),
            "{params}\n{}",
            error.message()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_laws_hold(table in tables(&every_type(), 0..25)) {
        for params in ["{}", r#"{"exact_distinct": 3, "bins": 2, "edges": {"float64": [-1, 0, 1]}}"#] {
            check_laws::<Profile>(params, &[("rows", &table)], None);
        }
    }
}
