use super::*;

/// Rows that have the key of an earlier row, found by comparing each with each.
fn repeated(table: &Table, columns: &[&str]) -> u64 {
    let key = |row: usize| {
        columns
            .iter()
            .map(|name| table.column(name)[row].clone())
            .collect::<Vec<_>>()
    };
    let has_null = |row| key(row).contains(&Cell::Null);
    let is_repeated =
        |row: &usize| !has_null(*row) && (0..*row).any(|earlier| key(earlier) == key(*row));
    (0..table.rows()).filter(is_repeated).count() as u64
}

/// Everything that does not look at one row after another.
const MERGEABLE: &str = r#"
    "rows": {"min": 3, "max": 12, "previous": 10, "max_change": 0.5},
    "unique": [["utf8", "int32", "binary"], {"columns": ["boolean"], "mostly": 0.5}],
    "as_of": "2013-01-01",
    "key": ["utf8", "date"],
    "examples": 3,
    "compare": [
        {"column": "int32", "op": "<", "with": "int64"},
        {"column": "float32", "op": ">=", "with": "float64", "mostly": 0.5},
        {"column": "int32", "op": "!=", "with": "float64"},
        {"column": "utf8", "op": "==", "with": "utf8"}
    ],
    "row_sums": [{"columns": ["int32", "boolean", "float64"], "min": -1, "max": 1}],
    "columns": {
        "boolean": {"allowed": [true], "max_null_share": 0.2, "most_common": [true]},
        "int32": [
            {"min": -2, "max": 2, "allowed": [1, 2, 3], "mostly": 0.9},
            {"mean": {"min": 0}, "std": {"max": 1}, "sum": {"min": 1}, "median": {"max": 0}}
        ],
        "int64": {"above": -2, "below": 2, "severity": "warn", "unique": true, "distinct": {"max": 3}},
        "float32": {"min": -1, "max": 0.25, "max_nan_share": 0.1, "distinct_share": {"min": 0.5}},
        "float64": {
            "min": -0.0, "max": 1e300, "finite": true, "max_infinite_share": 0.1,
            "quantiles": [{"q": 0.3, "min": 0}, {"q": 1, "max": 9}], "mean": {"max": 0}, "std": {"max": 0}
        },
        "utf8": {
            "allowed": ["", "a", "é"], "forbidden": ["b"], "contains": ["a", "NA"], "matches": "^.?$",
            "not_matches": "\\p{Lu}", "min_length": 1, "max_length": 1, "most_common": ["a"]
        },
        "timestamp": {"min": "1970-01-01", "max": "1970-01-02", "max_age": "2d"},
        "date": {"allowed": ["1970-01-01"], "max": "as_of", "max_age": "2d"},
        "binary": {"max_null_share": 0.1, "min_length": 2, "unique": true},
        "float32-list(2)": {"type": "float32-list(3)", "severity": "warn"},
        "missing": {"severity": "warn"}
    }
"#;

const ORDERED: &str = r#"{
    "unique": ["utf8"],
    "columns": {
        "boolean": {"order": "increasing"},
        "float64": {"order": "strictly-decreasing", "min": 0, "mostly": 0.5},
        "utf8": {"order": "decreasing", "allowed": ["a"]}
    }
}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_laws_hold(table in tables(&every_type(), 0..30)) {
        let rows = [("rows", &table)];
        check_laws::<Expect>(&format!("{{{MERGEABLE}}}"), &rows, None);
        check_laws::<Expect>(ORDERED, &rows, None);
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
