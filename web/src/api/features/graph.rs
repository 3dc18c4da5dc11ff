//! What features come from and where they go: sources, views and services.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use trueline_features::{AnyView, Definitions, View};
use utoipa::ToSchema;

/// A graph whose arrows point the way that features flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FeatureGraph)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = FeatureGraphNode)]
pub(crate) struct Node {
    /// `source`, `view` or `service`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) is_subject: bool,
}

/// One is made of the other; both by their places among the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FeatureGraphEdge)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

type Name = (&'static str, String);

/// All that a definition comes from, and all that is made of it.
pub(crate) fn around(definitions: &Definitions, kind: &'static str, name: &str) -> Graph {
    let arrows = arrows(definitions);
    let subject: Name = (kind, name.to_owned());
    let mut known = BTreeSet::from([subject.clone()]);
    for is_up in [true, false] {
        let mut open = vec![subject.clone()];
        while let Some(node) = open.pop() {
            for (from, to) in &arrows {
                let (here, there) = if is_up { (to, from) } else { (from, to) };
                if *here == node && known.insert(there.clone()) {
                    open.push(there.clone());
                }
            }
        }
    }
    let place: BTreeMap<&Name, usize> = known.iter().zip(0..).collect();
    let edges = arrows.iter().filter_map(|(from, to)| {
        let (from, to) = (*place.get(from)?, *place.get(to)?);
        Some(Edge { from, to })
    });
    Graph {
        edges: edges.collect(),
        nodes: known
            .iter()
            .map(|(kind, name)| Node {
                kind,
                name: name.clone(),
                is_subject: (*kind, name) == (subject.0, &subject.1),
            })
            .collect(),
    }
}

/// The views that read a source or another view.
pub(crate) fn below(definitions: &Definitions, kind: &str, name: &str) -> Vec<String> {
    let reads = |view: &AnyView| {
        let inputs = inputs(view);
        inputs
            .iter()
            .any(|(known, input)| *known == kind && input == name)
    };
    let views = views(definitions).filter(reads);
    views.map(|view| view.name().to_owned()).collect()
}

/// All views, those of sources first.
pub(crate) fn views(definitions: &Definitions) -> impl Iterator<Item = AnyView> {
    let names = definitions.view_names();
    names.filter_map(move |name| definitions.view(name))
}

/// The services that have a view.
pub(crate) fn services(definitions: &Definitions, view: &str) -> Vec<String> {
    let services = definitions.services.values();
    let having = services.filter(|service| service.features.iter().any(|one| one.view == view));
    having.map(|service| service.name.clone()).collect()
}

fn arrows(definitions: &Definitions) -> BTreeSet<(Name, Name)> {
    let mut arrows = BTreeSet::new();
    for view in views(definitions) {
        for input in inputs(&view) {
            arrows.insert((input, ("view", view.name().to_owned())));
        }
    }
    for service in definitions.services.values() {
        for feature in &service.features {
            let view = ("view", feature.view.clone());
            arrows.insert((view, ("service", service.name.clone())));
        }
    }
    arrows
}

/// The sources and views that a view is computed from.
pub(crate) fn inputs(view: &AnyView) -> BTreeSet<Name> {
    match view {
        AnyView::Source(view) => BTreeSet::from([("source", view.source.clone())]),
        AnyView::Derived(view) => {
            let inputs = view.inputs.iter();
            inputs.map(|input| ("view", input.view.clone())).collect()
        }
    }
}

/// The views of sources that a view is computed from in the end; itself, if it is one.
pub(crate) fn roots<'d>(definitions: &'d Definitions, view: &AnyView) -> Vec<&'d View> {
    let mut roots: Vec<&View> = Vec::new();
    let mut open = vec![view.name().to_owned()];
    while let Some(name) = open.pop() {
        match (definitions.views.get(&name), definitions.derived.get(&name)) {
            (Some(root), _) if !roots.contains(&root) => roots.push(root),
            (None, Some(view)) => open.extend(view.inputs.iter().map(|input| input.view.clone())),
            _ => {}
        }
    }
    roots.sort_by(|one, other| one.name.cmp(&other.name));
    roots
}
