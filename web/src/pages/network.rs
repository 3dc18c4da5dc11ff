//! Things and what became of them, as a picture: for lineages, and for features.

use maud::{Markup, html};

use crate::graph::lay_out;

const HEIGHT: f64 = 36.0;
/// Around the graph, so that no line is cut off.
const MARGIN: f64 = 3.0;
/// Of the label's font, and of the smaller one below.
const LETTER: f64 = 7.3;
const SMALL_LETTER: f64 = 5.8;
/// Longer labels are cut, at their start: a path differs at its end.
const LABEL: usize = 30;

/// A thing of a network.
pub(crate) struct Thing<'a> {
    /// Its shape and colour, and the first word of the small line.
    pub(crate) kind: &'a str,
    pub(crate) label: &'a str,
    /// What else the small line says.
    pub(crate) small: &'a str,
    /// Where its page is, if it has one.
    pub(crate) path: Option<String>,
    /// Whether the page is about it.
    pub(crate) is_subject: bool,
}

/// The picture, from left to right.
pub(crate) fn network(things: &[Thing<'_>], arrows: &[(usize, usize)], label: &str) -> Markup {
    let widths: Vec<f64> = things.iter().map(width).collect();
    let layout = lay_out(&widths, HEIGHT, arrows);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let view = format!("{} {} {width:.0} {height:.0}", -MARGIN, -MARGIN);
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "Graph: " (label) } data-centre {
            svg.graph viewBox=(view) width=(format!("{width:.0}")) height=(format!("{height:.0}")) role="group" aria-label={ (label) ", from left to right" } {
                @for arrow in &layout.arrows { path.arrow d=(arrow.path) {} }
                @for ((thing, area), width) in things.iter().zip(&layout.nodes).zip(&widths) {
                    (shape(thing, area.x, area.y, *width))
                }
            }
        }
    }
}

fn shape(thing: &Thing<'_>, x: f64, y: f64, width: f64) -> Markup {
    let at = format!("translate({x:.1} {y:.1})");
    let radius = match thing.kind {
        "stage" | "view" | "feature-view" => "5",
        "package" | "alias" | "service" | "feature-service" => "18",
        _ => "1",
    };
    let drawn = html! {
        rect.box width=(format!("{width:.1}")) height=(HEIGHT) rx=(radius) { title { (thing.label) } }
        text.name x="12" y="16" { (cut(thing.label)) }
        " "
        text.kind x="12" y="28.5" { (thing.kind.replace('-', " ")) @if !thing.small.is_empty() { " " (thing.small) } }
    };
    html! {
        @match &thing.path {
            Some(path) => a.node.thing.(thing.kind).subject[thing.is_subject] href=(path) transform=(at) { (drawn) },
            None => g.node.thing.(thing.kind).subject[thing.is_subject] transform=(at) { (drawn) },
        }
    }
}

fn cut(label: &str) -> String {
    let count = label.chars().count();
    match count > LABEL {
        true => format!(
            "…{}",
            label.chars().skip(count - LABEL + 1).collect::<String>()
        ),
        false => label.to_owned(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "labels are short")]
fn width(thing: &Thing<'_>) -> f64 {
    let small = thing.kind.chars().count() + thing.small.chars().count() + 1;
    let label = cut(thing.label).chars().count();
    (label as f64 * LETTER)
        .max(small as f64 * SMALL_LETTER)
        .round()
        + 26.0
}
