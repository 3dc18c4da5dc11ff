//! What transforms learned, as tables.

use maud::{Markup, html};
use serde_json::{Map, Value};
use trueline_engine::numbers;

use super::values;

/// Of a longer list of learned values, the first ones.
const LISTED: usize = 12;

/// A table with more columns takes all the width there is.
const WIDE: usize = 5;

/// What the steps of the stage `tabular` learned of each column, beside what they were asked for. None if the report is
/// not of such steps.
pub(crate) fn steps(report: &Value, params: &Value) -> Option<Markup> {
    let learned = report.as_array()?;
    let steps = params["steps"].as_array()?;
    let is_entry = |entry: &Value| entry["step"].is_u64() && entry["column"].is_string();
    if !learned.iter().all(is_entry) {
        return None;
    }
    let of = |index: usize| {
        let entries = learned.iter();
        entries.filter(move |entry| entry["step"].as_u64() == Some(index as u64))
    };
    Some(html! {
        div.scroll tabindex="0" role="group" aria-label="Steps" {
            table.rows.small.steps {
                thead { tr { th.number scope="col" { "#" } th scope="col" { "Step" } th scope="col" { "With" } th scope="col" { "Learned" } } }
                tbody { @for (index, step) in steps.iter().enumerate() { tr {
                    td.number { (index + 1) }
                    th scope="row" { code { (op(step)) } }
                    td.prose { (options(step)) }
                    td.prose {
                        @if of(index).next().is_none() { span.quiet { "nothing to learn" } }
                        @else { dl.learned { @for entry in of(index) { div {
                            dt { code { (entry["column"].as_str().unwrap_or_default()) } }
                            dd { (value(&entry["learned"])) }
                        } } } }
                    }
                } } }
            }
        }
    })
}

/// The steps that a stage was given, one line each. None if its parameters have no such steps.
pub(crate) fn asked(params: &Value) -> Option<Markup> {
    let steps = params["steps"].as_array()?;
    if steps.is_empty() || !steps.iter().all(|step| step["op"].is_string()) {
        return None;
    }
    let others: Map<String, Value> = params
        .as_object()?
        .clone()
        .into_iter()
        .filter(|(name, _)| name != "steps")
        .collect();
    Some(html! {
        ol.asked { @for step in steps { li { code { (op(step)) } " " (options(step)) } } }
        @if !others.is_empty() { (values::exact(&Value::Object(others))) }
    })
}

fn op(step: &Value) -> &str {
    step["op"].as_str().unwrap_or("step")
}

/// All that a step was given but its name; the columns come first.
fn options(step: &Value) -> Markup {
    let all = step.as_object().into_iter().flatten();
    let others = all.filter(|(name, _)| !["op", "columns"].contains(&name.as_str()));
    html! {
        @if !step["columns"].is_null() { (values::exact(&step["columns"])) " " }
        @for (name, value) in others { span.option { (name) " " (values::exact(value)) } " " }
    }
}

/// What was learned of a column: a kind, and numbers or texts.
fn value(learned: &Value) -> Markup {
    let Some((kind, inner)) = learned
        .as_object()
        .filter(|map| map.len() == 1)
        .and_then(|map| map.iter().next())
    else {
        return values::value(learned);
    };
    match inner {
        Value::Number(_) | Value::String(_) => values::plain(inner),
        Value::Array(list) => listed(list),
        Value::Object(map)
            if map
                .values()
                .all(|value| !value.is_object() && !value.is_array()) =>
        {
            html! {
                @for (name, value) in map { span.option { (name) " " (values::plain(value)) } " " }
            }
        }
        // Categories by their type.
        Value::Object(map) if kind == "Categories" && map.len() == 1 => html! {
            @for list in map.values().filter_map(Value::as_array) { (listed(list)) }
        },
        inner => values::value(inner),
    }
}

/// A few values, and the others when they are asked for.
fn listed(list: &[Value]) -> Markup {
    let some = |list: &[Value]| {
        html! {
            @for (index, value) in list.iter().enumerate() { @if index > 0 { ", " } (values::plain(value)) }
        }
    };
    html! {
        @if list.len() <= LISTED { (some(list)) } @else {
            details.inline { summary { (numbers::plural(list.len() as u64, "value")) ": " (some(&list[..LISTED])) ", …" } (some(list)) }
        }
    }
}

/// The beginning of a table that the stage `lookup` learned. None if the report is not of one.
pub(crate) fn table(report: &Value) -> Option<Markup> {
    let names = |list: &Value| -> Option<Vec<String>> {
        let names = list.as_array()?.iter();
        names.map(|name| Some(name.as_str()?.to_owned())).collect()
    };
    let (keys, columns) = (names(&report["keys"])?, names(&report["columns"])?);
    let (rows, count) = (report["first_rows"].as_array()?, report["rows"].as_u64()?);
    let is_number = |place: usize| {
        let mut cells = rows
            .iter()
            .map(|row| &row[place])
            .filter(|cell| !cell.is_null())
            .peekable();
        cells.peek().is_some() && cells.all(Value::is_number)
    };
    let width = keys.len() + columns.len();
    Some(html! {
        p.quiet { (numbers::plural(count, "key")) @if count > rows.len() as u64 { ", of which the first " (rows.len()) } ":" }
        div.scroll.tall[rows.len() > 20] tabindex="0" role="group" aria-label="Learned table" {
            table.rows.small.data[width > WIDE] {
                thead { tr {
                    @for name in &keys { th scope="col" { (name) span.type { "key" } } }
                    @for (place, name) in columns.iter().enumerate() { th.number[is_number(keys.len() + place)] scope="col" { (name) span.type { "added" } } }
                } }
                tbody { @for row in rows { tr {
                    @for place in 0..width {
                        td.number[place >= keys.len() && is_number(place)] { (values::raw(&row[place])) }
                    }
                } } }
            }
        }
    })
}
