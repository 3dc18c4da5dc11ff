//! JSON as people read it.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

/// Deeper values are shown as text.
const DEPTH: usize = 6;
/// Of a longer list, the first ones.
const LENGTH: usize = 200;
/// Objects with more values are no rows of a table.
const COLUMNS: usize = 14;
/// From so many numbers on, a list is a curve.
const CURVE: usize = 8;
const CURVE_WIDTH: f64 = 320.0;
const CURVE_HEIGHT: f64 = 64.0;

/// A value of any shape: objects as lists of names and values, lists of equal objects as tables.
pub(crate) fn value(value: &Value) -> Markup {
    nested(value, 0)
}

fn nested(value: &Value, depth: usize) -> Markup {
    match value {
        Value::Object(map) if map.is_empty() => html! { span.quiet { "none" } },
        Value::Array(list) if list.is_empty() => html! { span.quiet { "none" } },
        Value::Object(map) if depth < DEPTH => html! {
            dl.tree {
                @for (name, value) in map {
                    div { dt { (name) } dd { (nested(value, depth + 1)) } }
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
                div.scroll tabindex="0" role="group" aria-label="Table" {
                    table.rows.small {
                        thead { tr { @for head in &heads { th scope="col" { (head) } } } }
                        tbody {
                            @for row in list.iter().take(LENGTH) {
                                tr { @for head in &heads { td { (row.get(head.as_str()).map_or_else(|| html! {}, |value| nested(value, depth + 2))) } } }
                            }
                        }
                    }
                }
                (cut(list.len()))
            },
            None => html! {
                ol.tree { @for value in list.iter().take(LENGTH) { li { (nested(value, depth + 1)) } } }
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
        Value::Number(_) => html! { span.num { (exact(value)) } },
        other => html! { span.num { (other.to_string()) } },
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// A number as it was written, unless that takes many digits.
fn exact(value: &Value) -> String {
    let text = value.to_string();
    match value.is_f64() && text.len() <= 7 {
        true => text,
        false => super::text::number(value),
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
    let (first, last) = (list.first().map(exact), list.last().map(exact));
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

/// The names that the objects of a list share, if it is a table: objects of a few plain values.
fn heads(list: &[Value]) -> Option<Vec<String>> {
    let first = list.first()?.as_object()?;
    let heads: Vec<String> = first.keys().cloned().collect();
    let is_row = |value: &Value| {
        value
            .as_object()
            .is_some_and(|row| row.keys().all(|key| heads.contains(key)))
    };
    (heads.len() <= COLUMNS && list.len() > 1 && list.iter().all(is_row)).then_some(heads)
}

fn cut(length: usize) -> Markup {
    html! { @if length > LENGTH { span.quiet { " and " (length - LENGTH) " more" } } }
}
