//! Anything with a digest.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::{Frame, Section, link, mark, report, text, values};
use crate::api::artifact::{Artifact, Content};

/// The page of an artifact.
pub(crate) fn artifact(artifact: &Artifact, now_us: i64) -> Markup {
    let name = artifact.name.as_deref();
    let kind = name
        .or(artifact.kinds.first().copied())
        .unwrap_or("artifact");
    let content = html! {
        div.head {
            p.eyebrow { (kind) }
            h1.digest { code { (artifact.digest) } (text::copy(&artifact.digest, "digest")) }
            p.facts {
                @if let Some(size) = artifact.size_bytes { span { (numbers::size(size)) } }
                @if let Some(created) = artifact.created_us { span { "stored " (text::ago(created, now_us)) } }
                span { a href=(link::lineage(&artifact.digest)) { "Lineage" } }
            }
        }
        @if let Some(made) = artifact.made.as_ref().filter(|_| kind == "state") {
            section aria-labelledby="learned" { h2 id="learned" { "What was learned" } (report::report(&made.report, &made.params)) }
        }
        section aria-labelledby="content" {
            h2 id="content" { @if kind == "state" { "Its bytes" } @else { "Content" } }
            @match &artifact.content {
                Content::Json(json) if kind == "report" => (report::report(json, artifact.made.as_ref().map_or(&Value::Null, |made| &made.params))),
                Content::Json(json) => (values::value(json)),
                Content::Text(text) => pre tabindex="0" { (text) },
                Content::Bytes(hex) => { p.quiet { "The first bytes:" } pre.hex tabindex="0" { (spaced(hex)) } },
                Content::NotShown(why) => p.quiet { (why) },
            }
        }
        @if !artifact.datasets.is_empty() {
            section aria-labelledby="datasets" {
                h2 id="datasets" { "Read as" }
                p.flow { @for reader in &artifact.datasets {
                    a href=(link::dataset(&reader.run, &reader.name)) { (reader.name) " of " code { (text::short_run(&reader.run)) } } " "
                } }
            }
        }
        @if !artifact.holders.is_empty() {
            section aria-labelledby="holders" {
                h2 id="holders" { "Stages that have it" }
                div.scroll tabindex="0" role="group" aria-label="Stages" {
                    table.rows data-rows {
                        thead { tr { th scope="col" { "Run" } th scope="col" { "Stage" } th scope="col" { "Output" } th scope="col" { "How" } } }
                        tbody { @for holder in &artifact.holders { tr {
                            th scope="row" { (text::run(&holder.run)) }
                            td { a href=(link::stage(&holder.run, &holder.stage)) { (holder.stage) } }
                            td { (holder.output) }
                            td { @if holder.state == "cached" { (mark::worded("cached", "taken from the cache")) } @else { (mark::worded(holder.state, "made here")) } }
                        } } }
                    }
                }
            }
        }
    };
    let title = format!("{kind} {}", text::short(&artifact.digest));
    let frame = Frame {
        title: &title,
        section: Section::None,
        above: Vec::new(),
        json: Some(format!("/v1{}", link::artifact(&artifact.digest))),
    };
    frame.page(&content)
}

/// Pairs of digits, sixteen a line.
fn spaced(hex: &str) -> String {
    let mut text = String::new();
    for (index, digit) in hex.chars().enumerate() {
        match index % 32 {
            0 if index > 0 => text.push('\n'),
            place if place > 0 && place % 2 == 0 => text.push(' '),
            _ => {}
        }
        text.push(digit);
    }
    text
}
