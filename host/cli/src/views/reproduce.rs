//! What came of making a package again.

use trueline_engine::{Compared, ReproductionReport};

use super::{section, verify};
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// Every digest of every way, and whether it is the same.
pub(crate) fn reproduce(report: &ReproductionReport, style: Style) -> String {
    let holds = report.holds();
    let digests = report
        .ways
        .iter()
        .map(|way| way.compared.len() as u64)
        .sum();
    let outcome = match holds {
        true => format!(
            "is made again: {} equal",
            numbers::plural(digests, "digest")
        ),
        false => "is not what it was".to_owned(),
    };
    let mark = Mark::of(holds);
    let mut text = format!(
        "{} {} {} in {}  {}\n",
        style.mark(mark),
        style.bold(&report.name),
        style.paint(mark.tone(), &outcome),
        numbers::elapsed(report.elapsed_ms),
        style.dim(report.run.as_str())
    );
    for way in &report.ways {
        let title = format!(
            "{}, {} at once, in {}",
            numbers::plural(way.threads as u64, "thread"),
            numbers::plural(way.batch_rows as u64, "row"),
            numbers::elapsed(way.elapsed_ms)
        );
        text += &section(&title, &digests_of(&way.compared, style), style);
    }
    if let Some(proof) = &report.proof {
        text.push('\n');
        text += &verify::verify(proof, style);
    }
    text
}

fn digests_of(compared: &[Compared], style: Style) -> String {
    let mut grid = Grid::default();
    for one in compared {
        let mark = Mark::of(one.is_equal());
        let found = match (one.is_equal(), one.found, &one.problem) {
            (true, ..) => cell("equal").tone(Tone::Dim),
            (false, Some(found), _) => cell(format!("now {}", found.short())).tone(Tone::Bad),
            (false, None, Some(problem)) => cell(problem.as_str()).tone(Tone::Bad),
            (false, None, None) => cell("missing now").tone(Tone::Bad),
        };
        grid.row([
            Cell::mark(mark, style),
            cell(one.what.as_str()).tone(Tone::Bold),
            cell(one.expected.short()),
            found,
        ]);
    }
    grid.render(2, style)
}
