use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, check_laws, describe, every_type, fit, tables};

use super::*;

mod laws;
mod met;
mod mistakes;
mod report;
mod unmet;

fn flights() -> Table {
    Table::new()
        .with_column(
            "origin",
            [
                Some("JFK"),
                Some("EWR"),
                Some("jfk"),
                None,
                Some(""),
                Some("EWR"),
            ],
        )
        .with_column("flight", [1, 2, 3, 4, 1, 2])
        .with_column(
            "delay",
            [
                Some(-121.0),
                Some(5.5),
                Some(f64::NAN),
                None,
                Some(2100.5),
                Some(-300.0),
            ],
        )
        .with_column("share", [0.1_f32, 0.2, 0.3, f32::INFINITY, 0.0, -0.0])
        .with_field(
            Field::new("day", DataType::Date),
            [15_706, 15_707, -1, 15_706, 15_706, 15_706],
        )
        .with_field(
            Field::new("time", DataType::Timestamp),
            [1_357_016_400_000_000_i64; 6],
        )
        .with_column("late", [true, true, false, true, true, true])
        .with_column("vector", [[1.0, 2.0]; 6])
}

/// The findings as `severity subject (count): message`.
fn findings(params: &str, table: &Table) -> Vec<String> {
    let outcome = fit::<Expect>(params, &[("rows", table)]).unwrap();
    let show = |finding: &Finding| {
        let severity = if finding.severity == Severity::Fail {
            "fail"
        } else {
            "warn"
        };
        format!(
            "{severity} {} ({}): {}",
            finding.subject, finding.count, finding.message
        )
    };
    outcome.findings.iter().map(show).collect()
}

#[track_caller]
fn check(params: &str, expected: &[&str]) {
    assert_eq!(findings(params, &flights()), expected, "{params}");
}
