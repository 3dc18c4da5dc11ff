use trueline_sdk::testing::{Cell, Table};
use trueline_sdk::{DataType, Field, civil::parse_timestamp};

use crate::testing::{check, check_error};

fn cast(to: &str, options: &str) -> String {
    format!(r#"[{{"op": "cast", "columns": "x", "to": "{to}"{options}}}]"#)
}

fn column(values: impl IntoIterator<Item = Option<f64>>) -> Table {
    Table::new().with_column("x", values)
}

#[test]
fn numbers_change_their_type() {
    let x = column([Some(2.9), Some(-2.9), Some(-0.0), None, Some(f64::NAN)]);
    check(
        &cast("int32", ""),
        &x,
        &Table::new().with_column("x", [Some(2), Some(-2), Some(0), None, None]),
    );
    check(
        &cast("int64", ""),
        &x,
        &Table::new().with_column("x", [Some(2_i64), Some(-2), Some(0), None, None]),
    );
    check(
        &cast("boolean", ""),
        &x,
        &Table::new().with_column("x", [Some(true), Some(true), Some(false), None, None]),
    );
    check(
        &cast("float32", ""),
        &x,
        &Table::new().with_column("x", [Some(2.9_f32), Some(-2.9), Some(-0.0), None, None]),
    );
    check(
        &cast("utf8", ""),
        &x,
        &Table::new().with_column("x", [Some("2.9"), Some("-2.9"), Some("0"), None, None]),
    );
}

#[test]
fn integers_are_exact_as_long_as_nothing_is_computed() {
    let big = Table::new().with_column("x", [Some(i64::MAX), Some(-1), None]);
    let texts = [Some("9223372036854775807"), Some("-1"), None];
    check(
        &cast("utf8", ""),
        &big,
        &Table::new().with_column("x", texts),
    );
    let flags = Table::new().with_column("x", [Some(true), None]);
    check(
        &cast("int64", ""),
        &flags,
        &Table::new().with_column("x", [Some(1_i64), None]),
    );
    check(
        &cast("utf8", ""),
        &flags,
        &Table::new().with_column("x", [Some("true"), None]),
    );
    check_error(
        &cast("int32", ""),
        &Table::new().with_column("x", [3_000_000_000_i64]),
        &["steps[0] (`cast`): column `x` holds 3000000000, which is no int32"],
    );
}

#[test]
fn an_int64_is_exact_wherever_it_is_cast_from() {
    let texts = Table::new().with_column(
        "x",
        [
            "9007199254740993",
            " -9223372036854775808",
            "9223372036854775807",
        ],
    );
    let exactly = [9_007_199_254_740_993, i64::MIN, i64::MAX];
    check(
        &cast("int64", ""),
        &texts,
        &Table::new().with_column("x", exactly),
    );
    // The last moment that there is, in microseconds.
    check(
        &cast("int64", r#", "unit": "microseconds""#),
        &times(DataType::Timestamp, [Some(i64::MAX), Some(i64::MIN), None]),
        &Table::new().with_column("x", [Some(i64::MAX), Some(i64::MIN), None]),
    );
    // A float64 so large is a whole number.
    check(
        &cast("int64", ""),
        &column([Some(1e18), Some(-9_223_372_036_854_775_808.0)]),
        &Table::new().with_column("x", [1_000_000_000_000_000_000, i64::MIN]),
    );
    check_error(
        &cast("int64", ""),
        &column([Some(9_223_372_036_854_775_808.0)]),
        &["column `x` holds 9223372036854776000, which is no int64"],
    );
    // Neighbours that are one float64 are two categories, and two texts.
    let neighbours = Table::new().with_column("x", ["9007199254740993", "9007199254740992"]);
    check(
        r#"[{"op": "cast", "columns": "x", "to": "int64"}, {"op": "ordinal", "columns": "x"}]"#,
        &neighbours,
        &Table::new().with_column("x", [1, 0]),
    );
    check(
        r#"[{"op": "cast", "columns": "x", "to": "int64"}, {"op": "cast", "columns": "x", "to": "utf8"}]"#,
        &neighbours,
        &neighbours,
    );
}

#[test]
fn texts_are_read() {
    let texts = Table::new().with_column("x", [Some(" 12 "), Some("-3"), None]);
    check(
        &cast("int32", ""),
        &texts,
        &Table::new().with_column("x", [Some(12), Some(-3), None]),
    );
    check(
        &cast("int64", ""),
        &texts,
        &Table::new().with_column("x", [Some(12_i64), Some(-3), None]),
    );
    let texts = Table::new().with_column("x", [Some("1e-3"), Some("-inf"), Some("NaN")]);
    check(
        &cast("float64", ""),
        &texts,
        &column([Some(1e-3), Some(f64::NEG_INFINITY), None]),
    );
    let texts = Table::new().with_column("x", [Some("True"), Some("0"), Some("false")]);
    check(
        &cast("boolean", ""),
        &texts,
        &Table::new().with_column("x", [Some(true), Some(false), Some(false)]),
    );
}

#[test]
fn what_does_not_fit_is_an_error_or_missing() {
    let texts = |text| Table::new().with_column("x", ["1", text]);
    for (to, text) in [
        ("int32", "2147483648"),
        ("int64", "9223372036854775808"),
        ("int32", "1.5"),
        ("float64", "1,5"),
        ("boolean", "yes"),
        ("float32", ""),
    ] {
        let parts = [
            "steps[0] (`cast`): column `x` holds ",
            text,
            &format!("which is no {to}"),
            "set `invalid` to \"null\"",
        ];
        check_error(&cast(to, ""), &texts(text), &parts);
        let missing = Table::new().with_column("x", [Some(1_i64), None]);
        if to == "int64" {
            check(&cast(to, r#", "invalid": "null""#), &texts(text), &missing);
        }
    }
    let far = column([Some(3e9), Some(f64::NEG_INFINITY)]);
    check_error(
        &cast("int32", ""),
        &far,
        &["column `x` holds 3000000000, which is no int32"],
    );
    check(
        &cast("int32", r#", "invalid": "null""#),
        &far,
        &Table::new().with_column("x", [None::<i32>, None]),
    );
}

fn times(data_type: DataType, values: impl IntoIterator<Item = Option<i64>>) -> Table {
    let cell = |value: Option<i64>| match (value, data_type) {
        (None, _) => Cell::Null,
        (Some(day), DataType::Date) => Cell::Int32(i32::try_from(day).unwrap()),
        (Some(value), _) => Cell::Int64(value),
    };
    Table::new().with_field(Field::new("x", data_type), values.into_iter().map(cell))
}

/// Microseconds of what the text says.
fn at(text: &str) -> Option<i64> {
    Some(parse_timestamp(text).unwrap())
}

fn day(text: &str) -> Option<i64> {
    Some(at(text).unwrap() / 86_400_000_000)
}

#[test]
fn texts_become_moments_and_days() {
    let texts = |texts: [Option<&'static str>; 3]| Table::new().with_column("x", texts);
    check(
        &cast("timestamp", ""),
        &texts([
            Some("2013-12-31T18:00:00-05:00"),
            Some(" 2013-12-31 18:00 "),
            None,
        ]),
        &times(
            DataType::Timestamp,
            [at("2013-12-31T23:00:00"), at("2013-12-31T18:00:00"), None],
        ),
    );
    check(
        &cast("timestamp", r#", "offset": "-05:00""#),
        &texts([Some("2013-12-31T18:00:00Z"), Some("2013-12-31 18:00"), None]),
        &times(
            DataType::Timestamp,
            [at("2013-12-31T18:00:00"), at("2013-12-31T23:00:00"), None],
        ),
    );
    check(
        &cast(
            "timestamp",
            r#", "format": "%d/%m/%Y %H:%M", "invalid": "null""#,
        ),
        &texts([Some("31/12/2013 18:05"), Some("12/31/2013 18:05"), None]),
        &times(DataType::Timestamp, [at("2013-12-31T18:05:00"), None, None]),
    );
    check(
        &cast("date", ""),
        &texts([Some("2013-12-31"), Some("0001-01-01"), None]),
        &times(DataType::Date, [day("2013-12-31"), Some(-719_162), None]),
    );
    for (to, text) in [
        ("timestamp", "31.12.2013"),
        ("date", "2013-12-31T00:00:00"),
        ("date", "2013-02-29"),
    ] {
        let parts = [
            "steps[0] (`cast`): column `x` holds ",
            text,
            &format!("which is no {to} such as 2013-12-31"),
            "set `invalid` to \"null\"",
        ];
        check_error(&cast(to, ""), &texts([Some(text), None, None]), &parts);
    }
}

#[test]
fn numbers_become_moments_by_what_they_count() {
    let second = |unit: &str| format!(r#", "unit": "{unit}""#);
    let exactly = [Some(1_388_512_800_i64), Some(-1), None];
    let moments = times(
        DataType::Timestamp,
        [at("2013-12-31T18:00:00"), Some(-1_000_000), None],
    );
    check(
        &cast("timestamp", &second("seconds")),
        &Table::new().with_column("x", exactly),
        &moments,
    );
    // Beyond 2^53, where float64 would round.
    let nanoseconds = [Some(1_388_512_800_123_456_500_i64), Some(-500), None];
    check(
        &cast("timestamp", &second("nanoseconds")),
        &Table::new().with_column("x", nanoseconds),
        &times(
            DataType::Timestamp,
            [Some(1_388_512_800_123_456), Some(0), None],
        ),
    );
    check(
        &cast("timestamp", &second("seconds")),
        &column([Some(1.15), Some(-0.000_000_5), Some(f64::NAN)]),
        &times(DataType::Timestamp, [Some(1_150_000), Some(0), None]),
    );
    check(
        &cast("date", ""),
        &column([Some(1.9), Some(-0.1), None]),
        &times(DataType::Date, [Some(1), Some(-1), None]),
    );
    check(
        &cast("date", &second("hours")),
        &Table::new().with_column("x", [Some(47), Some(-1), None]),
        &times(DataType::Date, [Some(1), Some(-1), None]),
    );
    let too_far = column([Some(1e300), Some(f64::INFINITY), None]);
    check_error(
        &cast("timestamp", &second("weeks")),
        &too_far,
        &["column `x` holds 1000", "which is no timestamp"],
    );
    check(
        &cast("date", r#", "invalid": "null""#),
        &too_far,
        &times(DataType::Date, [None; 3]),
    );
    check_error(
        &cast("timestamp", ""),
        &too_far,
        &[
            "column `x` is float64: say what the numbers count",
            "unit = \"seconds\"",
        ],
    );
}

#[test]
fn moments_become_days_numbers_and_texts() {
    let moments = times(
        DataType::Timestamp,
        [at("2013-12-31T18:30:00.25"), Some(-1), None],
    );
    for (to, options, expected) in [
        (
            "date",
            "",
            times(DataType::Date, [day("2013-12-31"), Some(-1), None]),
        ),
        (
            "date",
            r#", "offset": "+05:30""#,
            times(DataType::Date, [day("2014-01-01"), Some(0), None]),
        ),
        (
            "int64",
            r#", "unit": "seconds""#,
            Table::new().with_column("x", [Some(1_388_514_600_i64), Some(-1), None]),
        ),
        (
            "int32",
            r#", "unit": "days""#,
            Table::new().with_column("x", [Some(16_070), Some(-1), None]),
        ),
        (
            "float64",
            r#", "unit": "hours""#,
            column([Some(1_388_514_600.25 / 3600.0), Some(-1.0 / 3.6e9), None]),
        ),
        (
            "utf8",
            "",
            Table::new().with_column(
                "x",
                [
                    Some("2013-12-31T18:30:00.250000Z"),
                    Some("1969-12-31T23:59:59.999999Z"),
                    None,
                ],
            ),
        ),
        (
            "utf8",
            r#", "offset": "-03:30""#,
            Table::new().with_column(
                "x",
                [
                    Some("2013-12-31T15:00:00.250000-03:30"),
                    Some("1969-12-31T20:29:59.999999-03:30"),
                    None,
                ],
            ),
        ),
    ] {
        check(&cast(to, options), &moments, &expected);
    }
    let days = times(DataType::Date, [day("2013-12-31"), Some(-1), None]);
    for (to, options, expected) in [
        (
            "int32",
            "",
            Table::new().with_column("x", [Some(16_070), Some(-1), None]),
        ),
        (
            "utf8",
            "",
            Table::new().with_column("x", [Some("2013-12-31"), Some("1969-12-31"), None]),
        ),
        (
            "timestamp",
            "",
            times(
                DataType::Timestamp,
                [at("2013-12-31"), Some(-86_400_000_000), None],
            ),
        ),
        (
            "timestamp",
            r#", "offset": "-05:00""#,
            times(
                DataType::Timestamp,
                [at("2013-12-31T05:00:00"), at("1969-12-31T05:00:00"), None],
            ),
        ),
    ] {
        check(&cast(to, options), &days, &expected);
    }
}

#[test]
fn what_has_no_meaning_in_a_cast_of_moments_is_refused() {
    let moments = times(DataType::Timestamp, [Some(i64::MAX), None]);
    let numbers = column([Some(1.0)]);
    let texts = Table::new().with_column("x", ["2013-12-31"]);
    for (table, to, options, part) in [
        (&moments, "boolean", "", "neither true nor false"),
        (
            &moments,
            "int64",
            "",
            "column `x` is timestamp: say what the numbers count",
        ),
        (
            &moments,
            "int64",
            r#", "unit": "nanoseconds""#,
            "whole microseconds",
        ),
        (&moments, "int32", r#", "unit": "seconds""#, "is no int32"),
        (
            &moments,
            "int64",
            r#", "unit": "years""#,
            "`unit` is nanoseconds, microseconds",
        ),
        (
            &moments,
            "utf8",
            r#", "unit": "days""#,
            "`unit` is about numbers that are moments",
        ),
        (
            &numbers,
            "timestamp",
            r#", "format": "%Y", "unit": "days""#,
            "`format` is about texts",
        ),
        (
            &numbers,
            "timestamp",
            r#", "offset": "+01:00", "unit": "days""#,
            "`offset` is about moments",
        ),
        (
            &texts,
            "date",
            r#", "offset": "+01:00""#,
            "`offset` is about moments",
        ),
        (
            &texts,
            "date",
            r#", "format": "%H""#,
            "`format` must tell the day",
        ),
    ] {
        check_error(&cast(to, options), table, &["steps[0] (`cast`)", part]);
    }
    let late = times(DataType::Date, [Some(i64::from(i32::MAX))]);
    check_error(
        &cast("timestamp", ""),
        &late,
        &["column `x` holds 5881580-07-11, which is no timestamp"],
    );
}

#[test]
fn steps_work_with_moments_that_were_cast() {
    let texts = Table::new().with_column("x", [Some("31.12.2013 18:05"), None]);
    let steps = r#"[
        {"op": "cast", "columns": "x", "to": "timestamp", "format": "%d.%m.%Y %H:%M"},
        {"op": "date-parts", "columns": "x", "parts": ["day", "minute"]},
        {"op": "time-difference", "from": "2013-12-31", "to": "x", "unit": "minutes", "into": "since"},
        {"op": "compute", "into": "unknown", "value": "is_missing(x)"},
        {"op": "cast", "columns": "x", "to": "date"},
        {"op": "cyclic", "columns": "x", "parts": ["quarter"], "keep": false}
    ]"#;
    let expected = Table::new()
        .with_column("x_day", [Some(31), None])
        .with_column("x_minute", [Some(5), None])
        .with_column("since", [Some(1085.0), None])
        .with_column("unknown", [false, true])
        .with_column("x_quarter_sin", [Some(0.0), None])
        .with_column("x_quarter_cos", [Some(1.0), None]);
    check(steps, &texts, &expected);
}
