use super::*;

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
    let of_table = [
        (
            r#"{"column": {}}"#,
            "unknown field `column`, expected one of `columns`, `names`",
        ),
        (
            r#"{"rows": {}}"#,
            "`rows` needs `min`, `max`, `max_change` or several",
        ),
        (
            r#"{"rows": {"min": 2, "max": 1}}"#,
            "`rows` has a `min` above",
        ),
        (
            r#"{"rows": {"max_change": 0.1}}"#,
            "`max_change` needs to know how many rows there were",
        ),
        (
            r#"{"rows": {"previous": 1}}"#,
            "`rows` has `previous`, but no `max_change`",
        ),
        (
            r#"{"rows": {"previous": true, "max_change": 0.1}}"#,
            "`previous` is true: it takes a number of rows, or false",
        ),
        (
            r#"{"rows": {"previous": "many", "max_change": 0.1}}"#,
            "`previous` must be a number of rows, or false",
        ),
        (
            r#"{"rows": {"previous": 1, "max_change": -1}}"#,
            "`max_change` of -1, which must be 0 or more",
        ),
        (r#"{"unique": []}"#, "at least one column"),
        (
            r#"{"unique": "flight"}"#,
            "`unique` must be a list of columns",
        ),
        (
            r#"{"unique": ["vector"]}"#,
            "`vector` is float64-list(2), not a key",
        ),
        (
            r#"{"unique": {"columns": ["day"], "mostly": 2}}"#,
            "`mostly` of `unique` day is 2",
        ),
        (
            r#"{"names": ["origin"]}"#,
            "there are columns that `names` does not have: flight, delay",
        ),
        (
            r#"{"names": ["x", "flight", "delay", "share", "day", "time", "late", "vector"]}"#,
            "columns are missing: x; and `names` does not have: origin",
        ),
        (
            r#"{"names": ["flight", "origin", "delay", "share", "day", "time", "late", "vector"]}"#,
            "the columns are in another order: origin, flight",
        ),
        (
            r#"{"names": {"columns": ["x"], "allow_others": true}}"#,
            "columns are missing: x",
        ),
        (
            r#"{"key": ["vector"]}"#,
            "`key`: column `vector` is float64-list(2), which names nothing",
        ),
        (
            r#"{"as_of": "soon"}"#,
            r#"`as_of` cannot be "soon": it takes a time in UTC"#,
        ),
        (
            r#"{"compare": [{"column": "day", "op": "<", "with": "flight"}]}"#,
            "`day` is date and `flight` is int32, which cannot be compared",
        ),
        (
            r#"{"compare": [{"column": "day", "op": "<>", "with": "flight"}]}"#,
            "unknown variant `<>`, expected one of `<`, `<=`",
        ),
        (
            r#"{"row_sums": [{"columns": ["origin"], "max": 1}]}"#,
            "column `origin` is utf8, not a number",
        ),
        (
            r#"{"row_sums": [{"columns": ["flight"]}]}"#,
            "`row_sums` of flight needs `min`, `max` or both",
        ),
        (
            r#"{"columns": {"dealy": {}}}"#,
            "no column `dealy`; the columns are origin, flight",
        ),
    ];
    of_table
        .iter()
        .for_each(|(params, expected)| check(params, expected));
    let of_column = [
        (
            "delay",
            r#""mn": 1"#,
            "unknown field `mn`, expected one of `type`",
        ),
        (
            "delay",
            r#""type": "double""#,
            "`double` is not a type; the types are boolean",
        ),
        (
            "delay",
            r#""severity": "bad""#,
            "unknown variant `bad`, expected `warn` or `fail`",
        ),
        (
            "delay",
            r#""type": "float32""#,
            "`delay` is float64, but float32 is expected",
        ),
        (
            "delay",
            r#""min": "a""#,
            r#"`min` of column `delay` (float64) cannot be "a": it takes a number"#,
        ),
        (
            "flight",
            r#""max": 1.5"#,
            "cannot be 1.5: it takes a whole number",
        ),
        ("day", r#""max": "2013-02-30""#, "it takes a date such as"),
        (
            "day",
            r#""max": "as_of""#,
            "give the parameter `as_of`, since a stage has no clock",
        ),
        (
            "origin",
            r#""max": "b""#,
            "only numbers, dates and timestamps have bounds",
        ),
        (
            "origin",
            r#""allowed": ["a", 1]"#,
            "cannot be 1: it takes a text",
        ),
        (
            "origin",
            r#""allowed": []"#,
            "`allowed` of column `origin` is empty",
        ),
        ("origin", r#""finite": true"#, "only floats can be infinite"),
        (
            "flight",
            r#""max_nan_share": 0"#,
            "only floats can be NaN or infinite",
        ),
        (
            "delay",
            r#""min": 2, "max": 1"#,
            "`min` of column `delay` (float64): it is above `max`",
        ),
        (
            "delay",
            r#""above": 2, "max": 1"#,
            "it leaves nothing below the upper bound",
        ),
        ("delay", r#""max_null_share": 3"#, "3 must be from 0 to 1"),
        (
            "delay",
            r#""mostly": -1"#,
            "`mostly` of column `delay` is -1, which must be from 0 to 1",
        ),
        ("delay", r#""matches": "a""#, "only texts match a pattern"),
        (
            "origin",
            r#""matches": "(a""#,
            r#"`matches` of column `origin` (utf8): "(a" is no pattern: unclosed group"#,
        ),
        (
            "delay",
            r#""min_length": 1"#,
            "only texts and bytes have a length",
        ),
        (
            "origin",
            r#""min_length": 2, "max_length": 1"#,
            "it is above `max_length`",
        ),
        ("vector", r#""unique": true"#, "vectors are not compared"),
        (
            "origin",
            r#""mean": {"min": 1}"#,
            "`mean` of column `origin` (utf8): only numbers have one",
        ),
        (
            "delay",
            r#""mean": {}"#,
            "`mean` of column `delay` (float64) needs `min`, `max` or both",
        ),
        (
            "delay",
            r#""mean": {"min": 2, "max": 1}"#,
            "has a `min` above its `max`",
        ),
        (
            "delay",
            r#""quantiles": [{"q": 2, "min": 1}]"#,
            "2 is not within 0 and 1",
        ),
        ("vector", r#""order": "increasing""#, "its values have none"),
        (
            "flight",
            r#""max_age": "1d""#,
            "only dates and timestamps have an age",
        ),
        (
            "day",
            r#""max_age": "1 day""#,
            r#""1 day" is no duration; write "90min""#,
        ),
    ];
    for (column, what, expected) in of_column {
        check(
            &format!(r#"{{"columns": {{"{column}": {{{what}}}}}}}"#),
            expected,
        );
    }
}

#[test]
fn only_one_other_input_is_known() {
    let describe = |params: &str, name: &str| {
        let error = describe::<Expect>(params, &[("rows", &flights()), (name, &flights())], None);
        error.expect_err(name).message().to_owned()
    };
    assert!(describe("{}", "validation").contains("there is no input `validation`"));
    assert!(describe("{}", "previous").contains("the input `previous` is there for `rows"));
}
