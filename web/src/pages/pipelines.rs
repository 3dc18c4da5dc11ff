//! The overview, and the runs of one pipeline as a grid by stage.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::{Frame, Section, link, mark, runs, text};
use crate::api::pipelines::{Grid, GridRun, Pipeline, Pipelines};

/// The tallest bar above the grid, in pixels.
const BAR: f64 = 34.0;

/// Every pipeline with its latest runs.
pub(crate) fn overview(pipelines: &Pipelines, now_us: i64) -> Markup {
    let content = html! {
        div.head { h1 { "Pipelines" } }
        @if pipelines.pipelines.is_empty() {
            p.quiet { "Nothing has run here yet. " code { "trueline run PIPELINE" } " runs a pipeline, and "
                code { "trueline ui PIPELINE" } " lets it be started from here." }
        } @else {
            div.scroll tabindex="0" role="group" aria-label="Pipelines" {
                table.rows data-rows {
                    thead { tr {
                        th scope="col" { "Pipeline" }
                        th scope="col" { "Latest" }
                        th scope="col" { "When" }
                        th scope="col" { "Lately" }
                    } }
                    tbody { @for pipeline in &pipelines.pipelines { (line(pipeline, now_us)) } }
                }
            }
        }
    };
    let frame = Frame {
        title: "Pipelines",
        section: Section::Pipelines,
        above: Vec::new(),
        json: Some("/v1/pipelines".to_owned()),
    };
    frame.page(&content)
}

fn line(pipeline: &Pipeline, now_us: i64) -> Markup {
    let newest = pipeline.runs.first();
    html! {
        tr {
            th scope="row" { a.strong href=(link::pipeline(&pipeline.name)) { (pipeline.name) } }
            @if let Some(run) = newest {
                td { a.plain href=(link::run(&run.id)) { (mark::worded(run.state, &mark::outcome(run.state, run.failure))) } }
                td { (text::ago(run.started_us.unwrap_or(run.created_us), now_us)) }
            } @else {
                td.quiet { "never ran" } td {}
            }
            td {
                // The oldest on the left, as one reads.
                span.strip {
                    @for run in pipeline.runs.iter().rev() {
                        @let outcome = mark::outcome(run.state, run.failure);
                        a href=(link::run(&run.id)) title={ (outcome) ", " (text::short_run(&run.id)) } aria-label={ "Run " (text::short_run(&run.id)) ", " (outcome) } {
                            (mark::shape(run.state))
                        }
                    }
                }
            }
        }
    }
}

/// The runs of a pipeline.
pub(crate) fn grid(grid: &Grid, now_us: i64) -> Markup {
    let path = link::pipeline(&grid.pipeline);
    let rows: Vec<_> = grid.runs.iter().map(|run| run.run.clone()).collect();
    let content = html! {
        div.head {
            h1 { (grid.pipeline) }
            @if let Some(file) = &grid.file { p.sub { code { (file) } } }
        }
        @if grid.file.is_some() { (start_form(grid, &path)) }
        @if grid.runs.is_empty() {
            p.quiet { "It has not run here yet." }
        } @else {
            section aria-labelledby="by-stage" {
                h2 id="by-stage" { "Stages of the latest runs" }
                (stages_by_runs(grid))
                (legend(grid))
            }
            section aria-labelledby="runs" {
                h2 id="runs" { "Runs" }
                (runs::table(&rows, false, now_us))
                (runs::older(grid.next.as_deref(), &path))
            }
        }
    };
    let frame = Frame {
        title: &grid.pipeline,
        section: Section::Pipelines,
        above: vec![("Pipelines".to_owned(), "/".to_owned())],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

/// A form that starts a run. Only parameters that were filled in have other values than the file says.
fn start_form(grid: &Grid, path: &str) -> Markup {
    let newest = grid.runs.first();
    let stages = startable(newest);
    html! {
        details.start {
            summary { "Start a run" }
            form action={ (path) "/runs" } method="post" {
                @for (name, value) in &grid.params {
                    @let id = format!("set-{name}");
                    label for=(id) { code { (name) } }
                    input id=(id) name={ "set." (name) } type="text" placeholder=(as_toml(value)) autocomplete="off" spellcheck="false";
                }
                @if !grid.params.is_empty() {
                    p.quiet { "Write values as in the pipeline file: " code { "0.05" } ", " code { "\"text\"" } ". What is left empty is as the file says." }
                }
                @if !stages.is_empty() {
                    label for="from" { "Run anew from" }
                    select id="from" name="from" {
                        option value="" { "where something changed" }
                        @for stage in &stages { option value=(stage) { (stage) } }
                    }
                    details.only {
                        summary { "Only some stages" }
                        fieldset {
                            legend { "These, and those that they depend on" }
                            @for stage in &stages { label.check { input type="checkbox" name="only" value=(stage); span { (stage) } } }
                        }
                    }
                }
                label.check { input type="checkbox" name="fresh" value="yes"; span { "Run every stage, whatever is known already" } }
                div.actions { button.primary type="submit" { "Start" } }
            }
        }
    }
}

/// The stages of a run that its pipeline file knows: not the trials that a study made, nor what measured the champion.
fn startable(newest: Option<&GridRun>) -> Vec<&str> {
    let cells = newest.into_iter().flat_map(|run| &run.stages);
    let names: Vec<&str> = cells.map(|cell| cell.stage.as_str()).collect();
    let is_member = |stage: &str| {
        let section = stage.split_once('[').map(|(section, _)| section);
        section.is_some_and(|section| names.contains(&section))
    };
    let known = names.iter().copied();
    known
        .filter(|stage| !is_member(stage) && !stage.starts_with("champion."))
        .collect()
}

/// A parameter as one would write it.
fn as_toml(value: &Value) -> String {
    value.to_string()
}

/// Stages from top to bottom, runs from left to right, the oldest first; above each run a bar as long as it took.
fn stages_by_runs(grid: &Grid) -> Markup {
    let runs: Vec<&GridRun> = grid.runs.iter().rev().collect();
    let took = |run: &GridRun| {
        let times = run.run.started_us.zip(run.run.finished_us);
        times.map_or(0, |(from, to)| numbers::between(from, to))
    };
    let longest = runs.iter().map(|run| took(run)).max().unwrap_or(0).max(1);
    html! {
        div.scroll tabindex="0" role="group" aria-label="Stages by run" {
            table.grid data-grid {
                thead { tr {
                    td { span.hint { "longest: " (numbers::elapsed(longest)) } }
                    @for run in &runs {
                        @let outcome = mark::outcome(run.run.state, run.run.failure);
                        @let ms = took(run);
                        th scope="col" {
                            a href=(link::run(&run.run.id)) title={ (outcome) ", " (numbers::elapsed(ms)) ", " (text::short_run(&run.run.id)) }
                                aria-label={ "Run " (text::short_run(&run.run.id)) ", " (outcome) } {
                                (bar(ms, longest, run.run.state))
                                (mark::shape(run.run.state))
                            }
                        }
                    }
                } }
                tbody {
                    @for row in rows(&grid.stages) {
                        tr {
                            th scope="row" { (row) }
                            @for run in &runs { td { (cell(run, &row)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The rows of the grid: stages, and for the members of a section, such as the trials of a study, one for all.
fn rows(stages: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for row in stages.iter().map(|stage| row_of(stage)) {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

fn row_of(stage: &str) -> String {
    match stage.split_once('[') {
        Some((section, _)) => format!("{section}[…]"),
        None => stage.to_owned(),
    }
}

/// Where a run stands with the stages of a row.
fn cell(run: &GridRun, row: &str) -> Markup {
    let members: Vec<_> = run
        .stages
        .iter()
        .filter(|cell| row_of(&cell.stage) == row)
        .collect();
    let state = mark::together(members.iter().map(|cell| cell.state));
    match members.as_slice() {
        [] => html! { span.void {} },
        [one] => html! {
            a href=(link::stage(&run.run.id, &one.stage)) title={ (row) ": " (state) } aria-label={ (row) ", " (state) } { (mark::shape(state)) }
        },
        [first, ..] => html! {
            a href={ (link::run(&run.run.id)) "#stage-" (link::encoded(&first.stage)) } title={ (members.len()) " × " (row) ": " (state) }
                aria-label={ (members.len()) " × " (row) ", " (state) } { (mark::shape(state)) }
        },
    }
}

#[allow(clippy::cast_precision_loss, reason = "a bar has few pixels")]
fn bar(ms: u64, longest: u64, state: &str) -> Markup {
    let height = (ms as f64 / longest as f64 * BAR).max(1.5);
    html! {
        svg.bar.(state) width="14" height=(BAR) viewBox={ "0 0 14 " (BAR) } aria-hidden="true" focusable="false" {
            rect x="4" width="6" y=(format!("{:.1}", BAR - height)) height=(format!("{height:.1}")) rx="1.5" {}
        }
    }
}

/// The states that the grid shows, in words.
fn legend(grid: &Grid) -> Markup {
    let known = [
        "succeeded",
        "cached",
        "running",
        "failed",
        "blocked",
        "skipped",
        "pending",
        "ready",
    ];
    let is_shown = |state: &&&str| {
        grid.runs
            .iter()
            .any(|run| run.stages.iter().any(|cell| cell.state == **state))
    };
    html! {
        p.legend { @for state in known.iter().filter(is_shown) { (mark::state(state)) } }
    }
}
