//! A training set.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::framed;
use crate::api::features::training_set::{TrainingSetDetails, TrainingSetView};
use crate::pages::{columns, link, text};

/// The page of a training set.
pub(crate) fn training_set(set: &TrainingSetDetails, now_us: i64) -> Markup {
    let row = &set.row;
    let content = html! {
        div.head {
            p.eyebrow { "Training set" }
            h1.digest { code { (row.digest) } (text::copy(&row.digest, "digest")) }
            p.facts {
                span { b { (numbers::count(row.rows)) } " rows" }
                @if let Some(service) = &row.service { span { "of " a href=(link::feature_service(service)) { (service) } } }
                span { "made " (text::ago(row.made_us, now_us)) }
            }
        }
        section aria-labelledby="views" {
            h2 id="views" { "What its rows found in each view" }
            div.scroll tabindex="0" role="group" aria-label="Views" {
                table.rows {
                    thead { tr {
                        th scope="col" { "View" } th scope="col" { "Version" } th.number scope="col" { "Rows read" } th.number scope="col" { "Found" }
                        th.number scope="col" { "Expired" } th.number scope="col" { "Not found" } th.number scope="col" { "No entity" } th.number scope="col" { "Of all rows" }
                    } }
                    tbody { @for view in &set.views { tr {
                        th scope="row" { a href=(link::feature_view(&view.name)) { (view.name) } }
                        td { code title=(view.version) { (text::short(&view.version)) } }
                        td.number { (numbers::count(view.rows as u64)) }
                        td.number { (numbers::count(view.found)) }
                        td.number { (numbers::count(view.expired)) }
                        td.number { (numbers::count(view.not_found)) }
                        td.number { (numbers::count(view.no_entity)) }
                        td.number { (share(view)) }
                    } } }
                }
            }
        }
        div.columns {
            section aria-labelledby="made-of" { h2 id="made-of" { "What it was made of" } (made_of(set)) }
            section aria-labelledby="columns" { h2 id="columns" { "Columns" } (columns::columns(&set.columns, "Columns")) }
        }
    };
    let title = format!("Training set {}", text::short(&row.digest));
    framed(&title, &link::training_set(&row.digest), &content)
}

/// The share of rows that have a value.
#[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
fn share(view: &TrainingSetView) -> String {
    let all = view.found + view.expired + view.not_found + view.no_entity;
    match all {
        0 => String::new(),
        all => format!("{:.1} %", view.found as f64 / all as f64 * 100.0),
    }
}

fn made_of(set: &TrainingSetDetails) -> Markup {
    let digest = |digest: &str| {
        html! { code title=(digest) { (text::short(digest)) } (text::copy(digest, "digest")) }
    };
    html! {
        dl.facts {
            @if let Some(version) = &set.row.service_version { div { dt { "Version of the service" } dd { (digest(version)) } } }
            div { dt { "Spine" } dd { (digest(&set.spine)) } }
            div { dt { "Instants" } dd { code { (set.time) } } }
            div { dt { "Counts" } dd { @if set.knowledge == "as-of" { "what was known at each instant" } @else { "what is known by now" } } }
            div { dt { "Log up to row" } dd { (numbers::count(u64::try_from(set.until_sequence).unwrap_or(0))) } }
            div { dt { "File" } dd { (digest(&set.file)) } }
        }
    }
}
