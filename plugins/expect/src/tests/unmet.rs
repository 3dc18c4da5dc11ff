use super::*;

#[test]
fn of_rows() {
    check(
        r#"{"rows": {"min": 7}}"#,
        &["fail rows (6): there are 6 rows, fewer than the 7 expected"],
    );
    check(
        r#"{"rows": {"max": 2, "severity": "warn"}}"#,
        &["warn rows (6): there are 6 rows, more than the 2 expected"],
    );
    let change = "a change of 0.2500 where at most 0.1 is expected";
    check(
        r#"{"rows": {"previous": 8, "max_change": 0.1}}"#,
        &[&format!(
            "fail rows (6): there are 6 rows after 8 before, {change}"
        )],
    );
    let params = r#"{"rows": {"max_change": 0.1}}"#;
    let before = flights().take(&[0, 1, 2, 3, 4, 5, 0, 1]);
    let inputs = [("rows", &flights()), ("previous", &before)];
    let outcome = fit::<Expect>(params, &inputs).unwrap();
    assert!(outcome.findings[0].message.ends_with(change));
    check_laws::<Expect>(params, &inputs, None);
}

#[test]
fn of_bounds_and_shares() {
    check(
        r#"{"columns": {"delay": {"min": -120, "max": 2000, "max_null_share": 0.1}}}"#,
        &[
            "fail delay (1): 1 of 6 values are null, a share of 0.1667 where at most 0.1 is expected (row 3)",
            "fail delay (2): 2 values are below -120; the lowest is -300 (rows 5, 0)",
            "fail delay (1): 1 value is above 2000; the highest is 2100.5 (row 4)",
            "fail delay (1): 1 value is NaN, which lies in no range (row 2)",
        ],
    );
    check(
        r#"{"columns": {"delay": {"finite": true, "max_nan_share": 0}, "share": {"finite": true, "severity": "warn", "max_infinite_share": 0.1}}}"#,
        &[
            "fail delay (1): 1 of 6 values are NaN, a share of 0.1667 where at most 0 is expected (row 2)",
            "fail delay (1): 1 value is NaN or infinite (row 2)",
            "warn share (1): 1 of 6 values are infinite, a share of 0.1667 where at most 0.1 is expected (row 3)",
            "warn share (1): 1 value is NaN or infinite (row 3)",
        ],
    );
    check(
        r#"{"columns": {"share": {"max": 0.2}, "day": {"min": "1970-01-01"}, "time": {"max": "2013-01-01"}}}"#,
        &[
            "fail day (1): 1 value is below 1970-01-01; the lowest is 1969-12-31 (row 2)",
            "fail share (2): 2 values are above 0.2; the highest is inf (rows 3, 2)",
            "fail time (6): 6 values are above 2013-01-01T00:00:00Z; the highest is 2013-01-01T05:00:00Z (rows 0, 1, 2, 3, 4, …)",
        ],
    );
    check(
        r#"{"columns": {"flight": {"above": 1, "below": 4}}}"#,
        &[
            "fail flight (2): 2 values are not above 1; the lowest is 1 (rows 0, 4)",
            "fail flight (1): 1 value is not below 4; the highest is 4 (row 3)",
        ],
    );
    check(
        r#"{"columns": {"flight": {"min": 3, "mostly": 0.5}}}"#,
        &[
            "fail flight (4): 4 values are below 3; the lowest is 1; of 6, a share of 0.333333 is as expected where 0.5 must be (rows 0, 4, 1, 5)",
        ],
    );
}

#[test]
fn of_sets() {
    check(
        r#"{"severity": "warn", "columns": {"origin": {"allowed": ["JFK"]}, "flight": {"allowed": [2, 7], "severity": "fail"}}}"#,
        &[
            "fail flight (4): 4 values are not one of the 2 allowed, such as 1, 3, 4 (rows 0, 2, 3, 4)",
            r#"warn origin (4): 4 values are not the allowed one, such as "EWR", "jfk", "" (rows 1, 2, 4, 5)"#,
        ],
    );
    check(
        r#"{"columns": {"share": {"allowed": [0, 0.1, 0.2]}, "late": {"forbidden": [false]}}}"#,
        &[
            "fail late (1): 1 value is forbidden, such as false (row 2)",
            "fail share (2): 2 values are not one of the 3 allowed, such as 0.3, inf (rows 2, 3)",
        ],
    );
    check(
        r#"{"columns": {"origin": {"contains": ["JFK", "LGA", "SWF"], "most_common": ["JFK"]}, "flight": {"most_common": [4]}}}"#,
        &[
            "fail flight (0): the most common values are 1, 2, 2 times each",
            r#"fail origin (0): 2 values are not there: "LGA", "SWF""#,
            r#"fail origin (0): the most common value is "EWR", 2 times"#,
        ],
    );
}

#[test]
fn of_texts() {
    check(
        r#"{"columns": {"origin": {"matches": "^[A-Z]{3}$", "not_matches": "K$", "min_length": 3, "max_length": 3}}}"#,
        &[
            r#"fail origin (2): 2 values are without a match of ^[A-Z]{3}$, such as "jfk", "" (rows 2, 4)"#,
            r#"fail origin (1): 1 value is with a match of K$, such as "JFK" (row 0)"#,
            r#"fail origin (1): 1 value is shorter than 3, such as "" (row 4)"#,
        ],
    );
}

#[test]
fn of_keys() {
    check(
        r#"{"unique": ["flight"]}"#,
        &["fail flight (2): 2 rows repeat the key of another row (rows 4, 5)"],
    );
    check(
        r#"{"unique": {"columns": ["origin", "flight", "late"], "severity": "warn"}}"#,
        &["warn origin, flight, late (1): 1 row repeats the key of another row (row 5)"],
    );
    // Rows 0 and 1 and a null; -0.0 is 0.0.
    check(
        r#"{"columns": {"share": {"unique": true}}}"#,
        &["fail share (1): 1 row repeats the key of another row (row 5)"],
    );
    check(
        r#"{"columns": {"flight": {"distinct": {"min": 5}, "distinct_share": {"min": 0.7}}}}"#,
        &[
            "fail flight (0): the number of different values is 4, where at least 5 is expected",
            "fail flight (0): the share of different values is 0.6666666666666666, where at least 0.7 is expected",
        ],
    );
    let nulls = Table::new().with_column("x", [None::<i32>, None]);
    assert!(findings(r#"{"unique": ["x"]}"#, &nulls).is_empty());
}

#[test]
fn of_statistics() {
    check(
        r#"{"columns": {"flight": {
            "mean": {"max": 2}, "std": {"min": 2}, "sum": {"min": 14}, "median": {"min": 3, "max": 4},
            "quantiles": [{"q": 0.75, "max": 2}]
        }}}"#,
        &[
            "fail flight (0): the mean is 2.1666666666666665, where at most 2 is expected",
            "fail flight (0): the standard deviation is 1.169045194450012, where at least 2 is expected",
            "fail flight (0): the sum is 13, where at least 14 is expected",
            "fail flight (0): the median is 2, where from 3 to 4 is expected",
            "fail flight (0): the quantile 0.75 is 2.75, where at most 2 is expected",
        ],
    );
}

#[test]
fn of_order_and_age() {
    check(
        r#"{"columns": {"flight": {"order": "strictly-increasing"}}}"#,
        &["fail flight (1): 1 value breaks the order, such as 1 after 4 (row 4)"],
    );
    check(
        r#"{"as_of": "2013-01-03T00:00:00Z", "columns": {"time": {"max_age": "1d"}, "day": {"max_age": "1w"}}}"#,
        &["fail time (0): the newest is 2013-01-01T05:00:00Z, older than 2013-01-02T00:00:00Z"],
    );
    let nothing = Table::new().with_field(Field::new("t", DataType::Timestamp), [None::<i64>]);
    let params = r#"{"as_of": "2013-01-03", "columns": {"t": {"max_age": "1d"}}}"#;
    assert_eq!(
        findings(params, &nothing),
        ["fail t (0): there is no value"]
    );
}

#[test]
fn of_several_columns() {
    check(
        r#"{"compare": [{"column": "delay", "op": ">=", "with": "flight", "severity": "warn"}]}"#,
        &[
            "warn delay >= flight (3): 3 rows have values that are not >=, such as -121 and 1 (rows 0, 2, 5)",
        ],
    );
    check(
        r#"{"row_sums": [{"columns": ["flight", "late"], "max": 4}]}"#,
        &["fail flight + late (1): 1 row has a sum that is not at most 4, such as 5 (row 3)"],
    );
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
