//! Lineage as a graph and as a table.

use maud::{Markup, html};

use super::network::{Thing, network};
use super::{Frame, Section, link, text};
use crate::api::lineage::{LineageGraph, LineageNode};

/// The page of a lineage.
pub(crate) fn lineage(graph: &LineageGraph, _now_us: i64) -> Markup {
    let subject = graph.nodes.iter().find(|node| node.id == graph.subject);
    let name = subject.map_or("Lineage", |node| node.label.as_str());
    let content = html! {
        div.head {
            p.eyebrow { "Lineage of " (subject.map_or("a digest", |node| node.kind)) }
            h1 { (name) }
            p.facts { span { (text::digest(&graph.subject)) } span { (graph.nodes.len()) " things" } }
            @if graph.is_cut { p.why { "There is more than fits into a picture: this is what it comes from, and some of what it went into." } }
        }
        section aria-labelledby="picture" {
            h2 id="picture" { "From data on the left to what uses it on the right" }
            (picture(graph))
        }
        section aria-labelledby="things" { h2 id="things" { "Everything in it" } (table(graph)) }
    };
    let title = format!("Lineage of {name}");
    let frame = Frame {
        title: &title,
        section: Section::None,
        above: Vec::new(),
        json: Some(format!("/v1{}", link::lineage(&graph.subject))),
    };
    frame.page(&content)
}

/// Where the page of a thing is, if it has one.
fn target(node: &LineageNode) -> Option<String> {
    match (node.kind, &node.digest, &node.run) {
        ("stage", _, Some(run)) => Some(link::stage(run, &node.label)),
        // Its label begins with name and version.
        ("package", ..) | ("alias", ..) => {
            let (name, at) = node.label.split(' ').next()?.split_once('@')?;
            Some(format!("{}/{}", link::packages(name), link::encoded(at)))
        }
        (_, Some(digest), _) => Some(link::artifact(digest)),
        _ => None,
    }
}

fn picture(graph: &LineageGraph) -> Markup {
    let position = |id: &str| graph.nodes.iter().position(|node| node.id == id);
    let arrows: Vec<_> = graph
        .edges
        .iter()
        .filter_map(|edge| Some((position(&edge.from)?, position(&edge.to)?)))
        .collect();
    let things: Vec<Thing<'_>> = graph
        .nodes
        .iter()
        .map(|node| Thing {
            kind: node.kind,
            label: &node.label,
            small: node.digest.as_deref().map_or("", text::short),
            path: target(node),
            is_subject: node.id == graph.subject,
        })
        .collect();
    network(&things, &arrows, "Lineage")
}

fn table(graph: &LineageGraph) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Things of the lineage" {
            table.rows.small data-rows {
                thead { tr { th scope="col" { "Thing" } th scope="col" { "Kind" } th scope="col" { "Run" } th scope="col" { "Digest" } } }
                tbody { @for node in &graph.nodes { tr {
                    th scope="row" { @match target(node) { Some(path) => a href=(path) { (node.label) }, None => (node.label) } }
                    td { (node.kind) }
                    td { @if let Some(run) = &node.run { (text::run(run)) } }
                    td { @if let Some(digest) = &node.digest { (text::digest(digest)) } }
                } } }
            }
        }
    }
}
