//! A study: its trials by number and by curve.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::{Frame, Section, link, mark, text, values};
use crate::api::study::{StudyDetails, Trial};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 180.0;
/// Around a chart's points, so that none is cut off.
const MARGIN: f64 = 6.0;

/// The page of a study.
pub(crate) fn study(study: &StudyDetails, _now_us: i64) -> Markup {
    let path = link::study(&study.run, &study.stage);
    let goal = if study.goal == "min" {
        "lowest"
    } else {
        "highest"
    };
    let content = html! {
        div.head {
            p.eyebrow { "Study" }
            h1 { (study.stage) }
            p.facts {
                (mark::state(study.state))
                span { b { (study.trials.len()) } " of " (numbers::plural(study.count, "trial")) }
                span { "for the " (goal) " " code { (study.metric) } }
                @if let Some(best) = study.best { span { "best is trial " b { (best) } } }
                span { a href=(link::stage(&study.run, &study.stage)) { "The stage" } }
            }
            @if study.state == "failed" && let Some(reason) = &study.reason { p.why { (text::prose(reason)) } }
        }
        div.columns {
            @if study.trials.iter().any(|trial| trial.value.is_some()) {
                section aria-labelledby="values" {
                    h2 id="values" { "What each trial was worth" }
                    (worth(study))
                }
            }
            @for metric in metrics(study) {
                section aria-label={ "Curves of " (metric) } {
                    h2 { "Curves of " code { (metric) } }
                    (curves(study, metric))
                }
            }
        }
        section aria-labelledby="trials" { h2 id="trials" { "Trials" } (table(study)) }
        section aria-labelledby="declared" { h2 id="declared" { "What was asked for" } (declared(&study.declared)) }
    };
    let title = format!("Study {} of {}", study.stage, text::short_run(&study.run));
    let frame = Frame {
        title: &title,
        section: Section::Runs,
        above: vec![
            (study.pipeline.clone(), link::pipeline(&study.pipeline)),
            (
                text::short_run(&study.run).to_owned(),
                link::run(&study.run),
            ),
        ],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
}

/// The metrics that trials have curves of.
fn metrics(study: &StudyDetails) -> BTreeSet<&str> {
    let names = study.trials.iter().flat_map(|trial| trial.curves.keys());
    names.map(String::as_str).collect()
}

/// Where numbers stand in a chart.
struct Scale {
    low: f64,
    high: f64,
    /// The last place from left to right.
    last: f64,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64>, last: f64) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        Self {
            low,
            high,
            last: last.max(1.0),
        }
    }

    fn x(&self, place: f64) -> f64 {
        MARGIN + place / self.last * (WIDTH - 2.0 * MARGIN)
    }

    fn y(&self, value: f64) -> f64 {
        let range = if self.high > self.low {
            self.high - self.low
        } else {
            1.0
        };
        MARGIN + (self.high - value) / range * (HEIGHT - 2.0 * MARGIN)
    }

    fn chart(&self, name: &str, drawn: &Markup, axis: &str) -> Markup {
        html! {
            figure.chart {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) role="img" aria-label=(name) {
                    path.base d=(format!("M0 {:.1}H{WIDTH}M0.5 0V{HEIGHT}", HEIGHT - 0.5)) {}
                    (drawn)
                }
                figcaption { (axis) "; from " (numbers::metric(self.low)) " to " (numbers::metric(self.high)) }
            }
        }
    }
}

/// Every complete trial as a point, and the best so far as a line.
#[allow(clippy::cast_precision_loss, reason = "trials are few")]
fn worth(study: &StudyDetails) -> Markup {
    let points: Vec<(&Trial, f64)> = study
        .trials
        .iter()
        .filter_map(|trial| Some((trial, trial.value?)))
        .collect();
    let last = study.trials.last().map_or(0.0, |trial| trial.number as f64);
    let scale = Scale::new(points.iter().map(|(_, value)| *value), last);
    let better = |one: f64, other: f64| {
        if study.goal == "min" {
            one < other
        } else {
            one > other
        }
    };
    let mut line = String::new();
    let mut best: Option<f64> = None;
    for (trial, value) in &points {
        let x = scale.x(trial.number as f64);
        match best {
            None => line += &format!("M{x:.1} {:.1}", scale.y(*value)),
            Some(known) if better(*value, known) => {
                line += &format!("H{x:.1}V{:.1}", scale.y(*value))
            }
            Some(_) => line += &format!("H{x:.1}"),
        }
        best = Some(
            best.filter(|known| !better(*value, *known))
                .unwrap_or(*value),
        );
    }
    let drawn = html! {
        path.line d=(line) {}
        @for (trial, value) in &points {
            circle.best[study.best == Some(trial.number)] cx=(format!("{:.1}", scale.x(trial.number as f64))) cy=(format!("{:.1}", scale.y(*value))) r="3.2" {
                title { "Trial " (trial.number) ": " (numbers::metric(*value)) }
            }
        }
    };
    let name = format!("{} of {} trials", study.metric, points.len());
    scale.chart(
        &name,
        &drawn,
        "Trials from left to right, the line is the best so far",
    )
}

/// The curves of all trials over each other, the best one on top.
#[allow(clippy::cast_precision_loss, reason = "steps are few")]
fn curves(study: &StudyDetails, metric: &str) -> Markup {
    let mut curves: Vec<(&Trial, &Vec<f64>)> = study
        .trials
        .iter()
        .filter_map(|trial| Some((trial, trial.curves.get(metric)?)))
        .collect();
    curves.sort_by_key(|(trial, _)| study.best == Some(trial.number));
    let last = curves
        .iter()
        .map(|(_, values)| values.len().saturating_sub(1))
        .max()
        .unwrap_or(0);
    let scale = Scale::new(
        curves.iter().flat_map(|(_, values)| values.iter().copied()),
        last as f64,
    );
    let points = |values: &[f64]| {
        let finite = values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite());
        let points = finite
            .map(|(step, value)| format!("{:.1},{:.1}", scale.x(step as f64), scale.y(*value)));
        points.collect::<Vec<_>>().join(" ")
    };
    let drawn = html! {
        @for (trial, values) in &curves {
            polyline.(trial.state).best[study.best == Some(trial.number)] points=(points(values)) { title { "Trial " (trial.number) } }
        }
    };
    let name = format!("{metric} of {} trials by step", curves.len());
    scale.chart(
        &name,
        &drawn,
        "Steps from left to right, the best trial is the bold line",
    )
}

fn table(study: &StudyDetails) -> Markup {
    let params: BTreeSet<&String> = study
        .trials
        .iter()
        .filter_map(|trial| trial.params.as_object())
        .flat_map(serde_json::Map::keys)
        .collect();
    html! {
        div.scroll tabindex="0" role="group" aria-label="Trials" {
            table.rows.small data-rows {
                thead { tr {
                    th.number scope="col" { "Trial" } th scope="col" { "State" } th.number scope="col" { (study.metric) }
                    @for param in &params { th.number[is_number(study, param)] scope="col" { code { (param) } } }
                } }
                tbody { @for trial in &study.trials { tr {
                    th.number scope="row" { a href=(link::stage(&study.run, &trial.stage)) { (trial.number) } @if study.best == Some(trial.number) { " " span.tag { "best" } } }
                    td { (state(trial)) @if let Some(failure) = &trial.failure { span.because { (text::prose(failure)) } } }
                    td.number { @if let Some(value) = trial.value { (numbers::metric(value)) } }
                    @for param in &params { td.number[is_number(study, param)] { (values::plain(trial.params.get(param.as_str()).unwrap_or(&Value::Null))) } }
                } } }
            }
        }
    }
}

/// Whether all trials have a number for a parameter.
fn is_number(study: &StudyDetails, param: &str) -> bool {
    let mut values = study.trials.iter().map(|trial| &trial.params[param]);
    values.all(|value| value.is_number() || value.is_null())
}

/// What a study was declared with: the parameters that it tries, and whatever else.
fn declared(declared: &Value) -> Markup {
    let space = declared.pointer("/sampled/study/space");
    html! {
        @if let Some(space) = space.and_then(Value::as_object).filter(|space| !space.is_empty()) {
            div.part.scroll tabindex="0" role="group" aria-label="Space" {
                table.rows.small {
                    thead { tr { th scope="col" { "Parameter" } th scope="col" { "Tried" } th scope="col" { "How" } } }
                    tbody { @for (name, range) in space { tr {
                        th scope="row" { code { (name) } }
                        td { @if range["values"].is_array() { (values::exact(&range["values"])) }
                            @else { (values::raw(&range["low"])) " to " (values::raw(&range["high"])) } }
                        td.quiet { (how(range)) }
                    } } }
                }
            }
            details { summary { "All that it was declared with" } (values::exact(declared)) }
        } @else {
            (values::exact(declared))
        }
    }
}

/// In what way values of a range are drawn.
fn how(range: &Value) -> String {
    let kind = match range["kind"].as_str() {
        Some("int") => "whole numbers",
        Some("float") => "numbers",
        Some("choice") => "one of these",
        other => other.unwrap_or_default(),
    };
    let mut how = kind.to_owned();
    if range["log"] == true {
        how += ", by their logarithms";
    }
    if let Some(step) = range["step"].as_f64().filter(|step| *step > 1.0) {
        how += &format!(", in steps of {step}");
    }
    how
}

fn state(trial: &Trial) -> Markup {
    match (trial.state, trial.stopped_at) {
        ("complete", _) => mark::worded("succeeded", "complete"),
        ("stopped", Some(step)) => {
            mark::worded("cancelled", &format!("stopped after step {}", step + 1))
        }
        ("failed", _) => mark::state("failed"),
        ("open", _) => mark::worded("pending", "open"),
        (other, _) => mark::state(other),
    }
}
