//! What is defined, what was taken in, and what features are.

mod quarantine;
mod skew;

pub(crate) use quarantine::{dropped, json_rows, quarantine, quarantined};
pub(crate) use skew::skew;

use std::collections::BTreeMap;

use serde_json::Value;
use trueline_features::{
    Change, Definitions, Ingested, Kind, Made, Materialized, Planned, Receipt,
};

use super::{facts, section};
use crate::grid::{Grid, cell};
use crate::numbers;
use crate::style::{Style, Tone};

/// What applying definitions changes.
pub(crate) fn plan(plan: &[Planned], is_applied: bool, style: Style) -> String {
    let mut grid = Grid::default();
    let mut count = 0_u64;
    for planned in plan {
        let (word, tone) = match planned.change {
            Change::Same => continue,
            Change::New => ("new", Tone::Good),
            Change::Changed => ("changed", Tone::Warning),
            Change::Removed => ("removed", Tone::Bad),
        };
        count += 1;
        let version = planned.version.map(|version| version.short());
        let mut details = planned.details.clone();
        if (planned.change, planned.kind) == (Change::New, Kind::Source) {
            details.push("times without a zone are taken as UTC".to_owned());
        }
        grid.row([
            cell(word).tone(tone),
            cell(planned.kind.name()),
            cell(planned.name.as_str()).tone(Tone::Bold),
            cell(version.unwrap_or_default()).tone(Tone::Dim),
            cell(details.join(", ")),
        ]);
        for broken in &planned.breaks {
            grid.row([
                cell("breaks").tone(Tone::Bad),
                cell(""),
                cell(""),
                cell(""),
                cell(broken.as_str()).tone(Tone::Bad),
            ]);
        }
    }
    if count == 0 {
        return "nothing changes\n".to_owned();
    }
    let outcome = match is_applied {
        true => format!("{} applied", numbers::plural(count, "change")),
        false => format!("{}, not applied", numbers::plural(count, "change")),
    };
    format!("{outcome}\n{}", grid.render(2, style))
}

/// Everything that is in force.
pub(crate) fn definitions(definitions: &Definitions, style: Style) -> String {
    let mut services = Grid::default();
    for (name, service) in &definitions.services {
        let features = service.features.iter();
        let names: Vec<_> = features
            .map(|feature| format!("{}:{}", feature.view, feature.feature))
            .collect();
        services.row([
            cell(name.as_str()).tone(Tone::Bold),
            cell(service.version().short()).tone(Tone::Dim),
            cell(names.join(", ")),
        ]);
    }
    let mut views = Grid::default();
    for (name, view) in &definitions.views {
        let features = view.features.iter();
        let names: Vec<_> = features
            .map(|feature| format!("{} {}", feature.name, feature.data_type))
            .collect();
        views.row([
            cell(name.as_str()).tone(Tone::Bold),
            cell(view.version().short()).tone(Tone::Dim),
            cell(format!("of {}", view.entities.join(", "))),
            cell(format!("from {}", view.source)),
            cell(names.join(", ")),
        ]);
    }
    for (name, view) in &definitions.derived {
        let features = view.features.iter();
        let names: Vec<_> = features
            .map(|feature| format!("{} {}", feature.name, feature.data_type))
            .collect();
        let mut of: Vec<&str> = view
            .inputs
            .iter()
            .map(|input| input.view.as_str())
            .collect();
        of.dedup();
        let request: Vec<_> = view
            .request
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let from = match request.is_empty() {
            true => "when it is read".to_owned(),
            false => format!("from the request: {}", request.join(", ")),
        };
        views.row([
            cell(name.as_str()).tone(Tone::Bold),
            cell(view.version().short()).tone(Tone::Dim),
            cell(format!("of {}", of.join(", "))),
            cell(from),
            cell(names.join(", ")),
        ]);
    }
    let mut entities = Grid::default();
    for (name, entity) in &definitions.entities {
        let keys = entity.keys.iter();
        let keys: Vec<_> = keys.map(|(key, kind)| format!("{key} {kind}")).collect();
        entities.row([cell(name.as_str()).tone(Tone::Bold), cell(keys.join(", "))]);
    }
    let text = section("services", &services.render(2, style), style)
        + &section("views", &views.render(2, style), style)
        + &section("entities", &entities.render(2, style), style);
    match text.strip_prefix('\n') {
        Some(text) => text.to_owned(),
        None => "nothing is in force\n".to_owned(),
    }
}

/// What was taken in.
pub(crate) fn materialized(done: &Materialized, style: Style) -> String {
    if done.loaded.is_empty() && done.seen.is_empty() && done.streamed.is_empty() {
        if !done.quarantined.is_empty() {
            return String::new();
        }
        return "both stores are up to date\n".to_owned();
    }
    let mut grid = Grid::default();
    for (source, rows) in &done.loaded {
        let rows = numbers::plural(rows.unsigned_abs(), "row");
        grid.row([
            cell("loaded"),
            cell(rows).right(),
            cell(format!("from source {source}")),
        ]);
    }
    for (source, ingested) in &done.streamed {
        grid.row([
            cell("read"),
            cell(numbers::plural(ingested.rows, "row")).right(),
            cell(format!(
                "from the stream of source {source}{}",
                apart(ingested)
            )),
        ]);
    }
    for (view, rows) in &done.seen {
        let rows = numbers::plural(*rows, "row");
        grid.row([
            cell("online"),
            cell(rows).right(),
            cell(format!("into view {view}")),
        ]);
    }
    grid.render(2, style)
}

/// What came in streams, a line a source.
pub(crate) fn ingested(done: &BTreeMap<String, Ingested>) -> String {
    let lines = done.iter().map(|(source, ingested)| {
        let rows = numbers::plural(ingested.rows, "row");
        format!(
            "{rows} from the stream of source {source}{}\n",
            apart(ingested)
        )
    });
    lines.collect()
}

fn apart(ingested: &Ingested) -> String {
    match ingested.quarantined {
        0 => String::new(),
        count => format!(", {} to quarantine", numbers::count(count)),
    }
}

/// What the log answered.
pub(crate) fn pushed(receipts: &[Receipt]) -> String {
    let rows = |repeated| -> u64 {
        let receipts = receipts
            .iter()
            .filter(|receipt| receipt.repeated == repeated);
        receipts.map(|receipt| receipt.rows.unsigned_abs()).sum()
    };
    let (new, repeated) = (rows(false), rows(true));
    let mut text = String::new();
    if new > 0 || repeated == 0 {
        text += &format!("{} taken in, in both stores\n", numbers::plural(new, "row"));
    }
    if repeated > 0 {
        text += &format!(
            "{} had been there already\n",
            numbers::plural(repeated, "row")
        );
    }
    text
}

/// What a training set holds.
pub(crate) fn training_set(made: &Made, file: &str, style: Style) -> String {
    let manifest = &made.manifest;
    let mut known = vec![
        ("file", file.to_owned()),
        ("rows", numbers::count(manifest.rows)),
        ("columns", manifest.columns.fields.len().to_string()),
        (
            "as of",
            format!("{}, UTC where it has no zone", manifest.spine.time),
        ),
        ("training set", made.digest.to_string()),
    ];
    if let Some((name, version)) = &manifest.service {
        known.push(("service", format!("{name}@{}", version.short())));
    }
    let heads = [
        "view",
        "version",
        "found",
        "expired",
        "not found",
        "no entity",
    ];
    let mut grid = Grid::with_heads(heads.iter().enumerate().map(|(index, head)| {
        let head = cell(*head);
        if index < 2 { head } else { head.right() }
    }));
    for view in &manifest.views {
        let counts = &view.counts;
        grid.row([
            cell(view.name.as_str()).tone(Tone::Bold),
            cell(view.version.short()).tone(Tone::Dim),
            cell(numbers::count(counts.found)).right(),
            cell(numbers::count(counts.expired)).right(),
            cell(numbers::count(counts.not_found)).right(),
            cell(numbers::count(counts.no_entity)).right(),
        ]);
    }
    facts(known, style) + &section("rows of the spine", &grid.render(2, style), style)
}

/// Features of one entity.
pub(crate) fn answer(features: &Value, style: Style) -> String {
    let mut grid = Grid::with_heads(["feature", "value", "status", "of (UTC)", "view"].map(cell));
    for feature in features.as_array().into_iter().flatten() {
        let text = |key: &str| match &feature[key] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let status = text("status");
        let tone = match status.as_str() {
            "PRESENT" => Tone::Good,
            _ => Tone::Warning,
        };
        grid.row([
            cell(text("feature")).tone(Tone::Bold),
            cell(text("value")),
            cell(status.to_lowercase().replace('_', " ")).tone(tone),
            cell(text("event_time")),
            cell(text("view")).tone(Tone::Dim),
        ]);
    }
    grid.render(2, style)
}
