//! All that is known of a stage of a run.

use trueline_store::{Attempt, AttemptState, LogLevel};

use super::{facts, metrics, section, stages};
use crate::commands::show::stage::StageDetails;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// The stage: why it ran, its attempts, what it measured and made, and its log.
pub(crate) fn stage(details: &StageDetails, style: Style) -> String {
    let stage = &details.stage;
    let mark = stages::mark(stage.state);
    let mut text = format!(
        "{} {} {} {}\n\n",
        style.mark(mark),
        style.bold(&stage.name),
        style.paint(mark.tone(), stage.state.as_str()),
        style.dim(details.run.as_str()),
    );
    text += &facts(stage_facts(details), style);
    text += &section("attempts", &attempts(&details.attempts, style), style);
    let measured = details.metrics.iter();
    let measured = measured.map(|metric| ("", metric.name.as_str(), metric.value));
    text += &section("metrics", &metrics::metrics(measured, style), style);
    let found = details.findings.iter();
    let found = found.map(|found| ("", &found.finding));
    text += &section("findings", &metrics::findings(found, style), style);
    text += &section("outputs", &outputs(details, style), style);
    text += &section("log", &log(details, style), style);
    text
}

fn stage_facts(details: &StageDetails) -> Vec<(&'static str, String)> {
    let stage = &details.stage;
    let mut facts = vec![("uses", stage.kind.clone())];
    if let Some(component) = stage.component {
        facts.push(("component", component.to_string()));
    }
    if let Some(study) = &stage.study {
        facts.push(("trial of", study.clone()));
    }
    if !stage.depends_on.is_empty() {
        facts.push(("after", stage.depends_on.join(", ")));
    }
    if let Some((from, to)) = stage.started_us.zip(stage.finished_us) {
        facts.push(("took", numbers::elapsed(numbers::between(from, to))));
    }
    if let Some(reason) = &stage.reason {
        facts.push(("reason", reason.clone()));
    }
    if let Some(why) = &details.why {
        facts.push(("cache", why.why.clone()));
    }
    facts
}

fn attempts(attempts: &[Attempt], style: Style) -> String {
    let mut grid = Grid::default();
    for attempt in attempts {
        let mark = match attempt.state {
            AttemptState::Succeeded => Mark::Good,
            AttemptState::Failed => Mark::Bad,
            AttemptState::Running | AttemptState::Cancelled => Mark::Open,
        };
        let why = attempt
            .failure
            .map_or(attempt.state.as_str(), |failure| failure.as_str());
        let took = attempt
            .finished_us
            .map(|finished| numbers::elapsed(numbers::between(attempt.started_us, finished)));
        grid.row([
            Cell::mark(mark, style),
            cell(format!("#{}", attempt.number)).tone(Tone::Bold),
            cell(why).tone(mark.tone()),
            cell(numbers::time(attempt.started_us)).tone(Tone::Dim),
            cell(took.unwrap_or_default()).right(),
            cell(attempt.message.clone().unwrap_or_default()),
        ]);
    }
    grid.render(2, style)
}

fn outputs(details: &StageDetails, style: Style) -> String {
    let mut grid = Grid::default();
    for output in &details.outputs {
        grid.row([
            cell(output.name.as_str()).tone(Tone::Bold),
            cell(numbers::size(output.size_bytes)).right(),
            cell(output.digest.to_string()).tone(Tone::Dim),
        ]);
    }
    grid.render(2, style)
}

/// A line each, with the time and, of several attempts, whose line it is.
fn log(details: &StageDetails, style: Style) -> String {
    let mut grid = Grid::default();
    for line in &details.log {
        let mark = match line.level {
            LogLevel::Info => cell(""),
            LogLevel::Warn => Cell::mark(Mark::Warning, style),
            LogLevel::Error => Cell::mark(Mark::Bad, style),
        };
        let attempt = match details.attempts.len() {
            0 | 1 => String::new(),
            _ => format!("#{}", line.attempt),
        };
        grid.row([
            cell(numbers::time(line.time_us)).tone(Tone::Dim),
            cell(attempt).tone(Tone::Dim),
            mark,
            cell(line.message.as_str()),
        ]);
    }
    grid.render(2, style)
}
