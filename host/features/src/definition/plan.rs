//! What applying definitions would change, and what would break.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use trueline_runtime::Manifest;
use trueline_table::Digest;

use super::{Aggregate, AnyView, Definitions, Feature, Function, Service, Source, View};
use crate::duration;

/// A kind of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Entity,
    Source,
    View,
    Service,
    /// Where the newest rows are kept.
    Online,
}

/// What becomes of one definition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    pub kind: Kind,
    pub name: String,
    pub change: Change,
    /// What is different, in words.
    pub details: Vec<String>,
    /// What readers of this name would no longer find as it was. Old versions stay readable.
    pub breaks: Vec<String>,
    /// The version that the name will point to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Digest>,
}

/// How a definition changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Same,
    Changed,
    Removed,
}

impl Kind {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Source => "source",
            Self::View => "view",
            Self::Service => "service",
            Self::Online => "online",
        }
    }
}

/// Compares what is applied with what is to be.
pub(crate) fn plan(applied: &Definitions, wanted: &Definitions) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut compare = |kind, old: &BTreeSet<&String>, new: &BTreeSet<&String>| {
        for name in old.union(new) {
            let change = match (old.contains(name), new.contains(name)) {
                (false, _) => Change::New,
                (_, false) => Change::Removed,
                _ => Change::Same,
            };
            planned.push(one(kind, name, change, applied, wanted));
        }
    };
    compare(
        Kind::Entity,
        &applied.entities.keys().collect(),
        &wanted.entities.keys().collect(),
    );
    compare(
        Kind::Source,
        &applied.sources.keys().collect(),
        &wanted.sources.keys().collect(),
    );
    compare(Kind::View, &views(applied), &views(wanted));
    compare(
        Kind::Service,
        &applied.services.keys().collect(),
        &wanted.services.keys().collect(),
    );
    planned.extend(online(applied.online.as_ref(), wanted.online.as_ref()));
    planned
}

fn views(definitions: &Definitions) -> BTreeSet<&String> {
    definitions
        .views
        .keys()
        .chain(definitions.derived.keys())
        .collect()
}

/// Another online store is filled from the log.
fn online(applied: Option<&String>, wanted: Option<&String>) -> Option<Planned> {
    let change = match (applied, wanted) {
        (None, None) => return None,
        (applied, wanted) if applied == wanted => Change::Same,
        (None, _) => Change::New,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    };
    let at =
        |address: Option<&String>| address.map_or("a file of the home".to_owned(), String::clone);
    let details = match change {
        Change::Same => Vec::new(),
        _ => vec![format!("in {}, was in {}", at(wanted), at(applied))],
    };
    Some(Planned {
        kind: Kind::Online,
        name: "store".to_owned(),
        change,
        details,
        breaks: Vec::new(),
        version: None,
    })
}

fn one(
    kind: Kind,
    name: &str,
    change: Change,
    applied: &Definitions,
    wanted: &Definitions,
) -> Planned {
    let (mut details, mut breaks) = (Vec::new(), Vec::new());
    match kind {
        // Compared by itself: it has no name.
        Kind::Online => {}
        Kind::Entity => {
            let keys = |definitions: &Definitions| {
                definitions.entities.get(name).map(|one| one.keys.clone())
            };
            if change == Change::Same && keys(applied) != keys(wanted) {
                breaks.push("its join keys are others".to_owned());
            }
        }
        Kind::Source => {
            if let (Some(old), Some(new)) = (applied.sources.get(name), wanted.sources.get(name)) {
                compare_sources(old, new, &mut details, &mut breaks);
            }
        }
        Kind::View => match (applied.view(name), wanted.view(name)) {
            (Some(AnyView::Source(old)), Some(AnyView::Source(new))) => {
                compare_views(&old, &new, &mut details, &mut breaks);
            }
            (Some(old), Some(new)) => {
                compare_any_views(&old, &new, &mut details, &mut breaks);
            }
            _ => {}
        },
        Kind::Service => {
            let (old, new) = (applied.services.get(name), wanted.services.get(name));
            if let (Some(old), Some(new)) = (old, new) {
                compare_services(old, new, &mut details, &mut breaks);
            }
        }
    }
    if change == Change::Removed && matches!(kind, Kind::View | Kind::Service) {
        breaks.push(format!("nobody can read this {} by its name", kind.name()));
    }
    let is_changed = !details.is_empty() || !breaks.is_empty();
    let change = match change {
        Change::Same if is_changed => Change::Changed,
        change => change,
    };
    let version = match kind {
        Kind::View => wanted.view(name).map(|view| view.version()),
        Kind::Service => wanted.services.get(name).map(Service::version),
        _ => None,
    };
    Planned {
        kind,
        name: name.to_owned(),
        change,
        details,
        breaks,
        version,
    }
}

fn compare_sources(
    old: &Source,
    new: &Source,
    details: &mut Vec<String>,
    breaks: &mut Vec<String>,
) {
    for column in &old.columns {
        match new.columns.iter().find(|other| other.name == column.name) {
            None => details.push(format!("column `{}` goes", column.name)),
            Some(other) if other.data_type != column.data_type => breaks.push(format!(
                "column `{}` becomes {}, was {}",
                column.name, other.data_type, column.data_type
            )),
            Some(_) => {}
        }
    }
    for column in &new.columns {
        if old.columns.iter().all(|other| other.name != column.name) {
            details.push(format!("column `{}` comes", column.name));
        }
    }
    if old.event_time != new.event_time {
        let show = |time: &Option<String>| match time {
            Some(time) => format!("`{time}`"),
            None => "always".to_owned(),
        };
        breaks.push(format!(
            "the event time is {}, was {}",
            show(&new.event_time),
            show(&old.event_time)
        ));
    }
    if old.created != new.created {
        breaks.push("another column says when a row was made".to_owned());
    }
    if old.load != new.load {
        details.push("its files are others".to_owned());
    }
    if old.stream != new.stream {
        details.push("its stream is another".to_owned());
    }
    if old.expect != new.expect {
        details.push("other things are expected of its rows".to_owned());
    }
}

fn compare_features(
    old: &[Feature],
    new: &[Feature],
    details: &mut Vec<String>,
    breaks: &mut Vec<String>,
) {
    let find = |features: &[Feature], name: &str| {
        features
            .iter()
            .find(|feature| feature.name == name)
            .cloned()
    };
    for feature in old {
        match find(new, &feature.name) {
            None => breaks.push(format!("feature `{}` goes", feature.name)),
            Some(other) if other.data_type != feature.data_type => breaks.push(format!(
                "feature `{}` becomes {}, was {}",
                feature.name, other.data_type, feature.data_type
            )),
            Some(other) if other.column != feature.column => {
                details.push(format!(
                    "feature `{}` is of column `{}`",
                    feature.name, other.column
                ));
            }
            Some(_) => {}
        }
    }
    for feature in new {
        if find(old, &feature.name).is_none() {
            details.push(format!("feature `{}` comes", feature.name));
        }
    }
}

/// Compares what computes two views.
fn compare_transforms(old: Option<&Manifest>, new: Option<&Manifest>, details: &mut Vec<String>) {
    let components = |manifest: &Manifest| {
        let chain = manifest.chain.iter();
        let parts = chain.map(|link| (link.component, link.state));
        parts.collect::<Vec<_>>()
    };
    let change = match (old, new) {
        (None, Some(_)) => "a component computes it",
        (Some(_), None) => "no component computes it any more",
        (Some(old), Some(new)) if components(old) != components(new) => {
            "another component, or another state of it, computes it"
        }
        (Some(old), Some(new)) if old != new => "its component has other parameters",
        _ => return,
    };
    details.push(change.to_owned());
}

/// Compares views of which one at least is made of others.
fn compare_any_views(
    old: &AnyView,
    new: &AnyView,
    details: &mut Vec<String>,
    breaks: &mut Vec<String>,
) {
    compare_features(old.features(), new.features(), details, breaks);
    match (old, new) {
        (AnyView::Derived(old), AnyView::Derived(new)) => {
            if old.request != new.request {
                breaks.push("a request has to bring other columns".to_owned());
            }
            compare_transforms(Some(&old.transform), Some(&new.transform), details);
            if old.inputs != new.inputs {
                details.push("it is made of other features, or of other versions".to_owned());
            }
        }
        _ => breaks.push("it is of a source, or is not any more".to_owned()),
    }
}

fn compare_views(old: &View, new: &View, details: &mut Vec<String>, breaks: &mut Vec<String>) {
    compare_features(&old.features, &new.features, details, breaks);
    let is_kept = |feature: &&Feature| {
        let mut others = new.features.iter();
        others.any(|other| other.name == feature.name && other.data_type == feature.data_type)
    };
    for Feature { name, .. } in old.features.iter().filter(is_kept) {
        let (before, after) = (aggregate(old, name), aggregate(new, name));
        if before != after {
            let (before, after) = (describe(before), describe(after));
            details.push(format!("feature `{name}` is {after}, was {before}"));
        }
    }
    compare_transforms(old.transform.as_ref(), new.transform.as_ref(), details);
    let names = |view: &View| {
        let keys = view.keys.iter();
        keys.map(|key| (key.name.clone(), key.data_type))
            .collect::<Vec<_>>()
    };
    if names(old) != names(new) {
        breaks.push("its join keys are others".to_owned());
    }
    if old.ttl_us != new.ttl_us {
        let show = |ttl: Option<i64>| ttl.map_or("none".to_owned(), duration::show);
        details.push(format!(
            "ttl {}, was {}",
            show(new.ttl_us),
            show(old.ttl_us)
        ));
    }
    if old.source != new.source {
        details.push(format!("source `{}`, was `{}`", new.source, old.source));
    }
    if details.is_empty() && breaks.is_empty() && old != new {
        details.push("it reads its source in another way".to_owned());
    }
}

/// What a feature of a view is computed by.
fn aggregate<'v>(view: &'v View, feature: &str) -> Option<&'v Aggregate> {
    let place = view.features.iter().position(|one| one.name == feature)?;
    view.aggregates.as_ref()?.functions.get(place)
}

fn describe(aggregate: Option<&Aggregate>) -> String {
    match aggregate {
        None => "a column".to_owned(),
        Some(Aggregate {
            function: Function::Quantile(q),
            over_us,
            ..
        }) => format!("the quantile {q} over {}", duration::show(*over_us)),
        Some(aggregate) => format!(
            "the {} over {}",
            aggregate.function.name(),
            duration::show(aggregate.over_us)
        ),
    }
}

fn compare_services(
    old: &Service,
    new: &Service,
    details: &mut Vec<String>,
    breaks: &mut Vec<String>,
) {
    let names = |service: &Service| {
        let features = service.features.iter();
        features
            .map(|feature| format!("{}:{}", feature.view, feature.feature))
            .collect::<Vec<_>>()
    };
    let (before, after) = (names(old), names(new));
    for name in before.iter().filter(|name| !after.contains(name)) {
        breaks.push(format!("`{name}` goes"));
    }
    for name in after.iter().filter(|name| !before.contains(name)) {
        details.push(format!("`{name}` comes"));
    }
    if details.is_empty() && breaks.is_empty() && before != after {
        details.push("its features stand in another order".to_owned());
    }
    for feature in &new.features {
        let Some(other) = old
            .features
            .iter()
            .find(|other| other.view == feature.view && other.feature == feature.feature)
        else {
            continue;
        };
        if other.data_type != feature.data_type {
            breaks.push(format!(
                "`{}:{}` becomes {}, was {}",
                feature.view, feature.feature, feature.data_type, other.data_type
            ));
        } else if other.version != feature.version {
            let detail = format!("view `{}` has a new version", feature.view);
            if !details.contains(&detail) {
                details.push(detail);
            }
        }
    }
}
