//! Why stages ran, or did not have to.

use serde_json::Value;
use trueline_engine::{Change, Explained, Explanation};
use trueline_store::{CacheDecision, StageState};

use super::{facts, section};
use crate::grid::{Cell, Grid, cell};
use crate::style::{Style, Tone};
use crate::views::stages::mark;

/// Every stage with what was decided and why, and what changed with old and new value; `in_full` with all
/// that the result was computed from.
pub(crate) fn explain(explanation: &Explanation, in_full: bool, style: Style) -> String {
    let mut text = format!(
        "{} {}\n",
        style.bold(&explanation.pipeline),
        style.dim(explanation.run.as_str())
    );
    text.push('\n');
    for stage in &explanation.stages {
        text += &head(stage, style);
        text += &changed(&stage.changes, style);
        if in_full {
            let key = stage.key.map(|key| key.to_string());
            let ingredients = stage
                .ingredients
                .as_ref()
                .map(|all| ingredients(all, style));
            text += &section("key", &facts(key.map(|key| ("digest", key)), style), style);
            text += &section("computed from", &ingredients.unwrap_or_default(), style);
        }
    }
    text
}

fn head(stage: &Explained, style: Style) -> String {
    let mark = mark(stage.state);
    let what = match (stage.decision, stage.state) {
        (Some(CacheDecision::Hit), _) => "cached",
        (Some(_), StageState::Running) => "running",
        (Some(_), _) => "ran",
        (None, state) => state.as_str(),
    };
    format!(
        "{} {} {}: {}\n",
        style.mark(mark),
        style.bold(&stage.stage),
        style.paint(mark.tone(), what),
        stage.why
    )
}

fn changed(changes: &[Change], style: Style) -> String {
    let mut grid = Grid::default();
    let arrow = if style.unicode { "→" } else { "->" };
    for change in changes {
        let shown = |value: &Option<Value>| match value {
            Some(value) => cell(short(value)),
            None => cell("-").tone(Tone::Dim),
        };
        grid.row([
            cell(change.ingredient.as_str()).tone(Tone::Accent),
            shown(&change.old).tone(Tone::Dim),
            cell(arrow).tone(Tone::Dim),
            shown(&change.new),
        ]);
    }
    grid.render(4, style)
}

/// All ingredients, one a line.
fn ingredients(all: &Value, style: Style) -> String {
    let mut grid = Grid::default();
    for (name, value) in trueline_engine::ingredients(all) {
        grid.row([
            Cell::default(),
            cell(name).tone(Tone::Dim),
            cell(short(&value)),
        ]);
    }
    grid.render(0, style)
}

/// A value on a line: digests and long texts are cut; `--json` has them in full.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::String(text) => match text.parse::<trueline_table::Digest>() {
            Ok(digest) => return digest.short(),
            Err(_) => format!("\"{text}\""),
        },
        value => value.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
