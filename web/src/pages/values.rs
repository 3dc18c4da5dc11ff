//! JSON as people read it.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::text;

/// Deeper values are shown as text.
const DEPTH: usize = 6;
/// Of a longer list, the first ones.
const LENGTH: usize = 200;
/// Objects with more values are no rows of a table.
const COLUMNS: usize = 14;
/// A table with more rows has a place of its own to scroll in.
const TALL: usize = 40;
/// What says which row of a table it is, in this order.
const NAMING: &[&str] = &[
    "step",
    "name",
    "column",
    "feature",
    "class",
    "label",
    "threshold",
    "from",
    "to",
];
/// From so many numbers on, a list is a curve.
const CURVE: usize = 8;
const CURVE_WIDTH: f64 = 320.0;
const CURVE_HEIGHT: f64 = 64.0;

/// A value of any shape: objects as lists of names and values, lists of equal objects as tables.
pub(crate) fn value(value: &Value) -> Markup {
    nested(value, 0, plain)
}

/// The same with every digit, for what was chosen and not measured.
pub(crate) fn exact(value: &Value) -> Markup {
    nested(value, 0, raw)
}

fn nested(value: &Value, depth: usize, plain: fn(&Value) -> Markup) -> Markup {
    match value {
        Value::Object(map) if map.is_empty() => html! { span.quiet { "none" } },
        Value::Array(list) if list.is_empty() => html! { span.quiet { "none" } },
        Value::Object(map) if depth < DEPTH => html! {
            dl.tree {
                @for (name, value) in map {
                    div { dt { (name) } dd { (nested(value, depth + 1, plain)) } }
                }
            }
        },
        Value::Array(list) if list.len() >= CURVE && list.iter().all(Value::is_number) => {
            curve(list)
        }
        Value::Array(list) if list.iter().all(is_plain) => html! {
            span.list { @for (index, value) in list.iter().take(LENGTH).enumerate() {
                @if index > 0 { ", " } (plain(value))
            } (cut(list.len())) }
        },
        Value::Array(list) if depth < DEPTH => match heads(list) {
            Some(heads) => html! {
                div.scroll.tall[list.len() > TALL] tabindex="0" role="group" aria-label="Table" {
                    table.rows.small {
                        thead { tr { @for (head, is_number) in &heads { th.number[*is_number] scope="col" { (head.replace('_', " ")) } } } }
                        tbody {
                            @for row in list.iter().take(LENGTH) {
                                tr { @for (head, is_number) in &heads { td.number[*is_number] {
                                    (row.get(head.as_str()).map_or_else(|| html! {}, |value| nested(value, depth + 2, plain)))
                                } } }
                            }
                        }
                    }
                }
                (cut(list.len()))
            },
            None => html! {
                ol.tree { @for value in list.iter().take(LENGTH) { li { (nested(value, depth + 1, plain)) } } }
                (cut(list.len()))
            },
        },
        Value::Object(_) | Value::Array(_) => html! { code { (value.to_string()) } },
        _ => plain(value),
    }
}

/// A value without parts.
pub(crate) fn plain(value: &Value) -> Markup {
    match value {
        Value::String(text) => html! { span.text { (text) } },
        Value::Null => html! { span.quiet { "null" } },
        Value::Number(_) => figure(value),
        other => html! { span.num { (other.to_string()) } },
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// A value without parts as it was written.
pub(crate) fn raw(value: &Value) -> Markup {
    match value {
        Value::Number(number) => html! { span.num { (number.to_string()) } },
        value => plain(value),
    }
}

/// A number with as many digits as one reads, and all of them for whoever points at it.
fn figure(value: &Value) -> Markup {
    let text = text::figure_of(value);
    let exact = value.to_string();
    match text == exact || exact.strip_suffix(".0") == Some(&text) {
        true => html! { span.num { (text) } },
        false => html! { span.num title=(exact) { (text) } },
    }
}

/// Numbers in their order as a line, with the first, the last and the extremes in words.
#[allow(clippy::cast_precision_loss, reason = "a picture of a few pixels")]
fn curve(list: &[Value]) -> Markup {
    let values: Vec<f64> = list.iter().filter_map(Value::as_f64).collect();
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let range = if high > low { high - low } else { 1.0 };
    let step = CURVE_WIDTH / (values.len() - 1) as f64;
    let points = values.iter().enumerate().map(|(index, value)| {
        let y = 2.0 + (high - value) / range * (CURVE_HEIGHT - 4.0);
        format!("{:.1},{y:.1}", index as f64 * step)
    });
    let points: Vec<String> = points.collect();
    let (first, last) = (
        list.first().map(text::figure_of),
        list.last().map(text::figure_of),
    );
    let words = format!(
        "{} values from {} to {}",
        list.len(),
        first.unwrap_or_default(),
        last.unwrap_or_default()
    );
    html! {
        figure.curve {
            svg width=(CURVE_WIDTH) height=(CURVE_HEIGHT) viewBox=(format!("0 0 {CURVE_WIDTH} {CURVE_HEIGHT}")) role="img" aria-label=(words) {
                path.base d=(format!("M0 {:.1}H{CURVE_WIDTH}", CURVE_HEIGHT - 0.5)) {}
                polyline points=(points.join(" ")) {}
            }
            figcaption { (words) ", lowest " (numbers::metric(low)) ", highest " (numbers::metric(high)) }
        }
    }
}

/// The names that the objects of a list share, and whether they have numbers, if it is a table: objects of a few plain
/// values. What names a row comes first, numbers after texts.
fn heads(list: &[Value]) -> Option<Vec<(String, bool)>> {
    let first = list.first()?.as_object()?;
    let is_row = |value: &Value| {
        value
            .as_object()
            .is_some_and(|row| row.keys().all(|key| first.contains_key(key)))
    };
    if first.len() > COLUMNS || list.len() < 2 || !list.iter().all(is_row) {
        return None;
    }
    let is_number = |head: &str| {
        let mut values = list.iter().filter_map(|row| row.get(head));
        values.all(|value| value.is_number() || value.is_null())
    };
    let mut heads: Vec<(String, bool)> = first
        .keys()
        .map(|head| (head.clone(), is_number(head)))
        .collect();
    let place = |head: &str| {
        let known = NAMING.iter().position(|known| *known == head);
        known.unwrap_or(NAMING.len())
    };
    heads.sort_by_key(|(head, is_number)| (place(head), *is_number));
    Some(heads)
}

fn cut(length: usize) -> Markup {
    html! { @if length > LENGTH { span.quiet { " and " (length - LENGTH) " more" } } }
}
