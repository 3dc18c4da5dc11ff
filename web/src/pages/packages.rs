//! Packages: the list, the versions of one with the history of its aliases, and one version.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::run::{decision, measured};
use super::{Frame, Section, columns, learned, link, mark, runs, text, values};
use crate::api::packages::{
    AliasRow, ComparisonRow, LinkRow, PackageDetails, PackageHistory, PackageRow, Packages,
};

/// Metrics of a version that a list shows.
const METRICS: usize = 4;

/// Every package.
pub(crate) fn packages(packages: &Packages, now_us: i64) -> Markup {
    let content = html! {
        div.head { h1 { "Packages" } }
        @if packages.packages.is_empty() {
            p.quiet { "There is none yet: a pipeline with a section " code { "[package]" } " makes one when it runs." }
        } @else {
            div.scroll tabindex="0" role="group" aria-label="Packages" {
                table.rows data-rows {
                    thead { tr { th scope="col" { "Package" } th scope="col" { "Newest" } th scope="col" { "Verdict" } th scope="col" { "Made" } th scope="col" { "Aliases" } } }
                    tbody { @for head in &packages.packages {
                        @let newest = &head.newest;
                        tr {
                            th scope="row" { a.strong href=(link::packages(&newest.name)) { (newest.name) } }
                            td { (version(&newest.name, newest.version)) }
                            td { (mark::state(newest.verdict)) }
                            td { (text::ago(newest.created_us, now_us)) }
                            td { @for alias in &head.aliases { span.tag { (alias.alias) } " " (version(&newest.name, alias.version)) " " } }
                        }
                    } }
                }
            }
        }
    };
    let frame = Frame {
        title: "Packages",
        section: Section::Packages,
        above: Vec::new(),
        json: Some("/v1/packages".to_owned()),
    };
    frame.page(&content)
}

fn version(name: &str, version: u32) -> Markup {
    html! { a href=(link::package(name, version)) { "version " (version) } }
}

/// The versions of a package, and where its aliases stood.
pub(crate) fn history(history: &PackageHistory, now_us: i64) -> Markup {
    let path = link::packages(&history.name);
    let content = html! {
        div.head {
            p.eyebrow { "Package" }
            h1 { (history.name) }
            p.facts {
                @if history.aliases.is_empty() { span.quiet { "no alias stands anywhere" } }
                @for alias in &history.aliases { span { span.tag { (alias.alias) } " " (version(&history.name, alias.version)) } }
            }
        }
        @if !history.moves.is_empty() {
            section aria-labelledby="moves" { h2 id="moves" { "Champion history" } (moves(&history.name, &history.moves, now_us)) }
        }
        section aria-labelledby="versions" {
            h2 id="versions" { "Versions" }
            (versions(&history.versions, now_us))
            (runs::older(history.next.as_deref(), &path))
        }
    };
    let frame = Frame {
        title: &history.name,
        section: Section::Packages,
        above: vec![("Packages".to_owned(), "/packages".to_owned())],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

fn versions(versions: &[PackageRow], now_us: i64) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Versions" {
            table.rows data-rows {
                thead { tr { th scope="col" { "Version" } th scope="col" { "Verdict" } th scope="col" { "Measured" } th scope="col" { "Made" } th scope="col" { "Run" } th scope="col" { "Digest" } } }
                tbody { @for package in versions { tr {
                    th scope="row" {
                        a href=(link::package(&package.name, package.version)) { (package.version) }
                        @for alias in &package.aliases { " " span.tag { (alias) } }
                    }
                    td { (mark::state(package.verdict)) }
                    td.result { @for metric in package.measured.iter().take(METRICS) { (measured(metric)) } }
                    td { (text::ago(package.created_us, now_us)) }
                    td { (text::run(&package.run)) }
                    td { (text::digest_to(&package.digest, &link::lineage(&package.digest))) }
                } } }
            }
        }
    }
}

/// The moves of aliases as a line through time.
fn moves(name: &str, moves: &[AliasRow], now_us: i64) -> Markup {
    html! {
        ol.moves {
            @for step in moves {
                li.(step.kind) {
                    (text::ago(step.moved_us, now_us)) " "
                    span.tag { (step.alias) }
                    @if step.kind == "rollback" { " back to " } @else { " to " }
                    a href=(link::package(name, step.version)) { "version " (step.version) }
                    span.because { (text::prose(&step.reason)) }
                }
            }
        }
    }
}

/// A version of a package.
pub(crate) fn package(package: &PackageDetails, now_us: i64) -> Markup {
    let row = &package.package;
    let path = link::package(&row.name, row.version);
    let content = html! {
        div.head {
            p.eyebrow { "Package" }
            h1 { (row.name) "@" (row.version) @for alias in &row.aliases { " " span.tag { (alias) } } }
            p.facts {
                (mark::state(row.verdict))
                span { "by the gate of " (text::run(&row.run)) }
                span { "digest " (text::digest_to(&row.digest, &link::lineage(&row.digest))) }
                span { "profile " code { (package.profile) } }
            }
            @if row.verdict == "refused" { p.why { (text::prose(&package.message)) } }
            p { a href=(link::lineage(&row.digest)) { "Lineage: from this package back to the data" } }
        }
        section aria-labelledby="chain" {
            h2 id="chain" { "The chain that serving runs" }
            ol.chain { @for link in &package.chain { (chain_link(&row.run, link)) } }
        }
        @for gate in &package.gates { (decision(gate)) }
        @if !package.comparisons.is_empty() {
            section aria-labelledby="shadow" { h2 id="shadow" { "In the shadow" } (shadow(&package.comparisons, now_us)) }
        }
        div.columns {
            section aria-labelledby="reads" { h2 id="reads" { "A request has" } (columns::columns(&package.input, "Columns of a request")) }
            section aria-labelledby="answers" { h2 id="answers" { "The answer has" } (columns::columns(&package.output, "Columns of an answer")) }
        }
        @if !package.moves.is_empty() {
            section aria-labelledby="moves" { h2 id="moves" { "Aliases that came here" } (moves(&row.name, &package.moves, now_us)) }
        }
        section aria-labelledby="verdicts" {
            h2 id="verdicts" { "Verdicts" }
            ol.log { @for verdict in &package.verdicts {
                li { (text::ago(verdict.decided_us, now_us)) " " (mark::state(verdict.verdict)) " " (text::run(&verdict.run)) " " (text::prose(&verdict.message)) }
            } }
        }
    };
    let title = format!("{}@{}", row.name, row.version);
    let frame = Frame {
        title: &title,
        section: Section::Packages,
        above: vec![
            ("Packages".to_owned(), "/packages".to_owned()),
            (row.name.clone(), link::packages(&row.name)),
        ],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

fn chain_link(run: &str, link: &LinkRow) -> Markup {
    html! {
        li {
            p.name {
                @match &link.stage { Some(stage) => a href=(link::stage(run, stage)) { (stage) }, None => span { "stage" } }
                @if let Some(kind) = &link.kind { " " code { (kind) } }
            }
            dl.facts {
                div { dt { "Component" } dd { (text::digest(&link.component)) } }
                div { dt { "State" } dd { (text::digest(&link.state)) @if let Some(size) = link.state_bytes { " " span.quiet { (numbers::size(size)) } } } }
                div { dt { "Reads" } dd { (names(&link.reads)) } }
                div { dt { "Writes" } dd { (names(&link.writes)) } }
            }
            details { summary { "Parameters" } (learned::asked(&link.params).unwrap_or_else(|| values::exact(&link.params))) }
        }
    }
}

/// How answers compared with those of other packages to the same requests.
fn shadow(comparisons: &[ComparisonRow], now_us: i64) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Comparisons in the shadow" {
            table.rows {
                thead { tr {
                    th scope="col" { "Beside" } th.number scope="col" { "Rows" } th.number scope="col" { "Not answered" }
                    th scope="col" { "Column" } th.number scope="col" { "Differ" } th.number scope="col" { "Mean difference" }
                    th.number scope="col" { "Largest" } th scope="col" { "Until" }
                } }
                tbody { @for row in comparisons {
                    @let other = if row.is_challenger { &row.package } else { &row.challenger };
                    @for place in 0..row.columns.len().max(1) { tr {
                        @if place == 0 {
                            th scope="row" {
                                (text::digest_to(other, &link::lineage(other))) " "
                                span.tag { @if row.is_challenger { "answered" } @else { "challenger" } }
                                @if let Some(failure) = &row.failure { span.because { (text::prose(failure)) } }
                            }
                            td.number { (numbers::count(row.rows)) }
                            td.number { (numbers::count(row.rows_failed)) }
                        } @else { th scope="row" {} td {} td {} }
                        @if let Some(column) = row.columns.get(place) {
                            td { code { (column.name) } }
                            td.number { (numbers::count(column.rows_differing)) }
                            td.number { (text::figure(column.mean)) }
                            td.number { (text::figure(column.largest)) }
                        } @else { td {} td {} td {} td {} }
                        td { (text::ago(row.updated_us, now_us)) }
                    } }
                } }
            }
        }
    }
}

fn names(names: &[String]) -> Markup {
    html! { @for (index, name) in names.iter().enumerate() { @if index > 0 { ", " } code { (name) } } }
}
