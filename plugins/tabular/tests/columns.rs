//! A step takes its columns one by one, by pattern and by type, and does the same to them.

mod one_column;

use one_column::{ANY, CATEGORIES, MOMENTS, NUMBERS, TEXTS, labelled, run};
use trueline_sdk::testing::Table;
use trueline_sdk::{DataType, Field};

#[track_caller]
fn check(steps: &[&str], data_type: &str, table: &Table) {
    let mut compared = 0;
    for step in steps
        .iter()
        .filter(|step| step.contains(r#""columns": "x""#))
    {
        let expected = run(step, table).expect(step);
        let typed = format!(r#"{{"type": "{data_type}", "name": ["*", "!late"]}}"#);
        for columns in [r#"["x"]"#, r#""?""#, r#"["*", "!late"]"#, &typed] {
            let step = step.replace(r#""columns": "x""#, &format!(r#""columns": {columns}"#));
            assert_eq!(run(&step, table).expect(&step), expected, "{step}");
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn every_step_takes_columns_by_name_pattern_and_type() {
    let numbers = labelled(Table::new().with_column("x", [1.0, 2.5, 9.0, 4.0]));
    check(
        &[&NUMBERS[..], &CATEGORIES, &ANY].concat(),
        "float64",
        &numbers,
    );
    check(
        &[&NUMBERS[..], &CATEGORIES, &ANY].concat(),
        "number",
        &numbers,
    );
    let texts = labelled(Table::new().with_column("x", ["1", "2", "1", "3"]));
    check(&[&TEXTS[..], &CATEGORIES, &ANY].concat(), "utf8", &texts);
    let at = Field::new("x", DataType::Timestamp);
    let moments = labelled(Table::new().with_field(at, [0_i64, 1, -5, 10_000_000_000]));
    check(&[&MOMENTS[..], &ANY].concat(), "time", &moments);
    let at = Field::new("x", DataType::Float64List(2));
    let vectors =
        labelled(Table::new().with_field(at, [[1.0, 5.0], [2.0, 6.0], [0.5, 1.0], [9.0, 2.0]]));
    let takes_vectors = |step: &&&str| {
        let takes = ["impute", "scale", "power", "clip", "log1p"];
        takes.iter().any(|op| step.contains(op))
    };
    let steps: Vec<&str> = NUMBERS.iter().filter(takes_vectors).copied().collect();
    check(&steps, "vector", &vectors);
}
