//! Lists of runs.

use maud::{Markup, html};

use super::{Frame, Section, link, mark, text};
use crate::api::runs::{RunRow, Runs};

/// The runs of all pipelines.
pub(crate) fn runs(runs: &Runs, now_us: i64) -> Markup {
    let content = html! {
        div.head { h1 { "Runs" } }
        @if runs.runs.is_empty() {
            p.quiet { "Nothing has run here yet. " code { "trueline run PIPELINE" } " runs a pipeline." }
        } @else {
            (table(&runs.runs, true, now_us))
            (older(runs.next.as_deref(), "/runs"))
        }
    };
    let frame = Frame {
        title: "Runs",
        section: Section::Runs,
        above: Vec::new(),
        json: Some("/v1/runs".to_owned()),
    };
    frame.page(&content)
}

/// Runs as a table; with the pipeline's name if they are of several.
pub(crate) fn table(runs: &[RunRow], with_pipeline: bool, now_us: i64) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Runs" {
            table.rows data-rows {
                thead { tr {
                    th scope="col" { "Run" }
                    @if with_pipeline { th scope="col" { "Pipeline" } }
                    th scope="col" { "Outcome" }
                    th scope="col" { "Started" }
                    th.number scope="col" { "Took" }
                } }
                tbody {
                    @for run in runs {
                        tr {
                            th scope="row" { (text::run(&run.id)) }
                            @if with_pipeline { td { a href=(link::pipeline(&run.pipeline)) { (run.pipeline) } } }
                            td { (mark::worded(run.state, &mark::outcome(run.state, run.failure))) }
                            td { (text::ago(run.started_us.unwrap_or(run.created_us), now_us)) }
                            td.number { (text::took(run.started_us, run.finished_us, now_us)) }
                        }
                    }
                }
            }
        }
    }
}

/// The way to the next page of a list.
pub(crate) fn older(next: Option<&str>, path: &str) -> Markup {
    html! {
        @if let Some(next) = next {
            p.more { a href={ (path) "?before=" (link::encoded(next)) } rel="next" { "Older" span aria-hidden="true" { " →" } } }
        }
    }
}
