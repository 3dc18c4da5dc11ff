//! What a stage reported, drawn as what it is: what was learned step by step, a table that was learned, importances,
//! curves, confusions, calibration. Whatever else a report has is shown as names and values.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{learned, mark, plot, profile, text, values};

/// Importances and coefficients that are shown at once; the others unfold.
const BARS: usize = 30;
const BAR_WIDTH: f64 = 140.0;

/// A report of a stage that had these parameters.
pub(crate) fn report(report: &Value, params: &Value) -> Markup {
    if profile::is_profile(report) {
        return profile::columns(report);
    }
    if let Some(learned) = learned::steps(report, params).or_else(|| learned::table(report)) {
        return learned;
    }
    let Value::Object(parts) = report else {
        return values::value(report);
    };
    let mut others = Map::new();
    let mut drawn = Vec::new();
    for (name, value) in parts {
        match part(name, value, parts) {
            Some(markup) => drawn.push(markup),
            None => drop(others.insert(name.clone(), value.clone())),
        }
    }
    html! {
        @for part in &drawn { (part) }
        @if !others.is_empty() { (values::exact(&Value::Object(others))) }
    }
}

/// A part of a report that has a way of its own to be shown.
fn part(name: &str, value: &Value, all: &Map<String, Value>) -> Option<Markup> {
    match name {
        "curves" => curves(value),
        "importances" => importances(value),
        "coefficients" => coefficients(value),
        "confusion" => confusion(value),
        "confusion_matrix" => matrix(value, all.get("classes")),
        "calibration" => calibration(value),
        "expectations" => expectations(value),
        "thresholds" => folded(name, value),
        _ => None,
    }
}

/// A long table that unfolds.
fn folded(name: &str, value: &Value) -> Option<Markup> {
    let count = value.as_array().filter(|list| list.len() > 1)?.len();
    Some(html! {
        details.part { summary { (capital(name)) ", " (count) " of them" } (values::value(value)) }
    })
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + &letters.as_str().replace('_', " ")
}

/// Curves by name.
fn curves(curves: &Value) -> Option<Markup> {
    let curves = curves.as_array().filter(|curves| !curves.is_empty())?;
    let named = |curve: &Value| {
        Some((
            curve["name"].as_str()?.to_owned(),
            curve["values"].as_array()?.clone(),
        ))
    };
    let curves: Vec<(String, Vec<Value>)> = curves.iter().map(named).collect::<Option<_>>()?;
    Some(html! {
        div.part.figures {
            @for (name, list) in &curves { div { h3 { (name) } (values::value(&Value::Array(list.clone()))) } }
        }
    })
}

/// What each feature was worth to a model, the most important first.
fn importances(list: &Value) -> Option<Markup> {
    let list = list.as_array().filter(|list| !list.is_empty())?;
    let measures = list.first()?.as_object()?;
    let by = ["total_gain", "gain", "weight"]
        .into_iter()
        .find(|name| measures.get(*name).is_some_and(Value::is_number))?;
    let worth = |row: &Value| row[by].as_f64().unwrap_or(0.0);
    let mut rows: Vec<&Value> = list.iter().collect();
    rows.sort_by(|one, other| worth(other).total_cmp(&worth(one)));
    let most = rows.first().map_or(0.0, |row| worth(row));
    let heads: Vec<&String> = measures.keys().filter(|name| *name != "feature").collect();
    let line = |row: &Value| {
        html! {
            tr {
                th scope="row" { code { (row["feature"].as_str().unwrap_or_default()) } }
                td { (bar(worth(row), most)) }
                @for head in &heads { td.number { (values::plain(&row[head.as_str()])) } }
            }
        }
    };
    let whole = |rows: &[&Value]| {
        html! {
            div.scroll tabindex="0" role="group" aria-label="Importances" {
                table.rows.small {
                    thead { tr {
                        th scope="col" { "Feature" } th scope="col" { span.hidden { "Share of " (by) } }
                        @for head in &heads { th.number scope="col" { (head.replace('_', " ")) } }
                    } }
                    tbody { @for row in rows { (line(row)) } }
                }
            }
        }
    };
    let (first, rest) = rows.split_at(rows.len().min(BARS));
    Some(html! {
        div.part {
            h3 { "Importances, by " (by.replace('_', " ")) }
            (whole(first))
            @if !rest.is_empty() { details { summary { (rest.len()) " more" } (whole(rest)) } }
        }
    })
}

/// A bar from the left, as long as its share of the largest.
fn bar(value: f64, most: f64) -> Markup {
    let share = if most > 0.0 { value / most } else { 0.0 };
    let width = (share.clamp(0.0, 1.0) * BAR_WIDTH).max(1.0);
    html! {
        svg.share width=(BAR_WIDTH) height="8" viewBox=(format!("0 0 {BAR_WIDTH} 8")) aria-hidden="true" focusable="false" {
            rect width=(format!("{width:.1}")) height="8" rx="1.5" {}
        }
    }
}

/// The coefficients of a linear model, one list a score, the largest first.
fn coefficients(lists: &Value) -> Option<Markup> {
    let lists = lists.as_array()?;
    let scores: Vec<&Map<String, Value>> =
        lists.iter().map(Value::as_object).collect::<Option<_>>()?;
    let size = |value: &Value| value.as_f64().unwrap_or(0.0).abs();
    Some(html! {
        @for (number, score) in scores.iter().enumerate() {
            @let most = score.values().map(size).fold(0.0, f64::max);
            @let rows = sorted(score);
            div.part {
                h3 { "Coefficients" @if scores.len() > 1 { " of score " (number) } }
                div.scroll.tall[rows.len() > BARS] tabindex="0" role="group" aria-label="Coefficients" {
                    table.rows.small {
                        thead { tr { th scope="col" { "Feature" } th scope="col" { span.hidden { "Size" } } th.number scope="col" { "Coefficient" } } }
                        tbody { @for (name, value) in rows { tr {
                            th scope="row" { code { (name) } } td { (bar(size(value), most)) } td.number { (values::plain(value)) }
                        } } }
                    }
                }
            }
        }
    })
}

fn sorted(score: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut rows: Vec<_> = score.iter().collect();
    let size = |value: &Value| value.as_f64().unwrap_or(0.0).abs();
    rows.sort_by(|one, other| size(other.1).total_cmp(&size(one.1)));
    rows
}

/// What was predicted of two classes.
fn confusion(counts: &Value) -> Option<Markup> {
    let count = |name: &str| counts[name].as_f64();
    let cells = [
        [count("true_positive")?, count("false_negative")?],
        [count("false_positive")?, count("true_negative")?],
    ];
    let names = ["yes".to_owned(), "no".to_owned()];
    Some(table_of_classes(&names, &cells.map(Vec::from)))
}

/// What was predicted of several classes: labels from top to bottom, predictions from left to right.
fn matrix(rows: &Value, classes: Option<&Value>) -> Option<Markup> {
    let row = |row: &Value| row.as_array()?.iter().map(Value::as_f64).collect();
    let cells: Vec<Vec<f64>> = rows.as_array()?.iter().map(row).collect::<Option<_>>()?;
    let name = |class: &Value| match &class["class"] {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    };
    let names: Vec<String> = classes?.as_array()?.iter().map(name).collect();
    (names.len() == cells.len()).then(|| table_of_classes(&names, &cells))
}

fn table_of_classes(names: &[String], cells: &[Vec<f64>]) -> Markup {
    html! {
        div.part {
            h3 { "Confusion" }
            div.scroll tabindex="0" role="group" aria-label="Confusion" {
                table.rows.small {
                    thead { tr {
                        th scope="col" { "Label" } @for name in names { th.number scope="col" { "predicted " (name) } }
                    } }
                    tbody { @for (row, name) in names.iter().enumerate() { tr {
                        th scope="row" { (name) }
                        @for (column, value) in cells.get(row).into_iter().flatten().enumerate() {
                            td.number.strong[row == column] { (text::figure(*value)) }
                        }
                    } } }
                }
            }
        }
    }
}

/// How often what was predicted came true, beside how often it should have.
fn calibration(bins: &Value) -> Option<Markup> {
    let point = |bin: &Value| {
        Some((
            bin["mean_prediction"].as_f64()?,
            bin["positive_share"].as_f64()?,
        ))
    };
    let points: Vec<(f64, f64)> = bins.as_array()?.iter().map(point).collect::<Option<_>>()?;
    Some(html! {
        div.part.figures {
            div { h3 { "Calibration" } (plot::calibration(&points)) }
            details { summary { "Its " (points.len()) " bins" } (values::value(bins)) }
        }
    })
}

/// What a check expected, and what it found.
fn expectations(list: &Value) -> Option<Markup> {
    let list = list.as_array()?;
    let state = |row: &Value| match (row["met"].as_bool(), row["severity"].as_str()) {
        (Some(true), _) => ("accepted", "met"),
        (_, Some("warn")) => ("warn", "not met"),
        _ => ("refused", "not met"),
    };
    Some(html! {
        div.part {
            h3 { "Expectations" }
            div.scroll.tall[list.len() > BARS] tabindex="0" role="group" aria-label="Expectations" {
                table.rows.small {
                    thead { tr {
                        th scope="col" { "About" } th scope="col" { "Expected" } th scope="col" { "Verdict" }
                        th scope="col" { "Found" } th.number scope="col" { "Rows" }
                    } }
                    tbody { @for row in list { @let (state, word) = state(row); tr {
                        th scope="row" { code { (row["subject"].as_str().unwrap_or_default()) } }
                        td { (row["expected"].as_str().unwrap_or_default()) }
                        td { (mark::worded(state, word)) }
                        td.prose { (text::prose(row["found"].as_str().unwrap_or_default()))
                            @if row["examples"].as_array().is_some_and(|examples| !examples.is_empty()) {
                                details { summary { "Examples" } (values::value(&row["examples"])) }
                            } }
                        td.number { (values::plain(&row["count"])) }
                    } } }
                }
            }
        }
    })
}
