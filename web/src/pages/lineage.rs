//! Lineage as a graph and as a table.

use maud::{Markup, html};

use super::{Frame, Section, link, text};
use crate::api::lineage::{LineageGraph, LineageNode};
use crate::graph::lay_out;

const HEIGHT: f64 = 36.0;
const MARGIN: f64 = 3.0;
/// Of the label's font.
const LETTER: f64 = 7.3;
/// Longer labels are cut, at their start: a path differs at its end.
const LABEL: usize = 30;

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
    let widths: Vec<f64> = graph.nodes.iter().map(width).collect();
    let layout = lay_out(&widths, HEIGHT, &arrows);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let view = format!("{} {} {width:.0} {height:.0}", -MARGIN, -MARGIN);
    html! {
        div.scroll tabindex="0" role="group" aria-label="Graph of the lineage" data-centre {
            svg.graph viewBox=(view) width=(format!("{width:.0}")) height=(format!("{height:.0}")) role="group" aria-label="Lineage, from left to right" {
                @for arrow in &layout.arrows { path.arrow d=(arrow.path) {} }
                @for ((node, area), width) in graph.nodes.iter().zip(&layout.nodes).zip(&widths) {
                    (shape(node, node.id == graph.subject, area.x, area.y, *width))
                }
            }
        }
    }
}

fn shape(node: &LineageNode, is_subject: bool, x: f64, y: f64, width: f64) -> Markup {
    let at = format!("translate({x:.1} {y:.1})");
    let radius = match node.kind {
        "stage" => "5",
        "package" | "alias" => "18",
        _ => "1",
    };
    let small = match &node.digest {
        Some(digest) => format!("{} {}", node.kind, text::short(digest)),
        None => node.kind.to_owned(),
    };
    let drawn = html! {
        rect.box width=(format!("{width:.1}")) height=(HEIGHT) rx=(radius) { title { (node.label) } }
        text.name x="12" y="16" { (label(node)) }
        " "
        text.kind x="12" y="28.5" { (small) }
    };
    html! {
        @match target(node) {
            Some(path) => a.node.thing.(node.kind).subject[is_subject] href=(path) transform=(at) { (drawn) },
            None => g.node.thing.(node.kind) transform=(at) { (drawn) },
        }
    }
}

fn label(node: &LineageNode) -> String {
    let count = node.label.chars().count();
    match count > LABEL {
        true => format!(
            "…{}",
            node.label
                .chars()
                .skip(count - LABEL + 1)
                .collect::<String>()
        ),
        false => node.label.clone(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "labels are short")]
fn width(node: &LineageNode) -> f64 {
    let digits = node.digest.as_ref().map_or(0, |_| 11);
    let small = (node.kind.len() + digits) as f64 * 5.8;
    ((label(node).chars().count() as f64 * LETTER).max(small) + 26.0).round()
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
