//! What the standard stage `profile` says of columns: one line each, with a histogram or the commonest values.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::columns::{TALL, role};
use super::values;
use crate::api::dataset::{ColumnRow, Profile};

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 26.0;
/// Common values that are listed.
const TOP: usize = 3;

/// The part of a dataset's page that shows its profile.
pub(crate) fn part(profile: &Profile, _now_us: i64) -> Markup {
    let rows = profile.report["rows"].as_u64().unwrap_or_default();
    html! {
        @if profile.stride > 1 { p.quiet { "Of one in " (profile.stride) " batches of rows, from the first to the last: " (numbers::count(rows)) " rows." } }
        (table(&profile.report, &profile.schema))
    }
}

/// Whether a report is one of the stage `profile`.
pub(crate) fn is_profile(report: &Value) -> bool {
    let columns = report["columns"].as_array();
    columns.is_some_and(|columns| {
        columns.first().is_some_and(|column| {
            column["distinct"].is_object() && column["null_share"].is_number()
        })
    })
}

/// A report of the stage `profile`.
pub(crate) fn columns(report: &Value) -> Markup {
    table(report, &[])
}

/// The same with what is known of the columns otherwise.
fn table(report: &Value, schema: &[ColumnRow]) -> Markup {
    let count = report["columns"].as_array().map_or(0, Vec::len);
    html! {
        div.scroll.tall[count > TALL] tabindex="0" role="group" aria-label="Profile of the columns" {
            table.rows.small.profile {
                thead { tr {
                    th scope="col" { "Column" } th scope="col" { "Type" } th.number scope="col" { "Null" } th.number scope="col" { "Distinct" }
                    th.number scope="col" { "Lowest" } th.number scope="col" { "Median" } th.number scope="col" { "Highest" } th.number scope="col" { "Mean" }
                    th scope="col" { "Distribution" }
                } }
                tbody { @for column in report["columns"].as_array().into_iter().flatten() { (line(column, schema)) } }
            }
        }
    }
}

fn line(column: &Value, schema: &[ColumnRow]) -> Markup {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&column["name"]);
    let median = column["quantiles"].as_array().into_iter().flatten();
    let median = median
        .into_iter()
        .find(|quantile| quantile["q"] == 0.5)
        .map(|quantile| &quantile["value"]);
    let distinct = &column["distinct"];
    let known = schema.iter().find(|known| known.name == name);
    html! {
        tr {
            th scope="row" { code { (name) @if !column["element"].is_null() { "[" (values::plain(&column["element"])) "]" } }
                @if let Some(known) = known { " " (role(known)) } }
            td { (text(&column["type"])) }
            td.number { (share(&column["null_share"])) }
            td.number { @if distinct["exact"] == false { "≈ " } (numbers::count(distinct["count"].as_u64().unwrap_or_default())) }
            td.number { (number(&column["min"])) }
            td.number { (number(median.unwrap_or(&Value::Null))) }
            td.number { (number(&column["max"])) }
            td.number { (number(&column["mean"])) }
            td { @if column["histogram"].is_object() { (histogram(&name, &column["histogram"])) } @else { (top(&column["top"])) } }
        }
    }
}

fn number(value: &Value) -> Markup {
    match value {
        Value::Null => html! {},
        // Dates and times: the day is enough here.
        Value::String(text) => {
            html! { span title=(text) { (text.chars().take(10).collect::<String>()) } }
        }
        value => values::plain(value),
    }
}

fn share(value: &Value) -> String {
    match value.as_f64() {
        Some(0.0) | None => "0".to_owned(),
        Some(share) if share < 0.001 => "< 0.1 %".to_owned(),
        Some(share) => format!("{:.1} %", share * 100.0),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a picture of a few pixels")]
fn histogram(name: &str, histogram: &Value) -> Markup {
    let counts: Vec<u64> = histogram["counts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = WIDTH / counts.len().max(1) as f64;
    html! {
        svg.histogram width=(WIDTH) height=(HEIGHT) viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label={ "Histogram of " (name) } {
            @for (index, count) in counts.iter().enumerate() {
                @let height = if *count == 0 { 0.0 } else { (*count as f64 / most * (HEIGHT - 1.0)).max(1.0) };
                rect x=(format!("{:.2}", index as f64 * step)) y=(format!("{:.2}", HEIGHT - 1.0 - height))
                    width=(format!("{:.2}", (step - 0.8).max(0.4))) height=(format!("{height:.2}")) {}
            }
            path.base d=(format!("M0 {:.1}H{WIDTH}", HEIGHT - 0.5)) {}
        }
    }
}

fn top(top: &Value) -> Markup {
    html! {
        span.top { @for (index, value) in top.as_array().into_iter().flatten().take(TOP).enumerate() {
            @if index > 0 { ", " } (values::plain(&value["value"])) " " span.quiet { (share(&value["share"])) }
        } }
    }
}
