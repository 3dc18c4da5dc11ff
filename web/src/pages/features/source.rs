//! A source of features.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::{picture, told, when};
use crate::api::features::source::SourceDetails;
use crate::pages::{Frame, Section, columns, link, values};

/// The page of a source.
pub(crate) fn source(source: &SourceDetails, now_us: i64) -> Markup {
    let row = &source.row;
    let content = html! {
        div.head {
            p.eyebrow { "Source" }
            h1 { (row.name) }
            p.facts {
                span { b { (numbers::count(row.freshness.rows)) } " rows from " @if row.kind == "push" { "outside" } @else { "files" } }
                span { "newest event " (when(row.freshness.newest_event_us, now_us)) }
                span { "newest row came " (when(row.freshness.newest_ingest_us, now_us)) }
            }
            p.facts {
                @if let Some(event_time) = &source.event_time { span { "happened at " code { (event_time) } } }
                @else { span { "without times: so it has always been" } }
                @if let Some(created) = &source.created { span { "known from " code { (created) } " on" } }
            }
            (told(&row.about))
        }
        (picture(&source.graph))
        section aria-labelledby="columns" { h2 id="columns" { "Columns" } (columns::columns(&source.columns, "Columns")) }
        section aria-labelledby="definition" {
            h2 id="definition" { "Definition" }
            details { summary { "As it was applied" } (values::exact(&source.definition)) }
        }
    };
    let path = link::feature_source(&row.name);
    let frame = Frame {
        title: &row.name,
        section: Section::Features,
        above: vec![("Features".to_owned(), "/features".to_owned())],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}
