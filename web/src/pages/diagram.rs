//! The stages of a run as a graph.

use maud::{Markup, html};

use super::{link, mark};
use crate::api::run::{RunDetails, RunStage};
use crate::graph::lay_out;

const HEIGHT: f64 = 36.0;
/// Around the graph, so that no line is cut off.
const MARGIN: f64 = 3.0;
/// Of the name's font, and of the smaller one below.
const NAME_WIDTH: f64 = 8.0;
const KIND_WIDTH: f64 = 6.0;
/// What stands left and right of a name.
const BESIDE: f64 = 44.0;
/// More stages would be no picture; stages that one `map` made are then one node.
const MOST: usize = 50;

/// What a node of the graph stands for.
struct Group<'a> {
    name: String,
    kind: &'a str,
    state: &'static str,
    members: Vec<&'a RunStage>,
}

/// The graph of a run, each node a link to its stage.
pub(crate) fn diagram(run: &RunDetails) -> Markup {
    let groups = groups(&run.stages);
    if groups.len() > 4 * MOST {
        return html! { p.quiet { "These are too many stages for a picture; the table has all of them." } };
    }
    let position = |stage: &str| {
        groups
            .iter()
            .position(|group| group.members.iter().any(|member| member.name == stage))
    };
    let arrows: Vec<(usize, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(to, group)| {
            let needs = group.members.iter().flat_map(|member| &member.depends_on);
            let from = needs.filter_map(|stage| position(stage));
            from.filter(move |from| *from != to)
                .map(move |from| (from, to))
                .collect::<Vec<_>>()
        })
        .collect();
    let widths: Vec<f64> = groups.iter().map(width).collect();
    let layout = lay_out(&widths, HEIGHT, &arrows);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let view = format!("{} {} {width:.0} {height:.0}", -MARGIN, -MARGIN);
    html! {
        div.scroll tabindex="0" role="group" aria-label="Graph of the stages" {
            svg.graph viewBox=(view) width=(format!("{width:.0}")) height=(format!("{height:.0}")) role="group" aria-label="Stages, from left to right" {
                @for arrow in &layout.arrows {
                    @let is_live = groups[arrow.to].state == "running";
                    path.arrow.live[is_live] d=(arrow.path) {}
                }
                @for (group, area) in groups.iter().zip(&layout.nodes) {
                    (node(run, group, area.x, area.y, area.width))
                }
            }
        }
    }
}

fn node(run: &RunDetails, group: &Group<'_>, x: f64, y: f64, width: f64) -> Markup {
    let at = format!("translate({x:.1} {y:.1})");
    let path = match group.members.as_slice() {
        [one] => link::stage(&run.run.id, &one.name),
        _ => format!("#stage-{}", link::encoded(&group.members[0].name)),
    };
    html! {
        a.node.(group.state) href=(path) transform=(at) {
            rect.box width=(format!("{width:.1}")) height=(HEIGHT) rx="5" {}
            g.shape.(group.state) transform="translate(10 11)" { g transform="scale(.875)" { (mark::drawing(group.state)) } }
            text.name x="32" y="16" { (group.name) }
            " "
            text.kind x="32" y="28.5" { (group.kind) " " (group.state) }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "names are short")]
fn width(group: &Group<'_>) -> f64 {
    let name = group.name.chars().count() as f64 * NAME_WIDTH;
    let kind = (group.kind.chars().count() + 1 + group.state.len()) as f64 * KIND_WIDTH;
    (name.max(kind) + BESIDE).max(96.0).round()
}

/// Every stage; of very many, those that differ only in what stands in brackets behind their name are one.
fn groups(stages: &[RunStage]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for stage in stages {
        let base = match stage.name.split_once('[') {
            Some((base, _)) if stages.len() > MOST => base,
            _ => stage.name.as_str(),
        };
        match groups
            .iter_mut()
            .find(|group| group.name == base && stage.name != base)
        {
            Some(group) => group.members.push(stage),
            None => groups.push(Group {
                name: base.to_owned(),
                kind: &stage.kind,
                state: stage.state,
                members: vec![stage],
            }),
        }
    }
    for group in groups.iter_mut().filter(|group| group.members.len() > 1) {
        group.name = format!("{} × {}", group.name, group.members.len());
        group.state = mark::together(group.members.iter().map(|member| member.state));
    }
    groups
}
