//! All that is known of a run.

use trueline_engine::trial_stages;
use trueline_store::{AttemptState, StageState};

use super::{facts, gate, metrics, runs, section, stages};
use crate::commands::show::Details;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// The run: when and on what, its stages, what they measured, what was decided.
pub(crate) fn show(details: &Details, style: Style) -> String {
    let run = &details.run;
    let mark = runs::mark(run.summary.state);
    let mut text = format!(
        "{} {} {}\n\n",
        style.mark(mark),
        style.bold(run.summary.id.as_str()),
        style.paint(mark.tone(), &runs::outcome(&run.summary)),
    );
    text += &facts(run_facts(details), style);
    text.push('\n');
    // What was tried is for `study show` to tell.
    let trials = trial_stages(&details.stages);
    let told = details
        .stages
        .iter()
        .filter(|stage| stage.state == StageState::Failed || !trials.contains(&stage.name));
    text += &stages::stages(told.map(line), style);
    text += &section(
        "attempts that did not succeed",
        &attempts(details, style),
        style,
    );
    let measured = details
        .metrics
        .iter()
        .filter(|metric| !trials.contains(&metric.stage))
        .map(|metric| (metric.stage.as_str(), metric.name.as_str(), metric.value));
    text += &section("metrics", &metrics::metrics(measured, style), style);
    let found = details
        .findings
        .iter()
        .map(|found| (found.stage.as_str(), &found.finding));
    text += &section("findings", &metrics::findings(found, style), style);
    for decided in &details.gates {
        text += &gate::gate(&decided.stage, decided.passed, &decided.verdicts, style);
    }
    text += &section("datasets", &datasets(details, style), style);
    if let Some(package) = &details.package {
        let made = [
            ("digest", package.digest.to_string()),
            (
                "verdict",
                style.paint(
                    super::package::verdict_tone(package.verdict),
                    package.verdict.as_str(),
                ),
            ),
        ];
        text += &section(
            &format!("package {}@{}", package.name, package.version),
            &facts(made, style),
            style,
        );
    }
    text
}

fn run_facts(details: &Details) -> Vec<(&'static str, String)> {
    let run = &details.run;
    let summary = &run.summary;
    let mut facts = vec![("pipeline", summary.pipeline.clone())];
    if let Some(file) = run
        .params
        .get("pipeline_file")
        .and_then(|file| file.as_str())
    {
        facts.push(("file", file.to_owned()));
    }
    facts.push(("digest", run.pipeline_digest.to_string()));
    facts.push(("seed", run.seed.to_string()));
    facts.push((
        "started",
        format!(
            "{} UTC",
            numbers::time(summary.started_us.unwrap_or(summary.created_us))
        ),
    ));
    if let Some((from, to)) = summary.started_us.zip(summary.finished_us) {
        facts.push(("took", numbers::elapsed(numbers::between(from, to))));
    }
    if let Some(message) = &run.message {
        facts.push(("reason", message.clone()));
    }
    facts
}

fn line(stage: &trueline_store::Stage) -> stages::Line<'_> {
    let times = stage.started_us.zip(stage.finished_us);
    stages::Line {
        stage: &stage.name,
        plugin: &stage.kind,
        state: stage.state,
        rows: None,
        elapsed_ms: times.map(|(from, to)| numbers::between(from, to)),
        message: stage.reason.as_deref().filter(|_| stage.kind != "gate"),
    }
}

/// The attempts that have something to say.
fn attempts(details: &Details, style: Style) -> String {
    let mut grid = Grid::default();
    for attempt in details
        .attempts
        .iter()
        .filter(|attempt| attempt.state != AttemptState::Succeeded)
    {
        let mark = if attempt.state == AttemptState::Failed {
            Mark::Bad
        } else {
            Mark::Open
        };
        let why = attempt
            .failure
            .map_or(attempt.state.as_str(), |failure| failure.as_str());
        grid.row([
            Cell::mark(mark, style),
            cell(format!("{} #{}", attempt.stage, attempt.number)).tone(Tone::Bold),
            cell(why).tone(mark.tone()),
            cell(attempt.message.clone().unwrap_or_default()),
        ]);
    }
    grid.render(2, style)
}

fn datasets(details: &Details, style: Style) -> String {
    let mut grid = Grid::default();
    for dataset in &details.datasets {
        let bytes = dataset.files.iter().map(|file| file.size_bytes).sum();
        let files = numbers::plural(dataset.files.len() as u64, "file");
        grid.row([
            cell(dataset.name.as_str()).tone(Tone::Bold),
            cell(numbers::plural(dataset.rows, "row")).right(),
            cell(format!("{files}, {}", numbers::size(bytes))),
            cell(dataset.table_digest.short()).tone(Tone::Dim),
        ]);
    }
    grid.render(2, style)
}
