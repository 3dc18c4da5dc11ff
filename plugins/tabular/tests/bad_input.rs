//! What every step says to columns that it cannot work with: an error that names step, column and what is
//! wrong, never a trap and never a silent number.

mod one_column;

use one_column::{ANY, CATEGORIES, MOMENTS, NUMBERS, TEXTS, labelled, run};
use trueline_sdk::testing::Table;
use trueline_sdk::{DataType, Field};

#[track_caller]
fn check_refused(step: &str, table: &Table, parts: &[&str]) {
    let op = step.split('"').nth(1).expect(step);
    let message = run(step, table).expect_err(step);
    let place = format!("steps[0] (`{op}`)");
    for part in parts.iter().copied().chain([&*place, "`x`"]) {
        assert!(message.contains(part), "{step}: no `{part}` in: {message}");
    }
}

#[test]
fn a_missing_column_is_named_with_those_there_are() {
    let table = labelled(Table::new().with_column("a", [1.0]).with_column("b", ["t"]));
    for step in [&NUMBERS[..], &CATEGORIES, &TEXTS, &MOMENTS, &ANY].concat() {
        check_refused(
            step,
            &table,
            &["there is no column `x`; the columns at this step are a, b, late"],
        );
    }
}

#[test]
fn a_column_of_another_type_is_named_with_the_type() {
    let text = labelled(Table::new().with_column("x", ["a", "b"]));
    for step in NUMBERS {
        if !step.contains("most-frequent") && !step.contains("compute") {
            check_refused(step, &text, &["utf8"]);
        }
    }
    let number = labelled(Table::new().with_column("x", [1.0, 2.0]));
    for step in TEXTS.iter().chain(&MOMENTS) {
        check_refused(step, &number, &["is float64, and this op takes"]);
    }
    let moments = Field::new("x", DataType::Timestamp);
    let moments = labelled(Table::new().with_field(moments, [0_i64, 1]));
    for step in NUMBERS.iter().chain(&CATEGORIES).chain(&TEXTS) {
        check_refused(step, &moments, &["is timestamp"]);
    }
}

#[test]
fn a_column_without_values_has_nothing_to_teach() {
    let empty = [
        labelled(Table::new().with_column("x", [None::<f64>, Some(f64::NAN)])),
        labelled(Table::new().with_column("x", Vec::<f64>::new())),
    ];
    let learns = |step: &&str| {
        let own = [
            "clip",
            "log1p",
            "edges",
            "cyclic",
            "polynomial",
            "compute",
            "hash",
            "cast",
        ];
        !own.iter().any(|op| step.contains(op))
    };
    for table in &empty {
        for step in NUMBERS.iter().chain(&CATEGORIES).copied().filter(learns) {
            check_refused(step, table, &["it has no value to learn from"]);
        }
    }
}

#[test]
fn infinities_are_refused_where_they_cannot_be_learned_from() {
    let table = labelled(Table::new().with_column("x", [1.0, f64::INFINITY, 2.0]));
    for step in NUMBERS.iter().filter(|step| {
        let fine = [
            "most-frequent",
            "median",
            "clip",
            "log1p",
            "edges",
            "cyclic",
            "polynomial",
            "compute",
        ];
        !fine.iter().any(|op| step.contains(op))
    }) {
        match run(step, &table) {
            Err(message) => assert!(message.contains("column `x`: "), "{step}: {message}"),
            // Quantiles that an infinity is not near are as good as any.
            Ok(_) => assert!(
                step.contains("robust") || step.contains("quantile"),
                "{step}"
            ),
        }
    }
}

#[test]
fn a_constant_column_never_becomes_nan() {
    for constant in [0.0, 0.1, -7.0, 1e300] {
        let table = labelled(Table::new().with_column("x", [Some(constant), None, Some(constant)]));
        for step in NUMBERS.iter().chain(&CATEGORIES) {
            if let Ok(result) = run(step, &table) {
                for field in &result.schema().fields {
                    let cells = result.column(&field.name);
                    assert_eq!(cells[0], cells[2], "{step} of {constant}");
                    let shown = format!("{:?}", cells[0]);
                    let may_miss =
                        constant < 0.0 && (step.contains("log1p") || step.contains("box-cox"));
                    assert!(
                        may_miss || !shown.contains("NaN") && !shown.contains("Null"),
                        "{step} of {constant}: {shown}"
                    );
                }
            } else {
                let positive_only = step.contains("box-cox") && constant <= 0.0;
                assert!(positive_only || constant > 1e299, "{step} of {constant}");
            }
        }
    }
}
