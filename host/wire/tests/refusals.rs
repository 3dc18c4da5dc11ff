//! What each protocol takes, and what it says to everything else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use trueline_table::{DataType, Field, Schema};
use trueline_wire::csv::Header;
use trueline_wire::{Result, csv, invocations, native, oip};

fn schema() -> Schema {
    let delay = Field::new("delay", DataType::Float64);
    let mut count = Field::new("count", DataType::Int64);
    count.nullable = false;
    Schema::new([delay, count, Field::new("origin", DataType::Utf8)])
}

/// The three columns of the only row, as one would say them.
fn said(rows: &RecordBatch) -> String {
    let delay = rows.column(0).as_primitive::<Float64Type>();
    let count = rows.column(1).as_primitive::<Int64Type>();
    let origin = rows.column(2).as_string::<i32>();
    let delay = delay.iter().map(|value| format!("{value:?}"));
    let rest = count.iter().zip(origin.iter());
    let rows = delay.zip(rest).map(|(delay, (count, origin))| {
        format!("{delay} {} {}", count.unwrap(), origin.unwrap_or("null"))
    });
    rows.collect::<Vec<_>>().join("; ")
}

fn check(cases: &[(&str, &str)], read: impl Fn(&Schema, &[u8]) -> Result<RecordBatch>) {
    for (body, expected) in cases {
        let found = match read(&schema(), body.as_bytes()) {
            Ok(rows) => said(&rows),
            Err(error) => format!("{}: {error}", error.code()),
        };
        assert_eq!(&found, expected, "{body}");
    }
}

#[test]
fn native_json() {
    let big = 9_007_199_254_740_993i64;
    let as_number = format!(r#"{{"records": [{{"delay": 1, "count": {big}, "origin": "JFK"}}]}}"#);
    let as_text =
        format!(r#"{{"columns": {{"origin": ["JFK"], "count": ["{big}"], "delay": [1]}}}}"#);
    let cases = [
        (as_number.as_str(), "Some(1.0) 9007199254740993 JFK"),
        (&as_text, "Some(1.0) 9007199254740993 JFK"),
        (
            r#"{"records": [{"delay": "NaN", "count": 3.0, "origin": null}]}"#,
            "Some(NaN) 3 null",
        ),
        (
            r#"{"records": [{"delay": -Infinity, "count": 1, "origin": ""}]}"#,
            "Some(-inf) 1 ",
        ),
        (r#"{"records": []}"#, ""),
        (
            r#"{"records": [{"delay": 1, "count": 1}]}"#,
            "missing_column: column `origin` is missing in row 1; the package reads it as utf8",
        ),
        (
            r#"{"columns": {"delay": [1], "count": [1]}}"#,
            "missing_column: column `origin` is missing; the package reads it as utf8",
        ),
        (
            r#"{"records": [{"delay": 1, "count": 1, "orgin": "JFK"}]}"#,
            "unknown_column: the package reads no column `orgin`; did you mean `origin` (utf8)?",
        ),
        (
            r#"{"records": [{"month": 1}]}"#,
            "unknown_column: the package reads no column `month`; its columns are delay (float64), count (int64), origin (utf8)",
        ),
        (
            r#"{"records": [{"delay": 1, "delay": 1}]}"#,
            "repeated_column: column `delay` is there twice",
        ),
        (
            r#"{"records": [{"delay": "late"}]}"#,
            r#"invalid_value: column `delay`, row 1: expected float64, found the text "late""#,
        ),
        (
            r#"{"records": [{"delay": 1e999}]}"#,
            "invalid_value: column `delay`, row 1: expected float64, found 1e999",
        ),
        (
            r#"{"records": [{"count": 1.5}]}"#,
            "invalid_value: column `count`, row 1: expected int64, found 1.5",
        ),
        (
            r#"{"records": [{"count": 9223372036854775808}]}"#,
            "invalid_value: column `count`, row 1: expected int64, found 9223372036854775808",
        ),
        (
            r#"{"records": [{"count": null}]}"#,
            "invalid_value: column `count`, row 1: expected int64, found null, which it takes none of",
        ),
        (
            r#"{"records": [{"origin": 7}]}"#,
            "invalid_value: column `origin`, row 1: expected utf8, found 7",
        ),
        (
            r#"{"columns": {"delay": [1, 2], "count": [1], "origin": ["JFK", "LGA"]}}"#,
            "lengths_differ: column `count` has 1 rows, but 2 are expected",
        ),
        (
            r#"{"rows": []}"#,
            "invalid_request: the body has the key `rows`; a request has `records` or `columns`",
        ),
        (
            "{}",
            "invalid_request: the body has no rows; a request has `records` or `columns`",
        ),
        (
            r#"{"records": [], "columns": {}}"#,
            "invalid_request: the body has rows twice; a request has `records` or `columns`",
        ),
        (
            r#"{"records": [}"#,
            "invalid_json: the body is no JSON: an object is expected at byte 13",
        ),
    ];
    check(&cases, |schema, body| {
        native::read(schema, body).map(|(_, rows)| rows)
    });
}

#[test]
fn csv_with_and_without_a_header() {
    let cases = [
        ("1.5,3,JFK\n,4,\n", "Some(1.5) 3 JFK; None 4 null"),
        ("NaN,3.0,\"a, \"\"b\"\"\"\r\n", "Some(NaN) 3 a, \"b\""),
        ("", ""),
        (
            "1.5,3\n",
            "missing_column: column `origin` is missing in row 1; the package reads it as utf8",
        ),
        (
            "1.5,3,JFK,9\n",
            "invalid_request: row 1 has more than 3 cells; the package reads delay (float64), count (int64), origin (utf8)",
        ),
        (
            "1.5,3,JFK\nx,3,JFK\n",
            r#"invalid_value: column `delay`, row 2: expected float64, found "x""#,
        ),
        (
            "delay,count,origin\n1,2,JFK\n",
            "invalid_request: the first row holds the names of the columns; say `text/csv; header=present` if it is a header",
        ),
    ];
    check(&cases, |schema, body| {
        csv::read(schema, body, Header::Absent)
    });
    let cases = [
        ("count,origin,delay\n3,JFK,1.5\n", "Some(1.5) 3 JFK"),
        ("\u{feff}delay,count,origin\n", ""),
        (
            "delay,count\n1,2\n",
            "missing_column: column `origin` is missing; the package reads it as utf8",
        ),
        (
            "delay,count,origins\n",
            "unknown_column: the package reads no column `origins`; did you mean `origin` (utf8)?",
        ),
        (
            "delay,count,delay\n",
            "repeated_column: column `delay` is there twice",
        ),
        (
            "delay,count,origin\n1,2,JFK,9\n",
            "invalid_request: a row has 4 cells, the header 3",
        ),
        (
            "",
            "invalid_request: the body is empty; its first line names the columns",
        ),
    ];
    check(&cases, |schema, body| {
        csv::read(schema, body, Header::Present)
    });
}

#[test]
fn invocations_in_json() {
    let cases = [
        (
            r#"{"dataframe_split": {"index": [0], "columns": ["count", "delay", "origin"], "data": [[3, NaN, "JFK"]]}}"#,
            "Some(NaN) 3 JFK",
        ),
        (
            r#"{"dataframe_split": {"data": [[1.5, 3, null]], "columns": ["delay", "count", "origin"]}, "params": {}}"#,
            "Some(1.5) 3 null",
        ),
        (
            r#"{"dataframe_records": [{"count": 3, "delay": 1.5, "origin": "JFK"}]}"#,
            "Some(1.5) 3 JFK",
        ),
        (
            r#"{"instances": [{"count": 3, "delay": 1.5, "origin": "JFK"}, [2.5, 4, "LGA"]]}"#,
            "Some(1.5) 3 JFK; Some(2.5) 4 LGA",
        ),
        (
            r#"{"instances": [{"features": [1.5, 3, "JFK"]}, {"data": {"features": {"values": [2.5, 4, null]}}}]}"#,
            "Some(1.5) 3 JFK; Some(2.5) 4 null",
        ),
        (
            r#"{"inputs": {"count": [3], "delay": [1.5], "origin": ["JFK"]}}"#,
            "Some(1.5) 3 JFK",
        ),
        (
            r#"{"inputs": [[1.5, 3, "JFK"]]}"#,
            "invalid_request: `inputs` is an object of columns, since the package's columns have names; found a list",
        ),
        (
            r#"[[1.5, 3]]"#,
            "invalid_request: the body is not an object with `dataframe_split`, `dataframe_records`, `instances` or `inputs`",
        ),
        (
            r#"{"instances": [], "inputs": {}}"#,
            "invalid_request: the body has more than one of `dataframe_split`, `dataframe_records`, `instances` or `inputs`",
        ),
        (
            r#"{"instances": [[1.5]]}"#,
            "missing_column: column `count` is missing in row 1; the package reads it as int64",
        ),
        (
            r#"{"instances": [[1.5, 3, "JFK", 1]]}"#,
            "invalid_request: row 1 has more than 3 values",
        ),
        (
            r#"{"dataframe_split": {"columns": ["delay", "delay"], "data": [[1, 2]]}}"#,
            "repeated_column: column `delay` is there twice",
        ),
        (
            r#"{"dataframe_split": {"columns": ["delay"]}}"#,
            "invalid_request: `dataframe_split` lacks `columns` or `data`",
        ),
        (
            r#"{"instances": [{"data": {"features": {"keys": [0], "values": [1]}}}]}"#,
            "invalid_request: sparse instances are not understood; list all values",
        ),
        (
            r#"{"inputs": {}, "params": {"alpha": 1}}"#,
            "missing_column: column `delay` is missing; the package reads it as float64",
        ),
        (
            r#"{"params": {"alpha": 1}}"#,
            "invalid_request: a package takes no `params`; `alpha` would change nothing",
        ),
    ];
    check(&cases, |schema, body| invocations::read(schema, body));
    let lines = [
        (
            "{\"features\": [1.5, 3, \"JFK\"]}\n\n[2.5, 4, null]\n",
            "Some(1.5) 3 JFK; Some(2.5) 4 null",
        ),
        (
            "{} {}",
            "missing_column: column `delay` is missing in row 1; the package reads it as float64",
        ),
    ];
    check(&lines, |schema, body| invocations::read_lines(schema, body));
}

#[test]
fn tensors() {
    let body = |delay: &str, more: &str| {
        format!(
            r#"{{"inputs": [{delay}, {{"name": "count", "shape": [1, 1], "datatype": "UINT32", "data": [[3]]}}, {{"name": "origin", "shape": [1], "datatype": "BYTES", "data": ["JFK"]}}{more}]}}"#
        )
    };
    let delay = |rest: &str| body(&format!(r#"{{"name": "delay", {rest}}}"#), "");
    let good = r#"{"name": "delay", "data": [NaN], "shape": [1], "datatype": "FP64"}"#;
    let cases = [
        (body(good, ""), "Some(NaN) 3 JFK"),
        (
            body(
                good,
                r#", {"name": "delay.valid", "shape": [1], "datatype": "BOOL", "data": [false]}"#,
            ),
            "None 3 JFK",
        ),
        (
            delay(r#""shape": [1], "datatype": "FP32", "data": [1]"#),
            "invalid_request: column `delay`: expected a tensor of FP64 (float64), found FP32",
        ),
        (
            delay(r#""shape": [1], "datatype": "FP16", "data": [1]"#),
            "invalid_request: tensor `delay` has the datatype `FP16`, which no column has",
        ),
        (
            delay(r#""shape": [2], "datatype": "FP64", "data": [1]"#),
            "invalid_request: tensor `delay` has 1 elements, its shape [2] says 2",
        ),
        (
            delay(r#""shape": [1, 2], "datatype": "FP64", "data": [1, 2]"#),
            "invalid_request: tensor `delay` has the shape [1, 2], expected [rows]",
        ),
        (
            delay(r#""shape": [18446744073709551615], "datatype": "FP64", "data": [1]"#),
            "invalid_request: tensor `delay` has 1 elements, its shape [18446744073709551615] says 18446744073709551615",
        ),
        (
            delay(r#""shape": [1], "datatype": "FP64", "data": ["x"]"#),
            r#"invalid_value: column `delay`, row 1: expected FP64, found the text "x""#,
        ),
        (
            delay(r#""shape": [2], "datatype": "FP64", "data": [1, 2]"#),
            "lengths_differ: column `count` has 1 rows, but 2 are expected",
        ),
        (
            delay(r#""shape": [1], "datatype": "FP64""#),
            "invalid_request: tensor `delay` has no `data`",
        ),
        (
            delay(r#""shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}"#),
            "invalid_request: tensor `delay` has 8 bytes, but only 0 are left of the body",
        ),
        (
            body(
                good,
                r#", {"name": "late", "shape": [1], "datatype": "FP64", "data": [1]}"#,
            ),
            "unknown_column: the package reads no column `late`; its columns are delay (float64), count (int64), origin (utf8)",
        ),
        (
            body(good, &format!(", {good}")),
            "repeated_column: column `delay` is there twice",
        ),
        (
            r#"{"inputs": []}"#.to_owned(),
            "missing_column: column `delay` is missing; the package reads it as float64",
        ),
        (
            r#"{"id": "1"}"#.to_owned(),
            "invalid_request: the body has no `inputs`",
        ),
    ];
    let cases: Vec<_> = cases
        .iter()
        .map(|(body, expected)| (body.as_str(), *expected))
        .collect();
    check(&cases, |schema, body| {
        oip::read(schema, None, body).map(|request| request.rows)
    });
}

#[test]
fn times_with_zones_become_utc() {
    let schema = Schema::new([Field::new("time", DataType::Timestamp)]);
    let check = |time: &str, expected: std::result::Result<i64, &str>| {
        let body = format!(r#"{{"records": [{{"time": {time}}}]}}"#);
        let read = native::read(&schema, body.as_bytes());
        let found = read.map(|(_, rows)| {
            rows.column(0)
                .as_primitive::<TimestampMicrosecondType>()
                .value(0)
        });
        let expected = expected.map_err(|found| {
            format!("column `time`, row 1: expected timestamp such as \"2013-10-01T05:00:00Z\", to the microsecond, found {found}")
        });
        assert_eq!(found.map_err(|error| error.to_string()), expected, "{time}");
    };
    check(r#""2013-01-01T05:00:00-05:00""#, Ok(1_357_034_400_000_000));
    check(r#""2013-01-01 10:00:00""#, Ok(1_357_034_400_000_000));
    // Seconds, milliseconds or microseconds? Nobody guesses.
    check("1357034400", Err("1357034400"));
    check(
        r#""2013-01-01T10:00:00.0000001Z""#,
        Err("the text \"2013-01-01T10:00:00.0000001Z\""),
    );
}
