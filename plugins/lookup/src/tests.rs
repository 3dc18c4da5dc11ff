use proptest::prelude::*;
use trueline_sdk::testing::{
    Cell, Table, cells, check_laws, describe, fit, fit_map, map, tables, tables_of,
};

use super::*;

fn planes() -> Table {
    Table::new()
        .with_column("tailnum", [Some("N2"), Some("N1"), None, Some("")])
        .with_column("year", [Some(2004), None, Some(1999), Some(1969)])
        .with_column("seats", [55.0, 182.0, 4.0, f64::NAN])
        .with_column("engine", [Some("Turbo-fan"), Some(""), None, None])
}

fn flights() -> Table {
    Table::new()
        .with_column(
            "tailnum",
            [
                Some("N1"),
                Some("N9"),
                None,
                Some("N2"),
                Some("n2"),
                Some(""),
                Some("N2"),
            ],
        )
        .with_column("year", [2013; 7])
}

#[test]
fn columns_are_added_by_key() {
    let added = fit_map::<Lookup>(
        r#"{"on": "tailnum", "take": ["year", "engine", "seats"], "prefix": "plane_", "as": {"year": "built"}}"#,
        &[("rows", &planes())],
        &flights(),
    );
    let expected = Table::new()
        .with_column(
            "built",
            [None, None, None, Some(2004), None, Some(1969), Some(2004)],
        )
        .with_column(
            "plane_engine",
            [
                Some(""),
                None,
                None,
                Some("Turbo-fan"),
                None,
                None,
                Some("Turbo-fan"),
            ],
        )
        .with_column(
            "plane_seats",
            [
                Some(182.0),
                None,
                None,
                Some(55.0),
                None,
                Some(f64::NAN),
                Some(55.0),
            ],
        );
    assert_eq!(added, Ok(expected));
}

#[test]
fn the_report_shows_the_beginning_of_the_table() {
    let table = Table::new()
        .with_column("faa", ["JFK", "EWR"])
        .with_column("hour", [7_i64, -7])
        .with_column("temp", [Some(0.1_f32), None])
        .with_column("wind", [f64::NAN, 1.5]);
    let params = r#"{"on": ["faa", "hour"], "take": ["temp", "wind"]}"#;
    let outcome = fit::<Lookup>(params, &[("rows", &table)]).unwrap();
    assert_eq!(
        outcome.report.unwrap(),
        r#"{"columns":["temp","wind"],"first_rows":[["EWR",-7,null,1.5],["JFK",7,0.1,"NaN"]],"keys":["faa","hour"],"rows":2}"#
    );
}

#[test]
fn keys_of_several_columns_and_types() {
    let weather = Table::new()
        .with_column("faa", ["JFK", "EWR", "JF", "K"])
        .with_column("hour", [7_i64, 7, -1, i64::MIN])
        .with_column("wet", [true, false, true, false])
        .with_column("temp", [1.5_f32, 2.5, 3.5, 4.5]);
    let rows = Table::new()
        .with_column("origin", ["EWR", "JFK", "JFK", "JF"])
        .with_column("hour", [Some(7), Some(7), None, Some(-1)])
        .with_column("wet", [false, true, true, true]);
    let params = r#"{"on": [{"rows": "origin", "table": "faa"}, "hour", "wet"], "take": ["temp"]}"#;
    let added = fit_map::<Lookup>(params, &[("rows", &weather)], &rows);
    assert_eq!(
        added,
        Ok(Table::new().with_column("temp", [Some(2.5_f32), Some(1.5), None, Some(3.5)]))
    );
}

#[test]
fn columns_of_every_type_come_back() {
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
        Float32List(1),
        Float64List(0),
    ];
    let fields = types.map(|data_type| Field::new(data_type.to_string(), data_type));
    let schema = Schema::new(fields.clone());
    let take: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let params = format!(r#"{{"on": "id", "take": {take:?}}}"#);
    proptest!(|(taken in tables(&schema, 0..9))| {
        let ids: Vec<i32> = (0..).take(taken.rows()).collect();
        let table = fields.iter().fold(Table::new().with_column("id", ids.clone()), |table, field| {
            table.with_field(field.clone(), taken.column(&field.name).to_vec())
        });
        let rows = Table::new().with_column("id", ids);
        prop_assert_eq!(fit_map::<Lookup>(&params, &[("rows", &table)], &rows), Ok(taken));
    });
}

#[test]
fn the_metrics_count_keys() {
    let outcome = fit::<Lookup>(
        r#"{"on": "tailnum", "take": ["seats"]}"#,
        &[("rows", &planes())],
    )
    .unwrap();
    assert_eq!(
        outcome.metrics,
        [Metric::new("rows", 3.0), Metric::new("null_keys", 1.0)]
    );
}

#[test]
fn signatures_say_what_is_read_and_written() {
    let required = Table::new()
        .with_field(Field::new("id", DataType::Date).required(), [1_i32])
        .with_field(
            Field::new("x", DataType::Float64)
                .required()
                .with_role(Role::Label),
            [1.0],
        );
    let rows = Table::new().with_field(Field::new("day", DataType::Date), [1_i32]);
    for (unmatched, nullable) in [("null", true), ("error", false)] {
        let params = format!(
            r#"{{"on": [{{"rows": "day", "table": "id"}}], "take": ["x"], "unmatched": "{unmatched}"}}"#
        );
        let signature = describe::<Lookup>(&params, &[("rows", &required)], Some(&rows)).unwrap();
        let reduction = signature.reduction.unwrap();
        assert_eq!(reduction.reads, [["id", "x"]]);
        assert_eq!(
            (
                reduction.passes,
                reduction.mergeable,
                reduction.bytes_per_row
            ),
            (1, true, 12)
        );
        let mapping = signature.mapping.unwrap();
        assert_eq!(mapping.reads, ["day"]);
        assert_eq!(
            mapping.writes,
            Schema::new([Field {
                nullable,
                ..Field::new("x", DataType::Float64)
            }])
        );
    }
}

#[test]
fn mistakes_are_named() {
    let check = |params: &str, expected: &str| {
        let (planes, flights) = (planes(), flights());
        let inputs = [("rows", &planes)];
        let error = describe::<Lookup>(params, &inputs, Some(&flights))
            .and_then(|_| fit_map::<Lookup>(params, &inputs, &flights))
            .expect_err(params);
        assert!(
            error.message().contains(expected),
            "{params}\n{}",
            error.message()
        );
    };
    check(r#"{"take": ["seats"]}"#, "missing field `on`");
    check(
        r#"{"on": 3, "take": ["seats"]}"#,
        "must be a column name, a list of",
    );
    check(r#"{"on": [], "take": ["seats"]}"#, "at least one column");
    check(r#"{"on": "tailnum", "take": []}"#, "at least one column");
    check(
        r#"{"on": ["tailnum", "tailnum"], "take": ["seats"]}"#,
        "`tailnum` stands twice",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "tkae": 1}"#,
        "unknown field `tkae`, expected one of `on`, `take`",
    );
    check(
        r#"{"on": "tail", "take": ["seats"]}"#,
        "no column `tail`; the columns are tailnum, year, seats, engine",
    );
    check(r#"{"on": "tailnum", "take": ["seat"]}"#, "no column `seat`");
    check(
        r#"{"on": "tailnum", "take": ["year"]}"#,
        "already have a column `year`",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "as": {"year": "y"}}"#,
        "`year`, which is not taken",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats", "engine"], "as": {"seats": "engine"}}"#,
        "be called `engine`",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "as": {"seats": ""}}"#,
        "empty name",
    );
    check(
        r#"{"on": "seats", "take": ["year"]}"#,
        "`seats` is float64 and cannot be a key",
    );
    check(
        r#"{"on": [{"rows": "year", "table": "tailnum"}], "take": ["seats"]}"#,
        "`year` of the rows is int32",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "max_rows": 2}"#,
        "more than 2 rows",
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "unmatched": "error"}"#,
        r#"tailnum = "N9""#,
    );
    check(
        r#"{"on": "tailnum", "take": ["seats"], "unmatched": "drop"}"#,
        "unknown variant `drop`",
    );
    let no_table = describe::<Lookup>(
        r#"{"on": "tailnum", "take": ["seats"]}"#,
        &[],
        Some(&flights()),
    );
    assert!(no_table.unwrap_err().message().contains("`fit`"));
}

#[test]
fn a_key_that_stands_twice_is_named_whatever_the_order() {
    let table = Table::new()
        .with_column("a", ["x", "y", "x", "y", "x"])
        .with_column("b", [2, 1, 2, 1, 3])
        .with_column("c", [1.0; 5]);
    let params = r#"{"on": ["a", "b"], "take": ["c"]}"#;
    for order in [[0, 1, 2, 3, 4], [3, 1, 4, 2, 0]] {
        let error = fit::<Lookup>(params, &[("rows", &table.take(&order))]).unwrap_err();
        assert!(
            error
                .message()
                .contains(r#"more than one row with a = "x", b = 2;"#),
            "{}",
            error.message()
        );
    }
}

#[test]
fn a_state_of_other_parameters_or_garbage_is_refused() {
    let (planes, flights) = (planes(), flights());
    let inputs = [("rows", &planes)];
    let state = fit::<Lookup>(r#"{"on": "tailnum", "take": ["seats"]}"#, &inputs)
        .unwrap()
        .state;
    let other = map::<Lookup>(
        r#"{"on": "tailnum", "take": ["engine"]}"#,
        &inputs,
        &state,
        &flights,
    );
    assert!(other.unwrap_err().message().contains("learn it again"));
    for length in 0..state.len() {
        let cut = map::<Lookup>(
            r#"{"on": "tailnum", "take": ["seats"]}"#,
            &inputs,
            &state[..length],
            &flights,
        );
        assert!(cut.is_err());
    }
}

/// Rows match as a search through the whole table would match them.
fn naive(table: &Table, rows: &Table, keys: &[&str], taken: &str) -> Vec<Cell> {
    let same = |row: usize, other: usize| {
        keys.iter().all(|key| {
            let key_cell = &rows.column(key)[row];
            *key_cell != Cell::Null && *key_cell == table.column(key)[other]
        })
    };
    let find = |row| (0..table.rows()).find(|&other| same(row, other));
    (0..rows.rows())
        .map(|row| find(row).map_or(Cell::Null, |other| table.column(taken)[other].clone()))
        .collect()
}

proptest! {
    #[test]
    fn the_laws_hold_and_rows_match_as_in_a_search(
        table in tables_of(table_columns(), 0..12),
        rows in tables_of(key_columns(), 0..30),
    ) {
        let params = r#"{"on": ["name", "day"], "take": ["x", "label"], "as": {"label": "text"}}"#;
        check_laws::<Lookup>(params, &[("rows", &table)], Some(&rows));
        let params_error = r#"{"on": ["name", "day"], "take": ["x"], "unmatched": "error"}"#;
        check_laws::<Lookup>(params_error, &[("rows", &table)], Some(&rows));
        if let Ok(added) = fit_map::<Lookup>(params, &[("rows", &table)], &rows) {
            prop_assert_eq!(added.column("x"), naive(&table, &rows, &["name", "day"], "x"));
            prop_assert_eq!(added.column("text"), naive(&table, &rows, &["name", "day"], "label"));
        }
    }
}

fn key_columns() -> Vec<(Field, BoxedStrategy<Cell>)> {
    let fields = [
        Field::new("name", DataType::Utf8),
        Field::new("day", DataType::Date),
    ];
    fields.map(|field| (field.clone(), cells(&field))).to_vec()
}

fn table_columns() -> Vec<(Field, BoxedStrategy<Cell>)> {
    let fields = [
        Field::new("x", DataType::Float64),
        Field::new("label", DataType::Utf8),
    ];
    let taken = fields.map(|field| (field.clone(), cells(&field)));
    key_columns().into_iter().chain(taken).collect()
}
