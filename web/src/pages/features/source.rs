//! A source of features.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::{definition, framed, picture, told, when};
use crate::api::features::source::{QuarantineRow, SourceDetails};
use crate::pages::{columns, link, mark, text, values};

/// The page of a source.
pub(crate) fn source(source: &SourceDetails, now_us: i64) -> Markup {
    let row = &source.row;
    let content = html! {
        div.head {
            p.eyebrow { "Source" }
            h1 { (row.name) }
            p.facts {
                span { b { (numbers::count(row.freshness.rows)) } " rows from " @match row.kind { "files" => "files", "stream" => "a stream", _ => "outside" } }
                span { "newest event " (when(row.freshness.newest_event_us, now_us)) }
                span { "newest row came " (when(row.freshness.newest_ingest_us, now_us)) }
            }
            p.facts {
                @if let Some(event_time) = &source.event_time { span { "happened at " code { (event_time) } } }
                @else { span { "without times: so it has always been" } }
                @if let Some(created) = &source.created { span { "known from " code { (created) } " on" } }
                @if let Some(stream) = &source.stream { span { "read from " code { (stream) } } }
            }
            (told(&row.about))
        }
        (picture(&source.graph))
        @if source.expect.is_some() || !source.quarantine.is_empty() {
            section aria-labelledby="quarantine" { h2 id="quarantine" { "Quarantine" } (quarantine(source, now_us)) }
        }
        section aria-labelledby="columns" { h2 id="columns" { "Columns" } (columns::columns(&source.columns, "Columns")) }
        (definition(&source.definition))
    };
    framed(&row.name, &link::feature_source(&row.name), &content)
}

/// What is expected, and what was not as expected.
fn quarantine(source: &SourceDetails, now_us: i64) -> Markup {
    html! {
        @if let Some(expected) = &source.expect { details { summary { "What is expected of rows" } (values::exact(expected)) } }
        @if source.quarantine.is_empty() { p.quiet { "All rows that came were as expected." } } @else {
            div.scroll tabindex="0" role="group" aria-label="Quarantine" {
                table.rows {
                    thead { tr {
                        th.number scope="col" { "Number" } th scope="col" { "Came" } th scope="col" { "Sent" } th.number scope="col" { "Rows" }
                        th scope="col" { "State" } th scope="col" { "Because" }
                    } }
                    tbody { @for batch in &source.quarantine { tr {
                        th.number scope="row" { (batch.number) }
                        td { (text::ago(batch.came_us, now_us)) }
                        td { (batch.sent) }
                        td.number { (numbers::count(batch.rows.unsigned_abs())) }
                        td { (state(batch)) }
                        td.prose { @for (index, reason) in batch.reasons.iter().enumerate() { @if index > 0 { br; } b { (reason.subject) } ": " (reason.message) } }
                    } } }
                }
            }
            @if source.quarantine.iter().any(|batch| batch.state == "held") {
                p.quiet { code { "trueline features quarantine show" } " shows the rows of a batch, " code { "release" } " takes them in as they are, " code { "drop" } " forgets them." }
            }
        }
    }
}

fn state(batch: &QuarantineRow) -> Markup {
    match batch.state {
        "held" => mark::worded("waiting", "held"),
        "released" => mark::worded("succeeded", "released"),
        _ => mark::worded("skipped", "dropped"),
    }
}
