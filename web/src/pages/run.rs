//! A run: its graph, its timeline, what was measured and decided. What moves while it runs is one part of the page,
//! which the server sends again whenever something happened.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::{Frame, Section, diagram, link, mark, text};
use crate::api::run::{NamedValue, RunDetails, RunGate, RunStage};
use crate::runner::StageProgress;

/// Metrics of a stage that the table shows.
const METRICS: usize = 3;

/// The page of a run.
pub(crate) fn run(run: &RunDetails, now_us: i64) -> Markup {
    let (id, row) = (&run.run.id, &run.run);
    let content = html! {
        @if row.is_final() {
            div id="live" { (live(run, now_us)) }
        } @else {
            div id="live" hx-ext="sse,morph" sse-connect={ (link::run(id)) "/live" } sse-swap="run" hx-swap="morph:innerHTML" sse-close="end" {
                (live(run, now_us))
            }
        }
    };
    let title = format!("Run {}", text::short_run(id));
    let frame = Frame {
        title: &title,
        section: Section::Runs,
        above: vec![(row.pipeline.clone(), link::pipeline(&row.pipeline))],
        json: Some(format!("/v1{}", link::run(id))),
    };
    frame.page(&content)
}

/// The part that changes while the run goes on.
pub(crate) fn live(run: &RunDetails, now_us: i64) -> Markup {
    let row = &run.run;
    let outcome = mark::outcome(row.state, row.failure);
    html! {
        div.head {
            p.eyebrow { "Run" }
            h1 { code { (row.id) } (text::copy(&row.id, "run")) }
            p.facts {
                (mark::worded(row.state, &outcome))
                span { "started " (text::ago(row.started_us.unwrap_or(row.created_us), now_us)) }
                span { @if row.is_final() { "took " } @else { "for " } b { (text::took(row.started_us, row.finished_us, now_us)) } }
                @for package in &run.packages {
                    span { "made " a href=(link::package(&package.name, package.version)) { (package.name) "@" (package.version) } }
                }
            }
            @if let Some(message) = &run.message { p.why { (text::prose(message)) } }
            @if !row.is_final() && run.is_here {
                form action={ (link::run(&row.id)) "/cancel" } method="post" { button.quietly.bad type="submit" { "Cancel this run" } }
            }
            @if run.is_resumable {
                form action={ (link::run(&row.id)) "/resume" } method="post" {
                    button.quietly type="submit" title="Runs its own pipeline file, parameters and components on its own data; what was done is not done again" { "Resume this run" }
                }
            }
        }
        section aria-labelledby="graph" {
            h2 id="graph" { "Stages" }
            @if run.stages.is_empty() { p.quiet { "It has no stages yet." } }
            @else { (diagram::diagram(run)) }
        }
        @if run.stages.iter().any(|stage| stage.kind == "study") {
            section aria-labelledby="studies" {
                h2 id="studies" { "Studies" }
                p.flow { @for stage in run.stages.iter().filter(|stage| stage.kind == "study") {
                    a href=(link::study(&row.id, &stage.name)) { (stage.name) } " " (mark::state(stage.state)) " "
                } }
            }
        }
        @if !run.stages.is_empty() {
            section aria-labelledby="timeline" { h2 id="timeline" { "Timeline" } (timeline(run, now_us)) }
        }
        @for gate in &run.gates { (decision(gate)) }
        div.columns {
            @if !run.datasets.is_empty() {
                section aria-labelledby="datasets" {
                    h2 id="datasets" { "Datasets" }
                    (datasets(run))
                }
            }
            section aria-labelledby="given" { h2 id="given" { "What it was given" } (given(run)) }
        }
    }
}

/// Every stage with a bar from when it began to when it ended.
fn timeline(run: &RunDetails, now_us: i64) -> Markup {
    let start = run.run.started_us.unwrap_or(run.run.created_us);
    let ends = run.stages.iter().filter_map(|stage| stage.finished_us);
    let last = ends.chain(run.run.finished_us).max();
    let end = if run.run.is_final() {
        last.unwrap_or(start)
    } else {
        now_us
    };
    let whole = (end - start).max(1);
    html! {
        div.scroll tabindex="0" role="group" aria-label="Timeline of the stages" {
            table.rows.timeline data-rows {
                thead { tr {
                    th scope="col" { "Stage" }
                    th.wide scope="col" { "Uses" }
                    th scope="col" { "State" }
                    th.when scope="col" { span.axis { span { "0" } span { (numbers::elapsed(numbers::between(start, end))) } } }
                    th.number scope="col" { "Took" }
                    th scope="col" { "Came to" }
                } }
                tbody {
                    @for stage in &run.stages {
                        tr id={ "stage-" (stage.name) } {
                            th scope="row" { a href=(link::stage(&run.run.id, &stage.name)) { (stage.name) } }
                            td.wide { code { (stage.kind) } }
                            td { (mark::state(stage.state)) @if stage.attempt_count > 1 { span.quiet { " attempt " (stage.attempt_count) } } }
                            td.when { (span(stage, start, whole, now_us)) }
                            td.number { (text::took(stage.started_us, stage.finished_us, now_us)) }
                            td.result { (result(stage)) }
                        }
                    }
                }
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a line has few pixels")]
fn span(stage: &RunStage, start: i64, whole: i64, now_us: i64) -> Markup {
    let share = |us: i64| (us - start).clamp(0, whole) as f64 / whole as f64 * 100.0;
    html! {
        svg.span width="100%" height="12" aria-hidden="true" focusable="false" {
            rect.track width="100%" height="12" {}
            @match (stage.started_us, stage.finished_us) {
                (Some(from), to) => {
                    @let (x, to) = (share(from), share(to.unwrap_or(now_us)));
                    rect.(stage.state) x={ (format!("{x:.2}")) "%" } width={ (format!("{:.2}", (to - x).max(0.6))) "%" } y="2" height="8" rx="2" {}
                }
                // What took no time has a place all the same.
                (None, Some(at)) => rect.instant.(stage.state) x={ (format!("{:.2}", share(at).min(99.0))) "%" } width="3" y="1" height="10" {},
                (None, None) => {},
            }
        }
    }
}

/// What there is to say of a stage in a line.
fn result(stage: &RunStage) -> Markup {
    html! {
        @if let Some(progress) = &stage.progress { (how_far(progress)) }
        @else if stage.state != "succeeded" && stage.state != "cached" && stage.reason.is_some() {
            span.reason { (text::prose(stage.reason.as_deref().unwrap_or_default())) }
        } @else {
            @for metric in stage.metrics.iter().take(METRICS) { (measured(metric)) }
            @if stage.metrics.len() > METRICS { span.quiet { "+" (stage.metrics.len() - METRICS) } }
            @if stage.finding_count > 0 { span.found { (mark::shape("warn")) (numbers::plural(stage.finding_count as u64, "finding")) } }
        }
    }
}

pub(crate) fn measured(metric: &NamedValue) -> Markup {
    html! { span.metric { span { (metric.name) } " " b { (text::number(&metric.value)) } } }
}

fn how_far(progress: &StageProgress) -> Markup {
    html! {
        span.metric {
            @if let Some(step) = progress.step {
                "step " b { (step + 1) }
                @for (name, value) in progress.metrics.iter().take(METRICS) { " " (name) " " b { (numbers::metric(*value)) } }
            } @else {
                @if progress.passes > 1 { "pass " (progress.pass + 1) " of " (progress.passes) ", " }
                b { (numbers::plural(progress.rows, "row")) }
            }
        }
    }
}

/// What a gate decided, requirement by requirement.
pub(crate) fn decision(gate: &RunGate) -> Markup {
    let (state, word) = match gate.has_passed {
        true => ("accepted", "passed"),
        false => ("refused", "refused"),
    };
    html! {
        section aria-label={ "Gate " (gate.stage) } {
            h2 { "Gate " code { (gate.stage) } " " (mark::worded(state, word)) }
            div.scroll tabindex="0" role="group" aria-label={ "Requirements of " (gate.stage) } {
                table.rows {
                    thead { tr { th scope="col" { "Requirement" } th scope="col" { "Verdict" } th scope="col" { "Measured" } } }
                    tbody {
                        @for requirement in &gate.requirements {
                            @let (state, word) = if requirement.has_passed { ("accepted", "holds") } else { ("refused", "does not hold") };
                            tr {
                                th scope="row" { code { (requirement.text) } }
                                td { (mark::worded(state, word)) }
                                td {
                                    @for value in &requirement.values { (measured(value)) }
                                    @if let Some(problem) = &requirement.problem { span.quiet { (text::prose(problem)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn datasets(run: &RunDetails) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Datasets" {
            table.rows {
                thead { tr { th scope="col" { "Dataset" } th.number scope="col" { "Rows" } th scope="col" { "Files" } th scope="col" { "Content" } } }
                tbody {
                    @for dataset in &run.datasets {
                        tr {
                            th scope="row" { a href=(link::dataset(&run.run.id, &dataset.name)) { (dataset.name) } }
                            td.number { (numbers::count(dataset.rows)) }
                            td { (numbers::plural(dataset.file_count as u64, "file")) ", " (numbers::size(dataset.size_bytes)) }
                            td { (text::digest(&dataset.table_digest)) }
                        }
                    }
                }
            }
        }
    }
}

fn given(run: &RunDetails) -> Markup {
    html! {
        dl.facts {
            @if let Some(file) = &run.pipeline_file { div { dt { "Pipeline file" } dd { code.path { (file) } } } }
            div { dt { "Its content" } dd { (text::digest(&run.pipeline_digest)) } }
            @if let Some(commit) = run.source.as_ref().and_then(|source| source["commit"].as_str()) {
                div { dt { "Commit" } dd { code { (commit.get(..12).unwrap_or(commit)) } (text::copy(commit, "commit")) } }
            }
            div { dt { "Seed" } dd { span.num { (run.seed) } } }
            @if let Some(past) = &run.resumes { div { dt { "Takes up" } dd { (text::run(past)) } } }
            @if let Some(from) = &run.from { div { dt { "Every stage from" } dd { (from) } } }
            @if !run.only.is_empty() { div { dt { "Only" } dd { (run.only.join(", ")) } } }
            @for (name, value) in &run.params { div { dt { code { (name) } } dd { (super::values::raw(value)) } } }
        }
    }
}
