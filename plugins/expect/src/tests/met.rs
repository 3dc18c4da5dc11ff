use super::*;

#[test]
fn what_is_met_is_silent() {
    check(
        r#"{
            "names": ["origin", "flight", "delay", "share", "day", "time", "late", "vector"],
            "rows": {"min": 6, "max": 6, "previous": 5, "max_change": 0.2},
            "unique": [["flight", "delay"], {"columns": ["day"], "mostly": 0.5}],
            "as_of": "2013-01-02T12:00:00Z",
            "compare": [
                {"column": "share", "op": "<", "with": "flight", "mostly": 0.8},
                {"column": "flight", "op": "==", "with": "flight"},
                {"column": "delay", "op": "!=", "with": "share", "mostly": 0.8},
                {"column": "origin", "op": "<=", "with": "origin"}
            ],
            "row_sums": [{"columns": ["flight", "share"], "min": 1, "mostly": 0.8}],
            "columns": {
                "origin": {
                    "type": "utf8", "allowed": ["JFK", "EWR", "jfk", ""], "max_null_share": 0.17,
                    "forbidden": ["LGA"], "contains": ["JFK"], "most_common": ["EWR"],
                    "matches": "^[A-Z]*$", "not_matches": "\\d", "min_length": 1, "max_length": 3,
                    "mostly": 0.6, "distinct": {"min": 4, "max": 4}
                },
                "flight": [
                    {"type": "int32", "min": 1, "max": 4.0, "allowed": [1, 2, 3, 4, 5]},
                    {"mean": {"min": 2.16, "max": 2.17}, "median": {"min": 2, "max": 2}, "sum": {"min": 13, "max": 13}},
                    {"std": {"min": 1.169, "max": 1.17}, "quantiles": [{"q": 0.9, "max": 3.5}], "distinct_share": {"max": 0.67}},
                    {"order": "increasing", "mostly": 0.8}
                ],
                "delay": {"type": "float64", "max_nan_share": 0.2, "min": -300},
                "share": {"type": "float32", "min": 0, "above": -1, "max_infinite_share": 0.2},
                "day": {"min": "1969-12-31", "max": "2013-01-02", "below": "2013-01-03"},
                "time": {"min": "2013-01-01T05:00:00Z", "max": "2013-01-01T05:00:00Z", "max_age": "36h", "below": "as_of"},
                "late": {"allowed": [true, false], "most_common": [true]},
                "vector": {"type": "float64-list(2)", "max_null_share": 0}
            }
        }"#,
        &[],
    );
}

#[test]
fn any_number_of_rows_is_met_the_first_time() {
    check(r#"{"rows": {"previous": false, "max_change": 0}}"#, &[]);
}

#[test]
fn an_empty_table_meets_every_expectation_of_its_values() {
    let params = r#"{
        "rows": {"max": 0}, "unique": ["flight"],
        "compare": [{"column": "flight", "op": ">", "with": "delay"}],
        "columns": {
            "delay": {"min": 1, "max_null_share": 0, "mean": {"min": 1}, "median": {"min": 1}, "std": {"max": 1}},
            "flight": {"order": "decreasing", "most_common": [7], "distinct_share": {"min": 1}, "allowed": [9]}
        }
    }"#;
    assert!(findings(params, &flights().take(&[])).is_empty());
}

#[test]
fn columns_can_be_in_any_order_and_among_others() {
    check(
        r#"{"names": {"columns": ["time", "origin"], "any_order": true, "allow_others": true}}"#,
        &[],
    );
    check(
        r#"{"names": {"columns": ["origin", "time"], "allow_others": true}}"#,
        &[],
    );
}
