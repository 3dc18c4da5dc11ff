//! The feature store: what is in force, and how fresh it is.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::network::{Thing, network};
use super::{Frame, Section, link, mark, text, values};
use crate::api::features::graph::Graph;
use crate::api::features::service::ServiceRow;
use crate::api::features::source::SourceRow;
use crate::api::features::training_set::TrainingSetRow;
use crate::api::features::view::ViewRow;
use crate::api::features::{EntityRow, FeatureOverview, FreshnessRow, Told, VersionRow};

pub(crate) mod service;
pub(crate) mod source;
pub(crate) mod training_set;
pub(crate) mod view;

/// All that is in force.
pub(crate) fn overview(features: &FeatureOverview, now_us: i64) -> Markup {
    let content = html! {
        div.head {
            h1 { "Features" }
            @if let Some(applied) = features.applied_us {
                p.facts {
                    span { "revision " b { (features.revision) } ", applied " (text::ago(applied, now_us)) }
                    @if let Some(folder) = &features.folder { span { code.path { (folder) } } }
                }
            }
        }
        @if features.revision == 0 {
            p.quiet { "No feature file is in force in this home. " code { "trueline features apply" } " checks one and puts it in force." }
        } @else {
            (section("views", "Views", features.views.len(), &views(&features.views, now_us)))
            (section("services", "Services", features.services.len(), &services(&features.services)))
            (section("sources", "Sources", features.sources.len(), &sources(&features.sources, now_us)))
            (section("entities", "Entities", features.entities.len(), &entities(&features.entities)))
            section aria-labelledby="training-sets" { h2 id="training-sets" { "Training sets" } (training_sets(&features.training_sets, true, now_us)) }
        }
    };
    let frame = Frame {
        title: "Features",
        section: Section::Features,
        above: Vec::new(),
        json: Some("/v1/features".to_owned()),
    };
    frame.page(&content)
}

fn section(id: &str, name: &str, count: usize, table: &Markup) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (name) }
            @if count == 0 { p.quiet { "None are defined." } } @else { (table) }
        }
    }
}

fn views(views: &[ViewRow], now_us: i64) -> Markup {
    let has_owners = views.iter().any(|view| view.about.owner.is_some());
    html! {
        div.scroll tabindex="0" role="group" aria-label="Views" {
            table.rows data-rows {
                thead { tr {
                    th scope="col" { "View" } th scope="col" { "Kind" } th scope="col" { "Of" } th.number scope="col" { "Features" }
                    th.number scope="col" { "Rows" } th scope="col" { "Newest event" } th scope="col" { "Newest row came" }
                    th scope="col" { "Valid for" } th scope="col" { "Version" } @if has_owners { th scope="col" { "Owner" } }
                } }
                tbody { @for view in views { tr {
                    th scope="row" { a.strong href=(link::feature_view(&view.name)) { (view.name) } }
                    td { (view.kind) }
                    td { (view.entities.join(", ")) }
                    td.number { (view.feature_count) }
                    td.number { (numbers::count(view.freshness.rows)) }
                    td { (newest(&view.freshness, view.is_expired, now_us)) }
                    td { (when(view.freshness.newest_ingest_us, now_us)) @if !view.is_caught_up { " " (behind()) } }
                    td { (ttl(view.ttl_us)) }
                    td { code title=(view.version) { (text::short(&view.version)) } (text::copy(&view.version, "version")) }
                    @if has_owners { td { (owner(&view.about)) } }
                } } }
            }
        }
    }
}

fn services(services: &[ServiceRow]) -> Markup {
    let has_owners = services.iter().any(|service| service.about.owner.is_some());
    html! {
        div.scroll tabindex="0" role="group" aria-label="Services" {
            table.rows data-rows {
                thead { tr {
                    th scope="col" { "Service" } th.number scope="col" { "Features" } th scope="col" { "Of the views" }
                    th scope="col" { "Version" } @if has_owners { th scope="col" { "Owner" } }
                } }
                tbody { @for service in services { tr {
                    th scope="row" { a.strong href=(link::feature_service(&service.name)) { (service.name) } }
                    td.number { (service.feature_count) }
                    td { (view_links(&service.views)) }
                    td { code title=(service.version) { (text::short(&service.version)) } (text::copy(&service.version, "version")) }
                    @if has_owners { td { (owner(&service.about)) } }
                } } }
            }
        }
    }
}

fn sources(sources: &[SourceRow], now_us: i64) -> Markup {
    let has_owners = sources.iter().any(|source| source.about.owner.is_some());
    html! {
        div.scroll tabindex="0" role="group" aria-label="Sources" {
            table.rows data-rows {
                thead { tr {
                    th scope="col" { "Source" } th scope="col" { "Rows from" } th.number scope="col" { "Rows" }
                    th scope="col" { "Newest event" } th scope="col" { "Newest row came" } th scope="col" { "Read by" } @if has_owners { th scope="col" { "Owner" } }
                } }
                tbody { @for source in sources { tr {
                    th scope="row" { a href=(link::feature_source(&source.name)) { (source.name) } }
                    td { (source.kind) }
                    td.number { (numbers::count(source.freshness.rows)) }
                    td { (when(source.freshness.newest_event_us, now_us)) }
                    td { (when(source.freshness.newest_ingest_us, now_us)) }
                    td { (view_links(&source.views)) }
                    @if has_owners { td { (owner(&source.about)) } }
                } } }
            }
        }
    }
}

fn entities(entities: &[EntityRow]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Entities" {
            table.rows {
                thead { tr { th scope="col" { "Entity" } th scope="col" { "Join keys" } th scope="col" { "Described by" } th scope="col" { "What it is" } } }
                tbody { @for entity in entities { tr {
                    th scope="row" { (entity.name) }
                    td { @for (index, (name, data_type)) in entity.keys.iter().enumerate() { @if index > 0 { ", " } code { (name) } " " span.quiet { (data_type) } } }
                    td { (view_links(&entity.views)) }
                    td.prose { (entity.about.description.as_deref().unwrap_or_default()) }
                } } }
            }
        }
    }
}

/// Training sets, with their services if they are of several.
pub(super) fn training_sets(sets: &[TrainingSetRow], with_service: bool, now_us: i64) -> Markup {
    if sets.is_empty() {
        return html! { p.quiet { "None were made yet: " code { "trueline features history" } " makes one." } };
    }
    html! {
        div.scroll tabindex="0" role="group" aria-label="Training sets" {
            table.rows data-rows {
                thead { tr {
                    th scope="col" { "Training set" } @if with_service { th scope="col" { "Service" } } th scope="col" { "Version" }
                    th.number scope="col" { "Rows" } th.number scope="col" { "Columns" } th scope="col" { "Made" }
                } }
                tbody { @for set in sets { tr {
                    th scope="row" { (text::digest_to(&set.digest, &link::training_set(&set.digest))) }
                    @if with_service { td { @match &set.service {
                        Some(service) => a href=(link::feature_service(service)) { (service) },
                        None => span.quiet { "single features" },
                    } } }
                    td { @if let Some(version) = &set.service_version { code title=(version) { (text::short(version)) } } }
                    td.number { (numbers::count(set.rows)) }
                    td.number { (set.column_count) }
                    td { (text::ago(set.made_us, now_us)) }
                } } }
            }
        }
    }
}

/// The versions that a name has pointed to.
pub(super) fn versions(versions: &[VersionRow], now_us: i64) -> Markup {
    html! {
        section aria-labelledby="versions" {
            h2 id="versions" { "Versions" }
            div.scroll tabindex="0" role="group" aria-label="Versions" {
                table.rows {
                    thead { tr { th scope="col" { "Version" } th scope="col" { "Applied" } th scope="col" { "In revisions" } th scope="col" { span.hidden { "State" } } } }
                    tbody { @for version in versions { tr {
                        th scope="row" { code title=(version.version) { (text::short(&version.version)) } (text::copy(&version.version, "version")) }
                        td { (text::ago(version.since_us, now_us)) }
                        td { (version.first_revision) @if version.last_revision > version.first_revision { " to " (version.last_revision) } }
                        td { @if version.is_current { span.tag { "in force" } } }
                    } } }
                }
            }
        }
    }
}

/// The frame of a page below the overview.
pub(super) fn framed(title: &str, path: &str, content: &Markup) -> Markup {
    let frame = Frame {
        title,
        section: Section::Features,
        above: vec![("Features".to_owned(), "/features".to_owned())],
        json: Some(format!("/v1{path}")),
    };
    frame.page(content)
}

/// The last section of a page: what was declared, all of it.
pub(super) fn definition(declared: &Value) -> Markup {
    html! {
        section aria-labelledby="definition" {
            h2 id="definition" { "Definition" }
            details { summary { "As it was applied" } (values::exact(declared)) }
        }
    }
}

/// A version by its short name, to be copied whole.
pub(super) fn version(digest: &str) -> Markup {
    html! { "version " code title=(digest) { (text::short(digest)) } (text::copy(digest, "version")) }
}

/// What it comes from and what is made of it.
pub(super) fn picture(graph: &Graph) -> Markup {
    let things: Vec<Thing<'_>> = graph
        .nodes
        .iter()
        .map(|node| Thing {
            kind: node.kind,
            label: &node.name,
            small: "",
            path: Some(match node.kind {
                "source" => link::feature_source(&node.name),
                "view" => link::feature_view(&node.name),
                _ => link::feature_service(&node.name),
            }),
            is_subject: node.is_subject,
        })
        .collect();
    let arrows: Vec<_> = graph
        .edges
        .iter()
        .map(|edge| (edge.from, edge.to))
        .collect();
    html! {
        section aria-labelledby="picture" {
            h2 id="picture" { "From sources to services" }
            (network(&things, &arrows, "Sources, views and services"))
        }
    }
}

/// What people say about it.
pub(super) fn told(about: &Told) -> Markup {
    html! {
        @if let Some(description) = &about.description { p { (description) } }
        @if about.owner.is_some() || !about.tags.is_empty() {
            p.facts {
                @if let Some(owner) = &about.owner { span { "owned by " (owner) } }
                @for (name, value) in &about.tags { span.tag { (name) @if !value.is_empty() { ": " (value) } } }
            }
        }
    }
}

/// When the newest row happened, and whether that is too long ago.
pub(super) fn newest(freshness: &FreshnessRow, is_expired: bool, now_us: i64) -> Markup {
    html! {
        (when(freshness.newest_event_us, now_us))
        @if is_expired { " " (mark::worded("warn", "expired")) }
    }
}

/// A time, or that there was none.
pub(super) fn when(us: Option<i64>, now_us: i64) -> Markup {
    match us {
        Some(us) => text::ago(us, now_us),
        None => html! { span.quiet { "no rows yet" } },
    }
}

/// That the online store lags.
pub(super) fn behind() -> Markup {
    mark::worded("waiting", "not yet online")
}

/// How old a value may be.
pub(super) fn ttl(ttl_us: Option<i64>) -> Markup {
    match ttl_us {
        Some(ttl_us) => html! { (text::duration(ttl_us)) },
        None => html! { span.quiet { "ever" } },
    }
}

pub(super) fn view_links(views: &[String]) -> Markup {
    html! { @for (index, view) in views.iter().enumerate() { @if index > 0 { ", " } a href=(link::feature_view(view)) { (view) } } }
}

fn owner(about: &Told) -> Markup {
    html! { (about.owner.as_deref().unwrap_or_default()) }
}
