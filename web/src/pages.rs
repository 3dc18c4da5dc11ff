//! Pages: what [`api`](crate::api) loaded, as HTML. No page reads anything by itself.
//!
//! The policy of [`guard`](crate::guard) allows no inline script and no inline style, so everything that is measured
//! in pixels is drawn as SVG, whose attributes are neither.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::assets::address;
use crate::problem::Problem;

pub(crate) mod artifact;
pub(crate) mod columns;
pub(crate) mod dataset;
pub(crate) mod diagram;
pub(crate) mod features;
pub(crate) mod learned;
pub(crate) mod lineage;
pub(crate) mod link;
pub(crate) mod mark;
pub(crate) mod network;
pub(crate) mod packages;
pub(crate) mod pipelines;
pub(crate) mod plot;
pub(crate) mod profile;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod stage;
pub(crate) mod study;
pub(crate) mod text;
pub(crate) mod values;

/// A section of the site, for the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Pipelines,
    Runs,
    Packages,
    Features,
    None,
}

/// What stands around every page.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) section: Section,
    /// The pages above this one: what each is called, and where it is.
    pub(crate) above: Vec<(String, String)>,
    /// Where the same is as JSON.
    pub(crate) json: Option<String>,
}

impl Frame<'_> {
    /// The page with this content; the first heading of the content is the title.
    pub(crate) fn page(&self, content: &Markup) -> Markup {
        let entry = |section: Section, path: &str, name: &str| {
            html! {
                a href=(path) aria-current=[(self.section == section).then_some("true")] { (name) }
            }
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="htmx-config" content=(HTMX);
                    title { (self.title) " · Trueline" }
                    link rel="icon" href=(address("mark.svg")) type="image/svg+xml";
                    link rel="stylesheet" href=(address("trueline.css"));
                    script src=(address("htmx.js")) defer {}
                    script src=(address("htmx-sse.js")) defer {}
                    script src=(address("idiomorph.js")) defer {}
                    script src=(address("trueline.js")) defer {}
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header.top {
                        a.brand href="/" {
                            svg viewBox="0 0 16 20" width="13" height="17" aria-hidden="true" {
                                path d="M8 0V12" {}
                                path.bob d="M8 20L3.6 12.4H12.4Z" {}
                            }
                            span { "Trueline" }
                        }
                        nav aria-label="Sections" {
                            (entry(Section::Pipelines, "/", "Pipelines"))
                            (entry(Section::Runs, "/runs", "Runs"))
                            (entry(Section::Packages, "/packages", "Packages"))
                            (entry(Section::Features, "/features", "Features"))
                        }
                        form.search action="/search" method="get" role="search" {
                            input type="search" name="q" aria-label="Find a run, digest, package or pipeline"
                                placeholder="Run, digest, package…" autocomplete="off" spellcheck="false" data-search;
                        }
                    }
                    main id="content" tabindex="-1" {
                        @if !self.above.is_empty() {
                            nav.crumbs aria-label="Above this page" {
                                @for (name, path) in &self.above {
                                    a href=(path) { (name) } span aria-hidden="true" { "/" }
                                }
                            }
                        }
                        (content)
                    }
                    footer.bottom {
                        @if let Some(json) = &self.json { a href=(json) { "This page as JSON" } }
                        a href="/v1/openapi.json" { "OpenAPI" }
                        span { "Trueline " (env!("CARGO_PKG_VERSION")) }
                    }
                    div.toast role="status" aria-live="polite" data-toast {}
                }
            }
        }
    }
}

/// No evaluation of texts, no styles of its own: the policy forbids both. Answers are never kept in the browser.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true}"#;

/// A page that says why there is none.
pub(crate) fn problem(problem: &Problem) -> Response {
    let content = html! {
        div.problem {
            p.eyebrow { (problem.status) }
            h1 { (problem.title) }
            @if problem.detail.contains('\n') { pre tabindex="0" { (problem.detail) } }
            @else { p { (text::prose(&problem.detail)) } }
            @if !problem.candidates.is_empty() {
                p { "It may be one of these:" }
                ul.candidates {
                    @for candidate in &problem.candidates {
                        @let name = candidate.split(' ').next().unwrap_or_default();
                        li { a href=(link::search(name)) { code { (candidate) } } }
                    }
                }
            }
            @if let Some(hint) = &problem.hint { p.hint { b { "What to do: " } (text::prose(hint)) } }
            p { a href="/" { "All pipelines" } }
        }
    };
    let frame = Frame {
        title: &problem.title,
        section: Section::None,
        above: Vec::new(),
        json: None,
    };
    (problem.status(), Html(frame.page(&content).into_string())).into_response()
}
