//! What a gate decided, number by number.

use trueline_pipeline::Verdict;

use super::shortfall;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// The verdict on every requirement, under a title that says what came of it.
pub(crate) fn gate(name: &str, passed: bool, verdicts: &[Verdict], style: Style) -> String {
    let tone = Mark::of(passed).tone();
    let outcome = style.paint(tone, if passed { "passed" } else { "refused" });
    let mut grid = Grid::default();
    for verdict in verdicts {
        let numbers = explanation(verdict);
        let tone = if verdict.passed { Tone::Dim } else { Tone::Bad };
        let mut lines = numbers.into_iter();
        let first = cell(lines.next().unwrap_or_default()).tone(tone);
        grid.row([
            Cell::mark(Mark::of(verdict.passed), style),
            cell(verdict.text.as_str()),
            first,
        ]);
        for line in lines {
            grid.row([cell(""), cell(""), cell(line).tone(tone)]);
        }
    }
    format!(
        "\n{} {outcome}\n{}",
        style.bold(name),
        grid.render(2, style)
    )
}

/// The numbers that decided, line by line.
fn explanation(verdict: &Verdict) -> Vec<String> {
    if let Some(problem) = &verdict.problem {
        return vec![problem.clone()];
    }
    if !verdict.passed {
        let missed = shortfall::explain(&verdict.text, &verdict.values);
        if !missed.is_empty() {
            return missed;
        }
    }
    let values = verdict
        .values
        .iter()
        .map(|(name, value)| format!("{name} is {}", numbers::metric(*value)));
    vec![values.collect::<Vec<_>>().join(", ")]
}
