//! A list of runs.

use trueline_store::{RunFailure, RunState, RunSummary};

use super::or_dash;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// The runs as a table, the newest first.
pub(crate) fn runs(runs: &[RunSummary], style: Style) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let heads = [
        cell(""),
        cell("run"),
        cell("pipeline"),
        cell("state"),
        cell("started (UTC)"),
        cell("time").right(),
    ];
    let mut grid = Grid::with_heads(heads);
    for run in runs {
        let mark = mark(run.state);
        let time = run
            .started_us
            .zip(run.finished_us)
            .map(|(from, to)| numbers::elapsed(numbers::between(from, to)));
        grid.row([
            Cell::mark(mark, style),
            cell(run.id.as_str()).tone(Tone::Bold),
            cell(run.pipeline.as_str()),
            cell(outcome(run)).tone(mark.tone()),
            cell(numbers::time(run.started_us.unwrap_or(run.created_us))),
            or_dash(time).right(),
        ]);
    }
    grid.render(2, style)
}

/// The mark of a state.
pub(crate) const fn mark(state: RunState) -> Mark {
    match state {
        RunState::Succeeded => Mark::Good,
        RunState::Failed => Mark::Bad,
        RunState::Cancelled => Mark::Skipped,
        RunState::Queued | RunState::Running | RunState::Waiting => Mark::Open,
    }
}

/// The state in a word or two.
pub(crate) fn outcome(run: &RunSummary) -> String {
    match run.failure {
        Some(RunFailure::Gate) => "refused by gate".to_owned(),
        Some(RunFailure::Lost) => "lost".to_owned(),
        Some(RunFailure::Stage | RunFailure::Host) | None => run.state.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list() {
        let run = |id: &str, state, failure, finished_us| RunSummary {
            id: id.parse().unwrap(),
            pipeline: "flight-delays".to_owned(),
            state,
            failure,
            created_us: 1_380_585_600_000_000,
            started_us: Some(1_380_585_600_000_000),
            finished_us,
        };
        let list = [
            run("run_00000000000000t4", RunState::Running, None, None),
            run(
                "run_00000000000000t3",
                RunState::Failed,
                Some(RunFailure::Gate),
                Some(1_380_585_641_200_000),
            ),
            run(
                "run_00000000000000t2",
                RunState::Failed,
                Some(RunFailure::Stage),
                Some(1_380_585_600_900_000),
            ),
            run(
                "run_00000000000000t1",
                RunState::Succeeded,
                None,
                Some(1_380_585_725_000_000),
            ),
        ];
        insta::assert_snapshot!(runs(
            &list,
            Style {
                colour: false,
                unicode: true
            }
        ));
        assert_eq!(runs(&[], Style::PLAIN), "no runs\n");
    }
}
