//! A dataset as a run read it.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::{Frame, Section, columns, link, text};
use crate::api::dataset::{ColumnRow, DatasetDetails};

/// The page of a dataset. Its profile comes when it is ready.
pub(crate) fn dataset(dataset: &DatasetDetails, _now_us: i64) -> Markup {
    let path = link::dataset(&dataset.run, &dataset.name);
    let size = dataset.files.iter().map(|file| file.size_bytes).sum();
    let content = html! {
        div.head {
            p.eyebrow { "Dataset" }
            h1 { (dataset.name) }
            p.facts {
                span { b { (numbers::count(dataset.rows)) } " rows in " (numbers::plural(dataset.files.len() as u64, "file")) ", " (numbers::size(size)) }
                span { "content " (text::digest(&dataset.table_digest)) }
                span { a href=(link::lineage(&dataset.table_digest)) { "Lineage" } }
            }
        }
        @if let Some(problem) = &dataset.problem {
            p.why { "Its rows cannot be shown: " (problem) }
        } @else {
            section aria-labelledby="first-rows" {
                h2 id="first-rows" { "First rows, as stages get them" }
                (first_rows(dataset))
            }
            section aria-labelledby="columns" {
                h2 id="columns" { "Columns" }
                div hx-get={ (path) "/profile" } hx-trigger="load" hx-swap="outerHTML" {
                    p.quiet { "The stage " code { "profile" } " is reading them…" }
                    noscript { p { a href={ (path) "/profile" } { "Show the profile" } } }
                    (columns::columns(&dataset.schema, "Columns"))
                }
            }
        }
        section aria-labelledby="files" {
            h2 id="files" { "Files" }
            div.scroll tabindex="0" role="group" aria-label="Files" {
                table.rows {
                    thead { tr { th scope="col" { "File" } th.number scope="col" { "Size" } th scope="col" { "Digest" } } }
                    tbody { @for file in &dataset.files { tr {
                        th scope="row" { code.path { (file.path) } }
                        td.number { (numbers::size(file.size_bytes)) }
                        td { (text::digest(&file.digest)) }
                    } } }
                }
            }
        }
        @if !dataset.readers.is_empty() {
            section aria-labelledby="readers" {
                h2 id="readers" { "Other runs that read the same" }
                p.flow { @for reader in &dataset.readers { a.run href=(link::dataset(&reader.run, &reader.name)) { code { (text::short_run(&reader.run)) } } " " } }
            }
        }
    };
    let title = format!("{} of {}", dataset.name, text::short_run(&dataset.run));
    let frame = Frame {
        title: &title,
        section: Section::Runs,
        above: vec![
            (dataset.pipeline.clone(), link::pipeline(&dataset.pipeline)),
            (
                text::short_run(&dataset.run).to_owned(),
                link::run(&dataset.run),
            ),
        ],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

fn first_rows(dataset: &DatasetDetails) -> Markup {
    let is_number = |column: &ColumnRow| {
        let numbers = ["int32", "int64", "float32", "float64"];
        numbers.contains(&column.data_type.as_str())
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label="First rows" {
            table.rows.small.data {
                thead { tr { @for column in &dataset.schema {
                    th.number[is_number(column)] scope="col" { (column.name) span.type { (column.data_type) } }
                } } }
                tbody {
                    @for row in &dataset.first_rows {
                        tr { @for (cell, column) in row.iter().zip(&dataset.schema) { td.number[is_number(column)] { @match cell {
                            Some(text) => (text),
                            None => span.quiet { "null" },
                        } } } }
                    }
                }
            }
        }
    }
}
