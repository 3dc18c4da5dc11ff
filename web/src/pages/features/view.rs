//! A feature view.

use maud::{Markup, html};
use trueline_engine::numbers;
use trueline_features::Status;

use super::{behind, definition, framed, newest, picture, told, ttl, version, versions, when};
use crate::api::features::view::{OnlineRowShown, OnlineRows, ViewDetails};
use crate::pages::{columns, link, mark, text};

/// The page of a view.
pub(crate) fn view(view: &ViewDetails, now_us: i64) -> Markup {
    let row = &view.row;
    let content = html! {
        div.head {
            p.eyebrow { "Feature view" }
            h1 { (row.name) }
            p.facts {
                span { (row.kind) " of " (row.entities.join(", ")) }
                span { (version(&row.version)) }
                span { "valid for " b { (ttl(row.ttl_us)) } }
                span { "newest event " (newest(&row.freshness, row.is_expired, now_us)) }
                @if !row.is_caught_up { (behind()) }
            }
            (told(&row.about))
        }
        (picture(&view.graph))
        section aria-labelledby="online" {
            h2 id="online" { "Online now" }
            (online(&view.online, now_us))
        }
        div.columns {
            section aria-labelledby="features" { h2 id="features" { "Features" } (features(view)) }
            section aria-labelledby="keys" { h2 id="keys" { "Asked for by" } (columns::columns(&view.keys, "Join keys")) }
        }
        section aria-labelledby="freshness" { h2 id="freshness" { "Freshness" } (freshness(view, now_us)) }
        (versions(&view.versions, now_us))
        (definition(&view.definition))
    };
    framed(&row.name, &link::feature_view(&row.name), &content)
}

fn features(view: &ViewDetails) -> Markup {
    let is_renamed = view
        .features
        .iter()
        .any(|feature| feature.of != feature.name);
    html! {
        div.scroll.tall[view.features.len() > columns::TALL] tabindex="0" role="group" aria-label="Features" {
            table.rows.small {
                thead { tr { th scope="col" { "Feature" } th scope="col" { "Type" } @if is_renamed { th scope="col" { "Of" } } } }
                tbody { @for feature in &view.features { tr {
                    th scope="row" { code { (feature.name) } } td { (feature.data_type) }
                    @if is_renamed { td { @if feature.of != feature.name { (feature.of) } } }
                } } }
            }
        }
    }
}

fn freshness(view: &ViewDetails, now_us: i64) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Freshness" {
            table.rows {
                thead { tr {
                    th scope="col" { "Computed from" } th.number scope="col" { "Rows" } th scope="col" { "Newest event" } th scope="col" { "Newest row came" }
                } }
                tbody { @for input in &view.inputs { tr {
                    th scope="row" {
                        @if input.kind == "view" { a href=(link::feature_view(&input.name)) { (input.name) } }
                        @else { a href=(link::feature_source(&input.name)) { (input.name) } }
                        span.quiet { " " (input.kind) }
                    }
                    td.number { (numbers::count(input.freshness.rows)) }
                    td { (when(input.freshness.newest_event_us, now_us)) }
                    td { (when(input.freshness.newest_ingest_us, now_us)) }
                } } }
            }
        }
    }
}

fn online(online: &OnlineRows, now_us: i64) -> Markup {
    if let Some(problem) = &online.problem {
        return html! { p.quiet { "There are none to show: " (text::prose(problem)) } };
    }
    if online.rows.is_empty() {
        return html! { p.quiet { "No rows were taken in yet: " code { "trueline features materialize" } " reads files, and "
        code { "trueline features push" } " takes rows from outside." } };
    }
    html! {
        div.scroll tabindex="0" role="group" aria-label="Online now" {
            table.rows.small.data {
                thead { tr {
                    @for (place, name) in online.columns.iter().enumerate() { th scope="col" { (name) @if place < online.key_count { span.type { "key" } } } }
                    th scope="col" { "Status" } th scope="col" { "Event" }
                } }
                tbody { @for row in &online.rows { tr {
                    @for value in &row.values { td { @match value { Some(text) => (text), None => span.quiet { "null" } } } }
                    td { (status(row)) }
                    td { @if let Some(event) = row.event_us { (text::ago(event, now_us)) } }
                } } }
            }
        }
    }
}

fn status(row: &OnlineRowShown) -> Markup {
    match row.status {
        Status::Present | Status::NullValue => mark::worded("succeeded", "present"),
        Status::OutsideMaxAge => mark::worded("warn", "expired"),
        Status::NotFound => mark::worded("skipped", "not found"),
    }
}
