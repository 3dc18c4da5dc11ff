//! Stages with their states and times.

use trueline_store::StageState;

use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// A line of the table.
pub(crate) struct Line<'a> {
    pub(crate) stage: &'a str,
    pub(crate) plugin: &'a str,
    pub(crate) state: StageState,
    /// Rows read, if that is known.
    pub(crate) rows: Option<u64>,
    pub(crate) elapsed_ms: Option<u64>,
    /// Why it failed or did not run.
    pub(crate) message: Option<&'a str>,
}

/// The stages as a table, and below it why some of them failed or did not run.
pub(crate) fn stages<'a>(lines: impl IntoIterator<Item = Line<'a>>, style: Style) -> String {
    let lines: Vec<_> = lines.into_iter().collect();
    let has_rows = lines.iter().any(|line| line.rows.is_some());
    let heads = [cell(""), cell("stage"), cell("plugin"), cell("state")];
    let rows_head = has_rows.then(|| cell("rows read").right());
    let mut grid = Grid::with_heads(
        heads
            .into_iter()
            .chain(rows_head)
            .chain([cell("time").right()]),
    );
    for line in &lines {
        let mark = mark(line.state);
        let cells = [
            Cell::mark(mark, style),
            cell(line.stage).tone(Tone::Bold),
            cell(line.plugin),
            cell(line.state.as_str()).tone(mark.tone()),
        ];
        let rows = line
            .rows
            .filter(|rows| *rows > 0)
            .map(numbers::count)
            .unwrap_or_default();
        // What did not run took no time.
        let elapsed_ms = line.elapsed_ms.filter(|_| mark != Mark::Skipped);
        let time = elapsed_ms.map(numbers::elapsed).unwrap_or_default();
        grid.row(
            cells
                .into_iter()
                .chain(has_rows.then(|| cell(rows).right()))
                .chain([cell(time).right()]),
        );
    }
    let mut text = grid.render(2, style);
    let mut reasons = Grid::default();
    for line in &lines {
        if let Some(message) = line.message {
            let mark = mark(line.state);
            reasons.row([
                Cell::mark(mark, style),
                cell(line.stage).tone(Tone::Bold),
                cell(message).tone(mark.tone()),
            ]);
        }
    }
    if !reasons.is_empty() {
        text += "\n";
        text += &reasons.render(2, style);
    }
    text
}

/// The mark of a state.
pub(crate) const fn mark(state: StageState) -> Mark {
    match state {
        StageState::Succeeded | StageState::Cached => Mark::Good,
        StageState::Failed => Mark::Bad,
        StageState::Skipped | StageState::Blocked => Mark::Skipped,
        StageState::Pending | StageState::Ready | StageState::Running => Mark::Open,
    }
}
