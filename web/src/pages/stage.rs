//! A stage of a run.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::run::decision;
use super::{Frame, Section, learned, link, mark, report, text, values};
use crate::api::stage::{StageDetails, StageInput, Why};

/// A longer log has a place of its own to scroll in.
const LOG_LINES: usize = 30;

/// The page of a stage.
pub(crate) fn stage(stage: &StageDetails, now_us: i64) -> Markup {
    let content = html! {
        div.head {
            p.eyebrow { "Stage" }
            h1 { (stage.name) }
            p.facts {
                (mark::state(stage.state))
                span { "uses " code { (stage.kind) } }
                @if let Some(component) = &stage.component { span { "component " (text::digest(component)) } }
                @if stage.kind == "study" { span { a href=(link::study(&stage.run, &stage.name)) { "The study" } } }
                @if stage.started_us.is_some() { span { "took " b { (text::took(stage.started_us, stage.finished_us, now_us)) } } }
            }
            @if let Some(reason) = stage.reason.as_ref().filter(|_| stage.state != "cached") { p.why { (text::prose(reason)) } }
            @if !stage.depends_on.is_empty() || !stage.needed_by.is_empty() { p.facts { (neighbours(stage)) } }
        }
        (why(&stage.why))
        @if let Some(gate) = &stage.gate { (decision(gate)) }
        div.columns {
            @if !stage.metrics.is_empty() {
                section aria-labelledby="metrics" {
                    h2 id="metrics" { "Metrics" }
                    table.rows.small {
                        thead { tr { th scope="col" { "Metric" } th.number scope="col" { "Value" } } }
                        tbody { @for metric in &stage.metrics { tr { th scope="row" { (metric.name) } td.number { (text::number(&metric.value)) } } } }
                    }
                }
            }
            section aria-labelledby="params" { h2 id="params" { "Parameters" } (learned::asked(&stage.params).unwrap_or_else(|| values::exact(&stage.params))) }
        }
        @if !stage.findings.is_empty() { (findings(stage)) }
        @if !stage.inputs.is_empty() { (inputs(stage)) }
        @if !stage.outputs.is_empty() { (outputs(stage)) }
        @if let Some(report) = &stage.report {
            section aria-labelledby="report" {
                h2 id="report" { @if stage.kind == "tabular" || stage.kind == "lookup" { "What it learned" } @else { "Report" } }
                (reported(report, &stage.params))
            }
        }
        (attempts(stage, now_us))
        (log(stage))
        (events(stage, now_us))
    };
    let path = link::stage(&stage.run, &stage.name);
    let title = format!("{} of {}", stage.name, text::short_run(&stage.run));
    let frame = Frame {
        title: &title,
        section: Section::Runs,
        above: vec![
            (stage.pipeline.clone(), link::pipeline(&stage.pipeline)),
            (
                text::short_run(&stage.run).to_owned(),
                link::run(&stage.run),
            ),
        ],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

fn neighbours(stage: &StageDetails) -> Markup {
    let list = |names: &[String]| {
        html! { @for (index, name) in names.iter().enumerate() {
            @if index > 0 { ", " } a href=(link::stage(&stage.run, name)) { (name) }
        } }
    };
    html! {
        @if !stage.depends_on.is_empty() { span { "needs " (list(&stage.depends_on)) } }
        @if !stage.needed_by.is_empty() { span { "needed by " (list(&stage.needed_by)) } }
    }
}

/// Why it ran or was cached.
fn why(why: &Why) -> Markup {
    if why.text.is_empty() {
        return html! {};
    }
    let head = match why.decision {
        Some("hit") => "Why it was cached",
        Some(_) => "Why it ran",
        None => "Why",
    };
    html! {
        section aria-labelledby="why" {
            h2 id="why" { (head) }
            p {
                (text::prose(&sentence(&why.text)))
                @if let Some(run) = why.compared_with.as_ref().filter(|run| !why.text.contains(run.as_str())) { " Compared with " (text::run(run)) "." }
            }
            @if !why.changes.is_empty() {
                div.scroll tabindex="0" role="group" aria-label="What changed" {
                    table.rows {
                        thead { tr { th scope="col" { "Ingredient" } th scope="col" { "Then" } th scope="col" { "Now" } } }
                        tbody { @for change in &why.changes { tr {
                            th scope="row" { code { (change.ingredient) } }
                            td.old { (ingredient(change.old.as_ref())) }
                            td.new { (ingredient(change.new.as_ref())) }
                        } } }
                    }
                }
            }
            @if !why.ingredients.is_empty() {
                details {
                    summary { "All that its result depends on, " (why.ingredients.len()) " values"
                        @if let Some(key) = &why.key { ", as key " code { (text::short(key)) } } }
                    div.scroll tabindex="0" role="group" aria-label="Ingredients" {
                        table.rows.small {
                            thead { tr { th scope="col" { "Ingredient" } th scope="col" { "Value" } } }
                            tbody { @for row in &why.ingredients { tr { th scope="row" { code { (row.name) } } td { (ingredient(Some(&row.value))) } } } }
                        }
                    }
                }
            }
        }
    }
}

/// A sentence as one begins and ends.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    let text = first.unwrap_or_default() + letters.as_str();
    if text.ends_with(['.', '!', '?']) {
        text
    } else {
        text + "."
    }
}

/// A value; a digest leads to what it is of.
fn ingredient(value: Option<&Value>) -> Markup {
    match value {
        None => html! { span.quiet { "was not there" } },
        Some(Value::String(text)) if text.starts_with("sha256:") => text::digest(text),
        Some(value) => values::exact(value),
    }
}

fn findings(stage: &StageDetails) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "Findings" }
            div.scroll tabindex="0" role="group" aria-label="Findings" {
                table.rows {
                    thead { tr { th scope="col" { "Severity" } th scope="col" { "About" } th scope="col" { "Finding" } th.number scope="col" { "Rows" } } }
                    tbody { @for finding in &stage.findings { tr {
                        td { (mark::state(&finding.severity)) }
                        th scope="row" { code { (finding.subject) } }
                        td.prose { (text::prose(&finding.message)) }
                        td.number { (numbers::count(finding.count)) }
                    } } }
                }
            }
        }
    }
}

fn inputs(stage: &StageDetails) -> Markup {
    let way = |input: &StageInput| {
        html! {
            @if let Some(dataset) = &input.dataset {
                a href=(link::dataset(&stage.run, dataset)) { (dataset) }
                @if let Some(part) = &input.part { "." (part) }
            }
            @for map in &input.through { " → " a href=(link::stage(&stage.run, map)) { (map) } }
        }
    };
    html! {
        section aria-labelledby="inputs" {
            h2 id="inputs" { "Inputs" }
            div.scroll tabindex="0" role="group" aria-label="Inputs" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Input" } th scope="col" { "From" } th.number scope="col" { "Rows" }
                        th.number scope="col" { "Columns" } th scope="col" { "Content" }
                    } }
                    tbody { @for input in &stage.inputs { tr {
                        th scope="row" { (input.name) }
                        td { (way(input)) }
                        td.number { @if let Some(rows) = input.rows { (numbers::count(rows)) } }
                        td.number { (input.column_count) }
                        td { @if let Some(digest) = &input.table_digest { code title=(digest) { (text::short(digest)) } (text::copy(digest, "digest")) } }
                    } } }
                }
            }
        }
    }
}

fn outputs(stage: &StageDetails) -> Markup {
    html! {
        section aria-labelledby="outputs" {
            h2 id="outputs" { "Outputs" }
            div.scroll tabindex="0" role="group" aria-label="Outputs" {
                table.rows {
                    thead { tr { th scope="col" { "Output" } th.number scope="col" { "Size" } th scope="col" { "Digest" } th scope="col" { span.hidden { "More" } } } }
                    tbody { @for output in &stage.outputs { tr {
                        th scope="row" { (output.name) }
                        td.number { (numbers::size(output.size_bytes)) }
                        td { (text::digest(&output.digest)) }
                        td { a href=(link::lineage(&output.digest)) { "Lineage" span.hidden { " of " (output.name) } } }
                    } } }
                }
            }
        }
    }
}

/// A report; its metrics have a section of their own.
fn reported(report: &Value, params: &Value) -> Markup {
    let mut report = report.clone();
    if let Value::Object(parts) = &mut report {
        parts.remove("metrics");
    }
    report::report(&report, params)
}

fn attempts(stage: &StageDetails, now_us: i64) -> Markup {
    html! {
        @if !stage.attempts.is_empty() {
            section aria-labelledby="attempts" {
                h2 id="attempts" { "Attempts" }
                div.scroll tabindex="0" role="group" aria-label="Attempts" {
                    table.rows {
                        thead { tr {
                            th.number scope="col" { "#" } th scope="col" { "State" } th scope="col" { "Started" } th.number scope="col" { "Took" }
                            th scope="col" { "Profile" } th scope="col" { "Engine" } th scope="col" { "Why" }
                        } }
                        tbody { @for attempt in &stage.attempts { tr {
                            th.number scope="row" { (attempt.number) }
                            td { (mark::worded(attempt.state, attempt.failure.unwrap_or(attempt.state))) }
                            td { (text::ago(attempt.started_us, now_us)) }
                            td.number { (text::took(Some(attempt.started_us), attempt.finished_us, now_us)) }
                            td { code { (attempt.profile) } }
                            td { code title=(attempt.fingerprint) { (text::short(&attempt.fingerprint)) } }
                            td.prose { (text::prose(attempt.message.as_deref().unwrap_or_default())) }
                        } } }
                    }
                }
            }
        }
    }
}

/// What its attempts noted while they ran.
fn log(stage: &StageDetails) -> Markup {
    let began = stage.log.first().map_or(0, |line| line.time_us);
    let has_several = stage.attempts.len() > 1;
    html! {
        @if !stage.log.is_empty() {
            section aria-labelledby="log" {
                h2 id="log" { "Log" }
                div.scroll.tall[stage.log.len() > LOG_LINES] tabindex="0" role="group" aria-label="Log" {
                    table.rows.small.lines {
                        thead { tr {
                            th.number scope="col" { "After" } @if has_several { th.number scope="col" { "Attempt" } }
                            th scope="col" { "Level" } th scope="col" { "Message" }
                        } }
                        tbody { @for line in &stage.log { tr {
                            td.number { (text::offset(line.time_us, began)) }
                            @if has_several { td.number { (line.attempt) } }
                            td { @match line.level { "info" => span.quiet { "info" }, level => (mark::worded(if level == "error" { "failed" } else { level }, level)) } }
                            td.prose { (text::prose(&line.message)) }
                        } } }
                    }
                }
            }
        }
    }
}

/// What happened to it, by the run's own log.
fn events(stage: &StageDetails, now_us: i64) -> Markup {
    html! {
        @if !stage.events.is_empty() {
            section aria-labelledby="events" {
                h2 id="events" { "What happened" }
                ol.log {
                    @for event in &stage.events {
                        li { (text::ago(event.time_us, now_us)) " " code { (event.kind) }
                            @if let Some(why) = ["reason", "message"].iter().find_map(|key| event.detail[*key].as_str()) { " " (text::prose(why)) } }
                    }
                }
            }
        }
    }
}
