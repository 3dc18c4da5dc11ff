//! What stages measured and found.

use serde_json::Value;
use trueline_runtime::{Finding, Severity};

use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// Metrics by stage, the stage's name on the first line of its metrics.
pub(crate) fn metrics<'a>(
    metrics: impl IntoIterator<Item = (&'a str, &'a str, f64)>,
    style: Style,
) -> String {
    let mut grid = Grid::default();
    let mut last = "";
    for (stage, name, value) in metrics {
        let head = if stage == last { "" } else { stage };
        grid.row([
            cell(head),
            cell(name).tone(Tone::Dim),
            cell(numbers::metric(value)).right(),
        ]);
        last = stage;
    }
    grid.render(2, style)
}

/// Findings by stage.
pub(crate) fn findings<'a>(
    findings: impl IntoIterator<Item = (&'a str, &'a Finding)>,
    style: Style,
) -> String {
    let mut grid = Grid::default();
    for (stage, finding) in findings {
        let mark = match finding.severity {
            Severity::Warn => Mark::Warning,
            Severity::Fail => Mark::Bad,
        };
        grid.row([
            Cell::mark(mark, style),
            cell(stage),
            cell(finding.subject.as_str()).tone(Tone::Bold),
            cell(finding.message.as_str()),
        ]);
    }
    grid.render(2, style)
}

/// A confusion matrix, if a stage's report holds one.
pub(crate) fn confusion(report: &Value, style: Style) -> Option<String> {
    let confusion = report.get("confusion")?;
    let number = |name: &str| {
        confusion
            .get(name)
            .and_then(Value::as_f64)
            .map(numbers::metric)
    };
    let label = report
        .get("label")
        .and_then(Value::as_str)
        .unwrap_or("label");
    let head = |text: &str| cell(text).right();
    let mut grid = Grid::with_heads([cell(label), head("predicted yes"), head("predicted no")]);
    for (actual, yes, no) in [
        ("yes", "true_positive", "false_negative"),
        ("no", "false_positive", "true_negative"),
    ] {
        grid.row([
            cell(actual),
            cell(number(yes)?).right(),
            cell(number(no)?).right(),
        ]);
    }
    Some(grid.render(2, style))
}
